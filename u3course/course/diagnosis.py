"""Find the slips that are the same in every exercise: a factor, a sign, an axis, an argument that is not used.

An answer has such a slip if, on all cases, it equals what the reference returns after one change: of that result, or
of one argument. What is said of it is therefore true, whatever the student has written.
"""

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from u3course.course.differences import Trial, all_same
from u3course.course.edits import edited

# What the answer is, if it is not the right one. The words go on after "it is".
RESULTS: dict[str, Callable[[Tensor], Tensor]] = {
    "the right one with the other sign: a minus is missing, or there is one too many": lambda x: -x,
    "the opposite of the right one: true and false have changed places": lambda x: ~x,
    "1 minus the right one: what counts and what does not have changed places": lambda x: 1 - x,
    "the absolute value of the right one; keep the signs": torch.abs,
    "the right one with all that is negative clipped to 0; keep it": torch.relu,
    "the square of the right one; a root is missing, or a square too many": torch.square,
    "the square root of the right one; a square is missing, or a root too many": torch.sqrt,
    "the logarithm of the right one; leave the log out": torch.log,
    "the exponential of the right one; the log is missing": torch.exp}
REDUCED = {"summed": Tensor.sum, "averaged": Tensor.mean}
# Factors that have a name.
FACTORS = {math.pi / 180: "radians where degrees are wanted", 180 / math.pi: "degrees where radians are wanted",
           math.log(10): "the natural logarithm where that to base 10 is wanted",
           1 / math.log(10): "a logarithm to base 10 where the natural one is wanted",
           1 / math.log(2): "a logarithm to base 2 where the natural one is wanted",
           100: "per cent where a share is wanted", 255: "grey levels of bytes where [0,1] is wanted"}
# What the answer takes an argument for. The words go on after "it would be right with".
VALUES: dict[str, Callable[[Any], Any]] = {
    "−{0} in the place of {0}: a sign is wrong": lambda a: -_number(a),
    "{0} inverted: true and false have changed places": lambda a: ~_mask(a),
    "{0} true everywhere: {0} is not used": lambda a: torch.ones_like(_mask(a)),
    "{0} = 1: {0} is not used": lambda a: _like(a, 1),
    "{0} = 0: what {0} brings is missing": lambda a: _like(a, 0),
    "1 − {0} in the place of {0}": lambda a: 1 - _number(a),
    "the absolute value of {0} in its place": lambda a: abs(_number(a)),
    "{0} clipped to 0 where it is negative": lambda a: _number(a).clamp(min=0),
    "the sign of {0} in its place": lambda a: _number(a).sign(),
    "the softmax of {0} over axis 1 in its place": lambda a: _number(a).softmax(1),
    "the square of {0} in its place": lambda a: _number(a) ** 2,
    "the square root of {0} in its place": lambda a: _number(a) ** 0.5,
    "1/{0} in the place of {0}": lambda a: 1 / _number(a),
    "half of {0} in its place": lambda a: _number(a) / 2,
    "twice {0} in its place": lambda a: 2 * _number(a),
    "{0} − 1 in the place of {0}: one is missing": lambda a: _whole(a) - 1,
    "{0} + 1 in the place of {0}: one too many": lambda a: _whole(a) + 1,
    "{0} transposed: its last two axes have changed places": lambda a: a.mT,
    "{0} transposed: its first two axes have changed places": lambda a: a.transpose(0, 1),
    "{0} in reverse order along its last axis": lambda a: a.flip(-1),
    "{0} in reverse order along its last axis but one": lambda a: a.flip(-2),
    "{0} turned by half a turn, in reverse order along its last two axes": lambda a: a.flip(-1, -2),
    "{0} averaged over axis 0, the batch": lambda a: _number(a).mean(0, keepdim=True).expand_as(a),
    "the first of {0} alone: the others are not used": lambda a: _several(a)[:1],
    "the first of {0} each time: the others are not used": lambda a: [a[0]] * len(_several(a)),
    "{0} in reverse order": lambda a: _several(a)[::-1]}
# What is done with the gradients of a loop, from the first to the present one.
GRADIENTS: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "the gradients of all steps add up: `backward()` adds to `.grad`; set it to None after each step, or take "
    "`torch.autograd.grad`": sum,
    "the gradient is taken once; take it anew at each step": lambda seen: seen[0],
    "the gradient has the wrong sign: each step goes the other way": lambda seen: -seen[-1],
    "that is the gradient's sign, by which every value moves alike; take the gradient itself":
        lambda seen: seen[-1].sign()}
