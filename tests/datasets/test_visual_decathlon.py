"""The Visual Decathlon in its own layout, a tiny one."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.helpers import refuses, write_benchmark
from u3lab import images
from u3lab.datasets import visual_decathlon


@pytest.fixture
def folder(tmp_path):
    return write_benchmark(tmp_path / "decathlon-1.0")


def test_its_domains_are_read(folder):
    ten = visual_decathlon.real(folder)
    assert list(ten) == ["svhn"] and ten["svhn"].classes == ("one", "two")
    found = ten["svhn"].load("train")
    assert found.images.shape == (4, 3, 64, 64) and images.check(found.images) is found.images
    assert found.labels.tolist() == [0, 1, 0, 1] and found.classes == ("one", "two")
    picture = np.asarray(Image.open(folder / "data" / "svhn" / "train" / "0001" / "000000.png"))
    assert torch.equal(found.images[0], torch.from_numpy(picture[4:68, 13:77].copy()).permute(2, 0, 1) / 255)


def test_some_of_each_class(folder):
    assert visual_decathlon.real(str(folder))["svhn"].load("val", each=1).labels.tolist() == [0, 1]


def test_a_picture_of_another_size_is_made_smaller(folder):
    file = folder / "data" / "svhn" / "train" / "0001" / "000000.png"
    Image.new("RGB", (300, 200), (10, 200, 30)).save(file)
    assert visual_decathlon.real(folder)["svhn"].load().images[0].mul(255).round().flatten(1).unique(
        dim=1).tolist() == [[10], [200], [30]]


@pytest.mark.parametrize("spoil, told", [
    (lambda folder: (folder / "annotations").rename(folder / "notes"), "no folder annotations"),
    (lambda folder: (folder / "annotations" / "svhn_val.json").unlink(), "lists of none of aircraft"),
    (lambda folder: (folder / "annotations" / "svhn_val.json").write_text("{"), "was cut off"),
    (lambda folder: (folder / "annotations" / "svhn_val.json").write_text("[]"), "is not a list of the Visual"),
    (lambda folder: (folder / "annotations" / "svhn_val.json").write_text(json.dumps(
        {"categories": [], "images": [], "annotations": []})), "other classes than the list of train")])
def test_a_folder_in_another_form_is_told(folder, spoil, told):
    spoil(folder)
    refuses(visual_decathlon.real, folder, says=told)


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_broken_picture_is_told(folder, content):
    file = folder / "data" / "svhn" / "train" / "0002" / "000001.png"
    file.unlink() if content is None else file.write_bytes(content)
    refuses(visual_decathlon.real(folder)["svhn"].load, "train", says="000001.png is missing or cannot be read")
