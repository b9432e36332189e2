"""What L2 and the four cures make of an ambiguous toy: the best answer in closed form, and what a small network learns.

The forms for the two outcomes y_0 and y_1 (with probability p) of a kind:

    L2                  ŷ = (1 − p) y_0 + p y_1
    distribution        each pixel or sample for itself: its chances; or its mean and standard deviation
    constrained         the one answer of its question
    projection          ŷ = π(y_0) = π(y_1)
    marginalisation     ŷ = y_0 or y_1, no matter which
    correspondence      P(same) = σ(log p(x, y) / p(x) p(y)): K / (K + 1) for a y of x's kind, else 0
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.lessons.selfsup.toys import COLOURS, WALL, Toy
from u3lab.descent import last, train
from u3lab.selfsup import draw_pairs, marginal_loss, pmi, projected_loss

CURES = ("L2", "distribution", "constrained", "projection", "marginalisation", "correspondence")
STEPS, BATCH, RATE, HIDDEN = 300, 64, 0.01, 64
LEAST = 0.02  # standard deviation: where both outcomes agree it would be 0, and the likelihood without end


class Family(NamedTuple):
    """A family of distributions with one for each pixel or sample, independent of the others.

    ``outputs`` numbers of a network for each; ``loss`` −log p of outputs and y, (B,…); ``read`` what the outputs say;
    ``closed`` the best of the family for y_0, y_1 (K,…) and p; ``sample`` a y from what was read and a generator.
    """

    outputs: int
    loss: Callable[[Tensor, Tensor], Tensor]
    read: Callable[[Tensor], Tensor]
    closed: Callable[[Tensor, Tensor, float], Tensor]
    sample: Callable[[Tensor, torch.Generator], Tensor]


PALETTE = torch.tensor([(WALL,) * 3, *COLOURS.values()])  # (3 colours, RGB)


def _colours(y: Tensor) -> Tensor:
    """Number of the nearest colour of the palette for each pixel: (…,3,H,W) → (…,H,W)."""
    return (y.movedim(-3, -1)[..., None, :] - PALETTE).square().sum(-1).argmin(-1)


def _one_hot(y: Tensor) -> Tensor:
    return F.one_hot(_colours(y), len(PALETTE)).movedim(-1, -3).float()


def _picked(chances: Tensor, generator: torch.Generator) -> Tensor:
    picked = torch.multinomial(chances.movedim(-3, -1).reshape(-1, len(PALETTE)), 1, generator=generator)
    return PALETTE[picked[:, 0]].view(*chances.shape[:-3], *chances.shape[-2:], 3).movedim(-1, -3)


def _bump(y: Tensor, other: Tensor, p: float) -> Tensor:
    """Mean and standard deviation of two outcomes; their variance is p (1 − p) (y_1 − y_0)²."""
    return torch.cat([(1 - p) * y + p * other, (p * (1 - p) * (other - y).square() + LEAST**2).sqrt()], -2)


def _read_bump(out: Tensor) -> Tensor:
    mean, width = out.chunk(2, -2)
    return torch.cat([mean, (F.softplus(width).square() + LEAST**2).sqrt()], -2)


def _bump_loss(out: Tensor, y: Tensor) -> Tensor:
    mean, deviation = _read_bump(out).chunk(2, -2)
    return (y - mean).square() / (2 * deviation.square()) + deviation.log()


FAMILIES = {
    "colour": Family(len(PALETTE), lambda out, y: F.cross_entropy(out, _colours(y), reduction="none"),
                     lambda out: out.softmax(-3), lambda y, other, p: (1 - p) * _one_hot(y) + p * _one_hot(other),
                     _picked),
    "next frame": Family(1, lambda out, y: F.binary_cross_entropy_with_logits(out, y, reduction="none"), torch.sigmoid,
                         lambda y, other, p: (1 - p) * y + p * other,
                         lambda chances, generator: torch.bernoulli(chances, generator=generator)),
    "sound": Family(2, _bump_loss, _read_bump, _bump, lambda read, generator: read[..., :1, :] + read[..., 1:, :]
                    * torch.randn(read[..., :1, :].shape, generator=generator))}


def joint(toy: Toy, p: float) -> Tensor:
    """p(x, y) of kinds and outcomes, (K,2K): column 2k + s is y_s of kind k."""
    kinds = len(toy.x)
    return torch.kron(torch.eye(kinds) / kinds, torch.tensor([[1 - p, p]]))


def closed(toy: Toy, cure: str, p: float) -> Tensor:
    """The best answer, for each kind: (K,…), or of ``constrained`` (K,2,Q,…), of ``correspondence`` (K,K,2)."""
    first, second = toy.y.unbind(1)
    if cure == "L2":
        return (1 - p) * first + p * second
    if cure == "distribution":
        return FAMILIES[toy.name].closed(first, second, p)
    if cure == "constrained":
        return toy.answer
    if cure == "projection":
        return toy.project(first)
    if cure == "marginalisation":
        return first
    return torch.sigmoid(pmi(joint(toy, p))).view(len(toy.x), -1, 2)


def learnt(toy: Toy, cure: str, p: float) -> Tensor:
    """What a network of one hidden layer answers after 300 batches of the toy; shaped as :func:`closed` has it."""
    if cure == "correspondence":
        return _learnt_switch(toy, p)
    shape, loss, read = _asked(toy, cure)
    if cure == "constrained":
        return fitted(toy.question.flatten(0, 2), toy.answer.flatten(0, 2)[:, None], [1.0], loss, outputs=shape,
                      read=read).view_as(toy.answer)
    return fitted(toy.x, toy.y, [1 - p, p], loss, outputs=shape, read=read)


def distance(toy: Toy, cure: str, found: Tensor, p: float) -> float:
    """The largest difference between an answer and the closed form; for ``marginalisation``, its nearer outcome."""
    right = toy.y if cure == "marginalisation" else closed(toy, cure, p)[:, None]  # (K,2,…) or (K,1,…)
    return float((found[:, None] - right).abs().flatten(2).amax(2).amin(1).max())


def _asked(toy: Toy, cure: str) -> tuple[tuple[int, ...], Callable, Callable]:
    """Shape of the network's output, the loss of each of a batch, and how the output is read."""
    constrained, plain = cure == "constrained", lambda out: out
    shape = tuple((toy.answer[0, 0] if constrained else toy.y[0]).shape[1:])
    if cure == "L2" or (constrained and toy.name == "colour"):
        return shape, lambda out, y: (out - y).square().flatten(1).sum(1), plain
    if cure == "marginalisation":
        return shape, lambda out, y: marginal_loss(out, y, [plain, toy.other]), plain
    if cure == "projection":
        return tuple(toy.project(toy.y[:1, 0]).shape[1:]), lambda out, y: projected_loss(out, y, toy.project), plain
    family = FAMILIES["next frame" if constrained else toy.name]  # the answer to a question is yes or no
    return (family.outputs, *shape[1:]), lambda out, y: family.loss(out, y).flatten(1).sum(1), family.read


