"""The exercises of notebook 02b: answers that nobody can know."""

from collections.abc import Iterator

import torch
from torch import Tensor

from u3course.course.judging import drawn
from u3course.course.words import task


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


STEP = task("2b-step", l2_step, _l2_cases)


def _shift_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.0, 2.0, 1.0, 0.0]), torch.tensor([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, 1.0]]), 0.25
    for batch, length, lr, dtype in ((4, 7, 0.1, torch.float32), (1, 12, 0.3, torch.float64),
                                     (6, 5, 0.2, torch.float32)):
        yield torch.randn(length, generator=g, dtype=dtype), drawn(g, batch, length, dtype=dtype), lr


SHIFT = task("2b-shift", shift_step, _shift_cases)


def _switch_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.zeros(2, 2), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]), torch.tensor([1.0, 1.0, 0.0]), 3.0)
    for seen, heard, count, lr, dtype in ((3, 4, 20, 2.0, torch.float32), (2, 5, 1, 1.0, torch.float64),
                                          (4, 2, 30, 5.0, torch.float32)):
        x, y = (torch.randint(kinds, (count,), generator=g) for kinds in (seen, heard))
        yield drawn(g, seen, heard, dtype=dtype), x, y, (torch.rand(count, generator=g) < 0.5).to(dtype), lr


SWITCH = task("2b-switch", switch_step, _switch_cases)


EXERCISES = STEP, SHIFT, SWITCH
