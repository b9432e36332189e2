"""Memory: what each call takes beyond what it was given, measured in a child process. No size may fill a laptop.

The child measures the highest resident memory of each call (Linux lets a process reset that mark), less what there was
before; what the C library keeps is handed back in between. A limit on its address space stands behind, so that a call
that has gone wrong fails instead of taking the machine with it. A number that no call could bear, such as a side of
10³⁰ pixels, is given to each in ``test_calls``.
"""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from tests.u3lab.images import files
from u3course.worlds import patterns
from u3lab import (
    U3Error,
    adversarial,
    dissection,
    equivariance,
    figures,
    images,
    inversion,
    landmarks,
    nets,
    pixels,
    prior,
    selfsup,
    warps,
)
from u3lab._system import memory
from u3lab.images import blurring
from u3lab.measures import bootstrap
from u3lab.selfsup import colour, cross_pixel, scrambling

# Megabytes. A picture of 50 million pixels, the largest that may come in or be made, is 600 as float32.
LARGEST = 1500  # to read or make one: the picture, the decoder's copy of it, and a channel for transparency
LARGE = 500  # to work on a picture of 6 megapixels, 72 as float32: seven copies of it
DRAWN = 800  # the largest thing that is drawn: a dozen maps of 4 million places, or matplotlib's page of 6 million
SMALL = 60  # what is refused, or comes out small, whatever went in: small change
LIMIT = 5 * 2**30  # bytes of address space for the child, of which torch takes one

CASES: dict[str, tuple[int, bool, Callable[[], object], Callable[[object], object]]] = {}


def case(name: str, most: int, call: Callable[[object], object], make: Callable[[], object] = lambda: None, *,
         refused: bool = False) -> None:
    """Note a call: what it may take, what makes its argument (not counted), and whether it is to be refused."""
    CASES[name] = most, refused, make, call


