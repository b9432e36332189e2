"""Dense equivariant labelling: each pixel u of a picture x gets a code Φ(x; u), the same wherever the thing has moved.

    S(u′|u) = ⟨Φ(x; u), Φ(gx; u′)⟩                       how alike are a pixel of x and one of the moved picture gx
    p(u′|u) = exp S(u′|u) / Σ_v exp S(v|u)                where is u in gx?
    L = 1/N Σ_u Σ_u′ ‖u′ − gu‖^γ p(u′|u)                  how far from where it is, gu: accuracy and precision in one

Codes are not normalised. Their direction says which part of the thing it is, their length how sure that is: a long
code makes p narrow, which pays only where its peak is right.

Descriptor vector exchange: before it is matched, a code may be replaced by what *another* picture has in its place.

    p_α(w|u) = exp ⟨Φ(x; u), Φ(x_α; w)⟩ / Σ_v exp ⟨Φ(x; u), Φ(x_α; v)⟩      where is u in another thing of the class?
    Φ̂(x; u|x_α) = Σ_w p_α(w|u) Φ(x_α; w)                                    the code that is there

Thewlis, Bilen & Vedaldi, Unsupervised learning of object frames by dense equivariant image labelling, NIPS 2017,
section 3. The paper measures distances in pixels; here they are in half sides of the picture, which multiplies the
loss by a constant. The exchange: Thewlis, Albanie, Bilen & Vedaldi, Unsupervised learning of landmarks by descriptor
vector exchange, ICCV 2019, section 3.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from u3lab.checks import number, room, whole
from u3lab.errors import U3Error
from u3lab.landmarks.places import cells, check_maps, check_points, codes_at, inside, read

GAMMA = 0.5
AT_ONCE = 2**20  # values of p that are held at a time: 4 MB as float32


def dense_labelling_loss(codes: Tensor, codes_moved: Tensor, gu: Tensor, *, u: Tensor | None = None,
                         gamma: float = GAMMA, through: Tensor | None = None, at_once: int = AT_ONCE) -> Tensor:
    """L = 1/N Σ_u Σ_u′ ‖u′ − gu‖^γ p(u′|u), the mean over queries u and pictures; a scalar.

    It takes the queries in parts, so that memory grows with the number of pixels and not with its square; it can be
    differentiated once.

    Args:
        codes, codes_moved: Φ(x; ·) (B,D,h,w) and Φ(gx; ·) (B,D,h′,w′).
        gu: Where each query u has gone: (B,N,2), (x, y) in [−1,1] of gx. No gradient leads to them.
        u: The queries themselves, (B,N,2) in x. Without them they are all cells of ``codes``, row by row: N = h·w. A
            query counts only if u and gu both lie in their pictures.
        gamma: γ in (0,10]. With a small one a wrong place costs nearly the same wherever it is; a large one forgives
            what is near.
        through: Φ(x_α; ·) (B,D,h″,w″) of *other* pictures: each code is first replaced by what these have in its place,
            as :func:`~u3lab.landmarks.exchange_descriptors` does (DVE, 2019).
        at_once: How many values of p may be held at a time.

    Raises:
        U3Error: Shapes that do not fit each other, NaN, or no query that stays in the picture.
    """
    check_maps(codes=(codes, "BDHW"), codes_moved=(codes_moved, "BDhw"),
               **({} if through is None else {"through": (through, "BDYX")}))
    gamma, at_once = number("gamma", gamma, 0, 10, without_low=True), whole("at_once", at_once)
    u, gu = queried(codes, u, gu)
    counted = _counted(u, gu).to(codes.device)
    size = max(1, at_once // (len(codes) * codes_moved[0, 0].numel()))
    return _InParts.apply(read(codes, u), codes_moved, through, gu.to(codes), counted, gamma, size) / counted.sum()


class _InParts(torch.autograd.Function):
    """:func:`_summed` over all queries, part by part.

    Of each part the gradient is taken as soon as its value is there; p is then forgotten before the next one is made.
    """

    @staticmethod
    def forward(ctx, query: Tensor, codes_moved: Tensor, through: Tensor | None, gu: Tensor, counted: Tensor,
                gamma: float, size: int) -> Tensor:
        """Σ_u Σ_u′ ‖u′ − gu‖^γ p(u′|u), ``size`` queries at a time; what they add to the gradients is kept."""
        leaves = [one if one is None else one.detach().requires_grad_(needed) for one, needed in
                  zip((query, codes_moved, through), ctx.needs_input_grad, strict=False)]
        query, *others = leaves
        total, learning = query.new_zeros(()), any(ctx.needs_input_grad)
        for start in range(0, query.shape[1], size):
            part = slice(start, start + size)
            with torch.set_grad_enabled(learning):
                value = _summed(query[:, part], gu[:, part], counted[:, part], *others, gamma)
                if learning:
                    value.backward()
            total += value.detach()
        ctx.save_for_backward(*(one if one is None else one.grad for one in leaves))
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients are known; the rest of the loss multiplies them."""
        return *(one if one is None else upstream * one for one in ctx.saved_tensors), None, None, None, None


