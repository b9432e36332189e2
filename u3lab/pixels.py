"""From numbers to colours and bytes: heat maps, overlays, signed maps, PNG and JPEG. Fast enough for live frames.

    pixels.heat(saliency)                    # |map| in dark-to-yellow, (1,3,H,W) in [0,1]
    pixels.heat(gradient, signed=True)       # blue below zero, white at zero, vermilion above
    pixels.overlay(image, grad_cam)          # the heat map over the grey picture
    pixels.jpeg(image)                       # bytes for an ipywidgets.Image

A *picture* is one picture in [0,1]: (1,3,H,W), (3,H,W), (H,W,3), or grey: (1,1,H,W), (1,H,W), (H,W), of float32 or
float64. A *map* is one attribution of any range: (H,W), (C,H,W) or (1,C,H,W), of any real numbers; it is coloured in
float32, or in float64 if it has that.
"""

import io
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from u3lab.checks import FLOATS, is_a, number, whole
from u3lab.errors import U3Error

_STRONG = 0.995  # quantile of |map| drawn in the strongest colour: a few outliers must not leave the rest blank
_BLUE, _VERMILION = ("#00426b", "#0072b2", "#8fc3e3"), ("#f2b48c", "#d55e00", "#853500")
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in how bright a colour looks (ITU-R BT.601)


def heat(map: Tensor, *, signed: bool = False, scale: float | None = None) -> Tensor:
    """Colours for an attribution map, one pixel a pixel of the map.

    Several channels become one: the largest |value| (Simonyan et al. 2014, §3.1) or, if ``signed``, the sum.

    Args:
        map: (H,W), (C,H,W) or (1,C,H,W), any range.
        signed: False: magnitude, from black through purple to yellow. True: negative blue, zero white, positive
            vermilion.
        scale: The magnitude that gets the strongest colour, for maps to be compared; without it the 99.5 % quantile of
            |map|.

    Returns:
        (1,3,H,W) in [0,1] on the map's device.

    Raises:
        U3Error: Several maps at once, an empty map, NaN or infinite values, a scale that is not positive.

    Examples:
        >>> pixels.heat(torch.randn(1, 512, 13, 13)).shape
        torch.Size([1, 3, 13, 13])
    """
    return _coloured(_normalised(_flattened(map, signed), scale), signed)


def overlay(image: Tensor, map: Tensor, *, signed: bool = False, opacity: float = 0.8,
            scale: float | None = None) -> Tensor:
    """The map's colours over the greyed picture: the stronger the map, the less of the picture is seen.

    The map (h,w), (C,h,w) or (1,C,h,w) is stretched bilinearly to the picture's (H,W); ``opacity`` in [0,1] is that of
    the strongest colour; ``signed`` and ``scale`` as in :func:`heat`. Returns (1,3,H,W) in [0,1].
    """
    opacity = number("opacity", opacity, 0, 1)
    flat = _flattened(map, signed)
    picture = _planes(image).to(flat)
    _levels(picture)  # for its check of the range
    if len(picture) == 3:
        picture = (picture * picture.new_tensor(LUMA).view(3, 1, 1)).sum(0, keepdim=True)
    flat = F.interpolate(flat[None, None], size=picture.shape[-2:], mode="bilinear", align_corners=False)[0, 0]
    strength = _normalised(flat, scale)
    weight = opacity * strength.abs()
    return ((1 - weight) * picture + weight * _coloured(strength, signed)).clamp(0, 1)


def signed_rgb(map: Tensor) -> Tensor:
    """A signed map in the colours of its picture around mid-grey: 0.5 + 0.5·map/scale, as guided backprop is shown.

    ``map`` is (1,3,H,W), (3,H,W) or with one channel; the scale is the 99.5 % quantile of |map| and what lies beyond
    it saturates. Returns (1,3,H,W) in [0,1]; zero is 0.5.
    """
    planes = _map(map)
    if len(planes) not in (1, 3):
        raise U3Error(f"a signed_rgb needs a map with 1 or 3 channels, this one has {len(planes)}; "
                      "use heat(map, signed=True) for a map inside the network")
    return (0.5 + 0.5 * _normalised(planes, None)).expand(3, -1, -1)[None].contiguous()


def png(image: Tensor) -> bytes:
    """A picture in [0,1] as PNG, exact to 8 bits and compressed lightly, for speed."""
    return _encoded(image, "PNG", compress_level=1)


def jpeg(image: Tensor, *, quality: int = 85) -> bytes:
    """A picture in [0,1] as JPEG: smaller and faster than :func:`png`, for live frames. ``quality`` from 1 to 95."""
    return _encoded(image, "JPEG", quality=whole("quality", quality, 1, 95))


