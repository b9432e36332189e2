"""Pictures: load one from anywhere, in any layout and kind of numbers; check a batch, resize.

    x = load("coffee", size=227)      # a shipped picture (see names()), a path, bytes, a PIL image or an array
    load("my_photo.jpg").shape        # (1,3,H,W)

A picture is a float32 tensor (B,3,H,W), RGB, in [0,1]. Nothing here clamps: a value out of range is an error.
"""

import io
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from u3lab.checks import FLOATS, MAX_PIXELS, floats, is_plain, room, shown, whole
from u3lab.errors import U3Error
from u3lab.images import dicom, shipped

DRAWINGS = ("EPS", "WMF")  # which Pillow gives to other programs to draw
LONG = 60  # letters of a path that a message shows
STRIP = 4  # a picture that is so many times longer than wide is cut before it is enlarged
SLACK = 1e-4  # rounding that a value may have outside [0,1]


def load(x: str | os.PathLike[str] | bytes | Image.Image | np.ndarray | Tensor, *, size: int | None = None) -> Tensor:
    """Load one picture as a float32 tensor (1,3,H,W) on the CPU, RGB, in [0,1].

    Args:
        x: The name of a shipped picture (:func:`names`), a path, the bytes of a file, a PIL image, or an array or
            tensor: (H,W), (H,W,C), (C,H,W) or (1,C,H,W) of 1, 3 or 4 channels; bool, uint8 (0..255), uint16 (0..65535)
            or float in [0,1]. It is copied. Grey becomes three equal channels, transparency is laid on white paper, the
            orientation in a photo's EXIF is applied. A file may be DICOM as well: see u3lab.images.dicom.
        size: Resize the shorter side to so many pixels (antialiased) and cut out the central square; at most 7071,
            which is 50 megapixels.

    Raises:
        U3Error: What is missing, unreadable, empty, over 50 megapixels, not finite, out of shape or range.

    Examples:
        >>> images.load("coffee", size=227).shape
        torch.Size([1, 3, 227, 227])
    """
    if size is not None:
        size = whole("size", size)
        room(f"size = {size}", size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on large pictures (our own limit is lower) and on small faults of a file
        image = _loaded(x)
    if size is None:
        return image
    short, long = sorted(image.shape[-2:])
    if long > STRIP * short or long * size**2 > MAX_PIXELS * short:
        image = _crop(image, short)  # enlarged first, a strip of 5000×1 would take gigabytes
    return _crop(resize(image, size), size)


def _loaded(x: object) -> Tensor:
    match x:
        case np.ndarray() | Tensor():
            return from_array(x)
        case Image.Image():
            return from_array(_pixels(x, "the PIL image"))
        case bytes():
            return _from_file(io.BytesIO(x), f"bytes of length {len(x)}")
        case str() | os.PathLike():
            return _from_file(_find(os.fsdecode(x)), _called(x))
        case _:
            raise U3Error(f"a {type(x).__name__} is not a picture; give a name, a path, bytes, a PIL image or an array")


def check(images: Tensor, channels: int | None = 3, axes: int | None = 2) -> Tensor:
    """Return a batch of pictures as it is if it is one: (B,channels,H,W), float32 or float64, in [0,1]; else U3Error.

    ``channels=None`` takes any number of them, ``axes=3`` volumes (B,channels,D,H,W), ``axes=None`` either. The message
    says what does not hold and how to mend it.
    """
    if not is_plain(images):
        raise U3Error(f"{shown(images)} is no batch of pictures; make a tensor with images.load(…)")
    shape, axes = tuple(images.shape), axes or (3 if images.ndim == 5 else 2)
    if images.numel() == 0:
        raise U3Error(f"the batch of pictures is empty, its shape is {shape}; give at least one picture")
    if images.ndim != 2 + axes or shape[1] != (channels or shape[1]):
        more = ""
        if images.ndim == 1 + axes:
            more = "; add the first axis with x[None]"
        elif images.ndim == 2 + axes and shape[1] == 1 and channels == 3:
            more = f"; this one is grey: make it RGB with x.expand(-1, 3{', -1' * axes})"
        elif images.ndim == 2 + axes and shape[1] == 3 and channels == 1:
            more = "; this one is RGB: make it grey with x.mean(1, keepdim=True)"
        elif images.ndim == 4 and axes == 2 and shape[3] == channels:
            more = "; the channels come last here: move them with x.permute(0, 3, 1, 2)"
        what, grid = ("pictures", "H,W") if axes == 2 else ("volumes", "D,H,W")
        raise U3Error(f"a batch of {what} has the shape (B,{channels or 'C'},{grid}), not {shape}{more}")
    if images.dtype not in FLOATS:  # half precision too: it would round at each step of a method
        raise U3Error(f"the pictures are {images.dtype}; floats in [0,1] are wanted, float32 or float64: "
                      + ("give x.float()" if images.is_floating_point() else "images.load(…) makes them"))
    check_range(images.detach())
    return images


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (B,C,H,W) so that the shorter side has ``size`` pixels; bilinear, antialiased, keeps proportions.

    Raises U3Error if the result would have over 50 million pixels in all, or the images are not float32 or float64.
    """
    floats("resize", images)
    size = whole("size", size)
    height, width = images.shape[-2:]
    short = min(height, width)
    if short == size:
        return images
    shape = (max(size, round(height * size / short)), max(size, round(width * size / short)))
    room(f"size = {size}", *shape, len(images))
    return F.interpolate(images, size=shape, mode="bilinear", antialias=True, align_corners=False)


def _crop(images: Tensor, size: int) -> Tensor:
    """The central size×size square of (B,C,H,W)."""
    height, width = images.shape[-2:]
    return images[..., (height - size) // 2:, (width - size) // 2:][..., :size, :size]


def _find(x: str) -> Path:
    """The file that a name or a path means. A shipped name goes first; "./coffee" is the file of that name."""
    if x in shipped.names():
        return shipped.file(x)
    path = Path(os.path.expanduser(x))
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # not there, not allowed, a name that no file can have
        if isinstance(error, PermissionError):
            raise U3Error(f"{_called(x)} cannot be opened ({error.strerror}); check its permissions") from None
        raise shipped.unknown(_called(x), x) from None
    if stat.S_ISDIR(mode):
        raise U3Error(f"{_called(x)} is a folder; give the path of one picture in it")
    if not stat.S_ISREG(mode):  # a pipe waits for ever, and a device may never end
        raise U3Error(f"{_called(x)} is no ordinary file but a pipe, a socket or a device; give the path of a picture")
    return path


def _called(path: str | os.PathLike[str]) -> str:
    """What messages call a file: its path in quotes, of a long one the end."""
    text = os.fsdecode(path)
    return repr(text if len(text) <= LONG else f"…{text[-LONG:]}")[:90]


def _from_file(file: Path | io.BytesIO, given: str) -> Tensor:
    if dicom.is_dicom(file):
        return from_array(dicom.read(file, given, MAX_PIXELS))
    return from_array(_decoded(file, given))  # by then the decoder's own copy is gone


def _decoded(file: Path | io.BytesIO, given: str) -> np.ndarray:
    try:
        opened = Image.open(file)
    except Exception as error:  # decoders raise nearly anything on a broken file
        raise _unreadable(given, error) from None
    with opened:
        if opened.format in DRAWINGS:
            raise U3Error(f"{given} holds a drawing ({opened.format}), not pixels; save it as PNG")
        with _quiet() if opened.format == "TIFF" else nullcontext():
            return _pixels(opened, given, ours=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing gets to file descriptor 2, where libtiff writes of faults by itself; Pillow raises an error as well."""
    try:
        kept = os.dup(2)
    except OSError:  # a program without a terminal
        yield
        return
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _pixels(image: Image.Image, given: str, *, ours: bool = False) -> np.ndarray:
    """The upright picture as an array; one that is ``ours`` may be changed, which saves copies."""
    pixels = image.width * image.height
    if not 0 < pixels <= MAX_PIXELS:
        raise U3Error(f"{given} has {image.width}×{image.height} pixels; give 1 to {MAX_PIXELS // 10**6} million")
    try:
        image = ImageOps.exif_transpose(image, in_place=ours) or image
        if image.mode[0] in "IF":  # 16 bits (as 32-bit integers from some formats and versions of Pillow) or floats
            array = np.asarray(image)
            if image.mode[0] == "I" and array.min() >= 0 and array.max() <= 65535:
                array = array.astype(np.uint16)
            return array
        mode = "RGBA" if image.has_transparency_data else "RGB"
        return np.asarray(image if image.mode == mode else image.convert(mode))
    except Exception as error:
        raise _unreadable(given, error) from None


def _unreadable(given: str, error: Exception) -> U3Error:
    said = "not a known format" if isinstance(error, UnidentifiedImageError) else (
        " ".join(str(error).split())[:110] or type(error).__name__)
    return U3Error(f"{given} cannot be read as a picture ({said}); open it in a viewer and save it anew as PNG or JPEG")


def from_array(x: np.ndarray | Tensor) -> Tensor:
    """One picture (1,3,H,W) float32 in [0,1], by the layouts and kinds of numbers that ``images.load`` names."""
    if isinstance(x, Tensor) and not is_plain(x):
        raise U3Error(f"{shown(x)} is no picture; give one of plain numbers")
    given = f"the {'tensor' if isinstance(x, Tensor) else 'array'} of shape {tuple(x.shape)}"
    if np.ma.is_masked(x):
        raise U3Error(f"{given} has masked values, and a picture has none; say what stands there: x.filled(0)")
    if 0 in x.shape:
        raise U3Error(f"{given} is empty; give a picture with pixels")
    values, largest = _numbers(x)
    if values.ndim == 2:
        values = values[None, None]
    if values.ndim == 4 and len(values) > 1:
        raise U3Error(f"{given} holds several pictures; load them one by one and join them with torch.cat")
    first = values.ndim in (3, 4) and values.shape[-3] in (1, 3, 4)
    last = values.ndim == 3 and values.shape[2] in (1, 3, 4)
    if first and last and isinstance(x, Tensor):
        raise U3Error(f"{given} may have its channels first or last; give it as (1,C,H,W)")
    if not (first or last):
        raise U3Error(f"{given} is not one picture; give (H,W), (H,W,3), (3,H,W) or (1,3,H,W)")
    values = values.transpose(2, 0, 1) if last else values.reshape(-1, *values.shape[-2:])
    if values.shape[1] * values.shape[2] > MAX_PIXELS:
        raise U3Error(f"{given} has over {MAX_PIXELS // 10**6} million pixels; give a part, or every second one")
    if len(values) == 1:
        values = np.broadcast_to(values, (3, *values.shape[1:]))
    made = torch.from_numpy(np.array(values, dtype=np.float32, order="C"))  # one copy, in its final order
    if largest is None:
        check_range(made)
    else:
        made.div_(largest)
    if len(made) == 4:
        alpha = made[3:]
        made = made[:3].mul_(alpha).add_(1 - alpha)  # on white paper
    return made[None]


def _numbers(x: np.ndarray | Tensor) -> tuple[np.ndarray, int | None]:
    """The values as they are, and the number that stands for white; None for floats, where that is 1."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = (x.float() if x.is_floating_point() else x).numpy()
    largest = {"bool": 1, "uint8": 255, "uint16": 65535}.get(x.dtype.name)
    if largest is None and x.dtype.kind != "f":
        raise U3Error(f"the picture's values are {x.dtype}; give uint8 (0 to 255), uint16, bool or floats in [0,1]")
    return x, largest


def check_range(values: Tensor) -> None:
    """Refuse NaN, infinities and values outside [0,1]. aminmax hands a NaN on, so one pass sees everything."""
    low, high = torch.stack(torch.aminmax(values)).tolist()
    if -SLACK <= low and high <= 1 + SLACK:
        return  # the quick way out: this runs before every forward pass
    if not (math.isfinite(low) and math.isfinite(high)):
        raise U3Error("the picture has values that are NaN or infinite; look for a division by zero before this line")
    more = "divide by 255" if high <= 255 else "rescale them before this line"
    if low < 0:
        more = "if they were normalised, leave that out: the network does it by itself"
    raise U3Error(f"the picture's values go from {low:.3g} to {high:.3g}, but [0,1] is wanted; {more}")