def png(width: int, height: int, colours: int = 2, *more: bytes, bits: int = 8) -> bytes:
    """A black PNG of this size, whose pixels take a thousandth of their place; ``more`` are chunks before them."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    row, packer = b"\0" * (1 + (width * samples * bits + 7) // 8), zlib.compressobj(1)
    packed = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    palette = [files.chunk(b"PLTE", b"\0\0\0\xff\xff\xff")] if colours == 3 else []
    return files.png(width, height, b"", *palette, *more, colours=colours, bits=bits, packed=packed)


def dicom(rows: int, columns: int, *, content: bytes = b"\0\0", frames: int = 1, **syntax: str) -> bytes:
    """A DICOM file that claims so many rows and columns of 16 bits."""
    return files.dicom(np.zeros((1, 1), np.uint16), Rows=rows, Columns=columns, PixelData=content,
                       NumberOfFrames=frames, **syntax)


def many_frames(form: str, count: int = 100) -> bytes:
    frames = [Image.new("P", (500, 500), k) for k in range(count)]
    return files.saved(frames[0], form, save_all=True, append_images=frames[1:])


def packed_dicom() -> bytes:
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    return dicom(10, 10, content=bytes(390 * 2**20), syntax=DeflatedExplicitVRLittleEndian)


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(2)


def photo(count: int = 1) -> torch.Tensor:
    """Pictures of 6 megapixels."""
    return torch.full((count, 3, 2000, 3000), 0.5)


SIDE = 7071  # of a square of 50 million pixels
BOMB = zlib.compress(bytes(200 * 2**20))  # 200 kB that unpack to 200 MB

# Files
case("a PNG with transparency of 50 megapixels", LARGEST, images.load, lambda: png(SIDE, SIDE, 6))
case("a JPEG of 50 megapixels that is turned", LARGEST, images.load,
     lambda: files.saved(Image.new("RGB", (SIDE, SIDE)), "JPEG", exif=files.turned()))
case("a small square out of 12 megapixels", LARGEST / 3, lambda x: images.load(x, size=227), lambda: png(4000, 3000))
case("a strip of 5000×1, enlarged", SMALL, lambda x: images.load(x, size=1000), lambda: png(5000, 1))
case("a PNG of 100 megapixels", SMALL, images.load, lambda: png(10_000, 10_000, 0, bits=1), refused=True)
case("a PNG that claims 49 megapixels and has none", 250, images.load, lambda: png(7000, 7000)[:999], refused=True)
case("an array of one value that claims 10¹² pixels", SMALL, images.load,
     lambda: np.broadcast_to(np.uint8(0), (10**6, 10**6)), refused=True)
case("a text that unpacks to 200 MB", SMALL, images.load, lambda: png(9, 9, 2, files.chunk(b"zTXt", b"a\0\0" + BOMB)),
     refused=True)
case("a colour profile that unpacks to 200 MB", SMALL, images.load,
     lambda: png(9, 9, 2, files.chunk(b"iCCP", b"a\0\0" + BOMB)), refused=True)
for form in ("GIF", "WEBP", "PNG", "TIFF"):
    case(f"a {form} of a hundred frames", SMALL, images.load, lambda form=form: many_frames(form))
case("a DICOM file that claims 65535×65535", SMALL, images.load, lambda: dicom(65535, 65535), refused=True)
case("a DICOM file that claims 49 megapixels and has none", SMALL, images.load, lambda: dicom(7000, 7000), refused=True)
case("a DICOM file that claims 2³¹ frames", SMALL, images.load, lambda: dicom(9, 9, frames=2**31 - 1), refused=True)
case("a DICOM file that unpacks to 409 MB", SMALL, images.load, packed_dicom, refused=True)
case("a DICOM file of 6 megapixels", LARGE, images.load, lambda: dicom(2000, 3000, content=bytes(12_000_000)))

# Pictures
case("the largest size", LARGEST, lambda x: images.load("coffee", size=SIDE))
case("size = 30000", SMALL, lambda x: images.load("coffee", size=30_000), refused=True)
case("resize a strip", SMALL, lambda x: images.resize(x, 1000), lambda: torch.zeros(1, 3, 1, 5000), refused=True)
case("resize a batch", SMALL, lambda x: images.resize(x, 2000), lambda: torch.zeros(40, 3, 8, 8), refused=True)
case("blur by 10,000", SMALL, lambda x: images.blur(x, 1e4), lambda: torch.zeros(1, 3, 300, 400))
case("blur a strip by 10,000", SMALL, lambda x: images.blur(x, 1e4), lambda: torch.zeros(1, 3, 1, 8000))
case("blur a photo", LARGE, lambda x: images.blur(x, 3), photo)
case("blur as one convolution by 10,000", SMALL, lambda x: blurring.plain_blur(x, 1e4), lambda: torch.zeros(1, 3, 9, 9),
     refused=True)
case("check a batch of photos", SMALL, images.check, lambda: photo(4))
case("zoom by ninety per cent", LARGE, lambda x: images.zoom(x, 0.9, draw()), photo)
case("zoom a million times", SMALL, lambda x: images.zoom(x, 1e6, draw()), photo, refused=True)
case("variation of a photo", LARGE, lambda x: images.total_variation(x, 2), photo)
case("a photo warped", LARGE, lambda x: warps.warp(x, warps.thin_plate_spline(1, draw())), photo)
case("a photo warped a hundred times", SMALL, lambda x: warps.warp(x, warps.affine(100, draw())), photo, refused=True)
case("a thousand warps of many points", LARGE, lambda x: warps.thin_plate_spline(1000, draw(), strength=0, points=12))

# Colours and figures
case("heat of a photo", LARGE, lambda x: pixels.heat(x), photo)
case("overlay on a photo", LARGE, lambda x: pixels.overlay(x, torch.rand(7, 7)), photo)
case("PNG of a photo", LARGE, pixels.png, photo)
case("a grid of four photos", LARGE, lambda x: figures.grid(list(x), alt="Four."), lambda: photo(4))
case("the largest grid", DRAWN, lambda x: figures.grid([x], alt="One.", width=2400), lambda: torch.zeros(3, 9, 9))
case("a grid of a tall strip", SMALL, lambda x: figures.grid([x], alt="One."), lambda: torch.zeros(3, 9999, 1),
     refused=True)
case("ten thousand bars", SMALL, lambda x: figures.bars(x, "x", alt="Many."),
     lambda: {str(k): 1.0 for k in range(10**4)}, refused=True)
case("a table of a million numbers", SMALL, lambda x: figures.table(x, ["a"] * 1000, ["b"] * 1000, alt="Many."),
     lambda: np.zeros((1000, 1000)), refused=True)
case("a heat map of 1000 names", SMALL, lambda x: figures.heatmap(x, ["a"] * 1000, alt="Many."),
     lambda: np.zeros((1000, 1000)), refused=True)

# Chapters
case("the largest generator", DRAWN, lambda x: prior.generator(size=2048))
for name, options in {"size": {"size": 30_000}, "widths": {"widths": (10**5,) * 4}}.items():
    case(f"a generator of large {name}", SMALL, lambda x, options=options: prior.generator(**options), refused=True)
case("reduce by 64", LARGE, lambda x: prior.lanczos(x, 64), lambda: torch.zeros(1, 3, 1024, 1024))
case("a dream of a strip", SMALL, lambda x: inversion.dream(nets.load(device="cpu"), "fire5", x),
     lambda: torch.zeros(1, 3, 1, 10**6), refused=True)
case("the largest patch", DRAWN, lambda x: adversarial.cut_out(x, size=2048), lambda: torch.zeros(1, 3, 9, 9))
case("mirror a photo", LARGE, equivariance.HFLIP, photo)
case("segment to 30000", SMALL, lambda x: dissection.segment(torch.ones(2), x, (30_000, 30_000)),
     lambda: torch.zeros(1, 2, 4, 4, dtype=torch.bool), refused=True)
case("the largest pattern", DRAWN, lambda x: patterns.paint("marbled", 2048, draw()))
case("a pattern of 30000", SMALL, lambda x: patterns.paint("marbled", 30_000, draw()), refused=True)

# Pretext tasks
case("the widest encoder", DRAWN, lambda x: selfsup.encoder(256))
case("layers of photos for a probe", LARGE, lambda x: selfsup.pooled(selfsup.encoder(32), x, "conv1"),
     lambda: torch.zeros(20, 3, 512, 512))
case("the finest bins of colours", LARGE, lambda x: colour.bins(4))
case("the wrong lens on a photo", LARGE, lambda x: scrambling.aberrated(x), photo)
case("the joint of 20,000 classes", SMALL, lambda x: selfsup.joint(x, x), lambda: torch.full((2, 20_000), 1 / 20_000),
     refused=True)
case("views of 30,000 pictures", SMALL, selfsup.nt_xent, lambda: torch.zeros(30_000, 2, 4), refused=True)
case("all pairs of a thousand pixels", LARGE, lambda x: cross_pixel.cross_pixel(*x),
     lambda: (torch.ones(16, 1024, 8), torch.ones(16, 1024, 2)))

# Landmarks
case("the labelling loss of 96×96 pixels against as many, and its gradient", LARGE, lambda x: torch.autograd.grad(
     landmarks.dense_labelling_loss(x, x, torch.zeros(1, 96**2, 2)), x),
     lambda: torch.ones(1, 3, 96, 96, requires_grad=True))
case("heat maps of a million codes", SMALL, lambda x: landmarks.heat_map(torch.ones(10**6, 3), x),
     lambda: torch.zeros(1, 3, 64, 64), refused=True)
case("the widest labeller", LARGE, lambda x: landmarks.labeller(256, 256))


def resident(what: str) -> int:
    """Megabytes of this process, now ("VmRSS") or at most ("VmHWM")."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) >> 10


