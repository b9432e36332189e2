"""The contrast between two views: the loss by loops, and views that each have a cut and colours of their own."""

import math

import pytest
import torch
from torch import Tensor

from tests.helpers import refuses, seeded, uniform
from u3lab.selfsup import TASKS, contrast


@pytest.mark.oracle("equation 1 in loops", selfsup=["contrast"])
def test_the_loss_is_equation_1() -> None:
    z, tau, total = uniform(5, 2, 7).sub(0.5).requires_grad_(), 0.3, 0.0
    flat = [z[n, v] for n in range(5) for v in range(2)]

    def sim(u: Tensor, v: Tensor) -> Tensor:
        return (u @ v / u.norm() / v.norm() / tau).exp()

    for n in range(5):
        for i, j in ((2 * n, 2 * n + 1), (2 * n + 1, 2 * n)):
            others = sum(sim(flat[i], flat[k]) for k in range(10) if k != i)
            total -= (sim(flat[i], flat[j]) / others).log() / 10
    torch.testing.assert_close(contrast.nt_xent(z, tau=tau), total)
    assert torch.autograd.gradcheck(contrast.nt_xent, z)


def test_pairs_that_agree_and_pictures_that_differ_cost_least() -> None:
    z = torch.eye(4, dtype=torch.float64)[:, None].expand(4, 2, 4)
    assert contrast.found_partner(z) == 1
    assert float(contrast.nt_xent(z, tau=1.0)) == pytest.approx(math.log(1 + 6 / math.e))
    swapped = torch.stack([z[:, 0], z[:, 1].roll(1, 0)], 1)
    assert contrast.found_partner(swapped) == 0 and contrast.nt_xent(swapped) > contrast.nt_xent(z)
    refuses(contrast.nt_xent, z[:1], says="two or more")


def test_each_view_is_cut_recoloured_and_perhaps_greyed_by_itself() -> None:
    """Of pictures that redden to the right: how much is left of the slope, of the red, of any colour."""
    x = torch.full((400, 3, 16, 16), 0.3)
    x[:, 0] += torch.linspace(0, 0.3, 16)
    seen = TASKS["contrast"].pose(x, seeded()).views.flatten(0, 1)
    grey = (seen.std(1) < 1e-6).all(2).all(1)
    slope = seen[:, 0, :, -1].mean(1) - seen[:, 0, :, 0].mean(1)
    assert float(grey.double().mean()) == pytest.approx(0.2, abs=0.04)
    assert 0.3 < float((slope[~grey] > 0).double().mean()) < 0.7  # half of them are mirrored
    bright = seen[:, 1].mean((1, 2))
    assert float(bright.min()) < 0.2 and float(bright.max()) > 0.4  # 0.3 before
