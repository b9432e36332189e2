"""Which pixels move and where they go: known films, and a network that learns which colour moves."""

import pytest
import torch
import torch.nn.functional as F

from tests.helpers import refuses, seeded
from u3lab import selfsup
from u3lab.descent import last
from u3lab.selfsup import estimated_flow, motion


def film(frames: int, side: int = 24) -> torch.Tensor:
    """A red square of 4 pixels that goes 4 pixels to the right from frame to frame, and a blue one that stands."""
    found = torch.full((frames, 3, side, side), 0.5)
    for t, frame in enumerate(found):
        frame[:, 2:6, 4 * t : 4 * t + 4] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
        frame[:, 12:16, 8:12] = torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1)
    return found


def test_what_differs_from_before_and_after_is_where_the_thing_is_now():
    """Neither where it was nor where it will be, and nothing of what stands."""
    found = selfsup.three_frame_difference(film(5), sigma=0)
    wanted = torch.zeros(3, 24, 24)
    for t in range(3):
        wanted[t, 2:6, 4 * (t + 1) : 4 * (t + 2)] = 0.5
    assert torch.equal(found, wanted)


def test_a_wider_gap_compares_frames_further_apart():
    frames = torch.rand(7, 3, 8, 8, generator=seeded())
    found = selfsup.three_frame_difference(frames, gap=2, sigma=0)
    wanted = torch.stack([torch.minimum((frames[t] - frames[t - 2]).abs().amax(0), (frames[t + 2] - frames[t]).abs()
                                        .amax(0)) for t in (2, 3, 4)])
    assert torch.equal(found, wanted)


def test_loss_and_score_are_those_of_the_pixels():
    scores, target = torch.randn(2, 1, 5, 5, generator=seeded()), (torch.rand(2, 1, 5, 5, generator=seeded(1)) > 0.5)
    (loss,) = motion.loss(scores, target.float()).values()
    right = torch.where(target, scores.sigmoid(), 1 - scores.sigmoid())
    assert loss.item() == pytest.approx(-right.log().mean().item(), rel=1e-5)
    said = scores > 0
    assert motion.overlap(scores, target.float()).item() == pytest.approx(
        float((said & target).sum() / (said | target).sum()))


def test_a_network_learns_which_colour_moves_and_finds_it_where_it_stands():
    """Red squares move and blue ones never do; a red one is found in a single picture, the blue one is not."""
    frames = film(6)
    target = (selfsup.three_frame_difference(frames, sigma=0) > 0.1).float()[:, None]
    net = selfsup.unet(8)
    head = selfsup.head_of(net, selfsup.MOVED)
    settings = selfsup.PretextSettings(lr=0.01, steps=60, batch_size=4)
    last(selfsup.pretrain(net, (frames[1:-1].repeat(4, 1, 1, 1), target.repeat(4, 1, 1, 1)), selfsup.MOVED, head=head,
                          settings=settings))
    still = frames[2].transpose(1, 2)[None]  # both at other places
    found = selfsup.moves(net, head, still)[0]
    assert found.shape == (24, 24) and found[8:12, 2:6].mean() > 0.7 > 0.2 > found[8:12, 12:16].mean()


def test_too_few_frames_and_heads_of_another_task_are_refused():
    refuses(selfsup.three_frame_difference, torch.rand(4, 3, 16, 16), gap=2, says="at least 5")
    refuses(estimated_flow, torch.rand(2, 1, 3, 32, 32), says="two frames or more")
    net = selfsup.unet(2)
    refuses(selfsup.moves, net, selfsup.head_of(net, "upright"), torch.rand(1, 3, 16, 16), says="MOVED")
    head = selfsup.head_of(net, selfsup.MOVED).train()
    refuses(selfsup.moves, net, head, torch.rand(1, 3, 16, 16), says="head is in training mode")


def test_the_unet_keeps_each_pixel_and_does_not_know_where_it_is():
    """Shifted by its coarsest grid, the maps are the same far from the border."""
    net = selfsup.unet(3, seed=1)
    x = torch.rand(1, 3, 160, 160, generator=seeded())
    maps = net.features(x, "unet")
    assert maps.shape == (1, 3, 160, 160)
    shifted = net.features(x.roll(8, 3), "unet").roll(-8, 3)
    assert torch.allclose(maps[..., 70:90, 70:90], shifted[..., 70:90, 70:90], atol=1e-5)
    assert selfsup.unet(1)(F.pad(x, (0, 3))).shape == (1, 1, 160, 163)


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
