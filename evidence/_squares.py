"""Squares of the course's pictures and photos: some pictures to fit on, and squares of others to judge by."""

from torch import Tensor

from evidence._plan import Plan
from u3lab import images
from u3lab.datasets import photos

FIT, TEST = 3, 8  # squares of each picture to fit on, and to judge by


def fit_and_judge(plan: Plan, side: int) -> tuple[Tensor, Tensor, int]:
    """Squares to fit on (N,3,side,side), squares to judge by (M·n,3,side,side), and their number n of each picture."""
    (fit_names, fit), (judge_names, test) = (squares(side, held_out=held_out) for held_out in (False, True))
    each = TEST
    if plan.short:
        fit, test, each = fit[:4], test[:: len(test) // 5][:5], 1
    plan.fit(pictures=fit_names, squares=fit)
    plan.judge(pictures=judge_names, squares=test)
    return fit, test, each


def squares(size: int, *, held_out: bool) -> tuple[list[str], Tensor]:
    """The names of the pictures to fit on, or of those held out; and some squares of each, (N·n,3,size,size)."""
    names, more = images.sources()[held_out], photos.names(split="test" if held_out else "train")
    made = images.crops([*map(images.load, names), *map(photos.load, more)], size, count=TEST if held_out else FIT,
                        seed=int(held_out))
    return [*names, *(f"{name} (photo)" for name in more)], made
