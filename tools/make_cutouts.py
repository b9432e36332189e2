"""Make data/cutouts/ and its rows in data/README.md: photographed things with exact masks, from Tux Paint's stamps.

    python tools/make_cutouts.py tuxpaint-stamps-default_2025.03.31-1_all.deb

The package is Debian's (`apt-get download tuxpaint-stamps-default`). The collection is under the GPL, version 2 or
later; where its docs/CONTRIBUTORS.txt names another author or licence for a stamp, so does the index. Left out are
drawings, lettering, and what CONTRIBUTORS.txt credits to somebody without a licence that allows for shipping, or under
the GFDL alone. data/photos must be there: the networks are asked what they see when a thing is pasted on four of them.
"""

import io
import sys
from pathlib import Path

import torch
from packing import DATA, debian, pack, webp, write_index, write_rows
from PIL import Image

from u3lab import images, nets
from u3lab.datasets import cutouts, photos

LONGEST, QUALITY = 200, 85
STAMPS = "./usr/share/tuxpaint/stamps/"
COLLECTION = ("the authors of Tux Paint's stamps", "GPL 2 or later")
# kind → folder → names of the stamps; "name=stamp" where ours is another. A "+" joins those of one series to the first,
# which is of the same author and much like it: a split keeps them together.
KINDS = {
    "bird": {"animals/birds": "adelaide_rosella=adelaide-rosella albino_peahen blackbird chicken=chicken_profile crow "
             "crowned_crane cuckoo drake duck gander guineafowl hen heron=heron_greatblue heron_flying=heron_greatblue"
             "_flying+heron lark little_penguin=little-penguin magellanic_penguin magpie nandou ostrich owl peacock "
             "pelican penguin pigeon flamingo=pink_flamingo quetzal lorikeet=rainbow-lorikeet rooster seagull "
             "silver_gull=silver-gull toucan=tucan turkey vulture"},
    "fish": {"animals/fish": "bluegroper butterflyfish coraltrout dolphinfish lionfish moonwrasse seahorse "
             "stripedfish"},
    "shellfish": {"animals/fish": "lobster shrimp", "animals/shellfish": "abalone mussel=murray-mussel"},
    "insect": {"animals/insects": "slug=Brown_slug grasshopper hornet hoverfly mantis moth=xanthia"},
    "reptile": {"animals/amphibians": "frog brown_frog=frog-1", "animals/lizards": "iguana"},
    "ape": {"animals/mammals/apes": "chimpanzee=chimp gorilla tamarin=tamarin_emperor"},
    "sea mammal": {"animals/mammals/aquatic": "dolphin orca sea_lion"},
    "bear": {"animals/mammals/bears": "bear european_bear=european-bear"},
    "bovine": {"animals/mammals/bovines": "bison bull cow white_cow=cow_white yak zebu"},
    "antelope": {"animals/mammals/bovines": "gnu=gnu-stand gnu_sitting=gnu-sitting+gnu gnu_calf=gnu-baby+gnu "
                 "gnu_calf_standing=gnu-baby-stand+gnu blackbuck=indian_blackbuck"},
    "sheep": {"animals/mammals/bovines": "goat mountain_goat=mountaingoat ram sheep lamb=sheep_lamb"},
    "camel": {"animals/mammals/camel": "camel dromedary"},
    "cat": {"animals/mammals/cats": "lion=lion-2 lying_lion=lion tiger sumatran_tiger=tiger_sumatran"},
    "deer": {"animals/mammals/deer": "caribou deer doe wapiti"},
    "dog": {"animals/mammals/dogs": "dingo dog fox"},
    "horse": {"animals/mammals/equines": "donkey grazing_donkey=donkey_eating horse zebra"},
    "rabbit": {"animals/mammals/lagomorphs": "rabbit white_rabbit=rabbit-2 little_rabbit=rabbit_little"},
    "pig": {"animals/mammals": "pig golden_pig=pig_golden lying_pig=pig_golden2+golden_pig wild_boar=wildboar"},
    "rodent": {"animals/mammals/rodents": "beaver capybara marmot mouse rat squirrel"},
    "marsupial": {"animals/marsupials": "kangaroo koala wombat"},
    "mammal": {"animals/mammals": "badger elephant ferret giraffe hippopotamus rhinoceros=rhino_black"},
    "fruit": {"food/fruit": "fuji_apple=apple_fuji green_apple=apple_granny_smith sierra_apple=apple_sierra_beauty "
              "avocado cherimoya kiwi lemon mandarine mango orange_seville pear pomegranate strawberry"},
    "nut": {"food/nuts": "almond pecan walnut"},
    "vegetable": {"food/vegetables": "broccoli chilepepper corn eggplant garlics pattypan_squash redlettuce "
                  "yellowpepper", "food/spices": "ginger"},
    "dish": {"seasonal/christmas": "mince_pie=Mince_Pie roast_turkey=Roast_turkey candy_cane=Candy_cane_photo_1"},
    "flower": {"plants/flowers": "adeenia anemone=anemone_red anthoorium appooppanthady bolsom chemparathi daffodil "
               "flower1 flower2 flower3 flower4 flower5 flower6 flower7 flower8 flower9 flower10 iris marigold pigface "
               "gazania=red-gazania rose petunia=whitestar-petunia yellow_flower=yellow-flower",
               "plants/flowers/plastic": "plastic_flower=chuvanna_plastic_poo"},
    "tree": {"plants/trees": "birch holm_oak palm=liberia-palm tree=tree336",
             "seasonal/christmas": "christmas_tree=Christmas_Tree_photo"},
    "plant": {"plants": "lavender lettuce_bolted thyme eggplant_plant=eggplant",
              "plants/trees": "pinecone rambutan"},
    "mushroom": {"plants/mushrooms": "cep purple_mushroom=cep-2 stout_cep=cep-1+cep"},
    "tool": {"household/tools": "hammer mallet=mallet_metal tape_measure=measuring_tape paintbrush=paintbrush_large "
             "pliers=plyers saw spade wrench adjustable_wrench=wrench_adjustable pipe_wrench=wrench_plumbers toolbox",
             "household/arttools": "scissors=scissors_small_open closed_scissors=scissors_small_closed+scissors"},
    "kitchen": {"household/dishes": "teapot", "household/dishes/utensils": "nutcracker pepper_grinder"},
    "household": {"household": "compost_bin=home_compost_bin garbage_can=garbagecan gas_cylinder=cylinder "
                  "rubber_duck=rubberduck toilet", "clothes": "clothes_peg=clothespin_new "
                  "old_clothes_peg=clothespin_old", "sports": "trophy=trophy_cup"},
    "instrument": {"hobbies": "binoculars camera=camera_35mm", "hobbies/music/string": "guitar=guitar_classical "
                   "electric_guitar=guitar_electric", "medical": "thermometer=mercurythermometer stethoscope syringe"},
    "ball": {"sports": "basketball cricket_ball=cricketball football soccer_ball=soccer tennis_ball"},
    "vehicle": {"vehicles/auto": "sedan sports_car=sportscar2 pickup=truck", "vehicles/construction": "dumper",
                "vehicles/emergency": "firetruck", "vehicles": "garbage_truck=garbagetruck tractor_wheel=wheel_tractor",
                "vehicles/race": "racing_car=indycar", "household/tools": "cement_mixer=cementmixer"},
    "craft": {"vehicles/flight": "balloon=balloon360", "vehicles/flight/planes": "airliner=747",
              "vehicles/ship": "junk=chineseJunk sailing_boat=walnutBoat",
              "space": "lunar_lander=apollo_lander astronaut=spacewalk voyager=voyager2"}}