SOFTMAX = ("the softmax is taken twice: `cross_entropy` takes the scores as they are and makes the softmax itself; "
           "leave yours out")


def of_results(trials: list[Trial], names: list[str], rtol: float, atol: float) -> str:
    """How the answer comes from what the reference returns, in words that go on after "the answer is not right: ".

    ``trials`` are all cases, ``names`` those of the arguments. It is "" if none of the changes known here makes it.
    """
    count = len(trials[0].wanted)
    if count == 2 and _agree(trials, lambda trial: trial.wanted[::-1], rtol, atol):
        return "the parts are right, but in the other order"
    for chosen in [(k,) for k in range(count)] + [tuple(range(count))] * (count > 1):
        for words, change in _changes(trials, names, chosen[0]):
            if _agree(trials, lambda trial, chosen=chosen, change=change: [
                    change(want, trial) if k in chosen else want for k, want in enumerate(trial.wanted)], rtol, atol):
                return ("each part is " if len(chosen) > 1 else "it is ") + words
    if count == 1:
        turned = [Trial(case, got, wanted) for case, wanted, got in trials]  # what would still have to be done with it
        for k, (name, reduced) in itertools.product(range(max(trial.got[0].ndim for trial in trials)), REDUCED.items()):
            if _agree(turned, lambda trial, k=k, f=reduced: [
                    f(trial.wanted[0], k, keepdim=trial.wanted[0].ndim == trial.got[0].ndim)], rtol, atol):
                return f"it is not {name} over axis {k} yet"
    return ""


def _changes(trials: list[Trial], names: list[str], part: int) -> Iterator[tuple[str, Callable]]:
    """(words, change of a tensor) of every kind; the change also gets the trial."""
    for n, name in enumerate(names[:len(trials[0].case)]):
        yield f"`{name}` as it was given", lambda _, trial, n=n: trial.case[n]
    for words, change in RESULTS.items():
        yield words, lambda want, _, change=change: change(want)
    yield ("the right one but for nan, which comes of 0/0, of 0 · ∞ or of the logarithm of 0",
           lambda want, trial: want.clone().masked_fill_(trial.got[part].isnan(), math.nan))  # of the same shape still
    ranks = max(trial.wanted[part].ndim for trial in trials)
    for k in range(ranks + 1):
        yield f"right but for an axis of length 1 at place {k}, one too many", lambda want, _, k=k: want.unsqueeze(k)
    for k in range(ranks):
        yield (f"right, but axis {k} is gone: it stays, with length 1; `keepdim=True` or `unsqueeze({k})` keep it",
               lambda want, _, k=k: want.squeeze(k))
        yield f"the right one in reverse order along axis {k}", lambda want, _, k=k: want.flip(k)
        yield f"the right one of the first along axis {k} alone", lambda want, _, k=k: want.select(k, 0)
    for i, j in itertools.combinations(range(ranks), 2):
        yield f"transposed: axes {i} and {j} have changed places", lambda want, _, i=i, j=j: want.transpose(i, j)
    yield "the right one in another shape", lambda want, trial: want.reshape(trial.got[part].shape)
    yield from _factors(trials, names, part)


def _factors(trials: list[Trial], names: list[str], part: int) -> Iterator[tuple[str, Callable]]:
    """By which factor, or by how much, the answer is too large, where that is one number a case."""
    ratios, steps = [], []
    for trial in trials:
        want, got = trial.wanted[part].double(), trial.got[part].double()
        if want.shape != got.shape or not want.numel() or not (want * got).isfinite().all():
            return
        ratios.append(((want * got).sum() / want.square().sum()).item() if want.any() else math.nan)
        steps.append((got - want).mean().item())
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    if known and known[0] and all(math.isclose(ratio, known[0], rel_tol=1e-3) for ratio in known):
        named = [f": {name}" for factor, name in FACTORS.items() if math.isclose(factor, known[0], rel_tol=1e-3)]
        yield (f"the right one times {known[0]:.4g}" + "".join(named),
               lambda want, _: (known[0] * want.double()).to(want.dtype))
    if all(math.isclose(step, steps[0], rel_tol=1e-3) for step in steps):
        yield (f"the right one {'plus' if steps[0] > 0 else 'minus'} {abs(steps[0]):.4g}",
               lambda want, _: (want.double() + steps[0]).to(want.dtype))
    for factor, many, few in _numbers(trials[0], names):
        yield many, lambda want, trial, factor=factor: (want.double() * factor(trial)).to(want.dtype)
        yield few, lambda want, trial, factor=factor: (want.double() / factor(trial)).to(want.dtype)


