"""The labeller is blind to where in the picture a thing is, and learns to name its parts from how it moves."""

from functools import cache

import torch
from torch import Tensor

from tests.helpers import refuses
from u3lab.descent import last
from u3lab.landmarks import LabelSettings, codes_at, dense_labelling_loss, labeller, match, train_labeller
from u3lab.landmarks.places import cells
from u3lab.landmarks.training import LOSSES

PARTS = torch.tensor([[-0.45, -0.4], [0.45, -0.35], [0.05, 0.05], [-0.2, 0.5], [0.4, 0.4]])  # in the thing's frame
COLOURS = torch.tensor([[1.0, 0.2, 0.1], [0.1, 0.9, 0.3], [0.2, 0.3, 1.0], [0.9, 0.9, 0.1], [0.9, 0.1, 0.9]])
SIDE = 32
STAY, CENTRE = 0.35, 0.52  # the error of who says that nothing has moved, or always the middle of the picture


def posed(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Poses of things: matrices (count,2,2) and shifts (count,2), in halves of the picture's side."""
    turn, size = (0.6 * torch.rand(2, count, generator=generator) - 0.3).unbind()
    cos, sin = turn.cos() * size.exp(), turn.sin() * size.exp()
    matrix = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    return matrix, 0.6 * torch.rand(count, 2, generator=generator) - 0.3


def drawn(pose: tuple[Tensor, Tensor]) -> Tensor:
    """Things of five coloured blobs in their poses, (count,3,32,32)."""
    centres = PARTS @ pose[0].transpose(1, 2) + pose[1][:, None]
    squares = torch.cdist(cells(torch.zeros(SIDE, SIDE)).expand(len(centres), -1, -1), centres).square()
    return ((-squares / (2 * 0.15**2)).exp() @ COLOURS).clamp(0, 1).transpose(1, 2).unflatten(2, (SIDE, SIDE))


def blobs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs of one thing in two poses, and points of its frame in both."""
    first, second = posed(count, generator), posed(count, generator)
    frame = 1.6 * torch.rand(count, 60, 2, generator=generator) - 0.8
    points, gone = (frame @ matrix.transpose(1, 2) + shift[:, None] for matrix, shift in (first, second))
    return drawn(first), drawn(second), points, gone


def error(net: torch.nn.Module) -> float:
    """How far from its true place each part is found in another picture, a mean over 40 pairs, in half sides."""
    generator = torch.Generator().manual_seed(99)
    first, second = posed(40, generator), posed(40, generator)
    here, there = (PARTS @ matrix.transpose(1, 2) + shift[:, None] for matrix, shift in (first, second))
    with torch.no_grad():
        found = match(net(drawn(first)), net(drawn(second)), here)
    return float((found.best - there).norm(dim=-1).mean())


def short(**more: object) -> LabelSettings:
    return LabelSettings(**{"steps": 60, "batch_size": 8, "lr": 0.01, "queries": 60} | more)


@cache
def learnt(loss: str = "labelling") -> tuple[torch.nn.Module, list[float]]:
    net = labeller(8, longest=None, seed=0)
    return net, [step.loss for step in train_labeller(net, blobs, loss=loss, settings=short())]


def test_the_labeller_has_a_code_for_every_second_pixel() -> None:
    net, again, other = labeller(8, 5, seed=1), labeller(8, 5, seed=1), labeller(8, 5, seed=2)
    x = torch.rand(2, 3, 40, 64)
    assert net(x).shape == (2, 5, 20, 32) and torch.equal(net(x), again(x)) and not torch.equal(net(x), other(x))
    for layer in net.layers:
        assert net.features(x, layer).ndim == 4
    for wrong in ((42, 64), (12, 12)):
        refuses(net, torch.rand(1, 3, *wrong), says="multiples of 4|too few")


def test_codes_are_shorter_than_the_longest_and_keep_their_direction() -> None:
    x = torch.rand(2, 3, 32, 32)
    free, bounded = (labeller(8, longest=longest, seed=0)(x).detach() for longest in (None, 0.5))
    length = free.norm(dim=1)
    assert float(length.max()) > 0.5 > float(bounded.norm(dim=1).max())
    assert torch.allclose(bounded.norm(dim=1), length / (1 + length**2 / 0.25).sqrt())
    assert torch.allclose(torch.nn.functional.cosine_similarity(free, bounded), torch.ones(()), atol=1e-5)
    for wrong in (0, -1, "4"):
        refuses(labeller, 8, longest=wrong, says="longest")


def test_codes_move_with_the_picture_and_cells_lie_evenly() -> None:
    """A thing four pixels farther has the same codes two cells farther; a picture mirrored in itself has such maps."""
    net = labeller(8).double()
    canvas = torch.rand(1, 3, 164, 164, dtype=torch.float64)
    here, there = net(canvas[..., :160]), net(canvas[..., 4:])
    assert torch.allclose(here[..., 30:50, 32:52], there[..., 30:50, 30:50])
    for conv in (one for one in net.modules() if isinstance(one, torch.nn.Conv2d)):
        conv.weight.data += conv.weight.data.flip(3).clone()
    assert torch.allclose(net(canvas.flip(3)), net(canvas).flip(3))


def test_a_code_sees_enough_of_the_picture_and_not_all() -> None:
    net = labeller(16).double()  # of four channels all are 0 at every sixth place, and nothing is seen from there
    x = torch.rand(1, 3, 160, 160, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    seen, = torch.autograd.grad(net(x)[0, :, 40, 40].sum(), x)
    columns = seen.abs().sum((0, 1, 2)).nonzero()
    assert 90 <= int(columns.max() - columns.min()) + 1 <= 110


def test_an_even_picture_has_even_codes() -> None:
    """Nothing at the borders tells where in the picture a pixel is."""
    codes = labeller(8)(torch.full((1, 3, 32, 32), 0.3))
    assert float((codes - codes[..., :1, :1]).detach().abs().max()) < 1e-5


def test_it_learns_to_name_the_parts_of_a_thing_that_moves() -> None:
    net, losses = learnt()
    assert error(net) < 0.75 * min(error(labeller(8, seed=0)), STAY), error(net)
    assert sum(losses[-5:]) / 5 < 0.8 * losses[0]


def test_invariance_alone_collapses() -> None:
    """Its loss falls to nothing; codes of one part hardly differ from those of others, and none is found."""
    net, losses = learnt("invariance")
    fresh = labeller(8, longest=None, seed=0)
    x, _, points, _ = blobs(8, torch.Generator().manual_seed(5))
    spread = [float(codes_at(one(x).detach(), points).flatten(0, 1).std(0).mean()) for one in (fresh, net)]
    assert sum(losses[-5:]) / 5 < 0.05 * losses[0] and spread[1] < 0.5 * spread[0]
    assert error(net) > CENTRE


def test_the_other_losses_are_learnt_alike() -> None:
    def all_cells(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        first, second = posed(count, generator), posed(count, generator)
        points = cells(torch.zeros(16, 16)).expand(count, -1, -1)
        frame = (points - first[1][:, None]) @ torch.linalg.inv(first[0]).transpose(1, 2)
        return drawn(first), drawn(second), points, frame @ second[0].transpose(1, 2) + second[1][:, None]

    few = short(steps=12, batch_size=4, queries=256)
    steps = list(train_labeller(labeller(4, 4), all_cells, loss="landmarks", settings=few))
    assert set(steps[0].terms) == {"equivariance", "diversity"} and steps[-1].loss < steps[0].loss


def test_codes_are_exchanged_through_the_picture_before() -> None:
    codes, moved = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    u, gu = 2 * torch.rand(2, 3, 20, 2, generator=torch.Generator().manual_seed(1)) - 1
    found = LOSSES["labelling"].terms(codes, moved, u, gu, short(exchange=True))
    assert found == {"distance": dense_labelling_loss(codes, moved, gu, u=u, through=codes[[2, 0, 1]])}


def test_slips_are_named() -> None:
    def other(change):
        return lambda count, generator: change(blobs(count, generator))

    wrong = {"tuple of x": other(lambda made: made[:3]), "asked for 8 pairs": other(lambda made: tuple(
                 one[:5] for one in made)), "gu has": other(lambda made: (*made[:2], made[2][:, :9], made[3])),
             "outside": other(lambda made: (*made[:2], made[2] + 9, made[3])),
             "range|0.*1": other(lambda made: (255 * made[0] + 2, *made[1:]))}
    for told, pairs in wrong.items():
        refuses(last, train_labeller(labeller(4), pairs, settings=short(steps=1)), says=told)


def test_a_loss_of_ones_own_teaches_as_the_library_s_does():
    own, ours = ([step.loss for step in train_labeller(labeller(4, seed=0), blobs, loss=loss, settings=short(steps=3))]
                 for loss in (lambda a, b, u, gu: dense_labelling_loss(a, b, gu, u=u, gamma=0.5), "labelling"))
    assert own == ours and len(own) == 4
    refuses(train_labeller, labeller(4, seed=0), blobs, loss=lambda codes: 0, says="give a function of the codes")
