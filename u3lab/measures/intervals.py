"""One number with its interval: means, areas under curves, correlations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import MAX_PIXELS, STEPS, booleans, is_a, is_plain, shown, tensors, whole, words
from u3lab.errors import U3Error

OUTER = (0.025, 0.975)  # the shares between which a 95 % interval lies


class Interval(NamedTuple):
    """A number, and between which two it lies in 95 of 100 samples of pictures."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self:.3g}"

    def __format__(self, form: str) -> str:  # f"{interval:.2f}" writes all three numbers so
        return "{:{form}} [{:{form}}, {:{form}}]".format(*self, form=form or ".3g")


def bootstrap(statistic: Callable[[Tensor], Tensor], groups: int, *, times: int = 1000, basic: bool = False,
              seed: int = 0) -> Interval:
    """A statistic with its 95 % interval, from samples in which whole groups are drawn with replacement.

    Cuts of one photo, or games with the same picture, are no independent pictures; so the groups are drawn.

    Args:
        statistic: How often each group is in a sample, (D,G) float64 → the statistic of each of the D samples, (D) real
            numbers; NaN for a sample that has none is left out.
        groups: Their number G.
        times: How many samples are drawn.
        basic: For a statistic that is biased upwards in a resample, as a maximum is: the basic interval (twice the
            value, less the quantiles: Davison & Hinkley, Bootstrap methods and their application, 1997, section 2.4)
            takes that bias off. Otherwise the interval lies between the quantiles themselves.

    Raises:
        U3Error: No function, numbers that are not whole, a statistic that is not (D) or NaN for every sample.
    """
    is_a("statistic", statistic, Callable, "give a function from (D,G) to (D), such as lambda often: often.mean(1)")
    groups, times, seed = whole("groups", groups), whole("times", times, 1, STEPS), whole("seed", seed, 0)
    if groups * times > MAX_PIXELS:
        raise U3Error(f"{times} samples of {groups} groups are too much to draw at once; at most {MAX_PIXELS // 10**6} "
                      "million numbers are, so give fewer of them")
    # scipy.stats.bootstrap draws the values anew for each sample and one NaN among a thousand makes its interval NaN.
    # As counts, all samples are one product of matrices, and one that happens to have no attack can be left out.
    value = float(_of_samples(statistic, torch.ones(1, groups, dtype=torch.float64)))
    picks = torch.randint(groups, (times, groups), generator=torch.Generator().manual_seed(seed))
    often = torch.zeros(times, groups, dtype=torch.float64).scatter_add_(1, picks, torch.ones_like(picks).double())
    drawn = _of_samples(statistic, often)
    if not drawn.isfinite().any():
        raise U3Error(f"the statistic is NaN in all {times} samples; look at what it gives for torch.ones(1, groups)")
    low, high = drawn[drawn.isfinite()].quantile(torch.tensor(OUTER, dtype=torch.float64)).tolist()
    return Interval(value, 2 * value - high, 2 * value - low) if basic else Interval(value, low, high)


def _of_samples(statistic: Callable[[Tensor], Tensor], often: Tensor) -> Tensor:
    """The statistic of the samples that ``often`` (D,G) tells, (D)."""
    if not is_plain(found := statistic(often)) or found.shape != often.shape[:1] or found.is_complex():
        raise U3Error(f"the statistic gives {shown(found)} for {len(often)} samples; return a tensor with one real "
                      "number for each, for example often.mean(1)")
    return found.detach().double()


def mean(values: Tensor, groups: Sequence[str] | Sequence[int] | None = None, *, seed: int = 0) -> Interval:
    """The mean of one number for each picture, with its 95 % interval over pictures.

    Args:
        values: (N), or (N,R) where each of N pictures has R of them, such as repeats: their mean counts.
        groups: To which group each of the N belongs, such as a photo or a class; whole groups are drawn then.

    Raises:
        U3Error: No numbers, values that are not finite, or not one group for each.
    """
    if not is_plain(values) or values.ndim not in (1, 2) or not values.numel() or not values.isfinite().all():
        raise U3Error(f"values is {shown(values)}; give a tensor (N) or (N,R) of finite numbers")
    values = values.detach().double().cpu().reshape(len(values), -1).mean(1)
    names = range(len(values)) if groups is None else groups
    if isinstance(names, str) or not isinstance(names, Sequence) or len(names) != len(values) or not any(
            all(isinstance(name, kind) for name in names) for kind in (str, int)):
        raise U3Error(f"groups is {shown(groups)}; give a list of {len(values)} names, or numbers, one for each")
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    home = torch.tensor([places[name] for name in names])
    sums = torch.zeros(len(places), dtype=torch.float64).index_add_(0, home, values)
    counts = home.bincount().double()
    return bootstrap(lambda often: often @ sums / (often @ counts), len(places), seed=seed)


def roc_auc(scores: Tensor, marks: Tensor, sources: Sequence[str], *, times: int = 1000, seed: int = 0) -> Interval:
    """Area under the ROC curve: the probability that a marked picture scores over another one, ties as halves.

    Args:
        scores, marks: (N) each; the marks are bool, some of them True and some not.
        sources: N names: which photo each score comes from. The interval is that over *sources*, see :func:`bootstrap`.
    """
    from sklearn.metrics import roc_auc_score

    tensors(scores=(scores, "N"))
    booleans("give a tensor such as values > 0.5", marks=(marks, "N"))
    sources = words("sources", sources)
    if not len(scores) == len(marks) == len(sources) or marks.all() or not marks.any():
        raise U3Error(f"{len(scores)} scores, {len(marks)} marks and {len(sources)} sources; give as many of each, "
                      "some of them marked and some not")
    names = sorted(set(sources))
    home = F.one_hot(torch.tensor([names.index(source) for source in sources]), len(names)).double()
    up, down = scores[marks].double()[:, None], scores[~marks].double()[None]
    won = (up > down).double() + (up == down).double() / 2
    # Pairs by the source of the one and of the other, so that a draw of sources is a product of matrices: the same as
    # roc_auc_score with a score's weight the number of times that its source was drawn, a thousand times over.
    wins = home[marks].T @ won @ home[~marks]
    pairs = home[marks].T @ torch.ones_like(won) @ home[~marks]

    def of_samples(often: Tensor) -> Tensor:
        return torch.einsum("ds,st,dt->d", often, wins, often) / torch.einsum("ds,st,dt->d", often, pairs, often)

    value = roc_auc_score(marks.cpu().numpy(), scores.detach().double().cpu().numpy())
    return bootstrap(of_samples, len(names), times=times, seed=seed)._replace(value=float(value))
