"""Keypoints as a bottleneck: one picture says how a thing looks, K points of another say where its parts are.

    S_k = pose encoder(x′), channel k                    K heat maps of the target x′
    u_k = (E[i], E[j]),  p(i) = softmax_i mean_j S_k      their keypoints, one axis at a time
    y_k(u) = exp( −‖u − u_k‖² / 2σ² )                     the keypoints as pictures again, of Gaussians
    x̂ = Ψ( Φ(x), y )                                      the generator: what the source x looks like, put at y

x is another frame of the same thing, so its features cannot say where things are in x′; and y is too poor to say how
they look. For x̂ to equal x′, the points have to be those of the thing.

Jakab, Gupta, Bilen & Vedaldi, Unsupervised learning of object landmarks through conditional image generation, NeurIPS
2018, section 3 and equation 1. The networks here are smaller: pictures shrink by 4 and not by 8, unless ``deep``, and
dilated convolutions see as far as the paper's last layers do. Its first scores are not as large as GAIN makes them.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images as _images
from u3lab.checks import SIDE, is_a, number, shown, whole
from u3lab.errors import U3Error
from u3lab.landmarks.places import centres, check_maps
from u3lab.nets.checkpoints import conv_block
from u3lab.nets.classifier import finite

SHRINK = 4  # times that heat maps are smaller than pictures
LEAST = 16  # pixels
SIGMA = 0.1  # of the Gaussians; half a picture is 1
MOST = 64  # keypoints: more would carry how a thing looks, too
GAIN = 8  # of the first scores, since means over rows thin them
AT_ONCE = 256  # pictures that go through an encoder together
NAME = "the keypoint autoencoder"
_layer = partial(conv_block, kaiming=True)


def marginal_soft_argmax(maps: Tensor) -> Tensor:
    """u_k = Σ_i x_i p(i), Σ_j y_j p(j): soft-argmax of each axis by itself, of the map's mean over the other axis.

    The joint soft-argmax takes one softmax over all cells. Its p(i) is the softmax of log Σ_j exp S_ij, in which a peak
    counts as much as it is high; here it is the softmax of mean_j S_ij, in which a peak of a few rows is thinned by all
    the others. So a map has to be far higher, or a whole cross, before u_k leaves the middle of the picture: a network
    learns that. Of maps S_ij = a_i + b_j both are the same.

    Args:
        maps: (B,K,h,w), scores before the softmax.

    Returns:
        Tensor: (B,K,2), (x, y) in [−1,1].
    """
    check_maps(maps=(maps, "BKHW"))
    x, y = (maps.mean(axis).softmax(-1) @ centres(maps.shape[other], maps) for axis, other in ((2, 3), (3, 2)))
    return torch.stack([x, y], -1)


def gaussian_maps(points: Tensor, size: tuple[int, int], *, sigma: float = SIGMA) -> Tensor:
    """y_k(u) = exp(−‖u − u_k‖²/2σ²) at the middles of h×w cells.

    Args:
        points: u_k, (B,K,2), (x, y) in [−1,1].
        size: h, w.
        sigma: σ in (0, 2], in half sides of the picture.

    Returns:
        Tensor: (B,K,h,w) in [0,1], with a gradient to the points.
    """
    check_maps(points=(points, "BK2"))
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise U3Error(f"size = {shown(size)}; give height and width in cells, such as (16, 16)")
    height, width = (whole(f"size[{n}]", side, 1, SIDE) for n, side in enumerate(size))
    sigma = number("sigma", sigma, 0, 2, without_low=True)
    across, down = (((centres(side, points) - points[..., axis, None]).square() / (-2 * sigma**2)).exp()
                    for axis, side in enumerate((width, height)))
    return down[..., :, None] * across[..., None, :]  # ‖u − u_k‖² is a sum, so its exp is a product


@dataclass(frozen=True, eq=False)
class Appearance:
    """Φ(x), (B,C,h,w): what of a picture the generator needs; :meth:`KeypointAutoencoder.appearance` makes one."""

    features: Tensor


class KeypointAutoencoder(nn.Module):
    """x̂ = Ψ(Φ(x), y(x′)): a picture of what is in the source, where the target has it.

    Args:
        count: K, how many keypoints, at most 64. Give them time: all of them learn at once, and at first all may settle
            on the part that is easiest to find.
        width: Channels of the first layer; the later ones have up to four times as many.
        sigma: σ of the Gaussians in (0, 2], in half sides of the picture. With a small one a point hardly reaches over
            to the cells about it, and what is learnt from it is little.
        deep: The look shrinks by 8 and is given as a mean over the picture as well, so that it reaches every place; the
            generator is told the points at three sizes, and ends in sub-pixels. For pictures from 64 pixels on.
        seed: Of the weights.

    Examples:
        >>> model = landmarks.KeypointAutoencoder(10)
        >>> look = model.appearance(images.load("coffee", size=64))       # once
        >>> model.draw(look, model.keypoints(images.load("chelsea", size=64))).shape
        torch.Size([1, 3, 64, 64])
    """

    def __init__(self, count: int = 10, *, width: int = 16, sigma: float = SIGMA, deep: bool = False,
                 seed: int = 0) -> None:
        super().__init__()
        is_a("deep", deep, bool, "give True or False")
        self.deep, self.shrink = deep, SHRINK * (2 if deep else 1)
        self.count, self.width = whole("count", count, 1, MOST), whole("width", width, 1, 128)
        self.sigma = number("sigma", sigma, 0, 2, without_low=True)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(whole("seed", seed, 0))
            self.appearance_encoder = _encoder(self.width, deep=deep)
            self.pose_encoder = nn.Sequential(*_encoder(self.width), nn.Conv2d(4 * width, count, 1, bias=False))
            self.pose_encoder[-1].weight.data.mul_(GAIN)
            self.generator = (_Generator(self.count, self.width, self.sigma) if deep else
                              _generator(4 * self.width + self.count, self.width))
        self.to(memory_format=torch.channels_last).eval()

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """x̂ (B,3,H,W) in [0,1] of checked pictures, with a graph, in whatever mode it is: for training."""
        return self._generate(self.appearance_encoder(self._laid(source)), self._points(target))

    @torch.no_grad()
    def keypoints(self, images: Tensor) -> Tensor:
        """u_k of pictures (B,3,H,W) in [0,1], whose sides are multiples of 4 or 8 pixels: (B,K,2), (x, y) in [−1,1]."""
        self._ready(images)
        return finite(torch.cat([self._points(part) for part in images.split(AT_ONCE)]), NAME)

    @torch.no_grad()
    def reconstruct(self, source: Tensor, target: Tensor) -> Tensor:
        """x̂ (B,3,H,W) in [0,1]: the look of the source with the geometry of the target, each (B,3,H,W) or (1,3,H,W)."""
        return self.draw(source, self.keypoints(target))

    @torch.no_grad()
    def appearance(self, images: Tensor) -> Appearance:
        """Φ(x) of pictures (B,3,H,W). Computed once, :meth:`draw` takes it again and again for other points."""
        self._ready(images)
        return Appearance(torch.cat([self.appearance_encoder(self._laid(part)) for part in images.split(AT_ONCE)]))

    @torch.no_grad()
    def draw(self, appearance_of: Tensor | Appearance, points: Tensor) -> Tensor:
        """The look of a picture, with its keypoints anywhere: x̂ (B,3,H,W) in [0,1].

        Args:
            appearance_of: Pictures (B,3,H,W), or what :meth:`appearance` made of them: then only the generator has to
                work.
            points: (B,K,2), (x, y) in [−1,1]. One picture goes with many sets of points, and one set with many
                pictures.

        Raises:
            U3Error: Points outside the picture or of another K, or numbers of pictures that do not fit.
        """
        look = appearance_of if isinstance(appearance_of, Appearance) else self.appearance(appearance_of)
        self._ready()
        check_maps(points=(points, "BK2"))
        if points.shape[1] != self.count or points.abs().max() > 1:
            raise U3Error(f"points of the shape {tuple(points.shape)}, up to {points.abs().max():.3g}; give "
                          f"(B,{self.count},2), with x and y from -1 to 1, the borders of the picture")
        features, points = look.features, points.to(look.features)
        if len(features) != len(points) and 1 not in (len(features), len(points)):
            raise U3Error(f"{len(features)} pictures cannot be drawn with {len(points)} sets of points; give as many "
                          "of both, or one of either")
        many = max(len(features), len(points))
        drawn = [self._generate(*part) for part in zip(features.expand(many, -1, -1, -1).split(AT_ONCE),
                                                    points.expand(many, -1, -1).split(AT_ONCE), strict=True)]
        return finite(torch.cat(drawn), NAME)

    def _points(self, target: Tensor) -> Tensor:
        maps = self.pose_encoder(self._laid(target))
        with torch.autocast(maps.device.type, enabled=False):  # a place in halves would be off by a third of a pixel
            return marginal_soft_argmax(maps.to(self.pose_encoder[-1].weight))

    def _generate(self, features: Tensor, points: Tensor) -> Tensor:
        if self.deep:
            return self.generator(features, points)
        y = gaussian_maps(points, features.shape[2:], sigma=self.sigma)
        return self.generator(torch.cat([features, y], 1).contiguous(memory_format=torch.channels_last))

    def _laid(self, images: Tensor) -> Tensor:
        """Pictures about 0, as and where the weights are."""
        like = self.pose_encoder[-1].weight
        return (2 * images.to(like) - 1).contiguous(memory_format=torch.channels_last)

    def _ready(self, *images: Tensor) -> None:
        if any(module.training for module in self.modules()):
            raise U3Error(f"{NAME} is in training mode, so its answer depends on the batch; call model.eval() first")
        for batch in images:
            check_sides(_images.check(batch), self.shrink)


def check_sides(images: Tensor, shrink: int) -> None:
    """Refuse pictures that do not fall into cells of 4×4 pixels, or of 8×8."""
    height, width = images.shape[2:]
    if height % shrink or width % shrink or not (LEAST <= min(height, width) and max(height, width) <= SIDE):
        raise U3Error(f"pictures of {height}×{width} pixels; {NAME} takes sides from {LEAST} to {SIDE} that are "
                      f"multiples of {shrink}, such as 64; cut or resize them")


def _encoder(width: int, *, deep: bool = False) -> nn.Sequential:
    """(B,3,H,W) → (B,4·width,H/4,W/4); each place sees 63 pixels a side.

    If ``deep``, (B,8·width,H/8,W/8), of which the second half is the mean of the first over all places.
    """
    layers = [*_layer(3, width, 7, stride=2), *_layer(width, width), *_layer(width, 2 * width, stride=2),
              *_layer(2 * width, 2 * width)]
    if deep:
        layers += [*_layer(2 * width, 4 * width, stride=2), *_layer(4 * width, 4 * width),
                   *_layer(4 * width, 4 * width), _AndMean()]
    else:
        layers += [*_layer(2 * width, 4 * width, dilation=2), *_layer(4 * width, 4 * width, dilation=3)]
    return nn.Sequential(*layers)


def _generator(channels: int, width: int) -> nn.Sequential:
    """(B,channels,h,w) → (B,3,4h,4w) in [0,1]: two convolutions, of which the second halves the channels, at each size.
    """
    finer = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(*_layer(channels, 4 * width), *_layer(4 * width, 2 * width), finer,
                         *_layer(2 * width, 2 * width), *_layer(2 * width, width), finer,
                         *_layer(width, width), nn.Conv2d(width, 3, 3, padding=1), nn.Sigmoid())


class _AndMean(nn.Module):
    """Features, and beneath them their mean at each place."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features, features.mean((2, 3), keepdim=True).expand_as(features)], 1)


class _Generator(nn.Module):
    """(B,8·width,h,w) and points → (B,3,8h,8w) in [0,1]: the Gaussians join at h, 2h and 4h; each cell of 4h is drawn
    as 2×2 pixels (Shi et al., CVPR 2016), since convolutions at full size would take most of the time."""

    def __init__(self, count: int, width: int, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma
        self.coarse = nn.Sequential(*_layer(8 * width + count, 4 * width), *_layer(4 * width, 4 * width))
        self.middle = nn.Sequential(*_layer(4 * width + count, 4 * width), *_layer(4 * width, 2 * width))
        self.fine = nn.Sequential(*_layer(2 * width + count, 2 * width), nn.Conv2d(2 * width, 12, 3, padding=1),
                                  nn.PixelShuffle(2), nn.Sigmoid())

    def forward(self, features: Tensor, points: Tensor) -> Tensor:
        for n, stage in enumerate((self.coarse, self.middle, self.fine)):
            if n:
                features = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
            y = gaussian_maps(points, features.shape[2:], sigma=self.sigma).to(features)
            features = stage(torch.cat([features, y], 1).contiguous(memory_format=torch.channels_last))
        return features
