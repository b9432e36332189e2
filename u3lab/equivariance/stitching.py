"""Equivalence: two networks stitched together by a linear map of channels, the same at every site.

    Φ(x) = top_B(E bottom_A(x)),    E a 1×1 convolution

If the franken-network answers as B does, then A's features hold what B's upper part needs, up to a linear map. After
Lenc & Vedaldi, Understanding image representations by measuring their equivariance and equivalence, CVPR 2015 and
IJCV 2018, section 6. They train E on ImageNet's labels. Here it comes from least squares on B's own features. That
makes every feature of B a little wrong; what counts is what B's upper part makes of them. So E can then be trained to
answer as B does, which takes no labels either: over crops x

    minimise over E    KL( softmax B(x) ‖ softmax top_B(E bottom_A(x)) )

after Hinton, Vinyals & Dean, Distilling the knowledge in a neural network, 2015. Without a stitch, CKA says how alike
two networks' features are.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import skip_init

from u3lab import images as _images
from u3lab.checks import is_plain, number, shown, whole
from u3lab.descent import Step, descend
from u3lab.equivariance.transport import BATCH, MOST_STRENGTH, ridge
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready
from u3lab.nets.surgery import Rectify, before_relu, bottom, forward_from
from u3lab.settings import or_default, setting, settings

CLOSE = 2.2  # grids whose sides differ by no more than this factor are resampled to one another


class Franken(nn.Module):
    """Lower part of A, 1×1 convolution ``stitch``, upper part of B; pictures normalised for A to B's class scores.

    A sees pictures of the size that they have; its features, resampled where B's grid is a little finer or coarser,
    go to B at the resolution that they have.
    """

    def __init__(self, a: Classifier, layer_a: str, b: Classifier, layer_b: str, stitch: nn.Conv2d, rectify: Rectify,
                 ratio: tuple[float, float]) -> None:
        super().__init__()
        self.a, self.b, self.stitch = a, b, stitch
        self.layer_a, self.layer_b, self.rectify, self.ratio = layer_a, layer_b, rectify, ratio

    def forward(self, normalised: Tensor) -> Tensor:
        return self.top(self.stitch(self.bottom(normalised)))

    def bottom(self, normalised: Tensor) -> Tensor:
        """A's features of pictures before the ReLU, at B's resolution."""
        features, _ = bottom(self.a, self.layer_a, normalised)
        return _resample(features, [round(n * r) for n, r in zip(features.shape[2:], self.ratio, strict=True)])

    def top(self, features: Tensor) -> Tensor:
        """B's class scores from its features before the ReLU."""
        return forward_from(self.b, self.layer_b, self.rectify(features))


def stitch(net_a: Classifier, layer_a: str, net_b: Classifier, layer_b: str, images: Tensor, *,
           strength: float = 1e-2, sites: int = 8000, seed: int = 0) -> Classifier:
    """A classifier of A's lower part, up to ``layer_a``, and B's upper part, from ``layer_b`` on.

    E is fitted by ridge regression from A's to B's features of the same pictures, both before the ReLU. (From A's
    features behind the ReLU it does worse high up, where few of them are left: at fire9 19 of 20 are 0.)

    Args:
        net_a, layer_a, net_b, layer_b: Two classifiers and a layer of each, with grids of the same resolution or nearly
            so.
        images: Pictures to fit on, (B,3,H,W) in [0,1]. Each network gets them at its own size.
        strength: Of the ridge penalty, relative to the energy of A's features.
        sites: About how many sites to fit on, taken at random (``seed``) from all pictures.

    Returns:
        Classifier: With B's classes. Give it pictures of A's size (its ``size``). Its layers are A's up to ``layer_a``,
            "stitch", and B's above ``layer_b``.

    Raises:
        U3Error: No pictures, no such layers, layers without grid, resolutions that do not match, too few sites.
    """
    net_a, net_b, strength = ready(net_a), ready(net_b), number("strength", strength, 0, MOST_STRENGTH)
    x, y, rectify, ratio = _samples(net_a, layer_a, net_b, layer_b, images, sites, seed)
    if strength == 0 and len(x) <= x.shape[1]:
        raise U3Error(f"{len(x)} sites cannot decide {x.shape[1]} weights for each channel of {layer_b!r}; give more "
                      "pictures, or a strength above 0")
    weight, bias = ridge(x.cpu(), y.to(x.dtype).cpu(), strength=strength)
    stitch = skip_init(nn.Conv2d, x.shape[1], y.shape[1], 1, dtype=y.dtype, device=y.device).requires_grad_(False)
    stitch.weight.copy_(weight[..., None, None])
    stitch.bias.copy_(bias)
    return _classifier(Franken(net_a, layer_a, net_b, layer_b, stitch, rectify, ratio))


