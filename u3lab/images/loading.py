"""Pictures: load one from anywhere, check a batch, resize, blur.

    x = load("coffee", size=227)      # a shipped picture (see names()), a path, bytes, a PIL image or an array
    load("my_photo.jpg").shape        # (1,3,H,W)

A picture is a float32 tensor (B,3,H,W), RGB, in [0,1]. Nothing here clamps: a value out of range is an error.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from u3lab.errors import U3Error
from u3lab.images import dicom, shipped

GROUPS, names, caption, label = shipped.GROUPS, shipped.names, shipped.caption, shipped.label
MAX_PIXELS = 50_000_000  # a file that claims more is not decoded: it would fill the memory of a laptop
SLACK = 1e-4  # rounding that a value may have outside [0,1]


def load(x: str | os.PathLike[str] | bytes | Image.Image | np.ndarray | Tensor, *, size: int | None = None) -> Tensor:
    """Load one picture as a float32 tensor (1,3,H,W) on the CPU, RGB, in [0,1].

    Parameters
    ----------
    x
        The name of a shipped picture (:func:`names`), a path, the bytes of a file, a PIL image, or an array or
        tensor: (H,W), (H,W,C), (C,H,W) or (1,C,H,W) of 1, 3 or 4 channels; bool, uint8 (0..255), uint16
        (0..65535) or float in [0,1]. It is copied. Grey becomes three equal channels, transparency is laid on
        white paper, the orientation in a photo's EXIF is applied. A file may be DICOM as well: see u3lab.images.dicom.
    size
        Resize the shorter side to so many pixels (antialiased) and cut out the central square.

    Raises U3Error on what is missing, unreadable, empty, over 50 megapixels, not finite, out of shape or range.

    Examples
    --------
    >>> images.load("coffee", size=227).shape
    torch.Size([1, 3, 227, 227])
    """
    if size is not None and (type(size) is not int or size < 1):
        raise U3Error(f"size = {size!r}; give a whole number of pixels from 1, or None to keep the picture's own size")
    match x:
        case np.ndarray() | Tensor():
            image = _from_array(x)
        case Image.Image():
            image = _from_pil(x, "the PIL image")
        case bytes():
            image = _from_file(io.BytesIO(x), f"bytes of length {len(x)}")
        case str() | os.PathLike():
            image = _from_file(_find(x), repr(str(x)))
        case _:
            raise U3Error(f"a {type(x).__name__} is not a picture; give a name, a path, bytes, a PIL image or an array")
    return image if size is None else _crop(resize(image, size), size)


def check(images: Tensor, channels: int = 3) -> Tensor:
    """Return a batch of pictures as it is if it is one: (B,channels,H,W), float, in [0,1]; else raise U3Error.

    The message says which of these does not hold and how to mend it.
    """
    if not isinstance(images, Tensor):
        raise U3Error(f"{type(images).__name__} is not a batch of pictures; make a tensor with images.load(…)")
    shape = tuple(images.shape)
    if images.numel() == 0:
        raise U3Error(f"the batch of pictures is empty, its shape is {shape}; give at least one picture")
    if images.ndim != 4 or shape[1] != channels:
        more = ""
        if images.ndim == 3:
            more = "; add the first axis with x[None]"
        elif images.ndim == 4 and shape[1] == 1 and channels == 3:
            more = "; this one is grey: make it RGB with x.expand(-1, 3, -1, -1)"
        elif images.ndim == 4 and shape[3] == channels:
            more = "; the channels come last here: move them with x.permute(0, 3, 1, 2)"
        raise U3Error(f"a batch of pictures has the shape (B,{channels},H,W), not {shape}{more}")
    if not images.is_floating_point():
        raise U3Error(f"the pictures are {images.dtype}; floats in [0,1] are wanted: images.load(…) makes them")
    _check_range(images.detach())
    return images


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (B,C,H,W) so that the shorter side has ``size`` pixels; bilinear, antialiased, keeps proportions."""
    height, width = images.shape[-2:]
    short = min(height, width)
    if short == size:
        return images
    shape = (max(size, round(height * size / short)), max(size, round(width * size / short)))
    return F.interpolate(images, size=shape, mode="bilinear", antialias=True, align_corners=False)


