"""Make data/photos/ and its rows in data/README.md: photographs of animals, places and nature by many authors.

    python tools/make_photos.py gcompris-qt-data_25.0.12-1_all.deb lomiri-wallpapers-16.04_20.04.0-4_all.deb \\
        lomiri-wallpapers-20.04_20.04.0-4_all.deb

The packages are Debian's (`apt-get download …`). Each line below has the credit that the collection states: GCompris in
the READMEs beside its pictures in its source, the wallpapers in the package's copyright file. Every third author of a
group is held out with all that is theirs.
"""

import io
import sys
from pathlib import Path

from make_pictures import gcompris
from packing import DATA, debian, pack, webp, write_index, write_rows
from PIL import Image

LONGEST, QUALITY = 512, 82
SHARP, AITZOL, FREESPACE = "Charles J. Sharp", "Aitzol Berasategi", "Trevor \"Freespace\""
BY, BYSA, CC0, PD = "CC BY", "CC BY-SA 4.0", "CC0 1.0", "public domain"
# name → file of GCompris, author, licence, file on Wikimedia Commons unless said otherwise, alt text
ANIMALS = {
    "alpaca": ("Dietmar Rabich", BYSA, "Dülmen,_Börnste,_Alpakas_--_2020_--_5338.jpg",
               "the head and neck of a white alpaca"),
    "bee": ("aussiegall", f"{BY} 2.0", "Pollinationn.jpg", "a bee flies to red blossom"),
    "butterfly": ("Jee & Rani Nature Photography", BYSA, "Parantica_aglea_at_Nayikayam_Thattu.jpg",
                  "a black and white butterfly on a blue flower"),
    "calf": ("Basile Morin", BYSA,
             "Close-up_photograph_of_a_calf's_head_looking_at_the_viewer_with_pricked_ears_in_Don_Det_Laos.jpg",
             "the head of a brown calf, seen from the front"),
    "camels": ("Alexandr frolov", BYSA, "Camelus_bactrianus_in_western_Mongolia_02.jpg",
               "a two-humped camel and its foal in a steppe"),
    "caterpillar": ("Ivar Leidus", BYSA, "Papilio_machaon_-_Daucus_carota_-_Keila.jpg",
                    "a green and black caterpillar on a stalk"),
    "chamaeleon": ("Benny Trapp", f"{BY} 3.0", "BennyTrapp_Chamaeleo_chamaeleon_Samos_Griechenland.jpg",
                   "a green chameleon walks along a branch"),
    "cheetah": (SHARP, BYSA, "Cheetah_(Acinonyx_jubatus)_female_2.jpg", "a cheetah lies in dry grass"),
    "crab": ("Nosferattus", CC0, "Sally_Lightfoot_Crab_2019.jpg", "a red and blue crab on rock"),
    "dolphin": ("טל שמע", BYSA, "Eilat_Dolphin_Reef_(3).jpg", "a dolphin under water, seen from below"),
    "flying_fox": ("Andrew Mercer", BYSA, "Grey_headed_flying_fox_-_AndrewMercer_IMG41848.jpg",
                   "a fruit bat in flight"),
    "gibbon": ("JJ Harrison", f"{BY} 3.0", "Hylobates_lar_-_Kaeng_Krachan_WB.jpg", "a gibbon hangs in a tree"),
    "giraffe": ("Sergio Cambelo", PD, "Giraffe.JPG", "the head and neck of a giraffe"),
    "goat": ("JoachimKohlerBremen", BYSA, "Walliser_Schwarzhalsziege,_Belalp_2014.jpg",
             "a black and white goat on a mountain"),
    "gorilla": (SHARP, BYSA, "Mountain_gorilla_(Gorilla_beringei_beringei)_female_2.jpg",
                "a gorilla lies in green leaves"),
    "gosling": ("Stephan Sprinz", BYSA, "Graugans-Gössel_(anser_anser)_im_Naturschutzgebiet_Wagbachniederung.jpg",
                "a yellow gosling on one leg"),
    "heron": ("Stephan Sprinz", BYSA, "Purpurreiher_(ardea_purpurea)_im_Flug_-_NSG_Wagbachniederung_1.jpg",
              "a heron in flight"),
    "horse": ("Eatcha", BYSA, "Zaniskari_Horse_in_Ladakh.jpg", "a brown horse before snowy mountains"),
    "kingfisher": ("Frank-2.0", CC0, "Eisvogel_kingfisher.jpg", "a kingfisher on a branch"),
    "kitten": ("GalgenTX", f"{BY} 2.0", "A_posing_kitten_(Flickr).jpg", "a ginger kitten looks over a board"),
    "long_nosed_monkey": (SHARP, BYSA, "Proboscis_monkey_(Nasalis_larvatus)_female_and_baby.jpg",
                          "a proboscis monkey with her young"),
    "macaque": ("PJeganathan", BYSA, "Bonnet_macaques_in_anaimalai_hills_JEG2730.jpg", "the head of a macaque"),
    "meerkats": (SHARP, BYSA, "Meerkat_(Suricata_suricatta)_Tswalu.jpg", "three meerkats stand upright"),
    "northern_harrier": ("Frank Schulenburg", BYSA, "Female_northern_harrier_in_flight-1142.jpg",
                         "a brown bird of prey in flight"),
    "nubian_ibex": ("Rhododendrites", BYSA, "Juvenile_Nubian_ibex_in_Mitzpe_Ramon_(40409).jpg",
                    "a young ibex before a desert"),
    "penguin": ("Gordon Leggett", BYSA, "2019-03-03_Chinstrap_penguin_on_Barrientos_Island,_Antarctica.jpg",
                "a chinstrap penguin on green ground"),
    "pika": ("NPS Climate Change Response", PD, "Flickr, npsclimatechange/23072904076", "a pika eats red leaves"),
    "red_panda": ("Mathias Appel", CC0, "Red_Panda_(30324056733).jpg", "the head of a red panda on a branch"),
    "rhinoceros": (SHARP, BYSA, "Indian_rhinoceros_(Rhinoceros_unicornis)_4.jpg", "an Indian rhinoceros by a river"),
    "spoonbills": ("Ryzhkov Sergey", BYSA, "Косарі_в_дельті_Дунаю.jpg", "two spoonbills in shallow water"),
    "squirrel": ("Роман Наумов", BYSA, "Білка_на_дереві_в_дендропарку_Олександрія.jpg",
                 "a squirrel looks round a trunk"),
    "swans": (SHARP, BYSA, "Mute_swans_(Cygnus_olor)_and_cygnets.jpg", "two swans with five cygnets on dark water"),
    "toucan": ("LG Nyqvist", BYSA, "Pteroglossus_torquatus_Costa_Rica.jpg", "a toucan on a branch")}
