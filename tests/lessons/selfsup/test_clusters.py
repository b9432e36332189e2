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


def test_a_digit_is_in_its_box_and_the_largest_number_is_white():
    digits = torch.stack([torch.full((3, 28, 28), 0.2), *torch.full((40, 3, 28, 28), 0.6)])
    shown = clusters.sorted_into_boxes(torch.eye(10) / 10, digits, torch.tensor([7] + 40 * [0]))
    box, edge = (5 * 28 + 8, 6 * 28 + 8), 2 * (5 * 28 + 8)
    assert shown.shape == (1, 3, edge, edge + 5 * box[1])
    matrix, first = shown[0, 0, 4:-4, 4:edge - 4], shown[0, 0, :box[0], edge:edge + box[1]]
    assert matrix[5, 5] == 1 and matrix[5, -5] == 0 and (first[4:-4, 4:-4] == 0.6).all()  # thirty of forty
    eighth = shown[0, 0, box[0]:, edge + 2 * box[1]:edge + 3 * box[1]]
    assert (eighth[4:32, 4:32] == 0.2).all() and (eighth[4:32, 33:60] == 0).all() and (eighth[:4] == 1).all()
