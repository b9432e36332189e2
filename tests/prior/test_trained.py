"""The two trained restorers do on pictures that they have not seen what they were trained to do."""

from __future__ import annotations

import pytest
import torch

from u3lab import U3Error, prior
from u3lab.images import cropping
from u3lab.nets import checkpoints
from u3lab.prior import trained, training

UNSEEN = cropping.sources()[1]


def test_holes_are_filled_better_than_with_the_mean_colour():
    x = cropping.crops(UNSEEN, 96, count=1)
    visible = torch.ones(1, 1, 96, 96)
    visible[..., 34:62, 34:62] = 0
    hole = (1 - visible).bool().expand_as(x)
    filled = prior.trained_inpaint(x, visible)
    assert torch.equal(filled[~hole], x[~hole])
    mean = (x * visible).sum((2, 3), keepdim=True) / visible.sum()
    assert prior.psnr(filled[hole], x[hole]) > prior.psnr(mean.expand_as(x)[hole], x[hole]) + 1


@pytest.mark.parametrize("sigma", [0.1, 0.2, 0.3])
def test_noise_is_taken_away(sigma: float):
    x = cropping.crops(UNSEEN, 96, count=1)
    noisy = (x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert prior.psnr(prior.trained_denoise(noisy), x) > prior.psnr(noisy, x) + 3


def test_holes_are_rectangles_of_the_promised_size():
    masks = trained.holes(40, 60, torch.Generator().manual_seed(0))
    for m in masks[:, 0]:
        rows, columns = ((1 - m).any(axis).sum().item() for axis in (1, 0))
        assert (1 - m).sum() == rows * columns and 12 <= rows < 30 and 12 <= columns < 30


def test_scattered_masks_hide_as_many_pixels_as_promised_in_grains():
    masks = trained.scattered(60, 40, torch.Generator().manual_seed(0))
    assert masks.shape == (60, 1, 40, 40) and set(masks.unique().tolist()) == {0, 1}
    hidden = 1 - masks.mean((1, 2, 3))
    assert hidden.min() > 0.19 and hidden.max() < 0.61
    alike = (masks[..., 1:] == masks[..., :-1]).float().mean((1, 2, 3))  # of neighbours: half of them for pixels
    assert alike.min() < 0.7 < 0.9 < alike.max()


def test_training_lowers_the_error():
    torch.manual_seed(0)
    batches = cropping.batches(["coffee", "dog"], 32, 4)
    corrupted = training.with_noise(torch.Generator().manual_seed(0))
    losses = [step.loss for step in training.train(trained.denoiser(), batches, corrupted, 30)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_a_side_that_cannot_be_halved_is_named():
    with pytest.raises(U3Error, match="multiples of 32"):
        prior.trained_inpaint(torch.rand(1, 3, 100, 100), torch.ones(1, 1, 100, 100))


def test_weights_come_back_as_they_were(tmp_path, monkeypatch):
    net = trained.denoiser()
    checkpoints.save(net, tmp_path / "mine.safetensors", recipe="none")
    monkeypatch.setattr(checkpoints.paths, "data", lambda *parts: tmp_path / parts[-1])
    back = checkpoints.restore(trained.denoiser(), "mine")
    for mine, its in zip(net.state_dict().values(), back.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-3, atol=1e-3)
    (tmp_path / "mine.safetensors").write_bytes(b"nonsense" * 4)
    with pytest.raises(U3Error, match="damaged"):
        checkpoints.restore(trained.denoiser(), "mine")


def test_batches_are_squares_of_the_named_pictures_and_repeat_with_the_seed():
    one, other = (next(cropping.batches(["coffee", "dog"], 24, 5, seed=1)) for _ in range(2))
    assert one.shape == (5, 3, 24, 24) and torch.equal(one, other)
    with pytest.raises(U3Error, match="names.*at least one"):
        next(cropping.batches([], 24, 5))


def test_the_last_step_of_a_cosine_is_a_hundredth():
    assert training.cosine(1.0, 0, 10) == pytest.approx(1) and training.cosine(1.0, 10, 10) == pytest.approx(0.01)
