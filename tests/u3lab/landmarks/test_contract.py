"""Every loss, every distance of rotations and every learner of pose or of keypoints keeps its word.

A new line in ``landmarks.LOSSES``, ``landmarks.DISTANCES`` or ``LEARNERS`` of tools/site/lists.py is tested here
without a word more; that its numbers are right, its oracle says.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import minimised, refuses
from tools.site.lists import LEARNERS
from u3lab.descent import last
from u3lab.landmarks import DISTANCES, LOSSES, LabelSettings, as_rotation, factorise, poses
from u3lab.landmarks.places import cells

EACH = pytest.mark.parametrize("name", LOSSES)
FAR = pytest.mark.parametrize("name", DISTANCES)
LEARNER = pytest.mark.parametrize("name", LEARNERS)
TOLD = pytest.mark.parametrize("name", [name for name, learner in LEARNERS.items() if learner.turns])
OTHER = {"gamma": 2.0, "lam": 7.0, "window": 2, "exchange": True}  # than the defaults


def maps(seed: int) -> Tensor:
    return torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def loss(name: str, codes: Tensor, moved: Tensor, **other: object) -> float:
    """The loss of codes, and of those of a picture that has moved a little."""
    here = cells(codes).expand(len(codes), -1, -1)
    there = here + torch.tensor([0.2, -0.1], dtype=torch.float64)
    return float(sum(LOSSES[name].terms(codes, moved, here, there, LabelSettings(**other)).values()))


@EACH
def test_it_reads_the_settings_that_it_names_and_no_others(name: str):
    plain = loss(name, maps(0), maps(1))
    changed = {field for field, value in OTHER.items() if loss(name, maps(0), maps(1), **{field: value}) != plain}
    assert changed == LOSSES[name].reads


@EACH
def test_it_says_whether_equal_codes_content_it(name: str):
    """They say nothing of where a thing is. Random ones are no good either: who prefers equal codes, collapses."""
    flat = torch.ones(3, 4, 6, 6, dtype=torch.float64)
    assert (loss(name, flat, flat) == 0) == LOSSES[name].constant


@EACH
def test_it_says_whether_it_wants_all_cells(name: str):
    """The loss of all points is the mean of that of both halves, unless the map is one probability over all of them."""
    here = cells(maps(0)).expand(3, -1, -1)
    first, second, whole = (float(sum(LOSSES[name].terms(maps(0), maps(1), points, points, LabelSettings(
        lam=0.0)).values())) for points in (here[:, :18], here[:, 18:], here))
    assert ((first + second) / 2 != pytest.approx(whole, rel=1e-6)) == LOSSES[name].cells


@EACH
def test_where_nothing_moves_a_place_in_the_picture_will_do(name: str):
    """The shortcut of a network that knows where the border is; where things move, it costs."""
    here, codes = cells(maps(0)).expand(3, -1, -1), places(LOSSES[name].cells)
    still, moved, drawn = (float(sum(LOSSES[name].terms(map, map, here, here + shift, LabelSettings(lam=0.0)).values()))
                           for map, shift in ((codes, 0), (codes, 0.5), (30 * maps(0).roll(1, 0), 0.5)))
    assert still < 0.1 * moved and still < 0.1 * drawn


def places(peaks: bool) -> Tensor:
    """Codes or maps (3,4,6,6) that say where in the picture a cell is, whatever is there: peaks, or cos and sin."""
    at = cells(maps(0)).reshape(6, 6, 2)
    if peaks:
        one = torch.zeros(4, 36, dtype=torch.float64)
        one[range(4), (7, 10, 25, 28)] = 30
        return one.view(4, 6, 6).expand(3, -1, -1, -1)
    return 30 * torch.stack([at[..., 0].cos(), at[..., 0].sin(), at[..., 1].cos(), at[..., 1].sin()]).expand(3, -1, -1,
                                                                                                           -1)


def pull(name: str, degrees: float) -> float:
    """How fast the distance from where it should be grows, for a turn in the plane that is wrong by so much."""
    a = torch.tensor(degrees, dtype=torch.float64).deg2rad().requires_grad_()
    turned = torch.stack([a.cos(), -a.sin(), a.sin(), a.cos()]).view(1, 2, 2)
    grows, = torch.autograd.grad(DISTANCES[name].between(turned, torch.eye(2, dtype=torch.float64)[None]), a)
    return float(grows)


@FAR
def test_it_is_0_where_both_are_one_and_grows_to_half_a_turn(name: str):
    found = torch.eye(3, dtype=torch.float64)[None]
    assert float(DISTANCES[name].between(found, found)) < 3e-6
    assert min(pull(name, degrees) for degrees in (5, 60, 120, 175)) > 0


@FAR
def test_it_says_where_its_pull_fades(name: str):
    assert (pull(name, 0.5) < 0.1 * pull(name, 60)) == DISTANCES[name].smooth
    assert (pull(name, 179.5) > 0.1 * pull(name, 60)) == DISTANCES[name].far


def pictures(seed: int, count: int = 6) -> Tensor:
    rough = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(rough, size=(32, 32), mode="bilinear")


def turns(name: str, seed: int, count: int = 6) -> Tensor:
    return as_rotation(torch.randn(count, LEARNERS[name].numbers, generator=torch.Generator().manual_seed(seed)))


def pairs(name: str) -> tuple[Tensor, ...]:
    return (pictures(0), pictures(1), *([turns(name, 2)] if LEARNERS[name].turns else []))


def course(name: str, given: tuple[Tensor, ...], steps: int = 12) -> list[float]:
    learner = LEARNERS[name]
    settings = learner.settings(steps=steps, batch_size=6, lr=0.01)
    return [step.loss for step in learner.learn(learner.fresh(width=4, seed=3), given, settings=settings)]


@LEARNER
def test_pairs_are_learnt_by_heart_and_the_seed_decides(name: str):
    found = course(name, pairs(name), 25)
    assert found[-1] < 0.7 * found[0] and found == course(name, pairs(name), 25)


@LEARNER
def test_it_says_what_it_is_told(name: str):
    x, moved, *told = pairs(name)
    wrong = (x, moved) if told else (x, moved, torch.eye(2).expand(6, -1, -1))
    refuses(course, name, wrong, says="tuple of")


@LEARNER
def test_it_says_how_many_numbers_go_through(name: str):
    net = LEARNERS[name].fresh(width=4, seed=3)
    found = net.run(net.normalise(pictures(0))) if LEARNERS[name].turns else net.keypoints(pictures(0))
    assert found.flatten(1).shape == (6, LEARNERS[name].numbers)


@pytest.mark.oracle("the same steps in plain torch",
                    landmarks=["pose in the plane", "pose in space", "keypoint autoencoder"])
@LEARNER
def test_the_steps_are_those_of_plain_torch(name: str):
    """Of one batch, again and again, at a rate that hardly falls in the first steps of many."""
    learner, given = LEARNERS[name], pairs(name)
    settings = learner.settings(steps=100_000, batch_size=6, lr=0.01)
    steps = learner.learn(learner.fresh(width=4, seed=3), lambda count, generator: given, settings=settings)
    net, found = learner.fresh(width=4, seed=3), [step.loss for step, _ in zip(steps, range(4), strict=False)]
    losses = plain_steps(net, given, learner.turns, 0.01, 3)
    assert found == pytest.approx(losses, rel=2e-3) and losses[-1] < losses[0]


def plain_steps(net: nn.Module, given: tuple[Tensor, ...], turns: bool, rate: float, steps: int
                ) -> list[float]:
    """The losses of a network that learns from one batch."""
    optimiser = torch.optim.Adam([weight.requires_grad_() for weight in net.parameters()], lr=rate)
    return minimised(optimiser, lambda: (turned_wrong if turns else drawn_wrong)(net, *given), steps)


def turned_wrong(net: nn.Module, x: Tensor, moved: Tensor, g: Tensor) -> Tensor:
    """Mean ‖Φ(g x) Φ(x)ᵀ − g‖² of one pass over both, so that batch norms see them together."""
    net.module.train()
    numbers = net.module((torch.stack([x, moved], 1).flatten(0, 1) - 0.5) / 0.25).flatten(1)
    a = F.normalize(numbers[:, : len(g[0])], dim=1)
    if numbers.shape[1] == 2:
        R = torch.stack([a, torch.stack([-a[:, 1], a[:, 0]], 1)], 2)
    else:
        b = F.normalize(numbers[:, 3:] - (a * numbers[:, 3:]).sum(1, keepdim=True) * a, dim=1)
        R = torch.stack([a, b, torch.linalg.cross(a, b)], 2)
    return (R[1::2] @ R[::2].mT - g).square().sum((1, 2)).mean()


def drawn_wrong(net: nn.Module, source: Tensor, target: Tensor) -> Tensor:
    """Mean square error of the target, drawn from the source's look and the points of its own ten maps."""
    net.train()
    look, maps = net.appearance_encoder(2 * source - 1), net.pose_encoder(2 * target - 1)
    count = maps.shape[-1]
    middles = (2 * torch.arange(count) + 1) / count - 1
    x, y = (maps.mean(axis).softmax(2) @ middles for axis in (2, 3))
    squares = (middles - x[..., None]).square()[:, :, None] + (middles - y[..., None]).square()[..., None]
    return (net.generator(torch.cat([look, (-squares / (2 * net.sigma**2)).exp()], 1)) - target).square().mean()


@TOLD
@pytest.mark.parametrize("steps", [1, 30])
def test_what_looks_alike_after_half_a_turn_cannot_be_learnt(name: str, steps: int):
    """The same two pictures with g and with g after half a turn: 8 sin² and 8 cos² of half of what is wrong, or more.
    """
    x, moved, g = pairs(name)
    half = torch.diag(torch.tensor([-1.0, -1.0, 1.0]))[: len(g[0]), : len(g[0])]
    both = (x.repeat(2, 1, 1, 1), moved.repeat(2, 1, 1, 1), torch.cat([g, g @ half]))
    learner, net = LEARNERS[name], LEARNERS[name].fresh(width=4, seed=3)
    last(learner.learn(net, both, settings=learner.settings(steps=steps, batch_size=12, lr=0.01)))
    assert float(factorise(poses(net, both[0]), poses(net, both[1]), both[2])) > 4 - 1e-3
