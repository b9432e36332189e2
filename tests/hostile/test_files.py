"""A thousand broken, odd and malicious files: each is a good picture or one sentence, and nothing else happens."""

import io
import os
import pickle
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features

from tests.helpers import refuses
from tests.u3lab.images.files import chunk, dicom, png, saved, turned
from u3course.worlds import keeping
from u3lab import U3Error, images, nets
from u3lab._system import paths
from u3lab.nets import checkpoints, weights
from u3lab.prior.trained import denoiser

LONGEST = 300  # letters of a message: what a line under a widget shows
PATIENCE = 20  # seconds after which something hangs
EACH = 40  # damaged files of each kind
AGAIN = paths.again("data", "weights", "[a-z0-9_]+.safetensors")

NOISE = np.random.default_rng(0).integers(0, 256, (17, 24, 4), np.uint8)
RGB, GREY = Image.fromarray(NOISE[..., :3]), Image.fromarray(NOISE[..., 0])


DEEP = Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257)
FLOAT = Image.fromarray(NOISE[..., 0].astype(np.float32) / 255)
MORE = [GREY.point(lambda level, k=k: level ^ k) for k in range(3)]
WHOLE: dict[str, Callable[[], bytes]] = {
    "grey.png": lambda: saved(GREY, "PNG"),
    "rgb.png": lambda: saved(RGB, "PNG", pnginfo=None, dpi=(72, 72)),
    "rgba.png": lambda: saved(Image.fromarray(NOISE), "PNG"),
    "palette.png": lambda: saved(GREY.convert("P"), "PNG", transparency=bytes(range(256))),
    "deep.png": lambda: saved(DEEP, "PNG"),
    "animated.png": lambda: saved(RGB, "PNG", save_all=True, append_images=MORE),
    "exif.png": lambda: saved(RGB, "PNG", exif=turned(8, "a camera")),
    "rgb.jpg": lambda: saved(RGB, "JPEG"),
    "progressive.jpg": lambda: saved(RGB, "JPEG", progressive=True),
    "cmyk.jpg": lambda: saved(RGB.convert("CMYK"), "JPEG"),
    "exif.jpg": lambda: saved(RGB, "JPEG", exif=turned(5, "a camera")),
    "grey.gif": lambda: saved(GREY, "GIF"),
    "animated.gif": lambda: saved(GREY, "GIF", save_all=True, append_images=MORE, transparency=3),
    "rgb.webp": lambda: saved(RGB, "WEBP"),
    "lossless.webp": lambda: saved(Image.fromarray(NOISE), "WEBP", lossless=True),
    "rgb.tif": lambda: saved(RGB, "TIFF"),
    "lzw.tif": lambda: saved(RGB, "TIFF", compression="tiff_lzw"),
    "jpeg.tif": lambda: saved(RGB, "TIFF", compression="jpeg"),
    "deflate.tif": lambda: saved(Image.fromarray(NOISE), "TIFF", compression="tiff_adobe_deflate"),
    "fax.tif": lambda: saved(GREY.convert("1"), "TIFF", compression="group4"),
    "deep.tif": lambda: saved(DEEP, "TIFF"),
    "float.tif": lambda: saved(FLOAT, "TIFF"),
    "pages.tif": lambda: saved(GREY, "TIFF", save_all=True, append_images=MORE),
    "rgb.bmp": lambda: saved(RGB, "BMP"),
    "palette.bmp": lambda: saved(GREY.convert("P"), "BMP"),
    "rgb.ppm": lambda: saved(RGB, "PPM"),
    "rgb.ico": lambda: saved(RGB, "ICO"),
    "rgb.tga": lambda: saved(RGB, "TGA", compression="tga_rle"),
    "rgb.jp2": lambda: saved(RGB, "JPEG2000"),
    "grey.dcm": lambda: dicom(NOISE[..., 0].astype(np.uint16)),
    "window.dcm": lambda: dicom(NOISE[..., 0].astype(np.uint16), WindowCenter=100, WindowWidth=50, RescaleSlope=2,
                                RescaleIntercept=-9),
    "rgb.dcm": lambda: dicom(NOISE[..., :3].copy()),
    "frames.dcm": lambda: dicom(NOISE[..., 0].repeat(3, 0).copy(), Rows=17, NumberOfFrames=3),
    "rle.dcm": lambda: dicom(NOISE[..., 0].copy(), syntax="1.2.840.10008.1.2.5"),
    "deflated.dcm": lambda: dicom(NOISE[..., 0].copy(), syntax="1.2.840.10008.1.2.1.99"),
}
NEEDS = {"rgb.jp2": "jpg_2000", "rgb.webp": "webp", "lossless.webp": "webp",
         **{f"{how}.tif": "libtiff" for how in ("lzw", "jpeg", "deflate", "fax")}}


