"""Right and wrong answers to the exercises that are loops, or a whole method, made by other code than the library's."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def kept(probability, x, blurred, lam, rate, steps, *, start=0.5, enough=1.0, price=torch.mean, free=False):
    """By backward() and .grad, with the mask as a leaf that is changed in place."""
    m = torch.full(x[:, :1].shape, start, dtype=x.dtype, requires_grad=True)
    for _ in range(steps):
        m.grad = None
        (lam * price(m) - enough * probability(blurred + m * (x - blurred))).backward()
        with torch.no_grad():
            m -= rate * m.grad
            m if free else m.clip_(0, 1)
    return m.detach()


def attacked(scores, x, target, eps, rate, steps, *, ball=True, box=True, descent=True):
    """By cross_entropy and the two bounds as tensors."""
    low, high = ((x - eps).clamp(min=0), (x + eps).clamp(max=1)) if ball else (0 * x, 0 * x + 1)
    if not box:
        low, high = x - eps, x + eps
    now = x.clone()
    for _ in range(steps):
        leaf = now.clone().requires_grad_()
        F.cross_entropy(scores(leaf), torch.tensor([target])).backward()
        step = rate * torch.sign(leaf.grad)
        now = torch.minimum(torch.maximum(now - step if descent else now + step, low), high)
    return now


def dissected(a, masks, share, *, mode="bilinear", dice=False, swapped=False):
    """Unit by unit and concept by concept."""
    found = torch.zeros(a.shape[1], masks.shape[1])
    large = F.interpolate(a, masks.shape[2:], mode=mode)
    for k in range(a.shape[1]):
        values = a[:, k].reshape(-1)
        on = large[:, k] > torch.quantile(values, 1 - share)
        for c in range(masks.shape[1]):
            common, either = (on & masks[:, c]).sum(), (on | masks[:, c]).sum()
            found[k, c] = 2 * common / (on.sum() + masks[:, c].sum()) if dice else common / either
    return found.T if swapped else found


def fitted(active, masks, rate, steps, *, alpha=None, linear=False, total=False):
    """By SGD, and the vote as a convolution."""
    w = torch.zeros(active.shape[1], requires_grad=True)
    y = masks.float()
    alpha = 1 - y.mean() if alpha is None else alpha
    descent = torch.optim.SGD([w], lr=rate)
    for _ in range(steps):
        descent.zero_grad()
        z = F.conv2d(active.float(), w[None, :, None, None])[:, 0]
        p = z if linear else z.sigmoid()
        terms = torch.where(masks, alpha * p, (1 - alpha) * (1 - p))
        (-(terms.sum() if total else terms.mean())).backward()
        descent.step()
    return w.detach()


MUTANTS = [
    ("6-keep", lambda *given: kept(*given, start=1.0), "starts at 1"),
    ("6-keep", lambda *given: kept(*given, enough=-1.0), "you lower Φ_c"),
    ("6-keep", lambda *given: kept(*given, price=torch.sum), "sum over the"),
    ("6-keep", lambda *given: kept(*given, free=True), "leaves [0,1]"),
    ("6b-loop", lambda *given: attacked(*given, ball=False), "the ball is missing"),
    ("6b-loop", lambda *given: attacked(*given, box=False), "the box is missing"),
    ("6b-loop", lambda *given: attacked(*given, descent=False), "the gradient has the wrong sign"),
    ("7-layer", lambda *given: dissected(*given, mode="nearest"), "you enlarged otherwise"),
    ("7-layer", lambda *given: dissected(*given, dice=True), "that is Dice"),
    ("7-layer", lambda *given: dissected(*given, swapped=True), "transposed: axes 0 and 1 have changed places"),
    ("7b-descent", lambda *given: fitted(*given, linear=True), "the sigmoid is missing"),
    ("7b-descent", lambda *given: fitted(*given, total=True), "a sum over the places"),
    ("7b-descent", lambda a, m, rate, steps: fitted(a, m, rate, steps, alpha=m.float().mean()), "have changed places"),
]

RIGHT = [("6-keep", kept), ("6b-loop", attacked), ("7-layer", dissected), ("7b-descent", fitted)]
