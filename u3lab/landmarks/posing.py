"""Learning how things are turned: a network whose answer is a turn, pairs that it may see, and the steps.

The loss is that of :mod:`u3lab.landmarks.factorising`.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images as _images
from u3lab.checks import function, one_of, shown, tensors, whole
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.landmarks.factorising import DISTANCES, NUMBERS, as_rotation, factorise, pose_error
from u3lab.landmarks.factorising import rotations as check_rotations
from u3lab.landmarks.training import maps_of_pairs
from u3lab.nets import Classifier
from u3lab.nets.checkpoints import conv_block
from u3lab.nets.gate import ready
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.loop import Terms, generator_of

GRID, AT_ONCE = 4, 64  # places a side that the last layer sees; pictures in one pass
PAIRS = "give a tuple of pictures x, pictures gx and turns g, or a function (count, generator) that makes such"
Pair = tuple[Tensor, Tensor, Tensor]  # x (N,3,H,W), gx (N,3,H,W), g (N,n,n)
Pairs = Callable[[int, torch.Generator], Pair]


@settings
class PoseSettings:
    """Settings of :func:`learn_pose`."""

    distance: str = setting("chordal", choices=tuple(DISTANCES), help="of the turn that is found from the known one")
    lr: float = loop.rate(0.003, falls=True)
    steps: int = loop.steps(500)
    batch_size: int = loop.batch_size(64, 4096, "pairs at each step", slide_to=256)
    seed: int = loop.seed("the pairs and their order")


def pose_encoder(width: int = 32, dimensions: str = "3d", *, seed: int = 0) -> Classifier:
    """A fresh network Φ for pictures of 64 pixels: (B,3,H,W) in [0,1] → the numbers of a turn, (B,2 or 6,1,1).

    :func:`poses` makes rotations of them. The last layers see where in the picture a thing is, since a pose is told by
    what lies where.

    Args:
        width: Channels of the first layer.
        dimensions: "2d" for turns of the picture in its plane, "3d" for turns of a thing in space.
    """
    width, count = whole("width", width, 1, 256), NUMBERS[one_of("dimensions", dimensions, NUMBERS)]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        module, before = nn.Sequential(), 3
        for n, times in enumerate((1, 2, 4, 4), 1):
            module.add_module(f"conv{n}", conv_block(before, before := times * width, 5 if n == 1 else 3, 2))
        module.add_module("grid", nn.AdaptiveAvgPool2d(GRID))
        module.add_module("hidden", conv_block(before, 4 * width, GRID, padding=0))
        module.add_module("pose", nn.Conv2d(4 * width, count, 1))
    return Classifier(module.eval(), mean=(0.5,), std=(0.25,), size=64, name="the pose encoder",
                      layers={name: name for name in ("conv1", "conv2", "conv3", "conv4", "hidden", "pose")},
                      memory_format=torch.channels_last)


@torch.no_grad()
def poses(net: nn.Module, images: Tensor) -> Tensor:
    """Φ(x) of pictures (N,3,H,W): rotations (N,2,2) or (N,3,3), without a graph."""
    net = ready(net, images)
    return torch.cat([as_rotation(net.run(net.normalise(part)).flatten(1)) for part in images.split(AT_ONCE)])


def pairs_of(images: Tensor, rotations: Tensor, instances: Tensor) -> Pairs:
    """Views of things, of which whoever learns is told no rotation R but those from one view of a thing to another.

    Args:
        images: (N,3,H,W) in [0,1].
        rotations: (N,n,n); what is given on is g = R′ R⁻¹ alone.
        instances: (N) whole numbers: the same number is the same thing. Each needs two views or more.

    Returns:
        A function (count, generator) → (x, gx, g): random views, and for each a random other one of the same thing.
    """
    _images.check(images)
    tensors(images=(images, "NCHW"), rotations=(rotations, "NDD"), instances=(instances, "N"))
    check_rotations(rotations=rotations)
    alike = instances[:, None] == instances
    others = alike & ~torch.eye(len(images), dtype=torch.bool)
    if not others.any(1).all():
        raise U3Error("a thing that is seen once makes no pair; give two or more views of each")

    def pairs(count: int, generator: torch.Generator) -> Pair:
        first = torch.randint(len(images), (count,), generator=generator)
        second = torch.multinomial(others[first].float(), 1, generator=generator)[:, 0]
        return images[first], images[second], rotations[second] @ rotations[first].mT

    return pairs


def rotated(images: Tensor, degrees: Tensor) -> Tensor:
    """Pictures (N,3,S,S), each turned by its angle (N) counter-clockwise about its middle.

    Only a disc is kept, with black around: corners would tell the angle.
    """
    _images.check(images)
    tensors(images=(images, "NCHH"), degrees=(degrees, "N"))
    backwards = plane(degrees).to(images)
    grid = F.affine_grid(F.pad(backwards, (0, 1)), list(images.shape), align_corners=False)  # its y goes down
    inside = grid.square().sum(-1) <= 1
    return F.grid_sample(images, grid, align_corners=False) * inside[:, None]


def plane(degrees: Tensor) -> Tensor:
    """Rotations in the plane by angles (N) in degrees: (N,2,2)."""
    return as_rotation(torch.stack([degrees.deg2rad().cos(), degrees.deg2rad().sin()], 1))


def rotated_pairs(images: Tensor) -> Pairs:
    """Square pictures (N,3,S,S), all upright: a function (count, generator) → (x, gx, g), x a picture that is turned
    by any angle and gx the same turned on by g (count,2,2), which is any as well."""
    _images.check(images)
    tensors(images=(images, "NCHH"))

    def pairs(count: int, generator: torch.Generator) -> Pair:
        chosen = images[torch.randint(len(images), (count,), generator=generator)]
        start, on = 360 * torch.rand(2, count, generator=generator)
        return rotated(chosen, start), rotated(chosen, start + on), plane(on)

    return pairs


def learn_pose(net: nn.Module, pairs: Pair | Pairs, *, settings: PoseSettings | None = None) -> Iterator[Step]:
    """Learn Φ from pairs and the turns between them; no pose of any picture is told.

    Args:
        net: From :func:`pose_encoder`; changed in place. Any network from pictures to 2 or 6 numbers (B,K,1,1) will do.
        pairs: x, gx (N,3,H,W) in [0,1] and g (N,n,n); or a function (count, generator) that makes such a batch, as
            those of :func:`pairs_of` and :func:`rotated_pairs`.
        settings: ``distance`` and ``lr`` are read at every step.

    Yields:
        Step: ``value`` is the median error of the batch's turns in degrees, a scalar.

    Raises:
        U3Error: Pairs that do not fit each other or the network, or a loss that is no number.
    """
    net, settings = ready(net), or_default(settings, PoseSettings)
    draw = function("pairs", pairs, 2, PAIRS) if callable(pairs) else _rows(_pair(pairs))
    seed, count = settings.seed, settings.batch_size

    def energy(step: int) -> tuple[Tensor, Terms]:
        x, gx, g = _pair(draw(count, generator_of(seed, step)))
        found, found_moved = (_rotations(codes) for codes in maps_of_pairs(net, x, gx))
        g = g.float().to(net.device)
        error = pose_error(found_moved.detach() @ found.detach().mT, g).median()
        return error, {settings.distance: factorise(found, found_moved, g, distance=settings.distance)}

    return train(net.module.parameters(), energy, steps=settings.steps, rate=loop.annealed(settings))


def _rotations(codes: Tensor) -> Tensor:
    """The numbers of pictures, (B,2 or 6,1,1) → rotations (B,n,n)."""
    if codes.shape[1] not in NUMBERS.values():
        raise U3Error(f"the network gives {codes.shape[1]} numbers for a picture, and a turn has 2 or 6; make one with "
                      "landmarks.pose_encoder()")
    return as_rotation(codes.flatten(1))


def _pair(pair: object) -> Pair:
    """The pairs, if they are some."""
    if not isinstance(pair, tuple) or len(pair) != 3:
        raise U3Error(f"pairs = {shown(pair)}; {PAIRS}")
    x, gx, g = pair
    tensors(x=(x, "NCHW"), gx=(gx, "NCHW"), g=(g, "NDD"))
    _images.check(x), _images.check(gx), check_rotations(g=g)
    return pair


def _rows(pair: Pair) -> Pairs:
    """A function that draws some of these pairs."""
    def rows(count: int, generator: torch.Generator) -> Pair:
        chosen = torch.randint(len(pair[0]), (count,), generator=generator)
        return tuple(one[chosen] for one in pair)

    return rows