def whole(name: str) -> bytes:
    if name in NEEDS and not features.check(NEEDS[name]):
        pytest.skip(f"Pillow is here without {NEEDS[name]}")
    if name.endswith(".dcm"):
        pytest.importorskip("pydicom")
    return WHOLE[name]()


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The file cut off, with bits flipped, with bytes overwritten in its head or anywhere, put in or taken out."""
    broken, n = bytearray(content), len(content)
    match draw.randrange(6):
        case 0:
            del broken[draw.randrange(n):]
        case 1:
            for _ in range(draw.choice((1, 2, 4, 16))):
                broken[draw.randrange(n)] ^= 1 << draw.randrange(8)
        case 2:
            broken[draw.randrange(min(n, 64))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF))
        case 3:
            at = draw.randrange(n)
            broken[at : at + 4] = draw.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
        case 4:
            at = draw.randrange(n)
            broken[at:at] = draw.randbytes(draw.randrange(1, 40))
        case 5:
            at = draw.randrange(n)
            del broken[at : at + draw.randrange(1, 40)]
    return bytes(broken)


@contextmanager
def patience() -> Iterator[None]:
    """Fail instead of waiting for ever, where the system has alarms."""
    def ring(*_: object) -> None:
        raise AssertionError(f"nothing for {PATIENCE} seconds")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


def verdict(given: object, **options: object) -> str:
    """Load it: "" for a good picture, or the one sentence. Everything else fails here."""
    before = open_files()
    with patience(), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            x = images.load(given, **options)
        except U3Error as error:
            said = str(error)
            assert said.isprintable() and 0 < len(said) <= LONGEST, said
        else:
            said = ""
            assert x.dtype == torch.float32 and x.ndim == 4 and x.shape[:2] == (1, 3) and x.numel(), (x.dtype, x.shape)
            assert -1e-4 <= x.min() and x.max() <= 1 + 1e-4
    assert open_files() == before
    return said


@pytest.fixture(autouse=True)
def silent(capfd: pytest.CaptureFixture) -> Iterator[None]:
    """Neither Python nor a decoder's C code says anything by itself."""
    yield
    out, err = capfd.readouterr()
    assert not out and not err


# ---- damaged files

@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_a_picture(name, tmp_path):
    content = whole(name)
    (tmp_path / name).write_bytes(content)
    assert verdict(content) == verdict(tmp_path / name) == ""


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files(name, tmp_path):
    draw, content = random.Random(name), whole(name)
    for k in range(EACH):
        broken = damaged(content, draw)
        if k % 3:
            verdict(broken)
        else:  # under its own name, another, or none
            file = tmp_path / (str(k) + draw.choice((Path(name).suffix, ".png", ".dcm", ".txt", "")))
            file.write_bytes(broken)
            verdict(file, size=draw.choice((None, 8)))


def test_rubbish_behind_the_first_letters_of_each_format():
    draw = random.Random(0)
    heads = [content[:n] for name, make in WHOLE.items() if name not in NEEDS and not name.endswith(".dcm")
             for content in [make()] for n in (2, 4, 8, 16, 30)]
    heads += [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\xd7\xcd\xc6\x9a", b"PK\3\4", b"%PDF-1.4",
              b"<svg>"]
    for head in heads:
        verdict(head + draw.randbytes(200))


# ---- sizes and kinds