# the class of ImageNet that a thing shows; left out where none is right, as for the mallard's hen or the chamois
CLASSES = {
    "lorikeet": "lorikeet", "chicken": "hen", "hen": "hen", "rooster": "cock", "crowned_crane": "crane bird",
    "drake": "drake", "duck": "drake", "gander": "goose", "penguin": "king penguin", "magpie": "magpie",
    "ostrich": "ostrich", "peacock": "peacock", "pelican": "pelican", "flamingo": "flamingo", "toucan": "toucan",
    "vulture": "vulture", "lionfish": "lionfish", "lobster": "spiny lobster", "slug": "slug",
    "grasshopper": "grasshopper", "mantis": "mantis", "iguana": "common iguana", "chimpanzee": "chimpanzee",
    "gorilla": "gorilla", "orca": "killer whale", "sea_lion": "sea lion", "bear": "brown bear",
    "european_bear": "brown bear", "bison": "bison", "ram": "ram", "dromedary": "Arabian camel", "lion": "lion",
    "lying_lion": "lion", "tiger": "tiger", "sumatran_tiger": "tiger", "dingo": "dingo", "fox": "red fox",
    "zebra": "zebra", "pig": "hog", "golden_pig": "hog", "lying_pig": "hog", "wild_boar": "wild boar",
    "beaver": "beaver", "marmot": "marmot", "koala": "koala", "wombat": "wombat", "badger": "badger",
    "elephant": "African elephant", "hippopotamus": "hippopotamus", "green_apple": "Granny Smith", "lemon": "lemon",
    "mandarine": "orange", "orange_seville": "orange", "pomegranate": "pomegranate", "strawberry": "strawberry",
    "broccoli": "broccoli", "corn": "ear", "yellowpepper": "bell pepper", "cep": "bolete", "stout_cep": "bolete",
    "binoculars": "binoculars", "camera": "reflex camera", "guitar": "acoustic guitar",
    "electric_guitar": "electric guitar", "teapot": "teapot", "garbage_can": "ashcan", "toilet": "toilet seat",
    "hammer": "hammer", "paintbrush": "paintbrush", "spade": "shovel", "stethoscope": "stethoscope",
    "syringe": "syringe", "basketball": "basketball", "soccer_ball": "soccer ball",
    "tennis_ball": "tennis ball", "sports_car": "sports car", "pickup": "pickup", "firetruck": "fire engine",
    "garbage_truck": "garbage truck", "balloon": "balloon", "airliner": "airliner", "racing_car": "racer"}
