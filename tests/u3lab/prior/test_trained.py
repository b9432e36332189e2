"""The two trained restorers do on pictures that they have not seen what they were trained to do."""

import math
from itertools import repeat

import numpy as np
import pytest
import scipy.sparse.linalg
import torch

from evidence import _restorer_training as training
from tests.helpers import batches, rates_of_adam, seeded
from u3lab import prior
from u3lab.descent import last
from u3lab.images import cropping
from u3lab.nets import checkpoints
from u3lab.prior import trained

UNSEEN = cropping.sources()[1]


def test_noise_is_taken_away():
    x = cropping.crops(UNSEEN, 96, count=1)
    for sigma in (0.1, 0.3):
        noisy = (x + sigma * torch.randn(x.shape, generator=seeded())).clamp(0, 1)
        assert prior.psnr(checkpoints.restore(trained.denoiser(), "denoiser")(noisy), x) > prior.psnr(noisy, x) + 3


def test_holes_are_rectangles_of_the_promised_size():
    masks = training.holes(40, 60, torch.Generator().manual_seed(0))
    for m in masks[:, 0]:
        rows, columns = ((1 - m).any(axis).sum().item() for axis in (1, 0))
        assert (1 - m).sum() == rows * columns and 12 <= rows < 30 and 12 <= columns < 30


def test_scattered_masks_hide_as_many_pixels_as_promised_in_grains():
    masks = training.scattered(60, 40, torch.Generator().manual_seed(0))
    assert masks.shape == (60, 1, 40, 40) and set(masks.unique().tolist()) == {0, 1}
    hidden = 1 - masks.mean((1, 2, 3))
    assert hidden.min() > 0.19 and hidden.max() < 0.61
    alike = (masks[..., 1:] == masks[..., :-1]).float().mean((1, 2, 3))  # of neighbours: half of them for pixels
    assert alike.min() < 0.7 < 0.9 < alike.max()


@pytest.mark.parametrize(("make", "corrupt", "side"), [(trained.denoiser, training.with_noise, 32),
                                                       (trained.inpainter, training.with_holes, 64)])
def test_training_lowers_the_error(make, corrupt, side):
    torch.manual_seed(0)
    pictures = next(batches(["coffee", "dog"], side, 8))
    batch = next(training.corrupting(iter([pictures]), corrupt(torch.Generator().manual_seed(0))))
    losses = [step.loss for step in training.train(make(), repeat(batch), 20, 3e-3)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_each_step_has_the_rate_of_the_next_on_a_cosine():
    pictures = training.corrupting(batches(["coffee", "dog"], 64, 3), training.with_holes(seeded()))
    with rates_of_adam() as rates:
        last(training.train(trained.inpainter(), pictures, 4, 1e-3))
    assert rates == pytest.approx([1e-3 * (0.01 + 0.99 * (1 + math.cos(math.pi * k / 4)) / 2) for k in (1, 2, 3, 4)])


def test_strokes_are_thin_curves_of_pens_and_brushes():
    masks = training.strokes(30, 64, torch.Generator().manual_seed(0))
    assert masks.shape == (30, 1, 64, 64) and set(masks.unique().tolist()) == {0, 1}
    hidden = 1 - masks
    assert 0.02 < hidden.mean((1, 2, 3)).min() and hidden.mean((1, 2, 3)).max() < 0.8
    deep = 1 - torch.nn.functional.max_pool2d(masks, 3, 1, 1)  # hidden, and so are the eight neighbours
    assert (deep.sum((1, 2, 3)) / hidden.sum((1, 2, 3))).min() < 0.3


def test_what_is_hidden_alone_counts_and_is_not_seen():
    x = cropping.crops(UNSEEN, 64, count=1)[:8]
    corrupted = training.with_holes(torch.Generator().manual_seed(0))
    seen, weight = corrupted(x)
    again, _ = training.with_holes(torch.Generator().manual_seed(0))(torch.where(weight > 0, 1 - x, x))
    torch.testing.assert_close(seen, again)
    assert torch.equal(weight == 0, seen[:, 3:] == 1) and float(weight.mean()) == pytest.approx(1)
    assert torch.equal(torch.where(weight > 0, 0.0, seen[:, :3]), torch.where(weight > 0, 0.0, x))


@pytest.mark.oracle("SciPy's sparse solver")
def test_the_harmonic_filling_is_near_the_solution_of_laplaces_equation(monkeypatch):
    x = cropping.crops(UNSEEN, 32, count=1)[:1]
    visible = torch.ones(1, 1, 32, 32)
    visible[..., 10:20, 8:26] = 0
    hidden = (1 - visible[0, 0]).bool().numpy()
    number = np.full(hidden.shape, -1)
    number[hidden] = np.arange(hidden.sum())
    matrix, right = scipy.sparse.lil_matrix((hidden.sum(),) * 2), np.zeros((hidden.sum(), 3))
    for i, j in zip(*hidden.nonzero(), strict=True):
        matrix[number[i, j], number[i, j]] = 4
        for neighbour in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if hidden[neighbour]:
                matrix[number[i, j], number[neighbour]] = -1
            else:
                right[number[i, j]] += x[0, :, *neighbour].numpy()
    wanted = scipy.sparse.linalg.spsolve(matrix.tocsc(), right)

    def off():
        return np.abs(trained.harmonic(x, visible)[0, :, hidden].T.numpy() - wanted).mean()

    assert off() < 0.25 * np.abs(x[0, :, ~hidden].mean(1).numpy() - wanted).mean()
    monkeypatch.setattr(trained, "SWEEPS", 400)
    assert off() < 1e-4


def test_no_random_number_is_taken_and_the_second_answer_is_the_first():
    """The network is kept: whoever comes first, and whoever comes after, finds it as it was."""
    x, m = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)), torch.ones(1, 1, 64, 64)
    m[..., 20:40, 20:40] = 0
    trained._restored.cache_clear()
    before = torch.get_rng_state()
    one, other = (prior.trained_inpaint(x, m) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one, other)


def test_squares_have_the_sides_and_places_that_are_promised(monkeypatch):
    """Read off a picture of coordinates: sides from two thirds of the shorter one on, anywhere."""
    y, x = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(90) + 0.5, indexing="ij")
    monkeypatch.setattr(cropping.loading, "load", lambda name: torch.stack([y / 90, x / 90, 0 * x])[None])
    made = cropping.crops(["one"], 12, count=400)
    down, across = (90 * 3 * (two - one) for one, two in ((made[:, 0, 4, 6], made[:, 0, 8, 6]),
                                                           (made[:, 1, 6, 4], made[:, 1, 6, 8])))
    assert 60 * 2 / 3 - 0.6 < down.min() < 60 * 2 / 3 + 2 and 58 < down.max() < 60.1
    assert torch.allclose(across, down, atol=0.1)
    middle = 90 * made[:, 1, 5:7, 5:7].mean((1, 2))
    free = (middle - down / 2) / (90 - down)
    assert free.min() < 0.03 and free.max() > 0.97


def test_noise_is_as_strong_as_promised_and_not_cut_off():
    """White pictures: their noise is even on both sides of 1, and of another strength on each."""
    seen, weight = training.with_noise(torch.Generator().manual_seed(0))(torch.ones(200, 3, 16, 16))
    strength = seen.std((1, 2, 3))
    assert 0.015 < strength.min() < 0.05 and 0.45 < strength.max() < 0.53 and torch.equal(weight, torch.ones(1))
    assert (seen > 1).double().mean() == pytest.approx(0.5, abs=0.01)