SIZES = {
    "0×0": (png(0, 0, b""), "cannot be read|0×0"), "0×9": (png(0, 9, b""), "cannot be read|0×9"),
    "1×1": (png(1, 1, b"\0abc"), ""), "65535×1": (png(65535, 1, bytes(1 + 3 * 65535)), ""),
    "1×65535": (png(1, 65535, bytes(4 * 65535)), ""),
    "100 megapixels": (png(10_000, 10_000, b""), "10000×10000"), "400": (png(20_000, 20_000, b""), "bomb"),
    "claims more than it has": (png(3000, 3000, bytes(9)), "cannot be read"),
    "a palette that is too short": (png(2, 1, b"\0\0\xff", chunk(b"PLTE", b"abc"), colours=3), ""),
    "no palette": (png(2, 1, b"\0\0\1", colours=3), None),
    "16 bits with colour": (png(1, 1, b"\0" + b"\x80\0" * 3, bits=16), ""),
    "one bit": (png(8, 1, b"\0\xaa", colours=0, bits=1), ""),
    "a long text": (png(1, 1, b"\0abc", chunk(b"tEXt", b"a\0" + b"b" * 2**20)), ""),
    "rubbish for a colour profile": (png(1, 1, b"\0abc", chunk(b"iCCP", b"rubbish")), None),
    "rubbish for EXIF": (png(1, 1, b"\0abc", chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\x12\1\3\0" * 99)), None),
    "EXIF of a turn that does not exist": (saved(RGB, "JPEG", exif=turned(77, "a camera")), ""),
}


@pytest.mark.parametrize("kind", SIZES)
def test_sizes_and_kinds(kind):
    content, words = SIZES[kind]
    for size in (None, 8):
        said = verdict(content, size=size)
        assert words is None or (not said if words == "" else any(word in said for word in words.split("|"))), said


# ---- odd names and things that are no files

@pytest.mark.parametrize("name", [
    "two\nlines.png", 'quotes "\'`.png', "emoji 🐈‍⬛ café.png", "مرحبا.png", "a" * 250 + ".png", "%s%n{0}$HOME.png",
    "coffee", "~", "\udcff.png", "\x1b[31mred.png"])
def test_odd_names(name, tmp_path):
    try:
        (tmp_path / name).write_bytes(WHOLE["rgb.png"]())
    except (OSError, UnicodeEncodeError):
        pytest.skip("no file here may have this name")
    assert verdict(tmp_path / name) == verdict(str(tmp_path / name)) == ""
    (tmp_path / name).write_bytes(b"no picture")
    assert "not a known format" in verdict(tmp_path / name)
    (tmp_path / name).unlink()
    assert "no file" in verdict(tmp_path / name)


@pytest.mark.parametrize("name", ["", ".", "a" * 5000, "nul\0byte", "~nobody/x.png", "http://x/y.png", "C:\\x.png"])
def test_names_of_nothing(name):
    assert verdict(name) and verdict(Path(name))


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    made = [Path("/dev/zero"), Path("/dev/stdin"), tmp_path]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        os.symlink(tmp_path / "pipe.png", tmp_path / "link.dcm")
        os.symlink(tmp_path / "nothing.png", tmp_path / "dangling.png")
        made += [tmp_path / name for name in ("pipe.png", "link.dcm", "dangling.png")]
    for path in made:
        assert verdict(path) and verdict(str(path))


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    (tmp_path / "x.png").write_bytes(WHOLE["rgb.png"]())
    (tmp_path / "x.png").chmod(0)
    assert "Permission denied" in verdict(tmp_path / "x.png")


def test_a_drawing_goes_to_no_other_program(monkeypatch):
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program was started"))
    assert "drawing" in verdict(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n")


# ---- pickles

class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


def traps(file: Path) -> dict[str, bytes]:
    """Everything that a careless reader would unpickle."""
    def written(write: Callable[[io.BytesIO], object]) -> bytes:
        buffer = io.BytesIO()
        write(buffer)
        return buffer.getvalue()

    array, names = np.array([Trap(file)], object), ("pixels", "pictures", "pictures_ends", "masks", "masks_ends")
    return {**{f"pickle {protocol}": pickle.dumps({"a": Trap(file)}, protocol) for protocol in (0, 2, 5)},
            "npy": written(lambda to: np.save(to, array, allow_pickle=True)),
            "npz": written(lambda to: np.savez(to, **dict.fromkeys(names, array))),
            **{f"pth, zipped {zipped}": written(lambda to, zipped=zipped: torch.save(
                {"a": Trap(file)}, to, _use_new_zipfile_serialization=zipped)) for zipped in (True, False)}}


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[dict[str, bytes]]:
    """Planted files; afterwards, none of them may have been unpickled."""
    yield traps(tmp_path / "sprung")
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_is_no_picture(trap, tmp_path):
    for content in trap.values():
        assert verdict(content)
        for suffix in (".png", ".npy", ".npz", ".pkl", ".pth", ".dcm", ""):
            file = tmp_path / f"x{suffix}"
            file.write_bytes(content)
            assert verdict(file)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_as_a_file_of_weights_or_in_a_cache(trap, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "cached", lambda name: tmp_path / "alexnet-owt-7be5be79.pth")
    for content in trap.values():
        for name in ("x.safetensors", "alexnet-owt-7be5be79.pth", "x.pt"):
            (tmp_path / name).write_bytes(content)
        refuses(nets.load, "alexnet", device="cpu", says=("damaged", "fetch"))
        assert keeping.read(tmp_path / "x.pt") is None  # labelled pictures
        with monkeypatch.context() as patch:
            patch.setattr(paths, "data", lambda *parts: tmp_path / "x.safetensors")
            refuses(checkpoints.restore, denoiser(), "denoiser", says=("damaged", AGAIN))
            refuses(nets.load, "squeezenet1_1", device="cpu", says="damaged")


# ---- weights

def test_damaged_weights_of_small_networks(tmp_path, monkeypatch):
    draw, content = random.Random(0), paths.data("weights", "denoiser.safetensors").read_bytes()
    file, net, refused = tmp_path / "denoiser.safetensors", denoiser(), 0
    monkeypatch.setattr(paths, "data", lambda *parts: file)
    head = 8 + int.from_bytes(content[:8], "little")
    for _ in range(60):  # the head says what lies where; flipped bits of a weight are another weight
        file.write_bytes(damaged(content[:head], draw) + content[head : head + draw.choice((0, 9999, len(content)))])
        try:
            checkpoints.restore(net, "denoiser")
        except U3Error as error:
            refused += 1
            assert str(error).isprintable() and len(str(error)) <= LONGEST
    assert refused > 50
    for rubbish in (b"", b"{}", b"\0" * 8, b"\xff" * 8, b"\2\0\0\0\0\0\0\0{}", content[:-1], content + b"\0", None):
        file.unlink()
        file.mkdir() if rubbish is None else file.write_bytes(rubbish)
        refuses(checkpoints.restore, net, "denoiser", says=("damaged", AGAIN))