def eight_bit(image: Tensor) -> np.ndarray:
    """A picture in [0,1] as levels 0 to 255: uint8 array (H,W,3), or (H,W) if it is grey.

    Raises:
        U3Error: Not one picture, empty, NaN, or values that would round to levels outside 0 to 255.
    """
    return _levels(_planes(image)).permute(1, 2, 0).squeeze(-1).contiguous().cpu().numpy()


def _encoded(image: Tensor, form: str, **options: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(eight_bit(image)).save(file, form, **options)
    return file.getvalue()


def _planes(image: Tensor) -> Tensor:
    """One picture in any of the accepted layouts → (3,H,W) or (1,H,W), detached."""
    image = is_a("the picture", image, Tensor, "give a tensor; images.load(…) makes one").detach()
    shape = tuple(image.shape)
    if image.dtype not in FLOATS:
        how = "image.float()" if image.is_floating_point() else "image.float() / 255"
        raise U3Error(f"the picture holds {image.dtype} values; give float32 or float64 in [0,1], e.g. {how}")
    planes = image[0] if image.ndim == 4 and len(image) == 1 else image
    if planes.ndim == 2:
        planes = planes[None]
    elif planes.ndim == 3 and planes.shape[0] not in (1, 3) and planes.shape[-1] == 3:
        planes = planes.permute(2, 0, 1)
    if planes.ndim != 3 or planes.shape[0] not in (1, 3) or planes.numel() == 0:
        raise U3Error(f"the shape is {shape}; give one picture: (1,3,H,W), (3,H,W), (H,W,3), (1,1,H,W) or (H,W); "
                      "from a batch take images[i]")
    return planes


def _levels(planes: Tensor) -> Tensor:
    levels = (planes * 255).round()
    low, high = (bound.item() for bound in levels.aminmax())
    if not (low >= 0 and high <= 255):  # also false for NaN
        found = "NaN" if np.isnan(low) else f"values from {planes.min().item():.3g} to {planes.max().item():.3g}"
        raise U3Error(f"the picture has {found}; pictures lie in [0,1]. Colour a map with heat(map) or signed_rgb(map)")
    return levels.to(torch.uint8)


def _map(map: Tensor) -> Tensor:
    """One attribution map in any of the accepted layouts → (C,H,W), detached floats."""
    map = is_a("the map", map, Tensor, "give a tensor, such as a method's answer").detach()
    shape = tuple(map.shape)
    if map.is_complex():
        raise U3Error(f"the map holds {map.dtype} values; give real ones, e.g. map.abs()")
    map = map.to(map.dtype if map.dtype == torch.float64 else torch.float32)
    planes = map[0] if map.ndim == 4 and len(map) == 1 else map
    planes = planes[None] if planes.ndim == 2 else planes
    if planes.ndim != 3 or planes.numel() == 0:
        raise U3Error(f"the map's shape is {shape}; give one map: (H,W), (C,H,W) or (1,C,H,W); of a batch maps[i]")
    if not planes.isfinite().all():
        raise U3Error("the map has NaN or infinite values; look for a division by zero or a diverged optimisation")
    return planes


def _flattened(map: Tensor, signed: bool) -> Tensor:
    planes = _map(map)
    return planes.sum(0) if signed else planes.abs().amax(0)


def _normalised(map: Tensor, scale: float | None) -> Tensor:
    """map / scale, held within [-1,1]; a map that is zero everywhere stays zero."""
    if scale is None:
        magnitudes = map.abs().flatten()
        # kthvalue, not quantile, which sorts and refuses more than 16 million numbers
        strong = magnitudes.kthvalue(max(1, round(_STRONG * len(magnitudes)))).values.item()
        scale = strong or magnitudes.max().item() or 1.0
    else:
        scale = number("scale", scale, 0, without_low=True)
    return (map / scale).clamp(-1, 1)


def _coloured(strength: Tensor, signed: bool) -> Tensor:
    """(H,W) in [-1,1] → colours (1,3,H,W)."""
    table = _table(signed).to(strength)
    index = (strength * 255).round().long() + (255 if signed else 0)
    return table[index].permute(2, 0, 1)[None].contiguous()


@cache
def _table(signed: bool) -> Tensor:
    """Colours of the strengths −1…1 (511 rows, the middle one exactly white) or 0…1 (256 rows)."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    if not signed:
        return torch.tensor(colormaps["inferno"](np.arange(256))[:, :3])
    anchors = np.array([to_rgb(colour) for colour in (*_BLUE, "white", *_VERMILION)])
    at = np.linspace(-1, 1, 511)
    return torch.tensor(np.stack([np.interp(at, np.linspace(-1, 1, 7), channel) for channel in anchors.T], axis=1))
