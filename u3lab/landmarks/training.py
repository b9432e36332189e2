"""The labeller Φ, from pictures to maps with a code for every second pixel each way, and its training, step by step.

It learns from pairs of pictures (x, gx), of which it is known where points go:

    minimise over Φ    1/B Σ loss( Φ(x), Φ(gx), u, gu )

where pairs are made anew at each step, by nothing but the seed and the step's number: warps of still pictures, or
frames of a film with their flow. A new loss is one function and one line in ``LOSSES``;
``tests/u3lab/landmarks/test_contract.py`` holds every line to its word.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images
from u3lab.checks import function, number, one_of, shown, tensors, whole
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.landmarks.dense import dense_labelling_loss, invariance_loss
from u3lab.landmarks.sparse import diversity_loss, equivariance_loss
from u3lab.nets import Classifier, ready
from u3lab.nets.checkpoints import conv_block
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.learning import maps
from u3lab.training.loop import Terms, generator_of, training_mode

# (count, generator) → x (count,3,H,W), gx alike, points u (count,N,2) in x, and gu (count,N,2), where they are in gx.
Pairs = Callable[[int, torch.Generator], tuple[Tensor, Tensor, Tensor, Tensor]]
DILATIONS = (1, 1, 2, 4, 2)
GAIN = 4.0  # makes codes longer from the start: p, a softmax of products of two of them, is nearly flat without it
LONGEST = 4.0  # two codes that long: exp(16 cos θ) falls to its half at 17°, on a face some two cells
MULTIPLE = 4  # of pixels: what the trunk's cells are made from
_layer = partial(conv_block, kaiming=True, mirrored=True)


def labeller(width: int = 32, dimensions: int = 3, *, longest: float | None = LONGEST, seed: int = 0) -> Classifier:
    """A fresh labeller: pictures (B,3,H,W) in [0,1] → codes (B,dimensions,H/2,W/2), shorter than ``longest``.

    H and W are multiples of 4, from 20 on. With ``dimensions`` = K and without a ``longest`` its maps will also do as
    the K heat maps of sparse landmarks. The same seed gives the same weights.
    """
    width, dimensions = whole("width", width, 2, 256), whole("dimensions", dimensions, 1, 256)
    longest = None if longest is None else number("longest", longest, 0, 1e6, without_low=True)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        network = Labeller(width, dimensions, longest)
    layers = ("conv1", "conv2", *(f"trunk.{n}" for n in range(len(DILATIONS))), "joined", "codes")
    return Classifier(network.eval(), layers={layer.replace("trunk.", "trunk"): layer for layer in layers},
                      mean=(0.5,), std=(0.25,), size=64, name="the labeller", memory_format=torch.channels_last)


class Labeller(nn.Module):
    """Two layers that halve the sides, a trunk with holes in its kernels, and a skip from the first layer.

    The network of the NIPS 2017 paper is as small. What matters in it:

    - A code has to see enough of the picture to know the part: here 100 pixels each way. With 25 nothing is learnt.
    - Borders are mirrored. Zeros around the picture would tell a network where a pixel is in the *picture*, and codes
      of the place in the picture are a shortcut as long as things move little.
    - Cells lie evenly: a cell's centre is that of the pixels it is made from, so that a point is where it seems to be.
    - Codes are of a bounded length. Left alone they grow and grow, p becomes a single place, and where that is the
      wrong one no gradient is left to say so: the training stands still. LONGEST is enough to tell neighbouring cells
      apart.
    """

    def __init__(self, width: int, dimensions: int, longest: float | None) -> None:
        super().__init__()
        self.longest = longest
        # Kernels of even size, so that a cell is the middle of its pixels.
        self.conv1 = _layer(3, width // 2, 6, 2, padding=2)
        self.conv2 = _layer(width // 2, width, 4, 2, padding=1)
        self.trunk = nn.Sequential(*(_layer(width, width, dilation=apart) for apart in DILATIONS))
        self.joined = _layer(width + width // 2, width)
        self.codes = nn.Conv2d(width, dimensions, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pictures (B,3,H,W) → codes (B,D,H/2,W/2)."""
        if x.shape[2] % MULTIPLE or x.shape[3] % MULTIPLE:
            raise U3Error(f"the labeller takes pictures whose sides are multiples of {MULTIPLE} pixels, these have "
                          f"{x.shape[2]}×{x.shape[3]}; crop or resize them")
        fine = self.conv1(x)
        coarse = self.trunk(self.conv2(fine))
        coarse = F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False)
        codes = GAIN * self.codes(self.joined(torch.cat([coarse, fine], 1)))
        if self.longest is None:
            return codes
        return codes / (1 + codes.square().sum(1, keepdim=True) / self.longest**2).sqrt()


@settings
class LabelSettings:
    """Settings of :func:`train_labeller`."""

    gamma: float = setting(0.5, 0.1, 4.0, symbol="γ", help="power of the distance in the labelling loss")
    lam: float = setting(1.0, 0.0, 100.0, symbol="λ", help="weight of diversity in the loss of landmarks")
    window: int = setting(4, 1, 64, symbol="m", help="cells a side of the windows that landmarks do not share")
    exchange: bool = setting(False, help="match by way of another picture of the batch (DVE)")
    lr: float = loop.rate(0.004, falls=True)
    steps: int = loop.steps(300)
    batch_size: int = loop.batch_size(12, 1024, "pairs at each step", slide_to=64)
    queries: int = setting(256, 1, 16_384, symbol="N", once=True, help="points asked for in each pair, at most")
    seed: int = loop.seed("the pairs and of the points that are asked for")


