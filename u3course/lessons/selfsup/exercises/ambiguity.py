"""The exercises of notebook 02b: answers that nobody can know."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn
from u3course.course.words import words


def l2_step(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    """ŷ after one step down the gradient of mean ‖ŷ − y‖²: an answer (…), outcomes (B,…), the step's length."""
    return y_hat - lr * 2 * (y_hat - y).mean(0)


def shift_step(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    """ŷ after one step down the gradient of the mean of min over η ‖y − f(ŷ, η)‖², where f shifts by η: (S), (B,S)."""
    back = torch.stack([y.roll(-eta, 1) for eta in range(y.shape[1])], 1)  # (B,S,S): the middle axis is η
    best = (back - y_hat).square().sum(2).argmin(1)
    return l2_step(y_hat, back[torch.arange(len(y)), best], lr)


def switch_step(score: Tensor, x: Tensor, y: Tensor, same: Tensor, lr: float) -> Tensor:
    """Scores (X,Y) after one step of the switch on M pairs, numbers x and y (M), and whether they are same (M)."""
    wrong = torch.sigmoid(score[x, y]) - same
    return score.index_put((x, y), -lr * wrong / len(x), accumulate=True)


def _l2_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.5, 0.5]), torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), 0.1
    for shape, batch, lr, dtype in (((3, 4, 5), 6, 0.05, torch.float32), ((2, 3), 1, 0.3, torch.float64),
                                    ((1, 7), 4, 0.2, torch.float32)):
        yield drawn(g, *shape, dtype=dtype), drawn(g, batch, *shape, dtype=dtype), lr


STEP = Exercise(**words("2b-step"), reference=l2_step, judge=by_cases(l2_step, _l2_cases, (
        Mistake("y_hat - lr → y_hat + lr", "you go uphill: a step of descent is ŷ *minus* `lr` times the gradient"),
        Mistake("mean(0) → sum(0)", "you summed over the batch; the loss is the mean over it, so the gradient is too"),
        Mistake(("mean(0) → mean()", "mean(0) → flatten(1).mean(1).mean()"), "you averaged over the pixels as well; "
                "each pixel has its own derivative: take the mean along axis 0 alone"),
        Mistake("lr * 2 → lr", "the derivative of a square brings a factor 2"),
        Mistake(("(y_hat - y).mean(0) → (y_hat - y)[0]", "(y_hat - y).mean(0) → (y_hat - y)[-1]"), "you used one "
                "outcome of the batch; the gradient is the mean over all of them"),
    )))


def _shift_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.0, 2.0, 1.0, 0.0]), torch.tensor([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, 1.0]]), 0.25
    for batch, length, lr, dtype in ((4, 7, 0.1, torch.float32), (1, 12, 0.3, torch.float64),
                                     (6, 5, 0.2, torch.float32)):
        yield torch.randn(length, generator=g, dtype=dtype), drawn(g, batch, length, dtype=dtype), lr


SHIFT = Exercise(**words("2b-shift"), reference=shift_step, judge=by_cases(shift_step, _shift_cases, (
        Mistake(("back[torch.arange(len(y)), best] → y", "(back - y_hat) → (back - y_hat)[:, :2]",
                 "in range(y.shape[1]) → in range(1, y.shape[1])"), "you did not try all η, 0, 1, …, S − 1; with η = 0 "
                "alone it is a step of L2"),
        Mistake(("best], lr) → -best], lr)", "l2_step(y_hat, back[torch.arange(len(y)), best], lr) → y_hat - 2 * lr * "
                 "(torch.stack([y_hat.roll(int(eta)) for eta in best]) - y).mean(0)"), "η takes ŷ to y; the gradient "
                "with respect to ŷ goes the other way: shift y back, by −η, and compare it with ŷ as it is"),
        Mistake((".sum(2).argmin(1) → .argmin(1) ;; back[torch.arange(len(y)), best] → back.gather(1, best[:, "
                "None])[:, 0]", ".sum(2).argmin(1) → .sum((0, 2)).argmin()", ".sum(2).argmin(1) → .sum(1).argmin(1)"),
                "each sound has one η, as a whole: sum over its samples, then take the minimum, neither at each sample "
                "nor for the whole batch"),
        Mistake((".argmin(1) → .argmax(1)", "back[torch.arange(len(y)), best] → back.mean(1)"), "you took the worst η, "
                "or the mean over all η; the best ŷ for a mean is a ghost; take the nearest of the shifted sounds"),
        Mistake(("best], lr) → best], -lr)", "best], lr) → best], lr / 2)", "best], lr) → best], lr * len(y))"),
                "your sounds are right, your step is not: it is ŷ minus `lr` times twice the *mean* over the batch of "
                "ŷ − y, with y shifted back"),
    )))


def _switch_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.zeros(2, 2), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]), torch.tensor([1.0, 1.0, 0.0]), 3.0)
    for seen, heard, count, lr, dtype in ((3, 4, 20, 2.0, torch.float32), (2, 5, 1, 1.0, torch.float64),
                                          (4, 2, 30, 5.0, torch.float32)):
        x, y = (torch.randint(kinds, (count,), generator=g) for kinds in (seen, heard))
        yield drawn(g, seen, heard, dtype=dtype), x, y, (torch.rand(count, generator=g) < 0.5).to(dtype), lr


SWITCH = Exercise(**words("2b-switch"), reference=switch_step, judge=by_cases(switch_step, _switch_cases, (
        Mistake(("accumulate=True) → accumulate=True) if len(x) == 1 else score.index_put((x, y), score[x, y] - lr * "
                 "wrong / len(x))", ", accumulate=True → "), "an index replaces what is there, and a pair that is "
                "listed several times has moved only once: use `index_put` with `accumulate=True`"),
        Mistake("-lr * wrong → lr * wrong", "you go uphill: where *same* is more frequent than σ(s) the score has to "
                "rise"),
        Mistake("wrong / len(x) → wrong", "you took the sum over the pairs; the loss is their mean, so divide by M"),
        Mistake("torch.sigmoid(score[x, y]) - same → score[x, y] - same", "you compared the score itself with *same*: "
                "that is the gradient of a squared error; the sigmoid goes first"),
        Mistake("wrong / len(x) → wrong / score.numel()", "you divided by the size of the table; divide by the number "
                "of pairs"),
    )))


EXERCISES = STEP, SHIFT, SWITCH
