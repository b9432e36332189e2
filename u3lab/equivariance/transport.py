"""Equivariance: the linear map M_g with φ(g x) ≈ M_g φ(x), learnt from pictures.

M_g first lets g permute the sites of the grid and then mixes the channels of a small neighbourhood, the same way at
every site u:

    (M_g φ)(u) = b + Σ_v W_v φ(g⁻¹(u + v)),    v in an m×m neighbourhood of 0

after Lenc & Vedaldi, Understanding image representations by measuring their equivariance and equivalence, CVPR 2015
and IJCV 2018, sections 3 and 4. They too fit W by ridge regression or with few inputs for each output.

For a mirror it is exact, whatever the filters W are:    φ(flip x; W) = flip φ(x; flip W),    provided that the grid
lies in the middle of the picture. SqueezeNet's strides place it there for pictures of 223 pixels but not of 227;
EfficientNet-Lite0's for 225 and not for 224.
"""

import copy
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import is_a, is_plain, number, one_of, whole
from u3lab.equivariance.transforms import Transform
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready
from u3lab.nets.surgery import GRIDS, before_relu, forward_from

BATCH = 4  # pictures at a time: the features of early layers are large
MOST_STRENGTH = 1e6  # far beyond where all weights are 0
FIT = "make one with equivariance.fit_equivariance(…)"


def ridge(x: Tensor, y: Tensor, *, strength: float = 0.0) -> tuple[Tensor, Tensor]:
    """W, b that minimise ‖y − Wx − b‖² + α‖W‖² over samples x (n,p), y (n,q): W (q,p) and b (q,).

    α = strength × the mean energy Σx² of an input about its mean, so that a strength means the same for every layer.
    Without it these are plain least squares, which want more samples than inputs.
    """
    from sklearn.linear_model import Ridge

    alpha = number("strength", strength, 0, MOST_STRENGTH) * float((x - x.mean(0)).square().sum()) / x.shape[1]
    model = Ridge(alpha=max(alpha, torch.finfo(x.dtype).tiny), solver="cholesky").fit(x.numpy(), y.numpy())
    return torch.from_numpy(model.coef_).view(y.shape[1], -1), torch.from_numpy(model.intercept_)


def orthogonal_matching_pursuit(x: Tensor, y: Tensor, count: int) -> Tensor:
    """The ``count`` inputs that best explain each output, by orthogonal matching pursuit: bool (q,p)."""
    from sklearn.linear_model import OrthogonalMatchingPursuit

    x = x - x.mean(0)
    x = x / x.norm(dim=0).clamp(min=torch.finfo(x.dtype).tiny)  # the pursuit compares inputs of equal length
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it ends early where fewer inputs explain everything
        model = OrthogonalMatchingPursuit(n_nonzero_coefs=count, precompute=True).fit(x.numpy(), y.numpy())
    return torch.from_numpy(model.coef_).view(y.shape[1], -1) != 0


