"""Estimated flow against a known one."""

import torch
from torch.nn import functional as F

from tests.helpers import refuses
from u3lab.selfsup import estimated_flow


def test_a_texture_that_moves_to_the_right_and_up():
    """By 2 pixels and −1, and then it stays."""
    noise = torch.rand(1, 3, 60, 60, generator=torch.Generator().manual_seed(0))
    texture = F.avg_pool2d(noise, 5, 1)[0]  # (3,56,56); smooth, as flow has to be estimated from slopes
    first, second = texture[:, 4:44, 6:46], texture[:, 5:45, 4:44]
    found = estimated_flow(torch.stack([first, second, second])[None])
    assert found.shape == (1, 2, 2, 40, 40)
    inside = found[0, :, :, 6:-6, 6:-6]
    assert (inside[0] - torch.tensor([2.0, -1]).view(2, 1, 1)).square().sum(0).sqrt().mean() < 0.2
    assert inside[1].abs().max() < 0.05


def test_a_single_frame_has_no_flow():
    refuses(estimated_flow, torch.rand(2, 1, 3, 32, 32), says="two frames or more")