def measure_all() -> None:
    """In the child: name, growth in MB and what came of it, a line of JSON for each case."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    figures.grid([torch.zeros(3, 9, 9)], alt="Imports matplotlib.")
    images.load(dicom(9, 9, content=bytes(162)))  # imports pydicom
    equivariance.centred_size(nets.load(device="cpu"), "fire3")
    bootstrap(lambda often: often.mean(1), 2)
    for name, (_, _, make, call) in CASES.items():
        given = make()
        memory.give_back()
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # from here on, VmHWM counts anew
        try:
            call(given)
            said = ""
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        print(json.dumps([name, resident("VmHWM") - before, said]), flush=True)
        del given


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, tuple[int, str]]:
    """Measured once, by whichever of the test processes comes first; the others wait and read."""
    if not (os.access("/proc/self/clear_refs", os.W_OK) and memory.keep()):  # the highest mark, and memory given back
        pytest.skip("another system than Linux with glibc")
    folder = tmp_path_factory.getbasetemp()
    file = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "memory.txt"
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            run = subprocess.run([sys.executable, "-m", "tests.hostile.test_memory"], capture_output=True, text=True,
                                 cwd=Path(__file__).parents[2])
            assert run.returncode == 0, run.stderr[-3000:]
            file.write_text(run.stdout)
    return {name: (growth, said) for name, growth, said in map(json.loads, file.read_text().splitlines())}


@pytest.mark.parametrize("name", CASES)
def test_what_a_call_takes_is_bounded(name, measured):
    most, refused, *_ = CASES[name]
    growth, said = measured[name]
    assert growth <= most, (growth, said)
    assert said.startswith(f"{U3Error.__name__}: ") if refused else not said, said


if __name__ == "__main__":
    measure_all()
