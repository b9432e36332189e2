"""The concept kernel: which concepts does a network hold alike? And do two networks agree on that?

    K_ij = ⟨w_i, w_j⟩,        similarity(Φ, Ψ) = Σ K^Φ ⊙ K^Ψ / (‖K^Φ‖ ‖K^Ψ‖)

w_i is the vector of concept i in the units of a layer, brought to length 1. Fong & Vedaldi, Net2Vec, CVPR 2018,
section 5. Every concept is like itself, in every network: with the diagonal, two random embeddings of twenty concepts
already agree to 0.8. So the diagonal is left out here, and a permutation of the concepts says what chance gives.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import STEPS, tensors, whole
from u3lab.errors import U3Error


def concept_kernel(vectors: Tensor) -> Tensor:
    """K (C,C) of concept vectors (C,U): cosines, 1 on the diagonal.

    Raises:
        U3Error: Not a matrix, or a vector of zeros.
    """
    tensors(vectors=(vectors, "CU"))
    if len(vectors) < 2:
        raise U3Error(f"vectors of shape {tuple(vectors.shape)}: give (C,U), one row for each of at least two concepts")
    if (lengths := vectors.norm(dim=1)).min() == 0:
        raise U3Error(f"the vector of concept {int(lengths.argmin())} is zero: it has no direction; leave it out")
    unit = F.normalize(vectors.double(), dim=1)
    return unit @ unit.T


def kernel_similarity(first: Tensor, second: Tensor, *, diagonal: bool = False) -> float:
    """How much two kernels (C,C) of the same concepts, in one order, agree, in [−1,1].

    ``diagonal`` counts each concept with itself.

    Raises:
        U3Error: Kernels of different sizes, or not square.
    """
    tensors(first=(first, "CC"), second=(second, "CC"))
    first, second = first.double(), second.double()
    counted = torch.ones_like(first) if diagonal else 1 - torch.eye(len(first), dtype=first.dtype)
    a, b = first * counted, second * counted
    return float((a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-300))


def chance_similarity(first: Tensor, second: Tensor, *, times: int = 200, seed: int = 0) -> list[float]:
    """The similarity when the second network's concepts are shuffled, ``times`` over: what no agreement looks like."""
    tensors(first=(first, "CC"), second=(second, "CC"))
    times, seed = whole("times", times, 1, STEPS), whole("seed", seed, 0)
    draw = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(second), generator=draw) for _ in range(times)]
    return [kernel_similarity(first, second[order][:, order]) for order in orders]
