"""The optimiser of three experiments against torch's own two."""

import pytest
import torch
from torch import nn

from evidence._muon import MOMENTUM, TURN, Muon, orthogonal


def test_all_directions_weigh_alike():
    matrix = torch.randn(24, 60, generator=torch.Generator().manual_seed(0))
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    turned = orthogonal(matrix)
    along = torch.einsum("mi,mn,in->i", u, turned, v)
    assert values.max() / values.min() > 3 and 0.6 < along.min() and along.max() < 1.3
    torch.testing.assert_close(orthogonal(matrix.T), turned.T)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon from 2.9 on")
def test_a_matrix_goes_where_torchs_own_goes():
    ours, theirs = (nn.Parameter(torch.ones(20, 12)) for _ in range(2))
    mine, other = Muon([ours], lr=0.01 / TURN), torch.optim.Muon([theirs], lr=0.01, weight_decay=0, momentum=MOMENTUM)
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        ours.grad = torch.randn(20, 12, generator=generator)
        theirs.grad = ours.grad.clone()
        mine.step(), other.step()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-3)  # theirs computes the iteration in bfloat16


def test_the_rest_goes_where_adam_goes():
    ours, theirs = ([nn.Parameter(torch.ones(7)), nn.Parameter(torch.ones(3, 4, 3, 3))] for _ in range(2))
    mine, other = Muon(ours, lr=0.01), torch.optim.Adam(theirs, lr=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        mine.step(), other.step()
    torch.testing.assert_close(ours, theirs)