WIKI = "Wikimedia Commons"
# author, licence → the stamps that CONTRIBUTORS.txt credits so
CREDITS = {
    ("Stas Zytkiewicz (Childsplay)", "GPL 2 or later"):
        "badger bear beaver bison blackbird bull camel caribou chimpanzee cow crow cuckoo deer doe dog dolphin donkey "
        "dromedary duck elephant ferret fox frog gander giraffe goat gorilla grasshopper hippopotamus hornet horse "
        "iguana koala lark marmot mountain_goat mouse nandou orca owl penguin pig quetzal rabbit ram seagull squirrel "
        "toucan turkey vulture wombat moth yak zebra",
    ("Caroline Ford", "GPL 2 or later"):
        "compost_bin drake hen chicken white_cow sheep lamb golden_pig lying_pig garbage_truck daffodil spade "
        "gas_cylinder cement_mixer tractor_wheel",
    ("Chris Goerner", "GPL 2 or later"):
        "lemon mandarine yellow_flower pigface abalone adelaide_rosella dingo kangaroo little_penguin magpie mussel "
        "lorikeet silver_gull",
    ("Jim Trice", "GPL 2 or later"): "junk sailing_boat",
    ("John O'Sullivan", "GPL 2 or later"): "bluegroper butterflyfish coraltrout dolphinfish lionfish moonwrasse "
                                           "stripedfish",
    ("Steve Karg", "public domain"): "broccoli",
    ("NOAA", "public domain"): "lobster shrimp seahorse",
    ("NASA", "public domain"): "lunar_lander astronaut voyager",
    ("Erinn Lynch", "CC BY-SA 2.5"): "pelican heron heron_flying",
    ("VHSS Irimpanam", "CC BY-SA 3.0"): "adeenia anthoorium appooppanthady bolsom chemparathi plastic_flower",
    (f"Guttorm Flatabø ({WIKI}, Brown_snail.jpg)", "CC BY-SA 2.5"): "slug",
    (f"Aaron M. Lang ({WIKI}, E28_b.JPG)", "CC BY 2.5"): "firetruck",
    (f"Martin Möller ({WIKI}, Classical_Guitar_two_views.jpg)", "CC BY-SA 2.0 DE"): "guitar",
    (f"André Karwath ({WIKI}, E-Gitarre.jpg)", "CC BY-SA 2.5"): "electric_guitar",
    (f"reisio ({WIKI}, Basketball.png)", "public domain"): "basketball",
    (f"Albinomonkey ({WIKI}, Cricketball.png)", "public domain"): "cricket_ball",
    (f"{WIKI}, Tennis_ball.jpg", "no usage restrictions"): "tennis_ball",
    (f"Kathleen French ({WIKI}, Candy_canes.png)", "public domain"): "candy_cane",
    (f"Jorge Barrios ({WIKI}, Arbol_Navidad_01.jpg)", "public domain"): "christmas_tree",
    (f"Jmb ({WIKI}, Mince_Pie_PICT6877a.jpg)", "CC BY 2.5"): "mince_pie",
    (f"Patrick Fitzgerald ({WIKI}, Thanksgiving_Turkey.jpg)", "CC BY 2.0"): "roast_turkey",
    (f"Menchi and David ({WIKI}, Clinical_thermometer_38.7.JPG)", "CC BY-SA 3.0"): "thermometer",
    (f"{WIKI}, Stethoscope.jpg", "public domain"): "stethoscope"}
