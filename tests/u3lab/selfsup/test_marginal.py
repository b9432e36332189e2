"""Marginal losses: minima as scipy, NumPy or brute force find them; gradients as those of the minimum itself."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from torch import Tensor

from tests.helpers import minimised, refuses
from u3lab.selfsup import aligned, marginal_loss, projected_loss
from u3lab.selfsup.marginal import NUISANCES

SHAPES = {"sign": (3, 2, 7), "affine": (3, 2, 7), "shift": (3, 2, 7), "permutation": (3, 5, 2),
          "orthogonal": (3, 6, 3)}
every = pytest.mark.parametrize("name", NUISANCES)


def drawn(name: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(SHAPES[name], generator=g, dtype=torch.float64) for _ in range(2))


def brute(name: str, prediction: np.ndarray, y: np.ndarray) -> float:
    """The least squared distance for one of a batch, by other means."""
    if name == "sign":
        return min(((y - eta * prediction) ** 2).sum() for eta in (1, -1))
    if name == "affine":
        columns = np.stack([prediction.ravel(), np.ones(prediction.size)], 1)
        return np.linalg.lstsq(columns, y.ravel(), rcond=None)[1].item()
    if name == "shift":
        return min(((y - np.roll(prediction, k, -1)) ** 2).sum() for k in range(y.shape[-1]))
    if name == "permutation":
        return min(((y - prediction[list(order)]) ** 2).sum() for order in permutations(range(len(y))))
    eta, _ = orthogonal_procrustes(prediction, y)
    return ((y - prediction @ eta) ** 2).sum()


@pytest.mark.oracle("brute force, NumPy's or SciPy's least squares",
                    selfsup=["sign", "affine", "shift", "permutation", "orthogonal"])
@every
def test_the_minimum_is_that_of_another_way(name: str) -> None:
    prediction, y = drawn(name)
    wanted = [brute(name, *one) for one in zip(prediction.numpy(), y.numpy(), strict=True)]
    assert marginal_loss(prediction, y, name).numpy() == pytest.approx(wanted, rel=1e-9)
    assert (marginal_loss(prediction, y, name) < (y - prediction).square().flatten(1).sum(1)).any()


@pytest.mark.oracle("finite differences of brute force",
                    selfsup=["sign", "affine", "shift", "permutation", "orthogonal"])
@every
def test_the_gradient_is_that_of_the_minimum(name: str) -> None:
    """The envelope theorem: finite differences of the brute minimum, which looks for η anew at each of them."""
    prediction, y = drawn(name, 2)
    prediction.requires_grad_()
    (gradient,) = torch.autograd.grad(marginal_loss(prediction, y, name).sum(), prediction)
    h, direction = 1e-5, torch.randn(prediction.shape, generator=torch.Generator().manual_seed(3)).double()
    moved = [sum(brute(name, *one) for one in zip((prediction.detach() + step * direction).numpy(), y.numpy(),
                                                  strict=True)) for step in (h, -h)]
    assert float((gradient * direction).sum()) == pytest.approx((moved[0] - moved[1]) / (2 * h), rel=1e-5)


MOVES = {"sign": lambda y: -y, "affine": lambda y: 3 * y - 2, "shift": lambda y: y.roll(4, -1),
         "permutation": lambda y: y[:, torch.tensor([3, 0, 4, 1, 2])],
         "orthogonal": lambda y: y @ torch.from_numpy(ortho_group.rvs(3, random_state=0))}


@every
def test_it_is_zero_for_what_differs_by_eta_alone(name: str) -> None:
    _, y = drawn(name, 4)
    assert marginal_loss(MOVES[name](y), y, name).max() < 1e-18
    assert aligned(MOVES[name](y), y, name) == pytest.approx(y)
    other, _ = drawn(name, 5)
    assert marginal_loss(other, y, name).min() > 0.1


@every
def test_it_says_whether_it_sees_the_size_of_a_prediction(name: str) -> None:
    prediction, y = drawn(name, 7)
    constant = (y - y.mean((1, 2), keepdim=True)).square().sum((1, 2))
    assert bool((marginal_loss(100 * prediction, y, name) <= constant).all()) == NUISANCES[name].sizes


@every
def test_it_says_whether_it_is_of_things(name: str) -> None:
    rows = torch.rand(2, 6, generator=torch.Generator().manual_seed(0))
    if NUISANCES[name].things:
        refuses(marginal_loss, rows, rows.flip(0), name, says="(B,N,D)")
    else:
        assert marginal_loss(rows, rows.flip(0), name).shape == (2,)


def test_a_list_of_ways_is_tried_for_each_of_the_batch() -> None:
    y = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    ways = [lambda p: p, lambda p: p.flip(1)]
    assert marginal_loss(y[:1].repeat(2, 1), y, ways).tolist() == [0, 0]
    assert aligned(y[:1].repeat(2, 1), y, ways).equal(y)
    prediction, y = drawn("sign")
    assert marginal_loss(prediction, y, [lambda p: p, torch.neg]).equal(marginal_loss(prediction, y, "sign"))
    prediction, y = drawn("shift")
    turns = [lambda p, k=k: p.roll(k, -1) for k in range(7)]
    assert marginal_loss(prediction, y, turns) == pytest.approx(marginal_loss(prediction, y, "shift"))


def test_eta_may_choose_one_of_several_guesses() -> None:
    y, guesses = torch.tensor([[1.0], [5.0]]), torch.tensor([[1.0, 4.0], [0.0, 4.5]])
    ways = [lambda p: p[:, :1], lambda p: p[:, 1:]]
    assert marginal_loss(guesses, y, ways).tolist() == [0, 0.25]


def test_a_constant_prediction_becomes_the_mean() -> None:
    y = torch.rand(4, 6, generator=torch.Generator().manual_seed(0))
    assert aligned(torch.ones(4, 6), y, "affine") == pytest.approx(y.mean(1, keepdim=True).expand(4, 6))


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_minimisers_on_two_outcomes_are_known(p: float) -> None:
    """y is v or −v: L2 ends at (2p − 1) v, the marginal loss at v or −v whatever p is, the projection at |v|."""
    v = torch.tensor([1.0, -2.0, 0.5])
    y, weights = torch.stack([v, -v]), torch.tensor([p, 1 - p])

    def least(loss) -> Tensor:
        found = torch.tensor([0.3, 0.2, 0.1]).requires_grad_()
        minimised(torch.optim.Adam([found], 0.05), lambda: (loss(found.expand(2, 3)) * weights).sum(), 600)
        return found.detach()

    assert least(lambda one: (one - y).square().sum(1)) == pytest.approx((2 * p - 1) * v, abs=1e-3)
    assert least(lambda one: marginal_loss(one, y, "sign")).abs() == pytest.approx(v.abs(), abs=1e-3)
    assert least(lambda one: projected_loss(one, y, torch.abs)) == pytest.approx(v.abs(), abs=1e-3)


def test_projection() -> None:
    y = torch.tensor([[[1.0, 5.0], [2.0, 2.0]]])
    assert projected_loss(torch.tensor([[[4.0], [1.0]]]), y, lambda y: y.amax(2, True)).tolist() == [2]
    refuses(projected_loss, torch.zeros(1, 3), y, lambda y: y.amax(2), says="π")


def test_no_batch_and_a_way_to_another_shape_are_refused() -> None:
    y = torch.rand(2, 3)
    refuses(marginal_loss, y[0], y[0], "sign", says="give a batch")
    refuses(marginal_loss, y, y, [lambda p: p[:, :1]], says="the shape of y")
