"""Linear CKA against closed forms and the definition by kernels."""

import pytest
import torch
from torch import Tensor

from tests.helpers import normal, refuses
from u3lab.equivariance import cka


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


def test_sites_are_samples_and_grids_meet_at_the_coarser_one():
    a, b = normal(2, 3, 4, 6), normal(2, 5, 4, 6, seed=1)
    rows = [f.permute(0, 2, 3, 1).reshape(-1, f.shape[1]) for f in (a, b)]
    assert cka(a, b) == pytest.approx(cka(*rows))
    fine = a.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert cka(fine, b) == pytest.approx(cka(a, b))
    assert cka(b, fine) == pytest.approx(cka(b, a))


@pytest.mark.parametrize("a, b, words", [
    (normal(3, 4), normal(4, 4), "do not belong together"), (normal(3, 4), normal(3, 4, 2, 2), "do not"),
    (normal(3, 4), normal(3, 4) / 0, "NaN"), (normal(1, 4), normal(1, 4), "1 sample is too few"),
    (normal(3, 4), torch.ones(3, 4), "same for every sample")])
def test_slips(a, b, words):
    refuses(cka, a, b, says=words)
