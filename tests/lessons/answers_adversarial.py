"""Right and wrong answers to the exercises of chapter 6b, made by other code than the library's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def step(image, gradient, original, step_size, eps, *, direction=torch.sign, about=None, ball=True, box=True):
    """The step by the greatest and smallest values that are allowed."""
    moved = image - step_size * direction(gradient)
    centre = original if about is None else about(image, original)
    if ball:
        moved = torch.minimum(torch.maximum(moved, centre - eps), centre + eps)
    return moved.clip(0, 1) if box else moved


def box_first(image, gradient, original, step_size, eps):
    moved = torch.where(gradient > 0, image - step_size, torch.where(gradient < 0, image + step_size, image)).clip(0, 1)
    return torch.minimum(torch.maximum(moved, original - eps), original + eps)


def towards(scores: Tensor, target: int) -> Tensor:
    """log Σ exp − s_target, with the greatest score taken out of the exponentials."""
    top = scores.max()
    return (scores - top).exp().sum().log() + top - scores[0, target]


def chances(scores: Tensor) -> Tensor:
    return (scores - scores.max()).exp() / (scores - scores.max()).exp().sum()


def by_index(filters: Tensor, axis: int) -> Tensor:
    return filters.index_select(axis, torch.arange(filters.shape[axis] - 1, -1, -1))


def normal_equations(x, y, *, centred=True):
    mean_x, mean_y = x.mean(0), y.mean(0)
    a, c = (x - mean_x, y - mean_y) if centred else (x, y)
    w = torch.linalg.solve(a.T @ a, a.T @ c).T
    return w, mean_y - w @ mean_x


def ones_first(x, y):
    found = torch.linalg.pinv(torch.cat([torch.ones(len(x), 1, dtype=x.dtype), x], 1)) @ y
    return found[1:].T, found[0]


def one_by_one(x, y):
    """A line for each pair of features."""
    w = torch.stack([torch.stack([torch.cov(torch.stack([a, b]))[0, 1] / a.var() for a in x.T]) for b in y.T])
    return w, y.mean(0) - w @ x.mean(0)


def uncentred_in_between(x, y):
    w, _ = normal_equations(x, y, centred=False)
    return w, (y - x @ w.T).mean(0)


MUTANTS = [
    ("6b-step", lambda *given: step(*given, direction=lambda p: p), "your step is not α times the sign"),
    ("6b-step", lambda *given: step(*given, direction=lambda p: F.normalize(p.flatten(), dim=0).view_as(p)),
     "a gradient divided by its length is for the L2 ball"),
    ("6b-step", lambda *given: step(*given, direction=lambda p: p / p.pow(2).mean().sqrt()), "for the L2 ball"),
    ("6b-step", lambda *given: step(*given, direction=lambda p: torch.where(p > 0, 1.0, -1.0).to(p)),
     "your step is not α times the sign"),
    ("6b-step", lambda *given: step(*given, box=False), "the box is missing"),
    ("6b-step", lambda *given: step(*given, ball=False, box=False), "Π is missing"),
    ("6b-step", lambda *given: step(*given, about=lambda image, original: image, box=False), "the box is missing"),
    ("6b-step", lambda *given: step(*given, about=lambda image, original: 0 * image), "clamped the picture itself"),
    ("6b-step", lambda *given: step(*given, about=lambda image, original: 0 * image, box=False), "the picture itself"),
    ("6b-step", lambda image, p, original, a, eps: step(image, p, original, a, eps) - original, "the change δ"),
    ("6b-target", lambda s, t: -chances(s)[0, t], "the log is missing"),
    ("6b-target", lambda s, t: chances(s)[0].index_fill(0, torch.tensor(t), 0).sum(), "as 1 − Φ_target"),
    ("6b-target", lambda s, t: -s[0][t], "a score may grow while others grow faster"),
    ("6b-target", lambda s, t: -chances(s).log()[0, t], "beyond float32; take log_softmax"),
    ("6b-target", lambda s, t: -(chances(s)[0, t] + 1e-12).log(), "a small constant under the log"),
    ("6b-target", lambda s, t: -chances(s)[0, t].clip(1e-10).log(), "a small constant under the log"),
    ("6b-target", lambda s, t: F.nll_loss(F.log_softmax(s, 0), torch.tensor([t])), "which are axis 1"),
    ("6b-target", lambda s, t: -towards(s, int(s.argmax())), "never ask for the target"),
    ("6c-flip", lambda w: w.clone(), "as they were"),
    ("6c-flip", lambda w: torch.einsum("ocij->ocji", w), "rows and columns are swapped"),
    ("6c-flip", lambda w: by_index(w, 0), "counts the output channels"),
    ("6c-flip", lambda w: by_index(w, 1), "counts the input channels"),
    ("6c-flip", lambda w: w[:, :, [*range(w.shape[2])][::-1]], "you reversed the rows"),
    ("6c-stitch", lambda x, y: (torch.linalg.lstsq(x, y).solution.T, 0 * y[0]), "there is no offset"),
    ("6c-stitch", lambda x, y: (normal_equations(x, y)[0], 0 * y[0]), "W is right, but b is 0"),
    ("6c-stitch", uncentred_in_between, "and b afterwards"),
    ("6c-stitch", lambda x, y: (normal_equations(x, y)[0], y.mean(0)), "the mean of y alone"),
    ("6c-stitch", lambda x, y: (torch.linalg.lstsq(x, y).solution.T, y.mean(0)), "find them together"),
    ("6c-stitch", one_by_one, "each feature of x by itself"),
    ("6c-stitch", lambda x, y: (torch.cov(torch.cat([x, y], 1).T, correction=0)[x.shape[1]:, : x.shape[1]],
                                y.mean(0) - torch.cov(torch.cat([x, y], 1).T, correction=0)[
                                    x.shape[1]:, : x.shape[1]] @ x.mean(0)), "covariance of y and x alone"),
]

RIGHT = [
    ("6b-step", step), ("6b-step", box_first),
    ("6b-step", lambda image, p, original, a, eps: (image - a * p.sign()).clamp(
        (original - eps).clamp(min=0), (original + eps).clamp(max=1))),
    ("6b-target", towards), ("6b-target", lambda s, t: F.cross_entropy(s, torch.tensor([t]))),
    ("6b-target", lambda s, t: torch.logsumexp(s, 1)[0] - s[0, t]),
    ("6c-flip", lambda w: by_index(w, 3)), ("6c-flip", lambda w: w.mT.flip(2).mT),
    ("6c-stitch", normal_equations), ("6c-stitch", ones_first),
]
