"""Correspondences: two things of one source or of two? A binary switch, and what it measures.

Pairs (x, y) are drawn with equal chances from one source, that is from p(x, y), or from two, p(x) p(y). Bayes' rule
says that they are of one with

    P(same | x, y) = p(x, y) / (p(x, y) + p(x) p(y)) = σ(log p(x, y) / p(x) p(y)),

so that the best score before the sigmoid is the pointwise mutual information (PMI) of x and y. The mean of the PMI over
true pairs is their mutual information I(x, y).

Arandjelović & Zisserman, Look, listen and learn, ICCV 2017 (pictures and sounds); de Sa, Learning classification with
unlabeled data, NIPS 1994; Sugiyama, Suzuki & Kanamori, Density ratio estimation, 2012, §4 (the ratio by a classifier).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.checks import is_a, tensors, whole
from u3lab.errors import U3Error

MOST = 10**6  # pairs of each half that are drawn at once
MAKE = "give torch.Generator().manual_seed(…)"


class Pairs(NamedTuple):
    """Which x meets which y, by their numbers (2N), and whether they are of one source (2N, 1.0 or 0.0)."""

    x: Tensor
    y: Tensor
    same: Tensor


def draw_pairs(joint: Tensor, count: int, generator: torch.Generator) -> Pairs:
    """``count`` pairs of each half from a known p(x, y), a table (X,Y): first from it, then from p(x) p(y)."""
    _check_joint(joint)
    is_a("generator", generator, torch.Generator, MAKE)
    p, count = joint.double(), whole("count", count, 1, MOST)
    both = torch.multinomial(p.flatten(), count, True, generator=generator)
    alone = [torch.multinomial(p.sum(axis), count, True, generator=generator) for axis in (1, 0)]
    return Pairs(torch.cat([both // p.shape[1], alone[0]]), torch.cat([both % p.shape[1], alone[1]]),
                 torch.cat([torch.ones(count), torch.zeros(count)]))


def pmi(joint: Tensor) -> Tensor:
    """log p(x, y) / p(x) p(y) in nats for a table p(x, y) of shape (X,Y): the best score of the switch.

    −∞ where a pair never occurs although x and y do, NaN where one of them never does.

    Raises:
        U3Error: A table with negative numbers, or whose sum is not 1.
    """
    _check_joint(joint)
    return (joint / (joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True))).log()


def _check_joint(joint: Tensor) -> None:
    tensors(joint=(joint, "XY"))
    if not joint.is_floating_point() or joint.min() < 0 or abs(float(joint.sum()) - 1) > 1e-4:
        raise U3Error(f"joint is of {joint.dtype}, from {joint.min():.3g} on, with the sum {joint.sum():.4g}; give "
                      "probabilities: floats of 0 or more whose sum is 1")
