"""Public sets through torchvision, on tiny folders of their layouts; folders of one's own."""

import hashlib
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision import datasets

from tests.helpers import refuses, write_celeba, write_cifar10
from u3lab.datasets import public
from u3lab.descent import last
from u3lab.selfsup import PretextSettings, encoder, pretrain

NOISE = np.random.default_rng(0)


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes()).hexdigest()


def tiny_cifar10(root: Path, patch: pytest.MonkeyPatch) -> torch.Tensor:
    """Six training pictures; torchvision is told the sums of their files."""
    pictures, sums = write_cifar10(root)
    for name, value in sums.items():
        patch.setattr(datasets.CIFAR10, name, value)
    return pictures


def tiny_stl10(root: Path, patch: pytest.MonkeyPatch) -> np.ndarray:
    """Two pictures of each split, column by column, as that set has them."""
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    pictures = NOISE.integers(0, 256, (2, 3, 96, 96), dtype=np.uint8)
    for name in ("train_X.bin", "unlabeled_X.bin", "test_X.bin"):
        pictures.transpose(0, 1, 3, 2).tofile(folder / name)
    for name in ("train_y.bin", "test_y.bin"):
        np.array([1, 10], np.uint8).tofile(folder / name)
    for kind in ("train_list", "test_list"):
        patch.setattr(datasets.STL10, kind, [[name, md5(folder / name)] for name, _ in getattr(datasets.STL10, kind)])
    return pictures


def tiny_flowers(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Three pictures: two to learn from, of the kinds 5 and 6, and one of kind 7 to test."""
    folder = root / "flowers-102"
    (folder / "jpg").mkdir(parents=True)
    for n, grey in ((1, 40), (2, 80), (3, 120)):
        Image.new("RGB", (60 + n, 50), (grey, grey, grey)).save(folder / "jpg" / f"image_{n:05d}.jpg", quality=95)
    savemat(folder / "imagelabels.mat", {"labels": [6, 7, 8]})
    savemat(folder / "setid.mat", {"trnid": [1, 2], "valid": [1, 3], "tstid": [3, 3]})
    patch.setattr(datasets.Flowers102, "_file_dict", {
        "image": ("102flowers.tgz", ""), "label": ("imagelabels.mat", md5(folder / "imagelabels.mat")),
        "setid": ("setid.mat", md5(folder / "setid.mat"))})


def test_cifar10(tmp_path, monkeypatch):
    pictures = tiny_cifar10(tmp_path, monkeypatch)
    found = public.load("cifar10", tmp_path, size=32)
    assert found.images.shape == (6, 3, 32, 32) and found.classes == ("plane", "car", "bird")
    order = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    assert found.labels.tolist() == [[0, 1, 2, 1, 1, 2][k] for k in order]
    assert torch.allclose(found.images, pictures[order] / 255, atol=1e-6)
    assert len(public.load("cifar10", str(tmp_path), split="test").images) == 3


def test_stl10_without_labels(tmp_path, monkeypatch):
    pictures = tiny_stl10(tmp_path, monkeypatch)
    found = public.load("stl10", tmp_path, split="unlabeled", size=96)
    assert found.labels.tolist() == [-1, -1]
    assert found.images.mul(255).round().sum() == pictures.astype(int).sum()
    assert sorted(public.load("stl10", tmp_path).labels.tolist()) == [0, 9]


def test_flowers(tmp_path, monkeypatch):
    tiny_flowers(tmp_path, monkeypatch)
    found = public.load("flowers", tmp_path, seed=1)
    assert sorted(found.labels.tolist()) == [5, 6] and len(found.classes) in (0, 102)
    assert sorted(round(255 * float(x.mean())) for x in found.images) == [40, 80]
    (tmp_path / "flowers-102" / "jpg" / "image_00002.jpg").unlink()
    refuses(public.load, "flowers", tmp_path, says="lacks a picture")


def tiny_celeba(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Four faces, two to learn from; torchvision is told the sums of their files."""
    patch.setattr(datasets.CelebA, "file_list", write_celeba(root))


def test_celeba_with_its_landmarks(tmp_path, monkeypatch):
    tiny_celeba(tmp_path, monkeypatch)
    found = public.celeba(tmp_path, size=64)
    assert found.images.shape == (2, 3, 64, 64) and found.points.shape == (2, 5, 2)
    assert sorted(found.identities.tolist()) == [7, 8]
    for image, points in zip(found.images, found.points, strict=True):
        weight = image.mean(0)
        middle = [(weight.sum(axis) @ (torch.arange(64) + 0.5)) / weight.sum() for axis in (0, 1)]
        assert points[0].tolist() == pytest.approx([float(one) for one in middle], abs=0.1)
    assert len(public.celeba(tmp_path, split="test").images) == 2
    refuses(public.celeba, tmp_path, split="unlabeled", says="split")


def test_celeba_that_is_not_there_is_told(tmp_path):
    refuses(public.celeba, tmp_path, says="no whole celeba .* download=True")


def test_what_they_give_is_learnt_from(tmp_path, monkeypatch):
    tiny_cifar10(tmp_path, monkeypatch)
    given = public.load("cifar10", tmp_path, count=4).images
    assert last(pretrain(encoder(2), given, "upright", settings=PretextSettings(steps=1, batch_size=4))).loss > 0


@pytest.mark.parametrize("name", public.SETS)
def test_what_is_not_there_is_told(name, tmp_path):
    refuses(public.load, name, tmp_path, says=f"no whole {name} .* download=True")


def test_a_broken_file_is_told(tmp_path, monkeypatch):
    tiny_cifar10(tmp_path, monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"")
    refuses(public.load, "cifar10", tmp_path, says="no whole cifar10")


@pytest.mark.parametrize("error", [urllib.error.URLError("no route"), RuntimeError("File not found"), OSError("full")])
def test_no_network_is_told(error, tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise error
    monkeypatch.setattr(datasets.CIFAR10, "download", fail)
    refuses(public.load, "cifar10", tmp_path, download=True, says="could not be fetched .* network")


def test_a_folder_of_ones_own(tmp_path):
    (tmp_path / "more").mkdir()
    for n, name in enumerate(("a.png", "more/b.jpg", "more/c.PNG")):
        Image.new("RGB", (40, 30), (50 * n, 0, 0)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a picture")
    found = public.folder(tmp_path, size=16)
    assert found.shape == (3, 3, 16, 16)
    assert sorted(round(255 * float(x[0].mean())) for x in found) == pytest.approx([0, 50, 100], abs=2)
    assert len(public.folder(tmp_path, count=2)) == 2
    (tmp_path / "a.png").write_bytes(b"no picture")
    refuses(public.folder, tmp_path, says="a.png")


def test_a_folder_without_pictures_is_told(tmp_path):
    refuses(public.folder, tmp_path, says="no picture")
    refuses(public.folder, tmp_path / "nowhere", says="no folder")
    refuses(public.folder, tmp_path, count=10**6, says="million pixels")
