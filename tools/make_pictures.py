"""Make data/pictures/ and its rows in data/README.md from pictures that other packages carry.

    python tools/make_pictures.py [gcompris-qt-data_25.0.12-1_all.deb]

scikit-image, scikit-learn and nilearn must be installed. The photos of GCompris lie in Debian's package
gcompris-qt-data (`apt-get download gcompris-qt-data`); without its path the ones that are there are kept.
Nothing is downloaded. The result is the same to the byte as long as Pillow's JPEG encoder is.
"""

import importlib.util
import io
import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from packing import DATA, debian, write_rows
from PIL import Image

from u3lab._system.paths import write_atomically

SHORT_SIDE, QUALITY = 320, 90
CC0_TEXTURES = "CC0, cc0textures.com"
NONE_KNOWN = "no known copyright restrictions"
TITLES = {"skimage": "scikit-image", "sklearn": "scikit-learn", "nilearn": "nilearn", "gcompris": "GCompris"}


class Picture(NamedTuple):
    group: str
    package: str
    member: str
    licence: str
    caption: str


def wiki(author: str, file: str) -> str:
    """The licence of the photos of GCompris."""
    return f"public domain, {author} (Wikimedia Commons, {file})"


FARM, WORLD = "explore_farm_animals/resource/animals/", "explore_world_animals/resource/animals/"
PLACES, THINGS = "explore_monuments/resource/", "categorization/resource/images/"
# Group, package, and name → file in it, licence as the package states it (data/README.md says where), alt text.
PACKED = [
    ("everyday", "skimage", {
        "coffee": ("coffee.png", "CC0, Rachel Michetti, courtesy of Pikolo Espresso Bar",
                   "a cup of espresso with a spoon on a saucer, on a wooden table"),
        "chelsea": ("chelsea.png", "CC0, Stéfan van der Walt", "the face of a ginger tabby cat"),
        "camera": ("camera.png", "CC0, Lav Varshney", "a man in a coat looks through a camera on a tripod, in grey"),
        "astronaut": ("astronaut.png", "public domain, NASA",
                      "the astronaut Eileen Collins in an orange suit, a flag and a model shuttle behind her"),
        "rocket": ("rocket.jpg", "public domain, SpaceX", "a rocket lifts off between towers at dusk"),
        "coins": ("coins.png", f"{NONE_KNOWN}, Brooklyn Museum", "24 Greek coins in four rows, in grey")}),
    ("everyday", "sklearn", {
        "china": ("china.jpg", "CC BY 2.0, danielbuechele (Flickr); made smaller",
                  "a Chinese temple with a tiled roof before a hill"),
        "flower": ("flower.jpg", "CC BY 2.0, vultilion (Flickr); made smaller",
                   "an orange dahlia in bloom before dark leaves")}),
    ("everyday", "gcompris", {
        "dog": (FARM + "dog.webp", wiki("Hans Kemperman", "German-shepherd-4040871920._(2).jpg"),
                "a German shepherd stands in a meadow"),
        "hens": (FARM + "chicken.webp", wiki("Tranquilles", "Chickens_at_Tranquilles_B&B.JPG"),
                 "four brown hens on grass"),
        "sheep": (FARM + "sheep.webp", wiki("Rob Mitchell", "Sheep_(33625876592).jpg"),
                  "a woolly sheep on grass looks at the camera"),
        "duck": (FARM + "duck.webp", wiki("Bernard Spragg", "Aylesbury_Duck._(9373723157).jpg"),
                 "a white duck before dark water"),
        "panda": (WORLD + "panda.webp", wiki("Jeff Kubina", "Giant_Panda_2004-03-2.jpg"),
                  "a giant panda sits on rocks"),
        "koala": (WORLD + "koala.webp", wiki("BurningWell", "Koala_Perth_Zoo.jpg"),
                  "a koala sits in the fork of a tree"),
        "polar_bear": (WORLD + "polar_bear.webp",
                       wiki("anonymous", "Churchill_Wildlife_Management_Area_polar_bear30.JPG"),
                       "a polar bear walks over snow and brush"),
        "lemur": (WORLD + "lemur.webp", wiki("Mathias Appel", "Lemur_(37122852696).jpg"),
                  "two ring-tailed lemurs on a log"),
        "komodo_dragon": (WORLD + "dragon.webp", wiki("TimVickers", "Varanus_komodoensis_(5).jpg"),
                          "a Komodo dragon lies on rock"),
        "bison": (WORLD + "bison.webp", wiki("Kurt Kaiser", "American_Bison_9.jpg"),
                  "an American bison walks through a green meadow"),
        "macaw": (WORLD + "scarlet_macaw.webp",
                  wiki("Dcoetzee", "Scarlet_macaw_at_Cougar_Mountain_Zoological_Park.jpg"),
                  "a scarlet macaw on a perch"),
        "goldfish": (THINGS + "fishes/fish25.webp", wiki("Necrophorus", "Goldfisch_1.jpg"),
                     "a goldfish before a black ground"),
        "clownfish": (THINGS + "fishes/fish9.webp", wiki("Jan Derk", "Common_clownfish.jpg"),
                      "two clownfish in a sea anemone"),
        "castle": (PLACES + "france/citedeCarcassonne.webp", wiki("Petitemontagnedujura", "Carcassonne_-_la_Cité.jpg"),
                   "walls and towers of Carcassonne"),
        "aqueduct": (PLACES + "france/pontduGard.webp", wiki("Mimova", "Pontdugard.jpg"),
                     "the Pont du Gard, a Roman aqueduct over a river"),
        "stupa": (PLACES + "india/greatStupa.webp", wiki("ArnoldBetten", "Sanchi_Stupa_1_(1999).JPG"),
                  "the great stupa of Sanchi in evening light"),
        "arch": (THINGS + "monuments/arcDeTriomphe.webp",
                 wiki("Markus Mark", "Arc_de_Triomphe_du_Carrousel,_Paris_May_2009_001.jpg"),
                 "the triumphal arch of the Carrousel in Paris"),
        "taj_mahal": (THINGS + "monuments/tajMahal.webp", wiki("David Castor", "Taj_Mahal-09.jpg"),
                      "the Taj Mahal on the bank of a river"),
        "palace": (THINGS + "monuments/zimniPalace.webp", wiki("AndreyA", "WinterPalactNight-center.jpg"),
                   "the Winter Palace lit up at night"),
        "hammer": (THINGS + "tools/hammer8.webp", "public domain, George Hodan (publicdomainpictures.net, 182654)",
                   "a claw hammer on white"),
        "screwdriver": (THINGS + "tools/screwDriver2.webp", wiki("hystiff", "Screwdriver_Phillips.jpg"),
                        "a screwdriver on a light ground")}),
    ("texture", "skimage", {
        "brick": ("brick.png", CC0_TEXTURES, "a brick wall, in grey"),
        "grass": ("grass.png", "CC0, linolafett (DeviantArt)", "grass from above, in grey"),
        "gravel": ("gravel.png", CC0_TEXTURES, "gravel, in grey"),
        "text": ("text.png", "public domain (Wikimedia Commons, Corner.png)",
                 "handwritten letters and signs seen at a slant, in grey")}),
    ("medical", "skimage", {
        "retina": ("retina.jpg", "CC0, Mikael Häggström",
                   "the retina of a healthy left eye: optic disc, vessels and macula"),
        "histology": ("ihc.png", f"{NONE_KNOWN}, Center for Microscopy and Molecular Imaging",
                      "glands of a colon under the microscope, FHL2 stained brown, nuclei blue")}),
    ("medical", "nilearn", {
        "brain": ("mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz",
                  "free with notice, Louis Collins, McGill University (notice below)",
                  "an axial T1 MRI slice of the average brain MNI152 at z = 10 mm; the left side is on the left")}),
    ("medical", "skimage", {
        "cell": ("cell.png", "CC0, see the docstring of skimage.data.cell",
                 "a cell in quantitative phase microscopy, in grey"),
        "microaneurysms": ("microaneurysms.png", "CC0, Andreas Maier",
                           "a detail of a diabetic retina, its green channel: microaneurysms are small dark dots")})]
