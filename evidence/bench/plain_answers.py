"""Plain versions of what chapters 2b, 2c, 4 and 5 do where an answer is not known, or has been learnt beforehand."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from evidence.bench.plain import Race, Run
from evidence.bench.plain_learning import normal, with_gradient
from evidence.bench.plain_pictures import DRAWN, filled, holed
from evidence.bench.scene import Scene, squeezenet
from tests.inversion.test_learned import drawn_by_hand, files
from tests.prior.test_contract import patch_by_patch
from tests.selfsup.test_clustering import shapes
from tests.selfsup.test_knowledge_transfer import K, plain_steps
from u3lab import images, inversion
from u3lab.prior import fillers
from u3lab.selfsup import NUISANCES, PretextSettings, digit_encoder, marginal_loss, pseudo_labels, transfer_knowledge

NETWORK, LAYER, SIDE, STEPS = "squeezenet1_1", "fire9", 128, 3


# ---- chapter 2b: min over η ‖y − f(ŷ, η)‖², summed over a batch ------------------------------------------------------

def both_signs(a: Tensor, y: Tensor) -> Tensor:
    return torch.minimum(*((y - eta * a).square().flatten(1).sum(1) for eta in (1, -1))).sum()


def least_squares(a: Tensor, y: Tensor) -> Tensor:
    """A line through each, by the normal equations of a matrix of ŷ and ones."""
    a, y = a.flatten(1), y.flatten(1)
    matrix = torch.stack([a, torch.ones_like(a)], 2)
    fitted = torch.linalg.solve(matrix.mT @ matrix, matrix.mT @ y[:, :, None])
    return (y[:, :, None] - matrix @ fitted).square().sum()


def all_shifts(a: Tensor, y: Tensor) -> Tensor:
    return torch.stack([(y - a.roll(k, -1)).square().sum(1) for k in range(a.shape[1])]).amin(0).sum()


def one_assignment_after_the_other(a: Tensor, y: Tensor) -> Tensor:
    from scipy.optimize import linear_sum_assignment

    total = 0
    for one, truth in zip(a, y, strict=True):
        prices = (truth[:, None] - one).square().sum(2)
        total = total + prices[linear_sum_assignment(prices.detach().numpy())].sum()
    return total


def nuclear_norm(a: Tensor, y: Tensor) -> Tensor:
    """min over η ‖y − ŷη‖² = ‖y‖² + ‖ŷ‖² − 2 ‖ŷᵀy‖_*, differentiated as it is."""
    return a.square().sum() + y.square().sum() - 2 * torch.linalg.svdvals(a.mT @ y).sum()


SETS: dict[str, tuple[tuple[int, ...], str, str, Callable[[Tensor, Tensor], Tensor]]] = {
    "sign": ((64, 3, 32, 32), "64 pictures of 32×32", "both signs tried", both_signs),
    "affine": ((64, 3, 32, 32), "64 pictures of 32×32", "the normal equations in plain torch", least_squares),
    "shift": ((64, 128), "64 rows of 128 numbers", "all shifts tried", all_shifts),
    "permutation": ((16, 40, 3), "16 sets of 40 points", "SciPy, set by set", one_assignment_after_the_other),
    "orthogonal": ((64, 50, 3), "64 sets of 50 points", "the nuclear norm in plain torch", nuclear_norm)}


def marginal(name: str, loss: Callable[[Tensor, Tensor], Tensor]) -> Run:
    both = [normal(*SETS[name][0], seed=seed).double() for seed in (0, 1)]
    return with_gradient(loss, *both)


# ---- chapter 2c: steps after the clusters are found, which is not counted --------------------------------------------

def handed_on(plain: bool) -> Run:
    (pictures, _), teacher, student = shapes(), digit_encoder(), digit_encoder(seed=1)
    settings = PretextSettings(steps=100_000, batch_size=64)
    if plain:
        labels = pseudo_labels(teacher, "conv3", pictures, K)
        losses = plain_steps(student, pictures, labels, K, settings)
    else:
        learnt = transfer_knowledge(teacher, "conv3", student, pictures, K, settings=settings)
        losses = (step.loss for step in learnt)
    next(losses)
    return lambda: [torch.tensor([next(losses) for _ in range(STEPS)])]


# ---- chapters 4 and 5 ------------------------------------------------------------------------------------------------

def coded() -> Run:
    (image, visible), atoms = holed(), fillers.atoms()
    return lambda: [patch_by_patch(image, visible, atoms)]


def drawn(name: str) -> Run:
    net, image = Scene.load(NETWORK).net, images.load("coffee", size=SIDE)
    return lambda: [inversion.INVERTERS[name](net, LAYER, image)]


def drawn_plainly(name: str) -> Run:
    net, image = Scene.load(NETWORK).net, images.load("coffee", size=SIDE)
    below = squeezenet().eval().requires_grad_(False).features[:13]
    first, later = files(name, LAYER)
    return lambda: [drawn_by_hand(below, (net.mean, net.std), first, later, LAYER, image)]


RACES = [
    *[Race((f"selfsup/{name}",), "loss and gradient", on, partial(marginal, name, lambda a, y, name=name: marginal_loss(
        a, y, name).sum()), peer, partial(marginal, name, theirs)) for name, (_, on, peer, theirs) in SETS.items()],
    Race(("selfsup/knowledge transfer",), "three training steps", "120 drawings of 28×28", partial(handed_on, False),
         "plain torch", partial(handed_on, True)),
    Race(("prior/sparse coding of patches",), "a filling", f"half of {DRAWN}×{DRAWN} pixels",
         partial(filled, "sparse coding of patches"), "matching pursuit in NumPy", coded,
         why="scikit-learn and SciPy look at what they are given, patch by patch"),
    *[Race((f"inversion/{name}",), "a picture", f"{NETWORK}, {LAYER}, {SIDE} pixels", partial(drawn, name),
           "plain torch on torchvision's layers", partial(drawn_plainly, name)) for name in inversion.INVERTERS],
]
assert {*SETS} == {*NUISANCES}
