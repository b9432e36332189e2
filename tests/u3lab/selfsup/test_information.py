"""The loss of IIC and the switch of pairs against their definitions by other libraries; bounds, gradient, bias."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score
from torch import Tensor

from tests.helpers import refuses
from u3lab.selfsup import bias, draw_pairs, iic_loss, joint, pmi


def by_scikit_learn(P: np.ndarray) -> float:
    """It counts, so the shares are given in parts of a thousand million."""
    return mutual_info_score(None, None, contingency=(1e9 * P).round().astype(np.int64))


def drawn(n: int, k: int, seed: int = 0, sure: float = 2.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (sure * torch.randn(n, k, generator=generator, dtype=torch.float64)).softmax(1)


@pytest.mark.oracle("scikit-learn", selfsup=["IIC", "IIC of picture and sound"])
@pytest.mark.parametrize(("n", "k"), [(1, 2), (7, 3), (50, 10), (40, 30)])
def test_it_is_the_mutual_information_of_the_joint_by_scikit_learn(n: int, k: int) -> None:
    z, moved = drawn(n, k), drawn(n, k, seed=1)
    P = sum(np.outer(a, b) for a, b in zip(z.numpy(), moved.numpy(), strict=True)) / n
    assert float(-iic_loss(z, moved, symmetric=False)) == pytest.approx(by_scikit_learn(P), abs=1e-7)
    P = (P + P.T) / 2
    assert float(-iic_loss(z, moved)) == pytest.approx(by_scikit_learn(P), abs=1e-7)
    assert joint(z, moved).numpy() == pytest.approx(P)


def test_with_a_price_it_is_the_sum_of_three_entropies_by_scipy() -> None:
    z, moved = drawn(30, 4), drawn(30, 4, seed=1)
    P = joint(z, moved, symmetric=False).numpy()
    for lam in (0.0, 1.0, 1.5):
        wanted = lam * entropy(P.sum(0)) + lam * entropy(P.sum(1)) - entropy(P.ravel())
        assert float(-iic_loss(z, moved, lam=lam, symmetric=False)) == pytest.approx(wanted)


@pytest.mark.parametrize("k", [2, 5, 10])
def test_its_bounds(k: int) -> None:
    """The best answer and one class for all are the contract's, in test_clustering.py."""
    even = torch.full((9, k), 1 / k)
    assert float(iic_loss(even, even)) == pytest.approx(0, abs=1e-5)
    for z, moved in ((drawn(20, k, seed), drawn(20, k, seed + 9)) for seed in range(9)):
        assert -math.log(k) <= float(iic_loss(z, moved)) <= 0


def test_certain_answers_have_a_finite_gradient() -> None:
    scores = torch.tensor([[200.0, -200.0, -200.0], [-200.0, 200.0, -200.0]], requires_grad=True)
    iic_loss(scores.softmax(1), scores.softmax(1)).backward()
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("k", "n"), [(10, 700), (10, 2000), (5, 200)])
def test_small_batches_overestimate_it_by_about_the_bias(k: int, n: int, symmetric: bool) -> None:
    """Of independent sure answers, whose information is 0: the mean of 40 draws."""
    generator = torch.Generator().manual_seed(0)
    found = [float(-iic_loss(*(torch.eye(k, dtype=torch.float64)[torch.randint(k, (n,), generator=generator)]
                               for _ in range(2)), symmetric=symmetric)) for _ in range(40)]
    assert np.mean(found) == pytest.approx(bias(k, n, symmetric=symmetric), rel=0.2)
    assert bias(k, n, symmetric=symmetric) == pytest.approx((k * (k - 1) / 2 if symmetric else (k - 1) ** 2) / (2 * n))


def test_what_is_no_share_and_no_table_is_refused() -> None:
    refuses(iic_loss, torch.eye(3).long(), torch.eye(3), says="float32 or float64")
    refuses(iic_loss, -torch.eye(3), torch.eye(3), says="holds no shares")
    refuses(pmi, torch.ones(2, 2), says="with the sum 4;")


def table() -> Tensor:
    """A known p(x, y) of four x and six y."""
    p = torch.rand(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.05
    return p / p.sum()


def test_a_table_learnt_with_cross_entropy_reaches_pmi() -> None:
    """The expected loss over both halves is minimised; nothing of the closed form is in it."""
    p, scores = table(), torch.zeros(4, 6, dtype=torch.float64, requires_grad=True)
    apart = torch.outer(p.sum(1), p.sum(0))
    optimiser = torch.optim.LBFGS([scores], max_iter=300, tolerance_grad=1e-12, tolerance_change=1e-15,
                                  line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = -(p * F.logsigmoid(scores)).sum() / 2 - (apart * F.logsigmoid(-scores)).sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    assert scores.detach() == pytest.approx(pmi(p), abs=1e-4)


def test_drawn_pairs_have_the_frequencies_of_their_table() -> None:
    p = table()
    x, y, same = draw_pairs(p, 200_000, torch.Generator().manual_seed(2))
    for half, wanted in ((1, p), (0, torch.outer(p.sum(1), p.sum(0)))):
        counts = torch.zeros(4, 6).index_put((x[same == half], y[same == half]), torch.ones(()), accumulate=True)
        assert counts / 200_000 == pytest.approx(wanted.float(), abs=0.003)


def test_pmi() -> None:
    counts = (1000 * table()).round()
    p = counts / counts.sum()
    assert float((p * pmi(p)).sum()) == pytest.approx(by_scikit_learn(p.numpy()))
    apart = torch.outer(p.sum(1), p.sum(0))
    assert pmi(apart) == pytest.approx(torch.zeros(4, 6), abs=1e-12)
    same = torch.eye(4) / 4
    assert pmi(same).diagonal() == pytest.approx(torch.full((4,), math.log(4)))
    assert pmi(same)[0, 1] == -torch.inf
    assert torch.sigmoid(pmi(p)) == pytest.approx(p / (p + apart))