PICTURES = {name: Picture(group, package, *rest) for group, package, found in PACKED for name, rest in found.items()}


def package_file(package: str, *parts: str) -> Path:
    return Path(importlib.util.find_spec(package).origin).parent.joinpath(*parts)


def brain(path: Path, height: int = 10) -> Image.Image:
    """The axial slice at z = ``height`` mm, 1 mm a pixel, front up; grey values scaled to the brightest voxel."""
    import nibabel

    volume = nibabel.as_closest_canonical(nibabel.load(path))  # axes go to the right, to the front and up
    level = round((height - volume.affine[2, 3]) / volume.affine[2, 2])
    slice_ = np.rot90(np.asarray(volume.dataobj[:, :, level], dtype=float))
    return Image.fromarray(np.round(255 * slice_ / slice_.max()).astype(np.uint8))


def gcompris(deb: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Read the wanted files out of the Qt resource archives (format "qres") in GCompris' Debian package."""
    archives = debian(deb, lambda path: path.endswith(".rcc")).values()
    return {path: file for archive in archives for path, file in _resources(archive, wanted).items()}


def _resources(rcc: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """A qres file: a tree of 22-byte nodes (name, flags, then children or data), names in UTF-16, data by length."""
    magic, _, tree, data, names = struct.unpack(">4s4I", rcc[:20])
    if magic != b"qres":
        raise SystemExit("not a Qt resource archive")
    found = {}

    def walk(node: int, path: str) -> None:
        name, flags, first, second = struct.unpack(">IHII", rcc[tree + 22 * node:tree + 22 * node + 14])
        if node:
            letters, = struct.unpack(">H", rcc[names + name:names + name + 2])
            path += "/" + rcc[names + name + 6:names + name + 6 + 2 * letters].decode("utf-16-be")
        if flags & 2:  # a folder: how many children, and the first one
            for child in range(second, second + first):
                walk(child, path)
        elif wanted(short := path.removeprefix("/gcompris/src/activities/")):
            size, = struct.unpack(">I", rcc[data + second:data + second + 4])
            stored = rcc[data + second + 4:data + second + 4 + size]
            found[short] = zlib.decompress(stored[4:]) if flags & 1 else stored

    walk(0, "")
    return found


def encode(image: Image.Image, png: bool) -> bytes:
    """Shorter side at most 320 pixels; RGB or grey; PNG or JPEG without metadata."""
    image = image.convert("L" if image.mode in ("L", "1", "I;16") else "RGB")
    factor = SHORT_SIDE / min(image.size)
    if factor < 1:
        image = image.resize([round(side * factor) for side in image.size], Image.Resampling.LANCZOS)
    file = io.BytesIO()
    if png:
        image.save(file, "PNG", optimize=True)
    else:
        image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def source(picture: Picture, photos: dict[str, bytes]) -> Image.Image | None:
    match picture.package:
        case "gcompris":
            return Image.open(io.BytesIO(photos[picture.member])) if photos else None
        case "nilearn":
            return brain(package_file("nilearn", "datasets", "data", picture.member))
        case "sklearn":
            return Image.open(package_file("sklearn", "datasets", "images", picture.member))
        case _:
            return Image.open(package_file("skimage", "data", picture.member))


def make(name: str, picture: Picture, photos: dict[str, bytes]) -> Path:
    """Write one picture, unless it is a photo of GCompris and they are not at hand; return its path."""
    png = picture.group == "medical" and name not in ("retina", "histology") or name == "text"
    path = DATA / "pictures" / f"{name}.{'png' if png else 'jpg'}"
    image = source(picture, photos)
    if image is not None:
        write_atomically(path, encode(image, png))
    return path


# What a picture shows, as a class of ImageNet; left out where no class is right (the duck) or several are (the cat).
LABELS = {"coffee": "espresso", "camera": "tripod", "dog": "German shepherd", "hens": "hen", "sheep": "ram",
          "panda": "giant panda", "koala": "koala", "polar_bear": "ice bear", "lemur": "Madagascar cat",
          "komodo_dragon": "Komodo dragon", "bison": "bison", "macaw": "macaw", "goldfish": "goldfish",
          "clownfish": "anemone fish", "castle": "castle", "aqueduct": "viaduct", "stupa": "stupa",
          "arch": "triumphal arch", "palace": "palace", "hammer": "hammer", "screwdriver": "screwdriver"}


def main() -> None:
    wanted = {picture.member for picture in PICTURES.values() if picture.package == "gcompris"}
    photos = gcompris(Path(sys.argv[1]), wanted.__contains__) if len(sys.argv) > 1 else {}
    index, rows = {}, []
    for name, picture in PICTURES.items():
        path = make(name, picture, photos)
        index[name] = {"file": path.name, "group": picture.group, "caption": picture.caption, "label": LABELS.get(name)}
        rows.append((path, picture.caption, f"{TITLES[picture.package]}, `{picture.member}`", picture.licence))
    path = DATA / "pictures" / "index.json"
    path.write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    rows.append((path, "name, group, alt text and ImageNet class of each picture", "our own", "MIT"))
    write_rows("pictures", rows, "python tools/make_pictures.py")


if __name__ == "__main__":
    main()
