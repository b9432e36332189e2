"""Notebook 02b: its exercises: a marginal loss over shifts and pairs that give the answer away."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous

__all__ = ["EXERCISES"]


def marginal(prediction: Tensor, y: Tensor) -> Tensor:
    """min over η of ‖y − f(ŷ, η)‖², (B): sounds (B,S), f turns ŷ round by η = 0, …, S − 1 samples."""
    places = torch.arange(y.shape[1])
    shifted = prediction[:, (places - places[:, None]) % y.shape[1]]  # (B,S,S): the middle axis is η
    return (y[:, None] - shifted).square().sum(2).amin(1)


def leak(y: Tensor, same: Tensor) -> float:
    """The share of pairs that is told right from y alone, whole numbers (M): for each y, the more frequent answer."""
    times = torch.bincount(y)
    of_one = torch.bincount(y, same, minlength=len(times))
    return float(torch.maximum(of_one, times - of_one).sum() / len(y))


def _marginal_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0, 2.0],
                                                                                   [0.0, 3.0, 0.0, 0.0]])
    for batch, length, dtype in ((4, 7, torch.float32), (1, 12, torch.float64), (6, 5, torch.float32)):
        yield tuple(not_contiguous(torch.randn(batch, length, generator=g, dtype=dtype)) for _ in range(2))


def _every(prediction: Tensor, y: Tensor) -> Tensor:
    """The squared differences for all η, (B,η,S)."""
    return (y[:, None] - torch.stack([prediction.roll(eta, 1) for eta in range(y.shape[1])], 1)).square()


def _pushed(prediction: Tensor, eta: int) -> Tensor:
    """Shifted to the right, with zeros from the left."""
    return torch.cat([torch.zeros_like(prediction[:, :eta]), prediction[:, :prediction.shape[1] - eta]], 1)


def _one_for_all(prediction: Tensor, y: Tensor) -> Tensor:
    losses = _every(prediction, y).sum(2)
    return losses[:, losses.sum(0).argmin()]


_CORRELATION = ("that is a sum of products, not a squared distance: ‖y − f‖² = ‖y‖² + ‖f‖² − 2⟨y, f⟩; to turn ŷ round "
                "does not change ‖f‖")
MARGINAL = Exercise(
    id="2b-marginal", title="A marginal loss over all shifts", minutes=15, difficulty="medium", points=4,
    goal="A sound may have begun at any moment: the truth y may be the prediction ŷ turned round by η samples, "
         "η = 0, …, S − 1 (what leaves at the end comes in at the start). Return min over η of ‖y − f(ŷ, η)‖² for each "
         "sound of the batch, with all η at once: no loop over η, and none over the batch.",
    signature="def my_marginal_loss(prediction, y):   # (B,S), (B,S) → (B,)",
    hints=(
        "You want one tensor of all candidates, (B,S,S): of each sound, each η, each sample. The rest is a sum and a "
        "minimum, in this order.",
        "Turned round by η, ŷ has at place t what stood at t − η. So `prediction[:, index]` with a table of whole "
        "numbers (S,S), index[η, t] = (t − η) mod S, gives all candidates. (With `torch.fft` you need no table: all "
        "⟨y, f(ŷ, η)⟩ are a correlation.)",
        "`t = torch.arange(S)`, `index = (t - t[:, None]) % S`. Then `y[:, None] - prediction[:, index]`, squared and "
        "summed over the last axis, is (B,S), and `.amin(1)` is the minimum over η."),
    reference=marginal, judge=by_cases(marginal, _marginal_cases, (
        Mistake(lambda p, y: _every(p, y).amin(1).sum(1), "the minimum is taken at each sample: one sample is compared "
                "with one η and the next with another. A sound is turned round as a whole; sum first"),
        Mistake(_one_for_all, "one η is chosen for the whole batch; each sound has its own"),
        Mistake(lambda p, y: _every(p, y).sum(2).mean(1), "that is the mean over η. Its best ŷ is a mean of all "
                "shifts, a ghost; take the minimum"),
        Mistake(lambda p, y: _every(p, y).sum(2).amax(1), "that is the maximum, the worst η; take the minimum"),
        Mistake(lambda p, y: _every(p, y)[:, 0].sum(1), "that is L2, without η; turn ŷ round by all η (to turn y and ŷ "
                "round together changes no distance)"),
        Mistake(lambda p, y: _every(p, y)[:, :2].sum(2).amin(1), "you tried no η but 0 and 1; it goes up to S − 1"),
        Mistake(lambda p, y: torch.stack([(y - _pushed(p, eta)).square().sum(1) for eta in range(y.shape[1])]).amin(0),
                "what leaves at the end is lost in your shift, and zeros come in; it should come in at the start "
                "again: take the places modulo S"),
        Mistake(lambda p, y: _every(p.flip(1), y).sum(2).amin(1), "your candidates run backwards: it is t − η, not "
                "η − t. (With `torch.fft` the spectrum of ŷ has to be conjugated; without that it is a convolution)"),
        Mistake(lambda p, y: torch.stack([(y - p.roll(eta, 0)).square().sum(1) for eta in range(len(y))]).amin(0),
                "you turned axis 0 round: sounds are compared with those of others. Time is axis 1"),
        Mistake(lambda p, y: torch.stack([y @ one for one in torch.stack([p.roll(k, 1) for k in range(p.shape[1])])
                                          .transpose(1, 2)]).diagonal(dim1=1, dim2=2).amax(0), _CORRELATION),
        Mistake(lambda p, y: marginal(p, y).sqrt(), "that is the norm; its square is wanted"),
        Mistake(lambda p, y: marginal(p, y) / y.shape[1], "that is the mean over the samples; ‖·‖² is the sum"),
        Mistake(lambda p, y: marginal(p, y).mean(), "that is the mean over the batch; give one number for each "
                "sound, (B,)"),
        Mistake(lambda p, y: marginal(p, y).sum(), "that is the sum over the batch; give one number for each sound, "
                "(B,)"),
        Mistake(lambda p, y: _every(p, y).sqrt().sum(2).amin(1), "you summed absolute values; ‖·‖² sums squares"),
    )))


def _leak_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0, 1, 2, 2, 2, 1]), torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    for count, kinds, share in ((40, 5, 0.5), (30, 4, 0.3), (1, 3, 0.5), (60, 9, 0.8)):  # some kinds never occur
        y = torch.randint(kinds, (count,), generator=g) + torch.randint(2, (count,), generator=g) * kinds
        yield y, (torch.rand(count, generator=g) < share).float()


def _counts(y: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """How often each value is in a pair of one film, and in one of two."""
    kinds = torch.arange(int(y.max()) + 1)
    at = (y[:, None] == kinds).double()
    return (at * same[:, None]).sum(0), (at * (1 - same[:, None])).sum(0)


def _guess(y: Tensor, same: Tensor) -> Tensor:
    """For each pair what is more frequent with its y, 1 for same."""
    one, two = _counts(y, same)
    return (one > two).double()[y]


PAIRS = Exercise(
    id="2b-pairs", title="Pairs that give the answer away", minutes=15, difficulty="medium", points=3,
    goal="M pairs of a film's picture with a film's sound are listed: y (M) says which sound is in each, and same (M) "
         "is 1 where the picture is of that film, else 0. A lazy observer looks at no picture but knows the list: the "
         "answer to each sound is what is more frequent with it, same or not. Return the share of the pairs that are "
         "told right so. If the pairs are fair it is that of a coin, 0.5.",
    signature="def my_leak(y, same):   # whole numbers from 0 (M), 1 or 0 (M) → a number",
    hints=(
        "Do one sound by hand: it is in 5 pairs, 2 of them \"same\". The answer is \"not\", right 3 times. So "
        "count, for each sound, both kinds of pairs.",
        "`torch.bincount(y)` counts how often each number occurs; `torch.bincount(y[same == 1], minlength=…)` counts "
        "it among the pairs of one film. The minlength keeps both equally long.",
        "`torch.maximum(of_one, of_two).sum() / len(y)`, where of_two = all − of_one."),
    reference=leak, judge=by_number(leak, _leak_cases, (
        Mistake(lambda y, s: float(torch.maximum(s.sum(), (1 - s).sum()) / len(y)), "that is who always gives the one "
                "answer that is more frequent in the whole list; the answer may differ from sound to sound"),
        Mistake(lambda y, s: 0.5, "0.5 is what fair pairs would give; count in the list"),
        Mistake(lambda y, s: float(torch.minimum(*_counts(y, s)).sum() / len(y)), "you took the smaller count of each "
                "sound: that is how often the observer is *wrong*"),
        Mistake(lambda y, s: float(torch.maximum(*_counts(y, s)).sum()), "that is how many pairs are told right; "
                "divide by their number"),
        Mistake(lambda y, s: float((torch.maximum(*_counts(y, s)) / sum(_counts(y, s)).clamp_min(1)).sum()
                                   / (sum(_counts(y, s)) > 0).sum()), "you took the mean over the sounds; a sound that "
                "is in many pairs counts more. Take the mean over the pairs"),
        Mistake(lambda y, s: float(torch.maximum(*_counts(y, s)).sum() / (y.max() + 1)), "you divided by the number of "
                "sounds; divide by the number of pairs"),
        Mistake(lambda y, s: float(_guess(y, s).mean()), "that is how often the answer is \"same\"; count how often "
                "it is right"),
        Mistake(lambda y, s: float((_guess(y, s)[s == 1]).mean()), "you looked at the pairs of one film alone; the "
                "others count as well"),
        Mistake(lambda y, s: float(s.double().mean()), "that is the share of pairs of one film; what is answered, "
                "and when is it right?"),
        Mistake(lambda y, s: float((_counts(y, s)[0] > _counts(y, s)[1]).double().mean()), "that is the share of "
                "sounds whose answer is \"same\"; count the pairs that are told right"),
        Mistake(lambda y, s: float(_counts(y, s)[0].amax() / len(y)), "you took the most frequent sound alone; take "
                "the sum over all sounds"),
    )))

EXERCISES = (MARGINAL, PAIRS)