BACKGROUNDS = ("mountain_meadow", "stream", "sunset", "mont_saint_michel")
NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
SHARE = 190 / 227  # of the background's side, that the thing's longer side takes


def table() -> dict[str, tuple[str, dict[str, object]]]:
    """Name → the stamp's file, and the entry of the index."""
    credit = {name: key for key, names in CREDITS.items() for name in names.split()}
    made: dict[str, tuple[str, dict[str, object]]] = {}
    for kind, folders in KINDS.items():
        number: dict[str, int] = {}
        for folder, words in folders.items():
            for word in words.split():
                rest, _, series = word.partition("+")
                name, _, stamp = rest.partition("=")
                series = series or name
                author, licence = credit.pop(name, COLLECTION)
                place = number.setdefault(series, len(number))
                if name in made:
                    raise SystemExit(f"{name} is there twice")
                made[name] = f"{STAMPS}{folder}/{stamp or name}.png", {
                    "kind": kind, "label": CLASSES.get(name), "series": series,
                    "split": "test" if place % 3 == 2 else "train", "author": author, "licence": licence}
    if lost := credit.keys() | (CLASSES.keys() - made.keys()):
        raise SystemExit(f"no stamps of these names: {', '.join(sorted(lost))}")
    return made


def cut(file: bytes) -> Image.Image:
    """The stamp without its empty border."""
    with Image.open(io.BytesIO(file)) as picture:
        picture = picture.convert("RGBA")
    return picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox())


def named(index: dict[str, dict[str, object]]) -> None:
    """Note on how many of the four backgrounds each network gives a thing's class the first place."""
    scenes = torch.cat([photos.load(name, size=227) for name in BACKGROUNDS])
    for network in NETWORKS:
        net = nets.load(network, device="cpu")
        backgrounds = images.resize(scenes, net.size)
        for name, entry in index.items():
            if entry["label"] is not None:
                seen, _ = cutouts.paste(name, backgrounds, size=SHARE)
                with torch.no_grad():
                    right = net(seen).argmax(1) == net.classes.index(entry["label"])
                entry.setdefault("named", {})[network] = int(right.sum())


def main(package: str) -> None:
    wanted = {path for path, _ in table().values()}
    found = debian(Path(package), wanted.__contains__)
    if missing := wanted - found.keys():
        raise SystemExit(f"not in the package: {', '.join(sorted(missing))}")
    index = {name: entry for name, (_, entry) in table().items()}
    folder = DATA / "cutouts"
    folder.mkdir(exist_ok=True)
    pack(folder / "cutouts.zip", {f"{name}.webp": webp(cut(found[path]), QUALITY, LONGEST)
                                  for name, (path, _) in table().items()})
    write_index(folder / "index.json", index)
    named(index)
    write_index(folder / "index.json", index)
    (folder / "COPYING").write_bytes(Path("/usr/share/common-licenses/GPL-2").read_bytes())
    stamps = "Debian package tuxpaint-stamps-default 2025.03.31"
    write_rows("cutouts", [
        (folder / "cutouts.zip", f"{len(index)} photographed things without background, at most {LONGEST} px", stamps,
         "GPL 2 or later; some in the public domain or under CC BY or CC BY-SA, as `cutouts/index.json` says"),
        (folder / "index.json", "kind, ImageNet class, author, licence and split of each thing, and on how many of "
         "four backgrounds both networks name it rightly", "our own", "MIT"),
        (folder / "COPYING", "the text of the GNU General Public License, version 2", "Debian package base-files",
         "may be copied, not changed")], "python tools/make_cutouts.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
