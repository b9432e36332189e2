"""Marginal losses: predict less than everything, so that what nobody can know costs nothing.

    by projection         ‖ŷ − π(y)‖²               π keeps of y what can be predicted
    by marginalisation    min over η ‖y − f(ŷ, η)‖²  η is what cannot be predicted; f puts it into the prediction

The second is a minimum over η inside the loss. Its gradient needs no derivative of the best η: where that is unique,
∂/∂ŷ min over η L(ŷ, η) = ∂L/∂ŷ (ŷ, η*), with η* held constant (the envelope theorem; Danskin 1966). So η* is found
without gradients, and f(ŷ, η*) is all that autograd sees.

A. Vedaldi's talk, approach 3. Losses of this form: Mahendran, Thewlis & Vedaldi, Cross pixel optical-flow similarity
for self-supervised learning, ACCV 2018 (a projection); Fan, Su & Guibas, A point set generation network, CVPR 2017
(permutations); Ranftl et al., Towards robust monocular depth estimation, 2019 (scale and offset).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from u3lab.checks import alike, function, listed, one_of, shown
from u3lab.errors import U3Error

Way = Callable[[Tensor], Tensor]  # f(·, η) for one η: predictions (B,…) → the same shape


def projected_loss(prediction: Tensor, y: Tensor, project: Way) -> Tensor:
    """‖ŷ − π(y)‖² for each of the batch, (B).

    Args:
        prediction: ŷ of the shape that π gives.
        y: The truth (B,…).
        project: π, from (B,…) to (B,…) of any shape.

    Raises:
        U3Error: If π(y) and the prediction differ in shape, or are no finite floats.
    """
    alike(y=y)
    alike(prediction=prediction, **{"π(y)": function("project", project, 1, "give a function from y to π(y)")(y)})
    return _squared_norm(prediction - project(y))


def marginal_loss(prediction: Tensor, y: Tensor, over: str | Sequence[Way]) -> Tensor:
    """min over η of ‖y − f(ŷ, η)‖² for each of the batch, (B); parameters and errors as in :func:`aligned`.

    Examples:
        >>> selfsup.marginal_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[-1.0, -2.0]]), "sign")
        tensor([0.])
    """
    return _squared_norm(y - aligned(prediction, y, over))


def aligned(prediction: Tensor, y: Tensor, over: str | Sequence[Way]) -> Tensor:
    """f(ŷ, η*), the prediction with the η that brings it nearest to the truth; η* is held constant for gradients.

    Args:
        prediction, y: ŷ and the truth, both (B,…).
        over: The set of all η: a list of functions f(·, η), one for each η, of which all are tried (ŷ may then be of
            another shape than y, such as two guesses of which η chooses one); or the name of a set whose best η is
            known in closed form. ``"sign"``: f = ηŷ with η = ±1. ``"affine"``: f = aŷ + b with one a and one b for each
            of the batch. ``"shift"``: ŷ is turned round along its last axis. ``"permutation"``: ŷ (B,N,D) are N things
            in any order. ``"orthogonal"``: ŷ (B,N,D) are N points, turned or mirrored around the origin.

    Raises:
        U3Error: If prediction, y and the set do not fit, or are no finite floats; an unknown name.
    """
    alike(y=y)
    if y.ndim < 2:
        raise U3Error(f"y has the shape {tuple(y.shape)}; give a batch (B,…)")
    if not isinstance(over, str):
        alike(prediction=prediction)
        return _best_of(prediction, y, listed("over", over, Callable, "functions f(·, η), or the name of a set"))
    alike(prediction=prediction, y=y)
    over = one_of("over", over, NUISANCES)
    if NUISANCES[over].things and prediction.ndim != 3:
        raise U3Error(f"prediction has the shape {tuple(prediction.shape)}; for over = {over!r} give (B,N,D)")
    return NUISANCES[over].best(prediction, y)


def _best_of(prediction: Tensor, y: Tensor, ways: Sequence[Way]) -> Tensor:
    """All η are tried; each of the batch has its own best."""
    if not ways:
        raise U3Error("over is empty; give at least one function f(·, η)")
    candidates = [function(f"over[{k}]", way, 1, "give a function of ŷ")(prediction) for k, way in enumerate(ways)]
    for k, candidate in enumerate(candidates):
        if not isinstance(candidate, Tensor) or candidate.shape != y.shape:
            raise U3Error(f"over[{k}] gives {shown(candidate)}; the shape of y, {tuple(y.shape)}, is wanted")
    together = torch.stack(candidates)  # (ways, B, …)
    with torch.no_grad():
        best = torch.stack([_squared_norm(y - candidate) for candidate in candidates]).argmin(0)
    return together[best, torch.arange(len(y), device=best.device)]


def _sign(prediction: Tensor, y: Tensor) -> Tensor:
    """‖y − ηŷ‖² = ‖y‖² + ‖ŷ‖² − 2η⟨ŷ, y⟩ is least where η⟨ŷ, y⟩ > 0."""
    with torch.no_grad():
        eta = torch.where(_inner(prediction, y) < 0, -1.0, 1.0).to(y)
    return eta * prediction


def _affine(prediction: Tensor, y: Tensor) -> Tensor:
    """Least squares for a line: a = cov(ŷ, y) / var(ŷ), b = mean y − a · mean ŷ. A constant ŷ has a = 0."""
    axes = tuple(range(1, y.ndim))
    with torch.no_grad():
        mean, wanted = prediction.mean(axes, keepdim=True), y.mean(axes, keepdim=True)
        spread = _inner(prediction - mean, prediction - mean)
        a = torch.where(spread > 0, _inner(prediction - mean, y - wanted) / spread, 0)
        b = wanted - a * mean
    return a * prediction + b


def _shift(prediction: Tensor, y: Tensor) -> Tensor:
    """The η with the largest ⟨y, shifted ŷ⟩: all of them at once, since a correlation is a product of spectra."""
    length = y.shape[-1]
    with torch.no_grad():
        spectrum = torch.fft.rfft(y) * torch.fft.rfft(prediction).conj()
        agreement = torch.fft.irfft(spectrum, length).reshape(len(y), -1, length).sum(1)
        eta = agreement.argmax(-1)
        places = (torch.arange(length, device=y.device) - eta[:, None]) % length
    return prediction.gather(-1, places.view(len(y), *(1,) * (y.ndim - 2), length).expand_as(y))


def _permutation(prediction: Tensor, y: Tensor) -> Tensor:
    """The cheapest assignment of predictions to true things (Kuhn 1955), as scipy solves it."""
    from scipy.optimize import linear_sum_assignment

    with torch.no_grad():
        prices = torch.cdist(y, prediction).square().cpu().numpy()  # (B, true, predicted)
        eta = torch.stack([torch.from_numpy(linear_sum_assignment(one)[1]) for one in prices]).to(y.device)
    return prediction.gather(1, eta[:, :, None].expand_as(y))


def _orthogonal(prediction: Tensor, y: Tensor) -> Tensor:
    """Procrustes: for ŷᵀy = U S Vᵀ the best orthogonal matrix is η = U Vᵀ (Schönemann 1966)."""
    with torch.no_grad():
        u, _, v = torch.linalg.svd(prediction.transpose(1, 2) @ y)
        eta = u @ v
    return prediction @ eta


@dataclass(frozen=True)
class Nuisance:
    """A set of η whose best one is known in closed form, or by an algorithm.

    Attributes:
        best: (ŷ, y) → f(ŷ, η*), with η* held constant.
        unseen: What the loss does not see, in words.
        things: Whether ŷ and y are N things with D numbers each, (B,N,D); if not, of any shape.
        sizes: Whether the size of ŷ is among what it does not see: nothing then costs more than the best constant.
    """

    best: Callable[[Tensor, Tensor], Tensor]
    unseen: str
    things: bool = False
    sizes: bool = False


NUISANCES: dict[str, Nuisance] = {
    "sign": Nuisance(_sign, "the sign"),
    "affine": Nuisance(_affine, "scale, sign and offset", sizes=True),
    "shift": Nuisance(_shift, "shifts along the last axis, where what leaves on one side comes in on the other"),
    "permutation": Nuisance(_permutation, "the order of the things", things=True),
    "orthogonal": Nuisance(_orthogonal, "turns around the origin, and mirrors", things=True),
}


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """⟨a, b⟩ for each of the batch, (B,1,…)."""
    return (a * b).sum(tuple(range(1, a.ndim)), keepdim=True)


def _squared_norm(difference: Tensor) -> Tensor:
    return difference.square().flatten(1).sum(1)
