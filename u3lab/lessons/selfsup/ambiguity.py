"""Notebook 02b: its exercises: a marginal loss over shifts and pairs that give the answer away."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, drawn

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
        yield tuple(drawn(g, batch, length, dtype=dtype) for _ in range(2))


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
        Mistake((".sum(2).amin(1) → .amin(1).sum(1)", ".sum(2).amin(1) → .sum(2)[:, (y[:, None] - shifted).square()"
                 ".sum((0, 2)).argmin()]"), "each sound has one η, as a whole: sum first, then take the minimum of "
                "each sound, neither at each sample nor for the whole batch"),
        Mistake((".amin(1) → .mean(1)", ".amin(1) → .amax(1)"), "that is the mean over η, or the maximum, the worst η. "
                "The best ŷ for a mean is a mean of all shifts, a ghost; take the minimum"),
        Mistake((".amin(1) → [:, 0]", ".amin(1) → [:, :2].amin(1)"), "you tried no η but 0, or 0 and 1: that is L2 (to "
                "turn y and ŷ round together changes no distance). Turn ŷ round by all η, up to S − 1"),
        Mistake(("% y.shape[1]] → % y.shape[1]] * (places >= places[:, None])",
                 "prediction[:, (places - places[:, None]) % y.shape[1]] → "
                 "torch.stack([prediction.roll(k, 0) for k in range(len(y))], 1)"), "your shift is another: time is "
                "axis 1 (axis 0 counts the sounds), and what leaves at the end comes in at the start again, where you "
                "may have zeros: take the places modulo S"),
        Mistake(("square() → abs()", "(y[:, None] - shifted).square().sum(2).amin(1) → "
                 "(y[:, None] * shifted).sum(2).amax(1)"), "‖y − f‖² = ‖y‖² + ‖f‖² − 2⟨y, f⟩ is a sum of squares: not "
                "of absolute values, nor a sum of products alone"),
    )))


def _leak_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0, 1, 2, 2, 2, 1]), torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    for count, kinds, share in ((40, 5, 0.5), (30, 4, 0.3), (1, 3, 0.5), (60, 9, 0.8)):  # some kinds never occur
        y = torch.randint(kinds, (count,), generator=g) + torch.randint(2, (count,), generator=g) * kinds
        yield y, (torch.rand(count, generator=g) < share).float()


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
        Mistake(lambda y, s: 0.5, "0.5 is what fair pairs would give; count in the list"),
        Mistake("torch.maximum(of_one, times - of_one).sum() / len(y) → (torch.maximum(of_one, times - of_one) / "
                "times.clamp(min=1)).sum() / (times > 0).sum()", "you took the mean over the sounds; a sound that is "
                "in many pairs counts more. Take the mean over the pairs"),
        Mistake("/ len(y) → / len(times)", "you divided by the number of sounds; divide by the number of pairs"),
        Mistake(tuple(f"torch.maximum(of_one, times - of_one).sum() / len(y) → {other}" for other in (
                    "(2 * of_one > times)[y].double().mean()", "(2 * of_one > times).sum() / (times > 0).sum()")),
                "that is how often the answer is \"same\"; count how often it is right"),
        Mistake("torch.maximum(of_one, times - of_one) → of_one", "that is the share of pairs of one film; what is "
                "answered, and when is it right?"),
    )))

EXERCISES = (MARGINAL, PAIRS)
