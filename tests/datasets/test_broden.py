"""The reader of Broden, on a tiny folder of its format that the tests paint themselves."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.helpers import refuses
from u3lab import nets
from u3lab.datasets.broden import broden
from u3lab.datasets.labelled import batches
from u3lab.dissection import dissect

CATEGORIES = ("color", "object", "part", "material", "scene", "texture")
HEADER = ("image", "split", "ih", "iw", "sh", "sw", *CATEGORIES)
SH, SW = 12, 10  # not square, so that swapped axes show
LABELS = [  # in no order; 300 needs the green channel, 2 belongs to two categories
    (300, "table", "object(2)", 2, 0.5, "desk;board"),
    (1, "red-c", "color(2)", 2, 0.5, ""),
    (4, "arm", "part(1)", 1, 0.1, ""),
    (3, "leg", "part(1)", 1, 0.1, ""),
    (2, "wood", "material(1);object(1)", 2, 1.0, "timber"),
    (5, "street-s", "scene(2)", 2, 2.0, ""),
    (6, "striped", "texture(1)", 1, 1.0, ""),
    (7, "dotted", "texture(1)", 1, 1.0, ""),
]
ROWS = [
    ("a/1.png", "train", "a/1_color.png", "a/1_object.png", "a/1_leg.png;a/1_arm.png;a/1_foot.png", "", "5", ""),
    ("a/2.png", "val", "a/2_color.png", "2;a/2_object.png", "", "2", "0", "6;7"),
    ("b/3.png", "train", "", "", "", "", "5", ""),
    ("b/4.png", "train", "", "", "", "", "0", ""),
]
NAMES = ("red-c", "wood (object)", "table", "leg", "arm", "wood (material)", "street-s", "striped", "dotted")
RED = {"a/1": np.s_[:5, :4], "a/2": np.s_[6:, 3:8]}  # rows, columns, of the segmentation
LAYERS = [(3, np.s_[2:9, 1:6]), (4, np.s_[5:11, 3:9]), (3, np.s_[10:, :2])]  # the parts of a/1; the first two overlap
TABLE = {"a/1": np.s_[8:, 7:], "a/2": np.s_[:3, :]}


def paint(file, number, where, shape=(SH, SW)):
    coded = np.zeros((*shape, 3), dtype=np.uint8)
    coded[where] = (number % 256, number // 256, 0)
    coded[..., 2] = 9  # blue means nothing
    Image.fromarray(coded).save(file)


def table(file, header, rows):
    with open(file, "w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([header, *rows])


def index(root, rows, size=(SH, SW)):
    table(root / "index.csv", HEADER, [(*row[:2], 24, 20, *size, *row[2:]) for row in rows])


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "broden1_tiny"
    pictures = root / "images"
    for source in ("a", "b"):
        (pictures / source).mkdir(parents=True)
    g = np.random.default_rng(0)
    for image, *_ in ROWS:
        values = g.integers(0, 100, (2 * SH, 2 * SW, 3), dtype=np.uint8)
        if (red := RED.get(image[:3])):
            values[np.kron(area(red), np.ones((2, 2), dtype=bool)), 0] = 255
        Image.fromarray(values).save(pictures / image)
    for n in ("a/1", "a/2"):
        paint(pictures / f"{n}_color.png", 1, RED[n])
        paint(pictures / f"{n}_object.png", 300, TABLE[n])
    for layer, (number, where) in zip(("leg", "arm", "foot"), LAYERS, strict=True):
        paint(pictures / f"a/1_{layer}.png", number, where)
    index(root, ROWS)
    table(root / "label.csv", ("number", "name", "category", "frequency", "coverage", "syns"), LABELS)
    return root


def area(where):
    found = np.zeros((SH, SW), dtype=bool)
    found[where] = True
    return found


def test_masks_are_what_was_painted(folder):
    data = broden(folder)
    assert data.names == NAMES
    assert data.categories == ("color", "object", "object", "part", "part", "material", "scene", "texture", "texture")
    assert len(data) == 3  # the fourth has only a label that became a 0
    everywhere, nowhere = area(np.s_[:]), area(np.s_[:0])
    leg, arm, foot = (area(where) for _, where in LAYERS)
    first = [area(RED["a/1"]), nowhere, area(TABLE["a/1"]), leg | foot, arm, nowhere, everywhere, nowhere, nowhere]
    second = [area(RED["a/2"]), everywhere, area(TABLE["a/2"]), nowhere, nowhere, everywhere, nowhere, everywhere,
              everywhere]
    third = [everywhere if name == "street-s" else nowhere for name in NAMES]
    batch = data[[2, 0, 1]]
    np.testing.assert_array_equal(batch.masks.numpy(), np.array([third, first, second]))
    assert (leg & arm).any() and not (leg & foot).any()


def test_labelled_are_the_categories_whose_cell_is_not_empty(folder):
    data = broden(folder)
    looked_at = [{"color", "object", "part", "scene"}, {"color", "object", "material", "texture"}, {"scene"}]
    wanted = [[category in chosen for category in data.categories] for chosen in looked_at]
    assert data[[0, 1, 2]].labelled.tolist() == wanted
    next(batches(data, batch_size=3))  # of the right types and shapes


def test_images_have_the_size_that_was_asked_for(folder):
    file = folder / "images/b/3.png"
    wide = np.zeros((16, 32, 3), dtype=np.uint8)
    wide[:, :8] = 255  # a crop of the middle would lose this quarter
    Image.fromarray(wide).save(file)
    found = broden(folder, size=16)[[2, 1]].images
    assert found.shape == (2, 3, 16, 16) and found.dtype == torch.float32
    assert found.min() >= 0 and found.max() <= 1 + 1e-4
    assert (found[0, :, :, :3] == 1).all() and (found[0, :, :, 5:] == 0).all()
    torch.testing.assert_close(found[0, :, :, 3], torch.full((3, 16), 7 / 8))  # antialiased: weights 1, 3, 3, 1
    same = np.arange(20 * 20 * 3, dtype=np.uint8).reshape(20, 20, 3)
    Image.fromarray(same).save(file)
    np.testing.assert_allclose(broden(folder, size=20)[[2]].images[0].movedim(0, 2) * 255, same, atol=1e-3)


def test_categories_are_chosen(folder):
    data = broden(folder, categories=("part", "object"))
    assert data.names == NAMES[1:5] and data.categories == ("object", "object", "part", "part")  # the index's order
    assert len(data) == 2  # the third picture is labelled for neither
    batch, whole = data[[0, 1]], broden(folder)[[0, 1]]
    assert torch.equal(batch.masks, whole.masks[:, 1:5]) and torch.equal(batch.labelled, whole.labelled[:, 1:5])
    assert broden(folder, categories="scene").names == ("street-s",)


def test_a_split_is_chosen(folder):
    whole, train, val = (broden(folder, split=split) for split in (None, "train", "val"))
    assert (len(train), len(val)) == (2, 1) and train.names == val.names == NAMES
    assert torch.equal(val[[0]].masks, whole[[1]].masks) and torch.equal(train[[1, 0]].masks, whole[[2, 0]].masks)


def test_concepts_are_left_out(folder):
    data = broden(folder).without(["table", "arm"])
    kept = [n for n, name in enumerate(NAMES) if name not in ("table", "arm")]
    assert data.names == tuple(NAMES[n] for n in kept) and len(data) == 3
    batch, whole = data[[0, 1]], broden(folder)[[0, 1]]
    assert torch.equal(batch.masks, whole.masks[:, kept]) and torch.equal(batch.labelled, whole.labelled[:, kept])
    refuses(data.without, ["wood"], says="'wood' is not among the concepts")


def test_only_the_index_is_read_before_a_picture_is_asked_for(folder):
    (folder / "images").rename(folder / "elsewhere")
    data = broden(folder)
    assert len(data) == 3 and data.size == 227 and len(repr(data)) < 300
    refuses(data.__getitem__, [0], says="no such file; unpack the archive anew")


def test_dissection_runs_and_finds_the_red_detector(folder):
    copy = nn.Conv2d(3, 2, 1, bias=False)
    copy.weight.data = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]).view(2, 3, 1, 1)
    net = nets.Classifier(nn.Sequential(copy).eval(), layers={"copy": "0"})
    data = broden(folder, size=60)  # 5 and 6 times the segmentation's sides
    share = (area(RED["a/1"]).sum() + area(RED["a/2"]).sum()) / (3 * SH * SW)
    found = dissect(net, "copy", data, share=float(share), batch_size=2)
    assert found.concepts == NAMES and found.iou.shape == (2, 9)
    assert found.labels()[0][0] == "red-c" and found.iou[0, 0] > 0.8 > 0.3 > found.iou[1, 0]
    val = broden(folder, split="val")
    refuses(dissect, net, "copy", val, says="no picture has a pixel of leg, arm, street-s; leave it out")
    assert dissect(net, "copy", val.without(["leg", "arm", "street-s"])).iou.shape == (2, 6)


def test_a_folder_of_another_kind_is_told(folder, tmp_path):
    refuses(broden, tmp_path / "nowhere", says=(
        "nowhere is no Broden folder", "it has no index.csv; unpack broden1_227.zip"))
    refuses(broden, str(tmp_path), says="dlbroden_227.sh")
    (folder / "label.csv").unlink()
    refuses(broden, folder, says=r"has no label.csv")
    content = (folder / "index.csv").read_bytes()
    (folder / "index.csv").write_bytes(b"\x89PNG\xff" + content)
    refuses(broden, folder, says="index.csv cannot be read as a table")
    table(folder / "index.csv", ("image", "split"), [])
    refuses(broden, folder, says="no column ih, iw, sh, sw")


def test_a_choice_without_pictures_is_told(folder):
    refuses(broden, folder, categories=("part", "colour"), says=(
        "no category 'colour'", "choose among color, object, part, material, scene, "))
    refuses(broden, folder, split="test", says="split 'test'; choose among 'train', 'val'")
    refuses(broden, folder, categories=["texture"], split="train", says="no picture is labelled for texture")
    refuses(broden, folder, categories=(), says="no picture is labelled for no category")
    refuses(broden(folder).__getitem__, [], says="no pictures were asked for")
    with open(folder / "index.csv", "a", encoding="utf-8") as opened:
        opened.write("b/4.png,val,24,20,7,8,,,,,5,\n")
    assert broden(folder)[[3]].masks.shape == (1, 9, 7, 8)
    refuses(broden(folder).__getitem__, [0, 3], says="one batch are 7×8 and 12×10 pixels")
    index(folder, [])
    refuses(broden, folder, says="index.csv has no rows")


def test_files_that_do_not_fit_are_told(folder):
    data, file = broden(folder), folder / "images/a/1_arm.png"
    paint(file, 4, LAYERS[1][1], shape=(SW, SH))
    refuses(data.__getitem__, [0], says=r"1_arm.png is a picture of mode RGB with 10×12 pixels, .* RGB and 12×10")
    Image.new("L", (SW, SH), 4).save(file)
    refuses(data.__getitem__, [0], says="of mode L")
    file.write_bytes(file.read_bytes()[:40])
    refuses(data.__getitem__, [0], says="1_arm.png cannot be read as a picture")
    file.unlink()
    refuses(data.__getitem__, [0], says="index.csv names .*1_arm.png, but there is no such file")
    next(batches(data, batch_size=2, which=[1, 2]))  # the others still can be read
    (folder / "images/b/3.png").unlink()
    refuses(data.__getitem__, [2], says="b/3.png")


@pytest.mark.parametrize("number", [600, 1])  # 1 is in the table, but no part
def test_a_label_that_is_not_in_the_table_is_told(folder, number):
    paint(folder / "images/a/1_leg.png", number, LAYERS[0][1])
    refuses(broden(folder).__getitem__, [0], says=(
        f"a/1_leg.png has label number {number}, ", "label.csv has no such part"))
    broden(folder, categories=["object"])[[0]]  # the cell is not read
    index(folder, [(*ROWS[2][:-2], "8", "")])
    refuses(broden(folder).__getitem__, [0], says=r"the scene cell of b/3.png has label number 8, ")
    index(folder, ROWS, size=(SH, "ten"))
    refuses(broden, folder, says="index.csv has 'ten' as sw, where a whole number is wanted")
