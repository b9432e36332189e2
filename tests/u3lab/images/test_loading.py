"""u3lab.images.load: what ships, what can be loaded, what is refused and in which words."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.helpers import refuses
from tests.u3lab.images.files import saved, turned
from u3lab import images

COLOURS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def is_picture(x, height, width):
    rounding = 1e-6  # of the resampling
    return x.shape == (1, 3, height, width) and x.dtype == torch.float32 and 0 <= x.min() and x.max() <= 1 + rounding


@pytest.mark.parametrize("name", images.names())
def test_a_shipped_picture_loads(name):
    assert is_picture(images.load(name, size=64), 64, 64)
    assert 10 < len(images.caption(name)) < 120


def test_names_by_group():
    assert {"retina", "histology", "brain", "cell"} <= set(images.names("medical"))
    assert sorted(images.names()) == sorted(sum((images.names(group) for group in images.GROUPS), []))
    refuses(images.names, "cats", says="everyday, texture, medical")
    refuses(images.caption, "cofee", says="did you mean 'coffee'")


def test_a_path_a_string_bytes_and_a_pil_image_give_the_same(tmp_path):
    file = tmp_path / "ünïcode name.png"
    file.write_bytes(saved(Image.fromarray(COLOURS), "PNG"))
    wanted = torch.from_numpy(COLOURS).permute(2, 0, 1)[None] / 255
    for given in (file, str(file), file.read_bytes(), Image.fromarray(COLOURS)):
        assert torch.equal(images.load(given), wanted)


def test_a_shipped_name_goes_before_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (2, 2)).save("coffee", "PNG")
    assert images.load("coffee").shape[2] > 2 and images.load("./coffee").shape[2] == 2


GREY = np.array([[0, 255], [51, 102]], np.uint8)
ARRAYS = {
    "grey": GREY, "grey, one channel": GREY[..., None], "RGB": np.stack([GREY] * 3, 2),
    "16 bits": GREY.astype(np.uint16) * 257, "float64": GREY / 255, "float16": (GREY / 255).astype(np.float16),
    "channels first": np.stack([GREY] * 3), "batch of one": np.stack([GREY] * 3)[None],
    "opaque RGBA": np.stack([GREY] * 3 + [np.full_like(GREY, 255)], 2), "upside down": GREY[::-1].copy()[::-1],
    "tensor": torch.from_numpy(GREY), "tensor RGB last": torch.from_numpy(np.stack([GREY] * 3, 2)),
    "tensor on one channel": torch.from_numpy(GREY)[None], "bfloat16": torch.from_numpy(GREY / 255).bfloat16(),
    "tensor with gradient": torch.from_numpy(GREY / 255).requires_grad_(),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_loads(kind):
    x = images.load(ARRAYS[kind])
    assert is_picture(x, 2, 2) and not x.requires_grad
    torch.testing.assert_close(x, torch.from_numpy(GREY / 255).float().expand(1, 3, 2, 2), atol=2e-3, rtol=0)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_a_narrow_grey_picture_is_not_taken_for_channels(width):
    assert images.load(np.zeros((3, width))).shape == images.load(torch.zeros(3, width)).shape == (1, 3, 3, width)


def test_transparency_is_laid_on_white():
    half = np.array([[[255, 0, 0, 128]]], np.uint8)
    wanted = [[1.0, 127 / 255, 127 / 255]]
    for given in (half, saved(Image.fromarray(half), "PNG"), torch.from_numpy(half).permute(2, 0, 1)[None]):
        assert images.load(given)[0, :, 0, 0].tolist() == pytest.approx(wanted[0], abs=1e-6)


def test_a_palette_with_a_transparent_colour():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    x = images.load(saved(picture, "PNG", transparency=1))
    assert x[0, :, 0].T.tolist() == [[1, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_every_mode_of_pillow(mode):
    assert is_picture(images.load(Image.fromarray(COLOURS).convert(mode)), 4, 5)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_a_file_of_16_bits(format):
    deep = np.array([[0, 1000], [30000, 65535]], np.uint16)
    x = images.load(saved(Image.fromarray(deep), format))
    torch.testing.assert_close(x[0, 1], torch.from_numpy(deep / 65535).float())


def test_a_tiff_of_floats():
    x = images.load(saved(Image.fromarray(np.float32([[0, 0.25]])), "TIFF"))
    assert x[0, 2].tolist() == [[0, 0.25]]


def test_the_orientation_of_a_photo_is_applied():
    upright = Image.fromarray(COLOURS)
    x = images.load(saved(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=turned()))
    assert torch.equal(x, images.load(upright))


def test_load_cuts_out_the_centre():
    stripes = np.repeat(np.array([0, 1, 0], np.float32), 10)[None].repeat(10, 0)
    assert images.load(stripes, size=10).min() == 1


# Damaged files and those that claim too much are in tests/hostile/test_files.py.
REFUSED = {
    "unknown name": ("chelsae", "did you mean 'chelsea'"),
    "nothing like it": ("qqq", "check the path.*coffee"),
    "missing file": ("photos/mine.jpg", "no file.*mine.jpg"),
    "no picture": (b"hello", "cannot be read as a picture"),
    "cut off JPEG": (saved(Image.fromarray(COLOURS).resize((99, 99)), "JPEG")[:-300], "cannot be read as a picture"),
    "a list": ([[0, 1]], "a list is not a picture"),
    "empty array": (np.zeros((0, 5, 3)), "empty"),
    "empty PIL image": (Image.new("RGB", (0, 4)), "0×4"),
    "NaN": (np.array([[np.nan, 0]]), "NaN or infinite"),
    "infinity": (torch.tensor([[0, float("inf")]]), "NaN or infinite"),
    "0 to 255 as float": (np.array([[0.0, 255.0]]), "divide by 255"),
    "beyond 255": (np.array([[0.0, 4095.0]]), "go from 0 to 4.1e\\+03.*rescale"),
    "normalised": (np.array([[-2.0, 2.0]]), "normalised"),
    "int64": (np.array([[0, 255]]), "int64.*uint8"),
    "complex": (np.ones((2, 2), complex), "complex128"),
    "texts": (np.array([["a", "b"]]), "<U1"),
    "rank 0": (np.array(0.5), "not one picture"),
    "rank 1": (np.ones(9), "not one picture"),
    "rank 5": (torch.ones(1, 1, 3, 2, 2), "not one picture"),
    "two pictures": (torch.ones(2, 3, 4, 4), "several pictures"),
    "five channels": (np.ones((7, 7, 5)), "not one picture"),
    "ambiguous": (torch.ones(3, 8, 3), "first or last"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_load_refuses(kind, tmp_path):
    given, words = REFUSED[kind]
    refuses(images.load, given, says=words)
    refuses(images.load, tmp_path, says="is a folder")