def _summed(query: Tensor, gu: Tensor, counted: Tensor, codes_moved: Tensor, through: Tensor | None,
            gamma: float) -> Tensor:
    """Σ_u Σ_u′ ‖u′ − gu‖^γ p(u′|u) over the queries (B,n,D) that are counted (B,n)."""
    if through is not None:
        query = exchange_descriptors(query, through)
    p = _scores(query, codes_moved).softmax(-1)
    distance = torch.cdist(gu, cells(codes_moved).expand(len(gu), -1, -1),
                           compute_mode="donot_use_mm_for_euclid_dist")  # by products, near points are far off
    return (p * distance**gamma).sum(-1)[counted].sum()


def exchange_descriptors(code: Tensor, through: Tensor) -> Tensor:
    """Φ̂ = Σ_w p_α(w|u) Φ(x_α; w): codes (B,N,D) of points, made anew from the codes of other pictures (B,D,h,w).

    Matching with Φ̂ in the place of Φ works only if a code says the same of all things of the class. With three
    dimensions there is no room for more; with many, a code could also say which face it is of, and be found on no
    other.

    As codes get longer, p_α gets narrower; from the same picture, each code is then replaced by itself.
    """
    check_maps(code=(code, "BND"), through=(through, "BDhw"))
    room("the exchange", through[0, 0].numel(), code.shape[1], len(code))
    phi_alpha = through.flatten(2)
    p_alpha = (code @ phi_alpha).softmax(-1)
    return p_alpha @ phi_alpha.transpose(1, 2)


def _scores(query: Tensor, codes: Tensor) -> Tensor:
    """S = ⟨Φ, Φ(x; u′)⟩: codes of queries (B,N,D) and maps (B,D,h,w) → (B,N,h·w)."""
    return query @ codes.flatten(2)


def invariance_loss(codes: Tensor, codes_moved: Tensor, gu: Tensor, *,
                    u: Tensor | None = None) -> Tensor:
    """1/N Σ_u ‖Φ(x; u) − Φ(gx; gu)‖²: what is *not* enough. A constant Φ has 0, and tells no two pixels apart.

    Arguments as for :func:`dense_labelling_loss`.
    """
    check_maps(codes=(codes, "BDHW"), codes_moved=(codes_moved, "BDhw"))
    u, gu = queried(codes, u, gu)
    counted = _counted(u, gu).to(codes.device)
    apart = (read(codes, u) - read(codes_moved, gu)).square().sum(-1)
    return (apart if counted.all() else apart[counted]).mean()  # to pick some of them costs as much as to read them


def queried(maps: Tensor, u: Tensor | None, gu: Tensor) -> tuple[Tensor, Tensor]:
    """Queries u and gu, (B,N,2) each, that fit maps (B,…,h,w); without u, all cells of the maps are asked."""
    check_points(gu=(gu, "BN2", maps))
    if u is None:
        u = cells(maps).expand(len(maps), -1, -1)
        if gu.shape != u.shape:
            raise U3Error(f"gu has {gu.shape[1]} points of each picture, the map has {u.shape[1]} cells; give where "
                          "each cell goes, or u as well")
    check_points(u=(u, "BN2", maps))
    if u.shape != gu.shape:
        raise U3Error(f"u has the shape {tuple(u.shape)} and gu {tuple(gu.shape)}; give where each of the points goes")
    return u, gu.detach()