def _numbers(first: Trial, names: list[str]) -> Iterator[tuple[Callable[[Trial], float], str, str]]:
    """Numbers that a case holds: sizes of axes and arguments; with the words for one too many and one too few."""
    for n, (name, value) in enumerate(zip(names, first.case, strict=False)):
        if isinstance(value, Tensor):
            counts = range(1, value.ndim + 1)
            for axes in itertools.chain(*(itertools.combinations(range(value.ndim), count) for count in counts)):
                some = f"ax{'i' if len(axes) == 1 else 'e'}s {', '.join(map(str, axes))}"
                over = f"{'all' if len(axes) == value.ndim else some} of `{name}`"
                yield (lambda trial, n=n, axes=axes: math.prod(trial.case[n].shape[axis] for axis in axes),
                       f"too large by the number of values: a sum over {over} where a mean is wanted",
                       f"too small by the number of values: a mean over {over} where a sum is wanted")
        elif isinstance(value, int | float):
            for power, shown in ((1, ""), (2, "²")):
                yield (lambda trial, n=n, power=power: trial.case[n] ** power,
                       f"the right one times `{name}`{shown}: this factor is too many",
                       f"the right one divided by `{name}`{shown}: this factor is missing")


def of_loss(reference: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The reference with other gradients, or a softmax too many, and the words for an answer that equals it."""
    known = getattr(getattr(inspect.unwrap(reference), "__code__", None), "co_names", ())
    if "grad" in known:
        yield from ((words, _with_gradients(reference, taken)) for words, taken in GRADIENTS.items())
    if "cross_entropy" in known:
        yield SOFTMAX, edited(reference, "F.cross_entropy → _entropy",
                              _entropy=lambda scores, *given: cross_entropy(scores.softmax(1), *given))


def mixed_up(function: Callable[..., Any], names: list[str],
             used: Set[str] = frozenset()) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A function with other arguments, one after the other, and the words for a function that needs them.

    That an argument is not used is said of none that the function is known to use.
    """
    def called(change: Callable[[tuple], dict[int, Any]]) -> Callable[..., Any]:
        return lambda *case: function(*{**dict(enumerate(case)), **change(case)}.values())

    for n, name in enumerate(names):
        for words, change in VALUES.items():
            if name not in used or "not used" not in words:
                yield (f"it would be right with {words.format(f'`{name}`')}",
                       called(lambda case, n=n, change=change: {n: change(case[n])}))
    for i, j in itertools.permutations(range(len(names)), 2):
        if i < j:
            yield (f"it would be right with `{names[i]}` and `{names[j]}` in each other's place",
                   called(lambda case, i=i, j=j: {i: case[j], j: case[i]}))
        if names[i] not in used:
            yield (f"it would be right with `{names[j]}` in the place of `{names[i]}`: `{names[i]}` is not used",
                   called(lambda case, i=i, j=j: {i: case[j]}))


def _with_gradients(reference: Callable[..., Any], taken: Callable[[list[Tensor]], Tensor]) -> Callable[..., Any]:
    """The reference with something else in the place of each gradient that it takes."""
    def run(*case: Any) -> Any:
        seen: list[Tensor] = []

        def grad(*given: Any) -> tuple[Tensor]:
            seen.extend(torch.autograd.grad(*given))
            return (taken(seen),)
        return edited(reference, "torch.autograd.grad → _grad", _grad=grad)(*case)
    return run


def _agree(trials: list[Trial], made: Callable[[Trial], Any], rtol: float, atol: float) -> bool:
    """Whether the answer is what this makes of each trial; what cannot be made is not the same."""
    with suppress(Exception):
        return all(all_same([tuple(made(trial))], [trial.got], rtol, atol) for trial in trials)
    return False


def _only(a: Any, fits: bool) -> Any:
    """The same, if a change knows such arguments."""
    if not fits:
        raise TypeError
    return a


def _number(a: Any) -> Any:
    """A number or a tensor of floats; nothing else has a sign."""
    return _only(a, a.is_floating_point() if isinstance(a, Tensor) else type(a) in (int, float))


def _whole(a: Any) -> int:
    return _only(a, isinstance(a, int) and not isinstance(a, bool))


def _mask(a: Any) -> Tensor:
    return _only(a, isinstance(a, Tensor) and a.dtype == torch.bool)


def _several(a: Any) -> list:
    return list(_only(a, isinstance(a, list | tuple) and len(a) > 0))


def _like(a: Any, value: int) -> Any:
    return torch.full_like(a, value) if isinstance(a, Tensor) else type(_number(a))(value)