@dataclass(frozen=True)
class Equivariance:
    """M_g of one layer and one transform; see :func:`fit_equivariance`.

    ``weight`` is W, (C,C,m,m) as in a convolution, ``bias`` is b, (C,); ``on_grid`` is g in cells of the layer, if it
    differs from g.
    """

    net: Classifier
    layer: str
    g: Transform
    weight: Tensor
    bias: Tensor
    on_grid: Transform | None = None

    def move(self, features: Tensor) -> Tensor:
        """φ(x) with its sites moved as g moves the picture."""
        return (self.on_grid or self.g)(features)

    def map(self, features: Tensor) -> Tensor:
        """M_g φ(x) from φ(x): (B,C,h,w) → (B,C,h,w), both before the ReLU; differentiable. Of volumes alike."""
        m, channels = self.weight.shape[-1], self.weight.shape[1]
        if is_plain(features) and features.ndim in GRIDS and features.shape[1] != channels:
            raise U3Error(f"layer {self.layer!r} has {channels} channels and these features {features.shape[1]}; give "
                          f"before_relu(net, {self.layer!r}, images)[0]")
        moved = F.pad(self.move(features), (m // 2,) * 2 * (features.ndim - 2), mode="replicate")
        return (F.conv2d if moved.ndim == 4 else F.conv3d)(moved, self.weight.to(moved), self.bias.to(moved))


def fit_equivariance(net: nn.Module, layer: str, images: Tensor, g: Transform, *, inputs: int | None = None,
                     neighbourhood: int = 1, strength: float = 1e-2, sites: int = 8000, seed: int = 0) -> Equivariance:
    """Fit M_g by least squares on the features of pictures x and g x.

    Args:
        net, layer: A network and one of its layers with a grid. Features are taken before the ReLU where the network
            has it as a module (:func:`u3lab.nets.before_relu`).
        images: Pictures x to fit on, (B,C,H,W) in [0,1], or volumes.
        g: The transform; in millimetres if the network has a ``spacing``.
        inputs: How many input channels each output may use, chosen by orthogonal matching pursuit at the transported
            site (v = 0); None uses all of them.
        neighbourhood: m, 1 or 3. Layers of few channels, such as EfficientNet-Lite's bottlenecks, need 3: what one site
            holds is spread over its neighbours after a flip.
        strength: Of the ridge penalty, relative to the energy of the inputs.
        sites: About how many sites to fit on, taken at random (``seed``) from all pictures, where g x shows the
            picture.

    Raises:
        U3Error: No pictures, no such layer, a layer without grid, more inputs than channels, more unknowns than sites.
    """
    net = ready(net, images)
    one_of("neighbourhood", neighbourhood, (1, 3))
    strength = number("strength", strength, 0, MOST_STRENGTH)
    x, y, on_grid = _samples(net, layer, g, images, neighbourhood, sites, seed)
    channels = x.shape[1]
    if inputs is not None:
        inputs = whole(f"inputs at layer {layer!r}", inputs, 1, channels)
    unknowns = (inputs or channels) * x.shape[2]
    if len(x) < 2 or (strength == 0 and len(x) <= unknowns):
        raise U3Error(f"{len(x)} sites cannot decide {unknowns} weights for each output; give more pictures, "
                      "fewer inputs or a strength above 0")
    if inputs is None:
        weight, bias = ridge(x.flatten(1), y, strength=strength)
    else:
        weight, bias = _sparse(x, y, inputs, strength)
    return Equivariance(net, layer, g, weight.view(-1, channels, *[neighbourhood] * (images.ndim - 2)), bias, on_grid)


def _samples(net: Classifier, layer: str, g: Transform, images: Tensor, m: int, sites: int,
             seed: int) -> tuple[Tensor, Tensor, Transform]:
    """What M_g is fitted on: neighbourhoods of φ(x) at transported sites (n,C,m²), φ(g x) there (n,C), and g on φ."""
    whole("sites", sites)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    xs, ys = [], []
    for before, after, on_grid in _pairs(net, layer, g, images):
        where = on_grid.inside(*after.shape[2:]).flatten().nonzero()[:, 0].cpu()
        count = -(-sites // len(images))
        chosen = where[torch.randperm(len(where), generator=generator)[:count]]
        xs.append(neighbours(on_grid(before), chosen, m))
        ys.append(after.flatten(2)[..., chosen.to(after.device)].transpose(1, 2).flatten(0, 1))
    return torch.cat(xs).cpu(), torch.cat(ys).cpu(), on_grid


def _sparse(x: Tensor, y: Tensor, inputs: int, strength: float) -> tuple[Tensor, Tensor]:
    """Few input channels for each output: chosen at the centre of the neighbourhood, then fitted with all of it."""
    weight, bias = torch.zeros(y.shape[1], *x.shape[1:], dtype=x.dtype), torch.zeros(y.shape[1], dtype=x.dtype)
    for c, chosen in enumerate(orthogonal_matching_pursuit(x[:, :, x.shape[2] // 2], y, inputs)):
        if chosen.any():
            w, b = ridge(x[:, chosen].flatten(1), y[:, c : c + 1], strength=strength)
            weight[c, chosen], bias[c] = w.view(-1, x.shape[2]), b[0]
        else:  # a unit that never changes
            bias[c] = y[:, c].mean()
    return weight, bias


def neighbours(features: Tensor, sites: Tensor, m: int) -> Tensor:
    """Rows of the design matrix: the m×m neighbourhoods of some sites of (B,C,h,w), as (B·n,C,m²); of volumes m³.

    ``sites`` are n positions in the flattened grid. Beyond the border the nearest site goes on.
    """
    sizes, at = features.shape[2:], 0
    offsets = torch.cartesian_prod(*[torch.arange(m) - m // 2] * len(sizes)).T
    for place, offset, side in zip(torch.unravel_index(sites, sizes), offsets, sizes, strict=True):
        at = at * side + (place[:, None] + offset).clamp(0, side - 1)
    rows = features.flatten(2)[..., at.to(features.device)]  # (B,C,n,m²)
    return rows.transpose(1, 2).flatten(0, 1)


def _pairs(net: Classifier, layer: str, g: Transform, images: Tensor) -> Iterator[tuple[Tensor, Tensor, Transform]]:
    """φ(x), φ(g x) before the ReLU and g in cells of their grid, for a few pictures at a time."""
    is_a("g", g, Transform, "take HFLIP, VFLIP, rotation(degrees) or scaling(factor)")
    spacing = net.spacing_of(net.check(images))
    for x in images.split(BATCH):
        before, after = (before_relu(net, layer, picture)[0] for picture in (x, g.in_cells(spacing)(x)))
        # A layer's stride is a power of 2, of which its grid, without the border, may be a little short
        strides = [2 ** round(math.log2(n / cells)) for n, cells in zip(x.shape[2:], after.shape[2:], strict=True)]
        yield before, after, g.in_cells([mm * stride for mm, stride in zip(spacing, strides, strict=True)])


class Errors(NamedTuple):
    """‖φ(g x) − guess‖² / ‖φ(g x) − its mean‖² of each channel (C,) for three guesses, and their averages.

    0 is perfect, 1 no better than the channel's mean, 2 the error of an unrelated guess.
    """

    nothing: Tensor
    moved: Tensor
    mapped: Tensor
    variance: Tensor

    def overall(self) -> tuple[float, float, float]:
        """The three errors of all channels together: doing nothing, permuting sites, M_g."""
        total = self.variance.sum()
        return tuple(((one * self.variance).sum() / total).item() for one in (self.nothing, self.moved, self.mapped))


def errors(found: Equivariance, images: Tensor) -> Errors:
    """How well three guesses of φ(g x) do on pictures: φ(x) itself, φ(x) with its sites permuted, and M_g φ(x).

    Only sites where g x shows the picture count. Give pictures that M_g was not fitted on.
    """
    is_a("found", found, Equivariance, FIT)
    sums, squares, misses, count = 0.0, 0.0, [0.0, 0.0, 0.0], 0
    for before, after, on_grid in _pairs(found.net, found.layer, found.g, images):
        inside = on_grid.inside(*after.shape[2:]).to(after.device)
        count += len(after) * int(inside.sum())
        sums, squares = sums + _total(after * inside), squares + _total((after * inside).square())
        for k, guess in enumerate((before, found.move(before), found.map(before))):
            misses[k] = misses[k] + _total(((guess - after) * inside).square())
    if count < 2:
        raise U3Error("one site has no variance to compare the errors with; give more or larger pictures")
    variance = (squares - sums**2 / count).clamp(min=1e-12)
    return Errors(*(miss / variance for miss in misses), variance)


def _total(x: Tensor) -> Tensor:
    """Sum over pictures and sites, (B,C,h,w) → (C,), in double precision."""
    return x.sum((0, *range(2, x.ndim)), dtype=torch.float64)


def transported_scores(found: Equivariance, images: Tensor) -> dict[str, Tensor]:
    """Class scores (B,K) when the rest of the network goes on from each of these at the layer.

    "recomputed" φ(g x), "nothing" φ(x), "moved" φ(x) with its sites permuted, "mapped" M_g φ(x).
    Compare them with :func:`u3lab.measures.agreement`.
    """
    is_a("found", found, Equivariance, FIT)
    scores, spacing = [], found.net.spacing_of(found.net.check(images))
    for x in images.split(BATCH):
        before, rectify = before_relu(found.net, found.layer, x)
        with torch.no_grad():
            guesses = [rectify(guess) for guess in (before, found.move(before), found.map(before))]
            scores.append([found.net(found.g.in_cells(spacing)(x)), *(
                forward_from(found.net, found.layer, one) for one in guesses)])
    names = ("recomputed", "nothing", "moved", "mapped")
    return {name: torch.cat(parts) for name, parts in zip(names, zip(*scores, strict=True), strict=True)}


def mirrored(net: nn.Module) -> Classifier:
    """A copy of a network whose filters are all flipped from left to right."""
    twin = copy.deepcopy(ready(net))
    for layer in twin.modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            layer.weight.data = mirrored_filters(layer.weight.data)
    return twin


def mirrored_filters(filters: Tensor) -> Tensor:
    """Filters (O,C,k,k) flipped from left to right: conv(flip x; W) = flip conv(x; flip W)."""
    return filters.flip(-1)


def centred_size(net: nn.Module, layer: str) -> int:
    """The size nearest to what the network was trained with at which its layer's grid lies in the middle.

    Flips and quarter turns then permute the layer's sites exactly.
    """
    net, twin = ready(net), mirrored(net)
    usual = max(net.sides)
    for size in sorted(range(max(usual - 32, 1), usual + 33), key=lambda size: abs(size - usual)):
        x = torch.rand(1, net.channels, *[size] * net.axes, generator=torch.Generator().manual_seed(0))
        a, b = before_relu(net, layer, x.flip(-1))[0], before_relu(twin, layer, x)[0].flip(-1)
        if (a - b).abs().max() <= 1e-3 * a.abs().max():
            return size
    raise U3Error(f"no size near {usual} centres the grid of {layer!r} of {net.name}; choose an earlier layer, or "
                  "let a neighbourhood of 3 make up for the shift")