PLACES = {
    "arles": ("france/arlesAmphitheater", "(WT-fr) OT Arles", PD, "Arenes_arles.JPG", "the Roman arena of Arles"),
    "chambord": ("france/chateaudeChambord", "BjörnT", PD, "Chambord_Frontansicht.JPG",
                 "the castle of Chambord behind its lawn"),
    "chenonceau": ("france/chateaudeChenonceau", "Alf van Beem", PD, "Château_de_Chenonceau_photo_1.JPG",
                   "the castle of Chenonceau over its river"),
    "eiffel_tower": ("france/eiffelTower", "Tognopop", PD, "Eiffel_Tower_20051010.jpg", "the Eiffel Tower by day"),
    "mont_saint_michel": ("france/montStMichel", "Ali Sabbagh", PD, "Mont_Saint-Michel_IMG_5109_(48875955288).jpg",
                          "Mont Saint-Michel at low tide"),
    "palais_des_papes": ("france/palaisdesPapes", "Tognopop", PD,
                         "Main_entrance_of_the_Palais_des_Papes_-_20050823.jpg", "the Popes' palace in Avignon"),
    "reims_cathedral": ("france/reimsCathedral", "Mattana", PD, "Reims_Cathedrale_Notre_Dame_002_chevet.JPG",
                        "the cathedral of Reims from behind"),
    "rocamadour": ("france/rocamadour", "François Darras", PD, "Rocamadour_fda.jpg",
                   "houses of Rocamadour on a wooded cliff"),
    "ajanta": ("india/ajantaCave", "Jonathanawhite", PD, "Aurangabad_-_Ajanta_Caves_(32).JPG",
               "caves in a green slope at Ajanta"),
    "charminar": ("india/charminar", "Goutamkhandelwal", PD, "Charminar_1.JPG", "minarets of the Charminar"),
    "gateway_of_india": ("india/gatewayofIndia", "Simon Steinberger", PD, "Gateway-of-India.jpg",
                         "the Gateway of India lit up at dusk"),
    "golden_temple": ("india/goldenTemple", "Jasdeep Singh", PD, "Golden_Temple_.jpg",
                      "the Golden Temple in its lake"),
    "hawa_mahal": ("india/hawaMahal", "Janwiki", PD, "Hawa_Mahal,_Jaipur,_India.jpg",
                   "the front of the Hawa Mahal, all windows"),
    "konark": ("india/konarkSunTemple", "Tetraktys", PD, "Konark_Sun_Temple_Front_view.jpg",
               "walls of the sun temple at Konark"),
    "mysore_palace": ("india/mysorePalace", "Shiva sg", PD, "Mysore_Palace_2006.jpg", "the palace of Mysore"),
    "qutub_minar": ("india/qutubMinar", "pramadas", PD, "Qutubmin.jpg", "a minaret seen through an arch"),
    "rang_ghar": ("india/rangGhar", "Porikolpok Oxom", PD, "Rangghar_Assam.JPG", "a round red hall, the Rang Ghar"),
    "victoria_memorial": ("india/victoriaMemorial", "Anourag", PD, "Victoria_Memorial_Calcutta.jpg",
                          "the Victoria Memorial in Kolkata"),
    "chichen_itza": ("wonders/chichenItza", "Daniel Schwen", BYSA, "Chichen_Itza_3.jpg",
                     "the step pyramid of Chichen Itza"),
    "colosseum": ("wonders/colosseum", "Urse Ovidiu", PD, "Colosseum_Roma_2009.jpg", "the Colosseum in Rome"),
    "great_wall": ("wonders/greatWallofChina", "Nicolas Perrault III", PD, "Great_Wall_of_China_July_2006.JPG",
                   "the Great Wall on green hills"),
    "machu_picchu": ("wonders/machuPicchu", "Guillaume Pascal", PD, "Yet_another_pic_of_machu_picchu.jpg",
                     "Machu Picchu under its mountain"),
    "petra": ("wonders/petra", "Berthold Werner", PD, "Petra_Jordan_BW_36.JPG", "a temple cut in rock at Petra"),
    "taj_mahal": ("wonders/tajMahal", "Yann", BYSA, "Taj_Mahal,_Agra,_India.jpg", "the Taj Mahal and its long pool")}
