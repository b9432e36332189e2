"""Lesion removed: does a positive answer go when the finding goes?

A network that looks at the lesion changes its mind if the outlined thing is filled in from around it. One that reads a
letter in the corner does not. The same shape filled in elsewhere is the floor: nothing was removed there.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from u3lab.audit.cases import ASK, Cases, body, found, score
from u3lab.checks import is_a, whole
from u3lab.errors import U3Error
from u3lab.measures import Interval, mean
from u3lab.nets import Region, ready

TRIES, INSIDE = 200, 0.9  # places that are tried for a shape, and how much of it must be on the body


class Removed(NamedTuple):
    """The share of true positives that turn negative without their lesion, and with the same shape filled in elsewhere.

    ``which`` pictures these are, (n); ``filled`` (n,C,…), or filled ``beside`` the lesion; their scores ``before``,
    ``after`` and ``floor``, (n); ``where`` they were filled, and where beside, (n,1,…) each. Of a network for
    segmentation the n are the lesions that it finds, each asked about by itself: it is gone if its mean log-odds are no
    longer above 0. ``large`` further ones leave no room for the same shape elsewhere, and are left out.
    """

    flipped: Interval
    elsewhere: Interval
    which: Tensor
    filled: Tensor
    beside: Tensor
    before: Tensor
    after: Tensor
    floor: Tensor
    where: tuple[Tensor, Tensor]
    large: int = 0


def lesion_removed(net: nn.Module, cases: Cases, *, positive: int | str = 1, margin: int = 2,
                   seed: int = 0) -> Removed:
    """Fill in the outlined lesion of every true positive, and ask again.

    Args:
        net: Any network for pictures, in evaluation mode.
        cases: With outlines.
        positive: The class of the finding.
        margin: Pixels that an outline grows by before it is filled in: it seldom holds the whole rim of a lesion.
        seed: Of the other places.

    Raises:
        U3Error: No outlines, or no true positive that has one.
    """
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    if cases.outlines is None:
        raise U3Error("no outlines: whether the network looks at the lesion cannot be told; give outlines=")
    which, asked = found(net, cases, positive)
    if not len(which):
        raise U3Error("the network finds none of the positives that have an outline, so there is nothing to remove")
    images, where = cases.images[which], grown(cases.outlines[which], whole("margin", margin, 0))
    moved = elsewhere(where, body(images), torch.Generator().manual_seed(whole("seed", seed, 0)))
    fits = moved.flatten(1).any(1)
    if not fits.any():
        raise U3Error("each outline is so large that the same shape has no other place in its picture; outline less")
    which, images, where, moved = which[fits], images[fits], where[fits], moved[fits]
    asked = Region(asked.label, asked.mask[fits]) if isinstance(asked, Region) else asked
    filled, beside = fill(images, where), fill(images, moved)
    before, after, floor = (score(net, x, asked) for x in (images, filled, beside))
    groups = [cases.groups[n] for n in which]
    return Removed(*(mean((x <= 0).double(), groups) for x in (after, floor)), which, filled, beside, before, after,
                   floor, (where, moved), int((~fits).sum()))


def grown(where: Tensor, margin: int) -> Tensor:
    """Outlines (N,1,…) with all pixels that are at most so far from them, along rows, columns and slices."""
    pool = {4: nn.functional.max_pool2d, 5: nn.functional.max_pool3d}[where.ndim]
    return pool(where.float(), 2 * margin + 1, 1, margin) > 0


def fill(images: Tensor, where: Tensor) -> Tensor:
    """Harmonic in-painting: pixels (N,C,…) in ``where`` (N,1,…) become the mean of their neighbours.

    The discrete Laplace equation with the rim as its boundary, solved exactly; so nothing lies outside the range of the
    rim, and no edge or texture is made up. Outside ``where`` the pictures stay as they are.
    """
    filled = images.clone()
    for n, mask in enumerate(where[:, 0].cpu().numpy()):
        if mask.all():
            raise U3Error(f"the outline of picture {n} covers all of it; there is nothing around it to fill it from")
        if mask.any():
            values = _solved(images[n].cpu().double().numpy(), mask)
            filled[n][:, where[n, 0]] = torch.from_numpy(values).to(images)
    return filled


def _solved(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The values (C,m) of the m pixels of a mask: for each, Σ over its neighbours of (value − neighbour) = 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    inside = np.argwhere(mask)
    number = np.full(mask.shape, -1)
    number[tuple(inside.T)] = range(len(inside))
    steps = np.vstack([np.eye(mask.ndim, dtype=int), -np.eye(mask.ndim, dtype=int)])
    rows, columns, degree, known = [], [], np.zeros(len(inside)), np.zeros((len(image), len(inside)))
    for step in steps:
        there = inside + step
        exists = ((there >= 0) & (there < mask.shape)).all(1)
        at = tuple(there[exists].T)
        own, other = np.flatnonzero(exists), number[at]
        degree[own] += 1
        rows.append(own[other >= 0]), columns.append(other[other >= 0])
        known[:, own] += np.where(other < 0, image[(slice(None), *at)], 0)
    everyone = np.arange(len(inside))
    i, j = np.concatenate([*rows, everyone]), np.concatenate([*columns, everyone])
    weights = np.concatenate([-np.ones(len(i) - len(inside)), degree])
    return splu(coo_array((weights, (i, j))).tocsc()).solve(known.T).T


def elsewhere(where: Tensor, on: Tensor, generator: torch.Generator) -> Tensor:
    """Each shape (N,1,…) moved to another place on the body ``on`` (N,1,…), clear of where it was; empty if none is."""
    return torch.stack([_moved(mask, inside, generator) for mask, inside in zip(where, on, strict=True)])


def _moved(mask: Tensor, inside: Tensor, generator: torch.Generator) -> Tensor:
    """The first of some random places that will do; else, of those clear of the first place, the one most inside."""
    at = mask[0].nonzero()
    low, high = -at.amin(0), torch.tensor(mask.shape[1:]) - 1 - at.amax(0)
    best, most = (), -1.0
    for _ in range(TRIES):
        shift = (low + torch.rand(len(low), generator=generator) * (high - low + 1)).long()
        there = tuple((at + shift).T)
        if mask[0][there].any():
            continue
        if (share := float(inside[0][there].float().mean())) > most:
            best, most = there, share
        if share >= INSIDE:
            break
    moved = torch.zeros_like(mask)
    if best:
        moved[0][best] = True
    return moved