@dataclass(frozen=True)
class Loss:
    """One loss of :func:`train_labeller`.

    Attributes:
        terms: (codes Φ(x) (B,D,h,w), Φ(gx) alike, points u (B,N,2), gu (B,N,2), settings) → its terms.
        reads: The settings that change it.
        constant: Whether codes that are the same everywhere are among its best answers: training leads there.
        cells: Whether the maps are one landmark's probability each, so that the points have to be all of their cells.
    """

    terms: Callable[[Tensor, Tensor, Tensor, Tensor, LabelSettings], Terms]
    reads: frozenset[str] = frozenset()
    constant: bool = False
    cells: bool = False


def _labelling(codes: Tensor, codes_moved: Tensor, u: Tensor, gu: Tensor, settings: LabelSettings) -> Terms:
    through = codes.roll(1, 0) if settings.exchange else None  # of the picture before
    return {"distance": dense_labelling_loss(codes, codes_moved, gu, u=u, gamma=settings.gamma, through=through)}


def _landmarks(maps: Tensor, maps_moved: Tensor, u: Tensor, gu: Tensor, settings: LabelSettings) -> Terms:
    return {"equivariance": equivariance_loss(maps, maps_moved, gu, u=u),
            "diversity": settings.lam * diversity_loss(maps, window=settings.window)}


LOSSES: dict[str, Loss] = {
    "labelling": Loss(_labelling, frozenset({"gamma", "exchange"})),
    "invariance": Loss(lambda z, moved, u, gu, _: {"invariance": invariance_loss(z, moved, gu, u=u)}, constant=True),
    "landmarks": Loss(_landmarks, frozenset({"lam", "window"}), cells=True),
}


def train_labeller(net: nn.Module, pairs: Pairs, *, loss: str | Callable[..., Tensor] = "labelling",
                   settings: LabelSettings | None = None) -> Iterator[Step]:
    """Train a labeller on pairs; between the steps it is ready for use.

    Args:
        net: From :func:`~u3lab.landmarks.labeller`; changed in place. Any network from pictures to maps will do.
        pairs: A function (count, generator) that makes so many pairs x, gx (count,3,H,W) in [0,1], points u (count,N,2)
            in x and gu (count,N,2), where these are in gx, as (x, y) in [−1,1]. Those that leave the picture do not
            count.
        loss: "labelling"; "invariance", which collapses; or "landmarks", for which the net's maps are K heat maps and
            the points had better be all of their cells (with ``queries`` as many). Or a function of one's own: codes
            Φ(x) (B,D,h,w), Φ(gx) alike, points u (B,N,2) and gu → a scalar.
        settings: ``gamma``, ``lam``, ``window``, ``exchange`` and ``lr`` are read at every step.

    Yields:
        Step: ``value`` has the codes of x of this step's pairs, (B,D,h,w).

    Raises:
        U3Error: A network that makes no maps, pairs that are none, or a loss that is no number.
    """
    net, settings = ready(net), or_default(settings, LabelSettings)
    function("pairs", pairs, 2, "give a function (count, generator) that makes pictures, moved ones, and both's points")
    if callable(loss):
        own = function("loss", loss, 4, "give a function of the codes of x and of gx, the points, and where they are")
        terms = lambda *given: {"loss": own(*given[:4])}  # noqa: E731
    else:
        terms = LOSSES[one_of("loss", loss, LOSSES)].terms
    seed, count, queries = settings.seed, settings.batch_size, settings.queries

    def energy(step: int) -> tuple[Tensor, Terms]:
        draw = generator_of(seed, step)
        x, gx, u, gu = _checked(pairs(count, draw), count)
        chosen = torch.randperm(u.shape[1], generator=draw)[:queries] if queries < u.shape[1] else slice(None)
        u, gu = (one[:, chosen].to(net.device) for one in (u, gu))
        codes, codes_moved = maps_of_pairs(net, x, gx)
        return codes, terms(codes, codes_moved, u, gu, settings)

    return train(net.module.parameters(), energy, steps=settings.steps, rate=loop.annealed(settings))


def maps_of_pairs(net: Classifier, x: Tensor, gx: Tensor) -> tuple[Tensor, Tensor]:
    """Φ(x) and Φ(gx), (B,D,h,w) each, with a graph."""
    with training_mode(net.module):
        found = maps(net, torch.stack([x, gx], 1).flatten(0, 1)).to(net.mean)
    return found.unflatten(0, (-1, 2)).unbind(1)


def _checked(made: object, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a function of pairs has made, if that is pairs."""
    if not isinstance(made, tuple) or len(made) != 4:
        raise U3Error(f"pairs made {shown(made)}; give a tuple of x, gx, u and gu")
    x, gx, u, gu = made
    tensors(x=(x, "B3HW"), gx=(gx, "B3HW"), u=(u, "BN2"), gu=(gu, "BN2"))
    if len(x) != count:
        raise U3Error(f"pairs was asked for {count} pairs and made {len(x)}; give as many as asked for")
    return images.check(x), images.check(gx), u, gu