def _counted(u: Tensor, gu: Tensor) -> Tensor:
    """Which queries lie in both pictures, (B,N) bool."""
    counted = inside(u) & inside(gu)
    if not counted.any():
        raise U3Error("no query stays in the picture: all of u or gu are outside [-1, 1]; move less")
    return counted


def heat_map(code: Tensor, codes: Tensor) -> Tensor:
    """p(u′|u): where in pictures would points with these codes be?

    Args:
        code: (N,D), looked for in all of the pictures, or (B,N,D). :func:`codes_at` reads them off maps.
        codes: (B,D,h,w).

    Returns:
        Tensor: (B,N,h,w); each map's sum is 1.
    """
    check_maps(codes=(codes, "BDHW"), code=(code, "BND" if getattr(code, "ndim", 2) == 3 else "ND"))
    room("the heat map of each code", *codes.shape[2:], len(codes) * code.shape[-2])
    return _scores(code.expand(len(codes), -1, -1), codes).softmax(-1).unflatten(-1, codes.shape[2:])


class Matches(NamedTuple):
    """Where points were found: ``best`` (B,N,2), the cell of the highest p; ``soft`` (B,N,2), the mean of u′ by p."""

    best: Tensor
    soft: Tensor


@torch.no_grad()
def match(codes: Tensor, codes_moved: Tensor, points: Tensor) -> Matches:
    """Where points (B,N,2) of pictures with ``codes`` (B,D,h,w) are in others with ``codes_moved`` (B,D,h′,w′).

    The pictures need not be of the same thing: two faces that were never paired will do. ``best`` is as fine as the
    cells; ``soft`` is finer but drawn towards the middle where p is wide.

    Raises:
        U3Error: Shapes that do not fit each other, NaN, or points outside of their pictures.
    """
    check_maps(codes=(codes, "BDHW"), codes_moved=(codes_moved, "BDhw"))
    check_points(points=(points, "BN2", codes))
    if not inside(points).all():
        far = points[~inside(points)][0].tolist()
        raise U3Error(f"the point ({far[0]:.4g}, {far[1]:.4g}) is outside of its picture; give (x, y) in [-1, 1], "
                      "where (0, 0) is the middle")
    where, found = cells(codes_moved), []
    for query in codes_at(codes, points).split(max(1, AT_ONCE // (len(codes) * len(where))), 1):
        p = _scores(query, codes_moved).softmax(-1)
        found.append((where[p.argmax(-1)], p @ where))
    return Matches(*(torch.cat(part, 1) for part in zip(*found, strict=True)))


def virtual_landmarks(codes: Tensor, filters: Tensor) -> Tensor:
    """Where each of K fixed codes is, as points: Σ_u u p_k(u), p_k = softmax of ⟨filter_k, Φ(x; u)⟩ over u.

    From them the papers regress the landmarks that people have marked.

    Args:
        codes: (B,D,h,w).
        filters: (K,D), such as :func:`sphere`, or codes read off at marked points.

    Returns:
        Tensor: (B,K,2).
    """
    check_maps(codes=(codes, "BDHW"), filters=(filters, "KD"))
    return heat_map(filters, codes).flatten(2) @ cells(codes)


def sphere(count: int, *, length: float = 1.0) -> Tensor:
    """Codes (count,3) of one length in directions spread evenly over the sphere, along a golden spiral."""
    count, length = whole("count", count, 1, 10_000), number("length", length, 0, 1e6, without_low=True)
    k = torch.arange(count, dtype=torch.float64)
    z, turn = 1 - (2 * k + 1) / count, torch.pi * (3 - 5**0.5) * k  # zones of equal height have equal areas
    radius = (1 - z.square()).sqrt()
    return (length * torch.stack([radius * turn.cos(), radius * turn.sin(), z], 1)).float()
