"""Linear CKA against closed forms and the definition by kernels."""

import pytest
import torch
from torch import Tensor

from tests.helpers import normal, refuses
from u3lab.equivariance import cka


@pytest.mark.parametrize("seed", range(3))
def test_rotation_scale_and_shift_change_nothing(seed: int):
    x, y = normal(30, 6, seed=seed), normal(30, 4, seed=seed + 10)
    turn = torch.linalg.qr(normal(6, 6, seed=seed + 20)).Q
    assert cka(x, x @ turn * 7 + 3) == pytest.approx(1, abs=1e-12)
    assert cka(x @ turn * -0.1 + 5, y) == pytest.approx(cka(x, y), abs=1e-12)
    assert cka(x, y) == pytest.approx(cka(y, x), abs=1e-12)
    stretched = x @ torch.diag(torch.tensor([10.0, 1, 1, 1, 1, 1], dtype=x.dtype))
    assert cka(x, stretched) < 0.9  # unlike a stitch, CKA sees a scale of single channels


@pytest.mark.oracle("the definition by kernels", equivariance=["CKA"])
@pytest.mark.parametrize("seed", range(3))
def test_by_kernels(seed: int):
    """HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)) with K = XXᵀ, L = YYᵀ, HSIC(K, L) ∝ tr(KHLH)."""
    x, y = normal(15, 6, seed=seed), normal(15, 4, seed=seed + 10) + normal(15, 6, seed=seed)[:, :4]
    h = torch.eye(15, dtype=x.dtype) - 1 / 15
    k_x, k_y = x @ x.T, y @ y.T

    def hsic(a: Tensor, b: Tensor) -> Tensor:
        return (a @ h @ b @ h).trace()

    assert cka(x, y) == pytest.approx((hsic(k_x, k_y) / (hsic(k_x, k_x) * hsic(k_y, k_y)).sqrt()).item(), abs=1e-12)


def test_by_hand():
    x = torch.tensor([[1.0], [-1.0], [0.0], [0.0]])
    y = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    assert cka(x, y) == pytest.approx(0.5)  # the squared correlation, 2² / (2·4)
    assert cka(x, torch.tensor([[0.0], [0.0], [1.0], [-1.0]])) == 0
    both = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert cka(x, both) == pytest.approx(1 / 2**0.5)


def test_sites_are_samples_and_grids_meet_at_the_coarser_one():
    a, b = normal(2, 3, 4, 6), normal(2, 5, 4, 6, seed=1)
    rows = [f.permute(0, 2, 3, 1).reshape(-1, f.shape[1]) for f in (a, b)]
    assert cka(a, b) == pytest.approx(cka(*rows))
    fine = a.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert cka(fine, b) == pytest.approx(cka(a, b))
    assert cka(b, fine) == pytest.approx(cka(b, a))


@pytest.mark.parametrize("a, b, words", [
    (normal(3, 4), normal(4, 4), ("do not belong together",)), (normal(1, 4), normal(1, 4), ("1 sample is too few",)),
    (normal(3, 4), torch.ones(3, 4), ("same for every sample",)), (normal(3, 4), normal(3, 4, 2, 2), ("do not",)),
    (normal(3, 4), normal(3, 4) * float("nan"), ("NaN",)), (normal(3), normal(3), ("do not",)),
    (normal(3, 4), "features", ("str",))])
def test_slips(a, b, words):
    refuses(cka, a, b, says=words)