def _crop(images: Tensor, size: int) -> Tensor:
    """The central size×size square of (B,C,H,W)."""
    height, width = images.shape[-2:]
    return images[..., (height - size) // 2:, (width - size) // 2:][..., :size, :size]


def blur(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur g_σ ∗ x of (B,C,H,W), differentiable; ``sigma`` in pixels, 0 leaves the picture as it is.

    g_σ(u) ∝ exp(−u²/2σ²), cut off at ⌈3σ⌉ pixels and normalised to the sum 1. Beyond the border the nearest
    pixel goes on (SciPy's mode "nearest"), which unlike reflection is defined for a blur wider than the picture.
    :func:`plain_blur` is the same as one convolution.
    Raises U3Error if sigma is negative or not a number, or the images are not a float tensor (B,C,H,W).

    Examples
    --------
    >>> images.blur(images.load("coffee", size=64), 2.5).shape
    torch.Size([1, 3, 64, 64])
    """
    if isinstance(sigma, bool) or not isinstance(sigma, (int, float)) or not 0 <= sigma < math.inf:
        raise U3Error(f"sigma = {sigma!r}; give the width of the blur in pixels, 0 or more")
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        raise U3Error("blur takes a float tensor (B,C,H,W); images.load(…) makes one")
    if sigma == 0:
        return images
    # g_σ is separable: rows, then columns. At these sizes two products of matrices are faster than convolutions.
    rows, columns = (_gaussian(n, sigma).to(images) for n in images.shape[-2:])
    return rows @ images @ columns.T


def plain_blur(images: Tensor, sigma: float) -> Tensor:
    """What :func:`blur` gives, as the formula says it: each pixel is a mean of those around it, with weights g_σ."""
    radius = math.ceil(3 * sigma)
    u = torch.arange(-radius, radius + 1).to(images)
    g = torch.exp(-(u[:, None] ** 2 + u**2) / (2 * sigma**2))
    extended = F.pad(images, (radius,) * 4, mode="replicate")
    return F.conv2d(extended.flatten(0, 1)[:, None], (g / g.sum())[None, None]).view_as(images)


def _gaussian(n: int, sigma: float) -> Tensor:
    """The matrix (n,n) that blurs a line of n pixels: row i holds g_σ(u−i), the border pixels what lies beyond."""
    radius = math.ceil(3 * sigma)  # 99.7 % of the bell
    u = torch.arange(-radius, radius + 1)
    g = torch.softmax(-0.5 * (u.double() / sigma) ** 2, 0)
    reached = (torch.arange(n)[:, None] + u).clamp(0, n - 1)
    return torch.zeros(n, n, dtype=g.dtype).scatter_add_(1, reached, g.expand(n, -1))


def _find(x: str | os.PathLike[str]) -> Path:
    """The file that a name or a path means. A shipped name goes first; "./coffee" is the file of that name."""
    if x in names():
        return shipped.file(x)
    path = Path(os.path.expanduser(x))
    if path.is_dir():
        raise U3Error(f"{str(x)!r} is a folder; give the path of one picture in it")
    if not path.exists():
        raise shipped.unknown(str(x))
    return path


def _from_file(file: Path | io.BytesIO, given: str) -> Tensor:
    if dicom.is_dicom(file):
        return _from_array(dicom.read(file, given, MAX_PIXELS))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, and an error
            opened = Image.open(file)
    except Exception as error:  # decoders raise nearly anything on a broken file
        raise _unreadable(given, error) from None
    with opened:
        return _from_pil(opened, given)


def _from_pil(image: Image.Image, given: str) -> Tensor:
    pixels = image.width * image.height
    if not 0 < pixels <= MAX_PIXELS:
        raise U3Error(f"{given} has {image.width}×{image.height} pixels; give 1 to {MAX_PIXELS // 10**6} million")
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode[0] in "IF":  # 16 bits (as 32-bit integers from some formats and versions of Pillow) or floats
            array = np.asarray(image)
            if image.mode[0] == "I" and array.min() >= 0 and array.max() <= 65535:
                array = array.astype(np.uint16)
        else:
            array = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    except Exception as error:
        raise _unreadable(given, error) from None
    return _from_array(array)


def _unreadable(given: str, error: Exception) -> U3Error:
    said = "not a known format" if isinstance(error, UnidentifiedImageError) else str(error).partition("\n")[0]
    return U3Error(f"{given} cannot be read as a picture ({said}); open it in a viewer and save it anew as PNG or JPEG")


def _from_array(x: np.ndarray | Tensor) -> Tensor:
    given = f"the {'tensor' if isinstance(x, Tensor) else 'array'} of shape {tuple(x.shape)}"
    if 0 in x.shape:
        raise U3Error(f"{given} is empty; give a picture with pixels")
    values = _in_unit_range(x)
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
    values = values.permute(2, 0, 1) if last else values.flatten(0, -3)
    if len(values) == 4:
        values = values[:3] * values[3:] + (1 - values[3:])  # on white paper
    return values.expand(3, -1, -1).contiguous()[None]


def _in_unit_range(x: np.ndarray | Tensor) -> Tensor:
    """A copy of the values as float32 in [0,1], by their dtype."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        x = (x.float() if x.is_floating_point() else x).numpy()
    largest = {"bool": 1, "uint8": 255, "uint16": 65535}.get(x.dtype.name)
    if largest is None and x.dtype.kind != "f":
        raise U3Error(f"the picture's values are {x.dtype}; give uint8 (0 to 255), uint16, bool or floats in [0,1]")
    values = torch.from_numpy(np.array(x, dtype=np.float32, order="C"))
    if largest is not None:
        return values.div_(largest)
    _check_range(values)
    return values


def _check_range(values: Tensor) -> None:
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
