"""Judging goes on where shapes do not fit: a mistake may raise in a later case, and is still known by its name."""

import inspect

import pytest
import torch
from torch import Tensor

from u3course.course import Mistake, by_cases, catalogue, repairs
from u3course.course.differences import Trial, difference

CLASH = "both terms need the stride"
BOTH = "the sign, and the stride is missing"


def thinned(x: Tensor, step: int) -> Tensor:
    """x + x, of every step-th value."""
    return x[::step] + x[::step]


def cases(g: torch.Generator):
    yield torch.randn(3, generator=g), 1
    yield torch.randn(6, generator=g), 2
    yield torch.randn(9, generator=g), 3


judge = by_cases(thinned, cases, (Mistake(("return x[::step] + x",), CLASH),
                                  Mistake(("return -x[::step] - x",), BOTH)))


def test_right_up_to_the_same_error():
    assert judge(lambda x, step: x + x[::step]) == CLASH  # other numbers in torch's sentence, the same words
    assert judge(thinned) == ""


def test_wrong_in_the_same_way_up_to_any_error():
    assert judge(lambda x, step: -(x[::step] + x)) == BOTH
    assert judge(lambda x, step: -(torch.stack([x[::step], x]).sum(0))) == BOTH


@pytest.mark.parametrize("answer", [
    lambda x, step: torch.stack([x[::step], x]).sum(0),  # right at first, and then something else
    lambda x, step: x[:: (step if len(x) < 9 else 2)] + x[::step],  # the same words in a later case
    lambda x, step: 3 * x[::step] + x,  # no mistake that is known
    lambda x, step: x.view(7) + x,  # in the first case
])
def test_what_is_not_known_is_raised(answer):
    with pytest.raises(RuntimeError) as caught:
        judge(answer)
    assert caught.value.__notes__[0].startswith("it was called with x of shape")


def test_other_errors_are_raised():
    with pytest.raises(ZeroDivisionError):
        judge(lambda x, step: thinned(x, step) * (1 // (2 - step)))


def test_a_slip_before_the_error_comes_first():
    def answer(x, step):
        x[::step] += x  # in place
        return x[::step]

    assert "changes its input `x` in place" in judge(answer)


def off(answer, share: float):
    """The answer with every number larger by a share, whole ones by 1; True and False stay as they are."""
    def larger(value):
        if isinstance(value, (tuple, list)):
            return type(value)(map(larger, value))
        if isinstance(value, dict):
            return {key: larger(one) for key, one in value.items()}
        kind = value.dtype if isinstance(value, Tensor) else type(value)
        return value if kind in (bool, torch.bool) else value + 1 if kind in (int, torch.int64) else (1 + share) * value

    return lambda *given: larger(answer(*given))


def mixed(x: Tensor, w: Tensor) -> Tensor:
    """The same 1×1 filters at each place."""
    return torch.nn.functional.conv2d(x, w[:, :, None, None])


def test_two_errors_that_are_alike_say_nothing():
    """With x and w in each other's place it raises the same."""
    judge = by_cases(mixed, lambda g: [(torch.ones(1, 1, 3, 3), torch.ones(1, 1))])
    with pytest.raises(RuntimeError, match="at least three dimensions"):
        judge(lambda x, w: torch.nn.functional.conv2d(x, w))


def spread(x: Tensor, y: Tensor) -> Tensor:
    return x @ torch.eye(x.shape[1], dtype=x.dtype) - 0.3 * y.mean(0)


def precise(g: torch.Generator):
    for dtype in (torch.float32, torch.float64):
        yield torch.randn(4, 3, generator=g, dtype=dtype), torch.randn(4, 3, generator=g, dtype=dtype)


@pytest.mark.parametrize("answer, words", [
    (lambda x, y: spread(x.float(), y.float()), "the answer is float32, and float64 is wanted: all values are right"),
    (lambda x, y: x @ torch.eye(3) - 0.3 * y.mean(0), "two dtypes meet: all values are right"),
    (lambda x, y: torch.zeros(4, 3) + (x.float() - 0.3 * y.float().sum(0)), "summed over axis 0"),
    (lambda x, y: 0.3 * y.mean(0) - x @ torch.eye(3), "the other sign"),
    (lambda x, y: (x @ torch.eye(3) - 0.3 * y.mean(0)).cos(), "does not have the right values yet; here"),
])
def test_precision_comes_last(answer, words):
    judge = by_cases(spread, precise, (Mistake(("mean(0) → sum(0)",), "summed over axis 0"),))
    said = judge(answer)
    assert words in said and ("dtype=x.dtype" in said) == ("all values are right" in said)


@pytest.mark.parametrize("task", [task for chapter in catalogue.CHAPTERS for task in catalogue.exercises(chapter)
                                  if not inspect.isgeneratorfunction(task.reference)], ids=lambda task: task.id)
def test_two_per_cent_are_wrong(task, monkeypatch):
    """Nobody's tolerance is that wide: rounding differs by far less."""
    monkeypatch.setattr(repairs, "SECONDS", 0)
    assert task.judge(off(task.reference, 0.02)), "passed"


def test_what_is_wanted_is_told_from_what_was_got():
    trial = Trial((torch.zeros(30),), (torch.zeros(30),), (torch.ones(30),))
    assert difference([trial], ["x"], 1e-4, 1e-6).endswith("at [0]: wanted 0, got 1")