# name → file, author, licence, alt text
NATURE = {
    "dandelions": ("seeding_by_Clements_Engelhardt", "Clemens Engelhardt", CC0, "seed heads of dandelions"),
    "trunk": ("Kleiber_by_Lukas_Baubkus", "Lukas Baubkus", "CC BY-SA 3.0", "a nuthatch behind a trunk"),
    "mountain_meadow": ("aitzgorri_by_Aitzol_Berasategi", AITZOL, f"{BY} 4.0", "a meadow, autumn woods and a ridge"),
    "stream": ("life_by_Aitzol_Berasategi", AITZOL, f"{BY} 4.0", "a stream between rocks in a wood"),
    "peaks": ("picosdeeuropa_by_Aitzol_Berasategi", AITZOL, f"{BY} 4.0", "rocky peaks with snow over a path"),
    "sunset": ("sunset_by_Aitzol_Berasategi", AITZOL, f"{BY} 4.0", "the sun sets behind hills"),
    "leaves": ("Dragonfly_by_Bolly", "Bolly", BYSA, "a dragonfly among leaves"),
    "fig": ("Picture_0B_by_freespace", FREESPACE, f"{BY} 4.0", "half a fig in a red bowl"),
    "paintbrushes": ("Picture_1A_by_freespace", FREESPACE, f"{BY} 4.0", "bright brushes in paint pots")}


def table() -> dict[str, tuple[str, dict[str, str]]]:
    """Name → the file in its package, and the entry of the index without its split."""
    def commons(file: str) -> str:
        return file if file.startswith("Flickr") else f"Wikimedia Commons, {file}"

    rows = [*((name, f"erase/resource/{name}.webp", "animal", caption, author, licence, commons(file))
              for name, (author, licence, file, caption) in ANIMALS.items()),
            *((name, f"explore_monuments/resource/{member}.webp", "place", caption, author, licence, commons(file))
              for name, (member, author, licence, file, caption) in PLACES.items()),
            *((name, f"{member}.jpg", "nature", caption, author, licence, f"Lomiri wallpapers, {member}.jpg")
              for name, (member, author, licence, caption) in NATURE.items())]
    keys = ("group", "caption", "author", "licence", "source")
    return {name: (member, dict(zip(keys, rest, strict=True))) for name, member, *rest in rows}


def main(first: str, *wallpapers: str) -> None:
    members = {member for member, _ in table().values()}
    found = gcompris(Path(first), members.__contains__)
    for package in wallpapers:
        taken = debian(Path(package), lambda path: Path(path).name in members)
        found |= {Path(path).name: file for path, file in taken.items()}
    files, index = {}, {}
    for name, (member, entry) in table().items():
        with Image.open(io.BytesIO(found[member])) as picture:
            files[f"{name}.webp"] = webp(picture.convert("RGB"), QUALITY, LONGEST)
        authors = list(dict.fromkeys(e["author"] for _, e in table().values() if e["group"] == entry["group"]))
        index[name] = entry | {"split": "test" if authors.index(entry["author"]) % 3 == 2 else "train"}
    folder = DATA / "photos"
    folder.mkdir(exist_ok=True)
    pack(folder / "photos.zip", files)
    write_index(folder / "index.json", index)
    write_rows("photos", [
        (folder / "photos.zip", f"{len(index)} photographs of animals, places and nature, at most {LONGEST} px",
         "GCompris, `erase` and `explore_monuments`; Lomiri wallpapers; file by file in `photos/index.json`",
         "public domain, CC0, CC BY or CC BY-SA, file by file in `photos/index.json`"),
        (folder / "index.json", "group, alt text, author, licence, source and split of each photo", "our own", "MIT")],
        "python tools/make_photos.py")


if __name__ == "__main__":
    main(*sys.argv[1:])