def fitted(x: Tensor, y: Tensor, chances: list[float], loss: Callable[[Tensor, Tensor], Tensor], *,
           outputs: tuple[int, ...], read: Callable[[Tensor], Tensor], seed: int = 0) -> Tensor:
    """Train x (N,…) → y (N,O,…), whose outcomes have these chances, and read what the network answers to each x.

    ``loss`` takes the network's outputs for a batch, (B,…) of the shape ``outputs``, and outcomes (B,…), to (B).
    """
    generator, chances, x = torch.Generator().manual_seed(seed), torch.tensor(chances), _centred(x)
    net = _network(x, outputs, seed)

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        kind = torch.randint(len(x), (BATCH,), generator=generator)
        value = loss(net(x[kind]), y[kind, torch.multinomial(chances, BATCH, True, generator=generator)]).mean()
        return value, {"loss": value}

    last(train(net.parameters(), energy, steps=STEPS, rate=_falling))
    with torch.no_grad():
        return read(net(x))


def _learnt_switch(toy: Toy, p: float) -> Tensor:
    """Two towers u and v, one for each side; the score is u(x)·v(y) + b."""
    x, y = _centred(toy.x), _centred(toy.y.flatten(0, 1))  # (2K,…), numbered as the columns of the joint
    u, v, b = _network(x, (8,), 0), _network(y, (8,), 1), torch.zeros(1, requires_grad=True)
    table, generator = joint(toy, p), torch.Generator().manual_seed(0)

    def scores() -> Tensor:
        return u(x) @ v(y).T + b  # all pairs there are, (K,2K)

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        pairs = draw_pairs(table, BATCH // 2, generator)
        value = F.binary_cross_entropy_with_logits(scores()[pairs.x, pairs.y], pairs.same)
        return value, {"loss": value}

    last(train([*u.parameters(), *v.parameters(), b], energy, steps=STEPS, rate=_falling))
    with torch.no_grad():
        return torch.sigmoid(scores()).view(len(toy.x), -1, 2)


def _centred(x: Tensor) -> Tensor:
    """What the inputs differ in: x without their mean, at the scale of 1."""
    return (x - x.mean(0)) / x.std(0).max()


def _network(x: Tensor, outputs: tuple[int, ...], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), HIDDEN), nn.ReLU(),
                             nn.Linear(HIDDEN, torch.Size(outputs).numel()), nn.Unflatten(1, outputs))


def _falling(step: int) -> float:
    """The rate falls to 0, so that the noise of the batches is averaged away."""
    return RATE * (1 - (step + 1) / STEPS)
