"""Mutual information between what two networks say, and the clustering that comes of making it large (IIC).

    z = Φ₁(x), z′ = Φ₂(x′)                    shares of k classes, of n pairs (x, x′) that belong together
    P = 1/n Σ z z′ᵀ                           the joint distribution of what both say, k×k
    I = Σ_ij P_ij (ln P_ij − ln P_i − ln P_j)      in nats; P_i and P_j are its sums over rows and columns

Becker & Hinton, Self-organizing neural network that discovers surfaces in random-dot stereograms, Nature 1992, for two
networks; Ji, Henriques & Vedaldi, Invariant information clustering, ICCV 2019, for one network on two views.

A binary switch measures it too: two things of one source or of two? Pairs (x, y) are drawn with equal chances from one
source, that is from p(x, y), or from two, p(x) p(y). Bayes' rule says that they are of one with

    P(same | x, y) = p(x, y) / (p(x, y) + p(x) p(y)) = σ(log p(x, y) / p(x) p(y)),

so that the best score before the sigmoid is the pointwise mutual information (PMI) of x and y. The mean of the PMI over
true pairs is their mutual information I(x, y).

Arandjelović & Zisserman, Look, listen and learn, ICCV 2017 (pictures and sounds); de Sa, Learning classification with
unlabeled data, NIPS 1994; Sugiyama, Suzuki & Kanamori, Density ratio estimation, 2012, §4 (the ratio by a classifier).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.checks import FLOATS, is_a, is_plain, number, of_one_kind, tensors, whole
from u3lab.errors import U3Error

MOST = 4 * 10**6  # pairs of classes
CLOSE = 1e-3  # how far the sum of shares may be from 1: half of a million pictures in float32 is well within
MOST_DRAWN = 10**6  # pairs of each half that are drawn at once


def joint(z: Tensor, z_moved: Tensor, *, symmetric: bool = True) -> Tensor:
    """The joint distribution P (k,k) of two classes that are given by shares (Ji et al., equation 2).

    Args:
        z, z_moved: (n,k) and (n,k): row i of both belongs to the same thing. Each row is ≥ 0 and sums to 1, as a
            softmax does.
        symmetric: Where both are from one network, (x, x′) is as good a pair as (x′, x): P becomes (P + Pᵀ)/2. The
            joint of an image and its sound is not symmetric, and then the second may have another number of classes: P
            is (k,k′).

    Raises:
        U3Error: Shapes that do not fit, or rows that are no shares.
    """
    is_a("symmetric", symmetric, bool, "give True or False")
    tensors(z=(z, "NK"), z_moved=(z_moved, "NK" if symmetric else "NJ"))
    check_both(z, z_moved)
    if z.shape[1] * z_moved.shape[1] > MOST:
        raise U3Error(f"{z.shape[1]}×{z_moved.shape[1]} pairs of classes are more than a joint has room for; give "
                      f"fewer classes, up to {MOST / 10**6:g} million pairs")
    P = z.T @ z_moved / len(z)
    return (P + P.T) / 2 if symmetric else P


def mutual_information(P: Tensor, *, lam: float = 1.0) -> Tensor:
    """Σ P_ij (ln P_ij − λ ln P_i − λ ln P_j) of joints (…,k,k′), in nats: (…). With λ = 1 the mutual information.

    It is the sum of three entropies, λ H(rows) + λ H(columns) − H(P): the more classes are in use, the better, and the
    fewer pairs (i, j), the better. λ > 1 asks for evenly used classes. With λ = 1 it lies between 0 and ln min(k, k′).
    """
    if not is_plain(P) or P.ndim < 2:
        raise U3Error("P has to be a tensor (k,k), as joint(z, z_moved) gives it")
    tensors(P=(P.flatten(0, -2), "NK"))
    check_shares("P", P, P.sum((-1, -2)))
    lam = number("lam", lam, 0)
    least = torch.finfo(P.dtype).eps  # so that what never happens counts 0 · ln 0 = 0 and its gradient is finite
    rows, columns = P.sum(-1, keepdim=True), P.sum(-2, keepdim=True)
    log = [part.clamp_min(least).log() for part in (P, rows, columns)]
    return (P * (log[0] - lam * log[1] - lam * log[2])).sum((-1, -2))


def iic_loss(z: Tensor, z_moved: Tensor, *, lam: float = 1.0, symmetric: bool = True) -> Tensor:
    """L = −Σ_ij P_ij (ln P_ij − λ ln P_i − λ ln P_j), a scalar (Ji et al., equation 3; λ as in their code).

    Args:
        z, z_moved, symmetric: As for :func:`joint`.
        lam: λ ≥ 0. With 1 the loss is the negative mutual information: −ln k at best, 0 if nothing is shared or all is
            one class.

    Examples:
        >>> z = torch.eye(4)                                  # four pictures, each surely of its own class
        >>> round(float(selfsup.iic_loss(z, z).exp()), 4)    # exp(−ln 4)
        0.25
    """
    return -mutual_information(joint(z, z_moved, symmetric=symmetric), lam=lam)


def bias(k: int, n: int, *, symmetric: bool = False) -> float:
    """By about how much the information of n pairs overestimates that of all pairs: (k − 1)² / 2n nats.

    Of two *independent* classes of k kinds, whose information is 0, n pairs show so much on average (Miller, Note on
    the bias of information estimates, 1955): 1/2n for each cell of P that is free once its marginals are given. A joint
    that is made ``symmetric`` has k (k − 1)/2 such cells. It holds for large n and sure answers.
    """
    is_a("symmetric", symmetric, bool, "give True or False")
    k = whole("k", k, 1)
    free = k * (k - 1) / 2 if symmetric else (k - 1) ** 2
    return free / (2 * whole("n", n, 1))


def check_both(z: Tensor, z_moved: Tensor) -> None:
    """Refuse what two networks cannot have said: what is not shares along axis 1, or not of one dtype and device."""
    for name, shares in (("z", z), ("z_moved", z_moved)):
        check_shares(name, shares, shares.sum(1))
    of_one_kind(z=z, z_moved=z_moved)


def check_shares(name: str, shares: Tensor, sums: Tensor) -> None:
    """Refuse what are no shares: numbers of 0 or more whose ``sums``, taken along the classes, are 1."""
    if shares.dtype not in FLOATS:
        raise U3Error(f"{name} is of {shares.dtype}; give float32 or float64, such as logits.softmax(1)")
    if shares.detach().min() < 0 or (sums.detach() - 1).abs().max() > CLOSE:
        raise U3Error(f"{name} holds no shares: they are 0 or more and sum to 1; give logits.softmax(1), for example")


class Pairs(NamedTuple):
    """Which x meets which y, by their numbers (2N), and whether they are of one source (2N, 1.0 or 0.0)."""

    x: Tensor
    y: Tensor
    same: Tensor


def draw_pairs(joint: Tensor, count: int, generator: torch.Generator) -> Pairs:
    """``count`` pairs of each half from a known p(x, y), a table (X,Y): first from it, then from p(x) p(y)."""
    _check_joint(joint)
    is_a("generator", generator, torch.Generator, "give torch.Generator().manual_seed(…)")
    p, count = joint.double(), whole("count", count, 1, MOST_DRAWN)
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