def _samples(a: Classifier, layer_a: str, b: Classifier, layer_b: str, images: Tensor, sites: int,
             seed: int) -> tuple[Tensor, Tensor, Rectify, tuple[float, float]]:
    """Features of A (n,C_A) and of B (n,C_B) at the same sites, what follows B's, and the ratio of the grids."""
    whole("sites", sites)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    xs, ys = [], []
    for batch in _images.check(images).split(BATCH):
        x, _ = before_relu(a, layer_a, _images.resize(batch, a.size))
        y, rectify = before_relu(b, layer_b, _images.resize(batch, b.size))
        ratio = _ratio(f"{a.name}'s {layer_a!r}", x, f"{b.name}'s {layer_b!r}", y)
        x = _resample(x, y.shape[2:]).to(y.device)
        chosen = torch.randperm(x[0, 0].numel(), generator=generator)[: -(-sites // len(images))].to(x.device)
        xs.append(x.flatten(2)[..., chosen].transpose(1, 2).flatten(0, 1))
        ys.append(y.flatten(2)[..., chosen].transpose(1, 2).flatten(0, 1))
    return torch.cat(xs), torch.cat(ys), rectify, ratio


def identity_stitch(stitched: Classifier) -> Classifier:
    """The same two halves with channel c of A going to channel c of B, spare ones to nothing: a baseline."""
    return _with(stitched, lambda weight, bias: (torch.eye(*weight.shape[:2])[..., None, None], bias * 0))


def shuffled_stitch(stitched: Classifier, *, seed: int = 0) -> Classifier:
    """The same two halves and weights, with A's channels in a random order: a random map of the right size."""
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    return _with(stitched, lambda weight, bias: (
        weight[:, torch.randperm(weight.shape[1], generator=generator).to(weight.device)], bias))


def _with(stitched: Classifier, change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Classifier:
    old = franken(stitched)
    new = copy.deepcopy(old.stitch)
    weight, bias = change(old.stitch.weight, old.stitch.bias)
    new.weight.copy_(weight)
    new.bias.copy_(bias)
    return _classifier(Franken(old.a, old.layer_a, old.b, old.layer_b, new, old.rectify, old.ratio))


def franken(stitched: Classifier) -> Franken:
    """What is inside a stitched network."""
    module = ready(stitched).module
    if not isinstance(module, Franken):
        name = getattr(stitched, "name", type(stitched).__name__)
        raise U3Error(f"{name!r} is not a stitched network; make one with equivariance.stitch(…)")
    return module


def _classifier(module: Franken) -> Classifier:
    a, b = module.a, module.b
    below = a.layers[: a.layers.index(module.layer_a) + 1] if module.layer_a in a.layers else ()
    above = b.layers[b.layers.index(module.layer_b) + 1 :] if module.layer_b in b.layers else ()
    layers = {f"{a.name}:{layer}": f"a.module.{a.path(layer)}" for layer in below}
    layers["stitch"] = "stitch"
    layers |= {f"{b.name}:{layer}": f"b.module.{b.path(layer)}" for layer in above}
    module.training = module.stitch.training = False  # not eval(), which would reach into A and B
    return Classifier(module, **a.facts() | {"layers": layers, "classes": b.classes, "output": None, "name": (
        f"{a.name}:{module.layer_a} → {b.name}:{module.layer_b}")})


def _resample(features: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(features.shape[2:]) == tuple(size):
        return features
    return F.interpolate(features, tuple(size), mode="bilinear", align_corners=False)


def _ratio(name_a: str, a: Tensor, name_b: str, b: Tensor) -> tuple[float, float]:
    """By how much B's grid is finer than A's; refuse what is not nearly the same."""
    ratio = tuple(of_b / of_a for of_a, of_b in zip(a.shape[2:], b.shape[2:], strict=True))
    if not all(1 / CLOSE <= r <= CLOSE for r in ratio):
        raise U3Error(f"{name_a} has {a.shape[2]}×{a.shape[3]} sites and {name_b} {b.shape[2]}×{b.shape[3]}; "
                      "stitch layers of the same resolution")
    return ratio


@settings
class StitchSettings:
    """Settings of :func:`distil`."""

    lr: float = setting(0.01, 0.0001, 0.1, scale="log", symbol="η", help="learning rate, relative to the spread of E")
    batch_size: int = setting(12, 1, 64, symbol="B", help="crops at each step")
    steps: int = setting(40, 1, 500, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the choice of crops")


def distil(stitched: Classifier, images: Tensor, *, settings: StitchSettings | None = None) -> Iterator[Step]:
    """Train E, step by step; the stitched network that is given changes, its two halves do not.

    Args:
        stitched: From :func:`u3lab.equivariance.stitch`.
        images: Pictures to train on, (B,3,H,W) in [0,1].
        settings: Read at every step.

    Yields:
        Step: ``value`` is E with its bias as the last column, (1,1,C_B,C_A+1); the loss is the divergence in nats.

    Raises:
        U3Error: A network that is not stitched, or pictures that are none.
    """
    module, settings = franken(stitched), or_default(settings, StitchSettings)
    a, b, convolution = module.a, module.b, module.stitch
    _images.check(images)
    with torch.no_grad():
        wanted = torch.cat([b(x).softmax(1) for x in _images.resize(images, b.size).split(BATCH)])
    x = _images.resize(images, a.size)
    e = torch.cat([convolution.weight.flatten(1), convolution.bias[:, None]], 1).requires_grad_()
    spread = float(convolution.weight.std())
    generator = torch.Generator().manual_seed(settings.seed)

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        chosen = torch.randperm(len(x), generator=generator)[: settings.batch_size]
        with torch.no_grad():
            convolution.weight.copy_(e[:, :-1, None, None])
            convolution.bias.copy_(e[:, -1])
            features = module.bottom(a.normalise(x[chosen]))
        scores = module.top(F.conv2d(features, e[:, :-1, None, None], e[:, -1]))
        divergence = F.kl_div(scores.log_softmax(1), wanted[chosen.to(wanted.device)], reduction="batchmean")
        return e[None, None], {"divergence": divergence}

    return descend(e, energy, steps=settings.steps, lr=lambda: settings.lr * spread)


def cka(features_a: Tensor, features_b: Tensor) -> float:
    """Linear CKA of two layers on the same pictures: 1 for the same up to rotation and scale, 0 for unrelated.

    With X (n,p) and Y (n,q) the features of the same n samples, each channel about its mean,

        CKA(X, Y) = ‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F)

    after Kornblith, Norouzi, Lee & Hinton, Similarity of neural network representations revisited, ICML 2019, equation
    5 and section 5.

    Args:
        features_a, features_b: Two tensors (B,C,h,w), whose sites are the samples, or two (n,C). The numbers of
            channels may differ. Where the grids differ, the finer one is averaged down to the coarser.
        Few samples make everything look alike: take many times more of them than channels.

    Raises:
        U3Error: Different numbers of pictures, fewer than two samples, features that never change or are not finite.
    """
    x, y = _rows(features_a, features_b)
    if len(x) < 2:
        raise U3Error(f"{len(x)} sample is too few to compare features; give two or more, better thousands")
    centred = [one - one.mean(0) for one in (x, y)]
    norms = (centred[0].T @ centred[0]).norm() * (centred[1].T @ centred[1]).norm()
    if not (norms.isfinite() or (x.isfinite().all() and y.isfinite().all())):  # a number's NaN is that of the norms
        raise U3Error("the features have values that are NaN or infinite; look for their origin before this line")
    if norms == 0:
        raise U3Error("one of the features is the same for every sample: nothing to compare; give different pictures")
    return ((centred[1].T @ centred[0]).square().sum() / norms).item()


def _rows(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both as (n,C) in double precision, sample by sample."""
    shapes = " and ".join(str(tuple(f.shape)) if is_plain(f) else shown(f) for f in (a, b))
    both = is_plain(a) and is_plain(b)
    if not both or a.ndim != b.ndim or a.ndim not in (2, 4) or len(a) != len(b):
        raise U3Error(f"features of shapes {shapes} do not belong together; give (B,C,h,w) twice or (n,C) twice, "
                      "of the same pictures")
    if a.is_complex() or b.is_complex():
        raise U3Error("the features are complex numbers; give real ones, such as their sizes, features.abs()")
    a, b = a.detach().double(), b.detach().double().to(a.device)
    if a.ndim == 2:
        return a, b
    grid = tuple(min(sides) for sides in zip(a.shape[2:], b.shape[2:], strict=True))
    return tuple(F.adaptive_avg_pool2d(f, grid).permute(0, 2, 3, 1).flatten(0, 2) for f in (a, b))
