"""What every chapter measures with: one number with its interval, correlations, areas, accuracies, the linear probe.

Nothing here knows a network; scores, features and curves come as tensors.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import MAX_PIXELS, STEPS, booleans, is_a, is_plain, number, of_wholes, shown, tensors, whole, words
from u3lab.errors import U3Error

OUTER = (0.025, 0.975)  # the shares between which a 95 % interval lies
CLASSES = 100_000  # more than any network of ours has; a probe has a row of weights for each


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


def _comparable(a: Tensor, b: Tensor) -> None:
    """U3Error unless both are tensors of one shape and finite."""
    if not (is_plain(a) and is_plain(b)) or a.shape != b.shape or not a.numel():
        raise U3Error(f"{shown(a)} and {shown(b)} cannot be compared; give two tensors of one shape")
    tensors(a=(a.flatten(), "N"), b=(b.flatten(), "N"))


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson correlation of two tensors of one shape; 0 if one of them is constant."""
    _comparable(a, b)
    a, b = a.flatten().double() - a.double().mean(), b.flatten().double() - b.double().mean()
    norms = a.norm() * b.norm()
    return float(a @ b / norms) if norms > 0 else 0.0


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's: the correlation of the ranks, equal values sharing the mean of theirs; 0 if one is constant."""
    from scipy.stats import spearmanr

    _comparable(a, b)
    a, b = (one.detach().flatten().double().cpu() for one in (a, b))
    if min(a.max() - a.min(), b.max() - b.min()) == 0:  # where scipy warns and says NaN
        return 0.0
    return float(spearmanr(a.numpy(), b.numpy()).statistic)


def auc(x: Tensor, y: Tensor) -> float:
    """Area under the curve y over x, both (N), by the trapezium rule; of a deletion or insertion curve for example.

    Raises U3Error where x falls: the area would be counted away.
    """
    tensors(x=(x, "N"), y=(y, "N"))
    if (x[1:] < x[:-1]).any():
        raise U3Error("x falls somewhere; give the curve from left to right, such as x.flip(0) and y.flip(0)")
    return float(torch.trapezoid(y, x))


def balanced_accuracy(scores: Tensor, labels: Tensor, target: int) -> float:
    """How well scores (B,K) tell one class from all others: the mean of the share found and of the share rightly left.

    0.5 is guessing, whatever the share of the class among the labels (B).

    Raises:
        U3Error: Shapes that do not fit, labels of classes that have no score, a class that is not there or that all
            pictures are of.
    """
    tensors(scores=(scores, "BK"), labels=(labels, "B"))
    labels = classes(labels, scores.shape[1])
    wanted = of_class(labels, whole("target", target, 0, scores.shape[1] - 1))
    found = (scores.argmax(1) == target).to(labels.device)
    return float((found[wanted].double().mean() + (~found[~wanted]).double().mean()) / 2)


def of_class(labels: Tensor, target: int) -> Tensor:
    """Which labels (B) are those of a class, (B) bool; U3Error unless some are and some are not."""
    wanted = classes(labels) == target
    if not wanted.any() or wanted.all():
        raise U3Error(f"class {target} has {int(wanted.sum())} of {len(labels)} pictures; give some of it and others")
    return wanted


def classes(labels: Tensor, count: int = CLASSES) -> Tensor:
    """The labels (N) as int64, if they are numbers of so many classes: whole, and from 0 on."""
    tensors(labels=(labels, "N"))
    if not of_wholes(labels):
        raise U3Error(f"labels is of {labels.dtype}; give the numbers of classes, for example labels.long()")
    for label in (labels := labels.long()).aminmax():
        whole("a label", label.item(), 0, count - 1)
    return labels


def agreement(scores: Tensor, reference: Tensor) -> tuple[float, float]:
    """How often two networks agree: shares of pictures whose reference class is the first, and among the first five.

    Both are class scores (B,K); the reference class is the best one of ``reference``.
    """
    tensors(scores=(scores, "BK"), reference=(reference, "BK"))
    best = reference.argmax(1, keepdim=True)
    hits = scores.topk(min(5, scores.shape[1]), 1).indices == best
    return hits[:, 0].double().mean().item(), hits.any(1).double().mean().item()


class Probe(NamedTuple):
    """A linear classifier of features: scores(a) = (a − mean) / spread @ weight.T + bias."""

    mean: Tensor
    spread: Tensor
    weight: Tensor
    bias: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """(N,U) → (N,K)."""
        tensors(**{"the probe's mean": (self.mean, "U"), "features": (features, "NU")})
        return (features.double() - self.mean) / self.spread @ self.weight.T + self.bias

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """The share of features (N,U) whose highest score is that of their label (N)."""
        tensors(features=(features, "NU"), labels=(labels, "N"))
        return float((self.scores(features).argmax(1) == classes(labels)).double().mean())


def probe(features: Tensor, labels: Tensor, *, C: float = 1.0) -> Probe:
    """Fit a linear probe to features (N,U) and labels (N) 0 … K−1: what can be read off a layer with one linear map?

        min over W, b   1/N Σ −log softmax(W a_i + b)[y_i]  +  ‖W‖² / (2 C N)

    Alain & Bengio, Understanding intermediate layers using linear classifier probes, 2017. The features are held fixed:
    the network does not learn from its probe. Each feature is brought to mean 0 and spread 1 first.

    Args:
        C: The larger, the less large weights cost. A class that no label names gets the bias −∞.

    Raises:
        U3Error: Shapes that do not fit, NaN, labels that are not whole or below 0, a single class, C that is not above
            0.
    """
    from sklearn.linear_model import LogisticRegression

    if isinstance(features, Tensor) and features.ndim > 2:
        raise U3Error(f"features has the shape {tuple(features.shape)}; give (N,U): of maps, features.mean((2, 3))")
    tensors(features=(features, "NU"), labels=(labels, "N"))
    C = number("C", C, 0, without_low=True)
    if len(there := (labels := classes(labels)).unique().cpu()) < 2:
        raise U3Error("all labels are the same; a probe needs at least two classes")
    x = features.detach().double()
    mean, spread = x.mean(0), x.std(0, unbiased=False)
    spread = torch.where(spread > 0, spread, 1.0)
    # For two classes scikit-learn fits the difference w of the two rows, whose penalty ‖w‖² / 2 is twice ‖W‖².
    two = len(there) == 2
    model = LogisticRegression(C=2 * C if two else C, tol=1e-6, max_iter=10_000, solver="newton-cg")
    model.fit(((x - mean) / spread).cpu().numpy(), labels.cpu().numpy())
    rows, offsets = torch.from_numpy(model.coef_), torch.from_numpy(model.intercept_)
    if two:
        rows, offsets = torch.cat([-rows, rows]) / 2, torch.cat([-offsets, offsets]) / 2
    weight = rows.new_zeros(int(there.max()) + 1, x.shape[1]).index_copy_(0, there, rows)
    bias = offsets.new_full((len(weight),), -torch.inf).index_copy_(0, there, offsets)
    return Probe(mean, spread, weight.to(x), bias.to(x))
