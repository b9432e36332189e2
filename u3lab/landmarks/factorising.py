"""Equivariance as a factorisation: how a thing is turned, learnt from pairs of pictures of which only the turn between
them is known.

    Φ(g x) = g Φ(x)    with codes that are turns themselves    Φ(g x) ∘ Φ(x)⁻¹ = g

    Φ(x) ∈ SO(2)       a vector (a, b) of length 1             (a −b; b a)
    Φ(x) ∈ SO(3)       six numbers, two columns                Gram and Schmidt make them a rotation

If Φ solves it, so does Φ(x) h for any fixed turn h: pairs say nothing of where 0 is. Nothing in the loss asks that h be
the same for two things that are never in one pair; but one network for all finds it easier so, as far as the things
look alike. To judge it, h is found first, one for all things.

Novotny, Larlus & Vedaldi, Learning 3D object categories by looking around them, ICCV 2017, section 3.1 (there with
translations and an estimated certainty, which are left out here). The six numbers: Zhou et al., On the continuity of
rotation representations in neural networks, CVPR 2019, equation 15.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import FLOATS, is_a, of_one_kind, one_of, tensors
from u3lab.errors import U3Error

NUMBERS = {"2d": 2, "3d": 6}  # that stand for a turn
TINY, CLOSE = 1e-12, 1e-3
PARALLEL = 16  # rounding errors: columns that differ by no more are parallel


@dataclass(frozen=True)
class Distance:
    """One distance of two rotations.

    Attributes:
        between: (a, b), rotations (B,n,n) each → how far apart they are, (B).
        smooth: Whether its pull fades as both come together, so that descent comes to rest.
        far: Whether it pulls at what is wrong by half a turn as well.
    """

    between: Callable[[Tensor, Tensor], Tensor]
    smooth: bool = False
    far: bool = False


def _chord(a: Tensor, b: Tensor) -> Tensor:
    """‖a − b‖² (B) of rotations (B,n,n), n = 2 or 3."""
    return ((a - b) ** 2).sum((1, 2))


def _angle(a: Tensor, b: Tensor) -> Tensor:
    """θ (B) in radians between rotations (B,n,n), n = 2 or 3: ‖a − b‖² = 8 sin²(θ/2). Its derivative is finite."""
    square = _chord(a, b)
    return 2 * torch.atan2((square + TINY).sqrt(), ((8 - square).clamp_min(0) + TINY).sqrt())


DISTANCES: dict[str, Distance] = {"chordal": Distance(_chord, smooth=True), "geodesic": Distance(_angle, far=True)}


def as_rotation(code: Tensor) -> Tensor:
    """Any numbers → rotations: (B,2) → (B,2,2), (B,6) → (B,3,3).

    Two numbers are a direction, cos and sin after they are made as long as 1; six are two columns of a matrix, made as
    long as 1 and upright to each other; the third is their cross product. Both are continuous, as angles are not.

    Raises:
        U3Error: Other numbers; or a direction, a first column of length 0, or columns that are parallel: they are no
            turn.
    """
    tensors(code=(code, "BK"))
    if code.shape[1] not in NUMBERS.values() or code.dtype not in FLOATS:
        raise U3Error(f"code is of {code.dtype}, {tuple(code.shape)}; give floats (B,2) for turns in the plane or "
                      "(B,6) for turns in space")
    if code.shape[1] == 2:
        _has_length(code.norm(dim=1) > 0, "only zeros")
        a, b = F.normalize(code, dim=1, eps=0).unbind(1)
        return torch.stack([a, -b, b, a], 1).view(-1, 2, 2)
    a1, a2 = code[:, :3], code[:, 3:]
    _has_length(a1.norm(dim=1) > 0, "a first column of zeros")
    b1 = F.normalize(a1, dim=1, eps=0)
    upright = a2 - (b1 * a2).sum(1, keepdim=True) * b1
    _has_length(upright.norm(dim=1) > PARALLEL * torch.finfo(code.dtype).eps * a2.norm(dim=1), "parallel columns")
    b2 = F.normalize(upright, dim=1, eps=0)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2)], 2)


def _has_length(fine: Tensor, what: str) -> None:
    if not fine.all():
        raise U3Error(f"row {int(fine.int().argmin())} of code has {what}, and is no turn; look for what made it so")


def factorise(found: Tensor, found_moved: Tensor, g: Tensor, *, distance: str = "chordal") -> Tensor:
    """The mean distance of Φ(g x) Φ(x)⁻¹ from g, a scalar.

    Args:
        found, found_moved: Φ(x) and Φ(g x), rotations (B,2,2) or (B,3,3).
        g: What turns each x into its g x: rotations of the same form.
        distance: "geodesic" is the angle θ between both, in radians; "chordal" is ‖Φ(g x) Φ(x)⁻¹ − g‖², the sum of
            squares over the matrix, 8 sin²(θ/2), which is smooth at 0 and pulls less at what is wrong by half a turn.

    Raises:
        U3Error: Matrices that are no rotations, or an unknown distance.
    """
    one_of("distance", distance, DISTANCES)
    rotations(found=found, found_moved=found_moved, g=g)
    of_one_kind(found=found, found_moved=found_moved, g=g)
    turn = found_moved @ found.mT  # the inverse of a rotation is its transpose
    return DISTANCES[distance].between(turn, g).mean()


def align(found: Tensor, true: Tensor) -> Tensor:
    """The one rotation h (n,n) for which Σ ‖Φ(xᵢ) h − Rᵢ‖² is least: where the network has put its 0.

    With the singular values Σ Φ(xᵢ)ᵀ Rᵢ = U S Vᵀ it is U Vᵀ, with the last column of U turned round if that would be a
    mirror (Kabsch 1976; the orthogonal Procrustes problem).

    Args:
        found, true: (N,2,2) or (N,3,3) each.
    """
    rotations(found=found, true=true)
    U, _, Vt = torch.linalg.svd((found.double().mT @ true.double()).sum(0))
    flip = torch.ones(len(U), dtype=U.dtype, device=U.device)
    flip[-1] = torch.linalg.det(U @ Vt)
    return (U * flip @ Vt).to(found.dtype)


def pose_error(found: Tensor, true: Tensor, h: Tensor | None = None) -> Tensor:
    """The angle (N), in degrees, between Φ(x) h and the true rotation, both (N,2,2) or (N,3,3).

    Without ``h``, the (n,n) of :func:`align`, both are compared as they are.
    """
    rotations(found=found, true=true)
    if h is not None:
        rotations(found=found[:1], h=is_a("h", h, Tensor, "take it from landmarks.align(found, true)")[None])
        found = found @ h.to(found)
    return torch.rad2deg(_angle(found.double(), true.double()))


def rotations(**given: Tensor) -> None:
    """Refuse what are no rotations (N,2,2) or (N,3,3), all of one form; a mirror is none."""
    tensors(**{name: (value, "NDD") for name, value in given.items()})
    for name, R in given.items():
        if R.shape[1] not in (2, 3) or R.dtype not in FLOATS:
            raise U3Error(f"{name} is of {R.dtype}, {tuple(R.shape)}; give rotations, (N,2,2) or (N,3,3) of float32 or "
                          "float64")
        R = R.detach()
        off = (R @ R.mT - torch.eye(R.shape[1], dtype=R.dtype, device=R.device)).abs().amax()
        if off > CLOSE or torch.linalg.det(R).amin() < 0:
            raise U3Error(f"{name} has matrices that are no rotations; R Rᵀ has to be 1, and its determinant too: "
                          "landmarks.as_rotation(code) makes such")
