"""Notebook 02c: the rival of the digits may know that writing leans."""

from __future__ import annotations

import torch

from u3lab.lessons.selfsup import clusters


def test_a_sheared_digit_is_brought_upright_and_to_the_middle():
    upright = torch.zeros(1, 1, 28, 28)
    upright[..., 4:24, 13:15] = 1
    leaning = torch.zeros_like(upright)
    for row in range(4, 24):
        leaning[..., row, 3 + row // 2:5 + row // 2] = 1
    found = clusters.deskewed(torch.cat([upright, leaning]))
    assert torch.allclose(found[0], upright[0], atol=0.02)
    columns = found[1, 0].sum(0)
    assert float(columns[12:16].sum() / columns.sum()) > 0.95  # nearly all ink in four columns
