"""Colours: Lab as scikit-image has it, bins, soft codes, weights and means by other libraries and by hand."""

import numpy as np
import pytest
import torch
from skimage import color
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from tests.helpers import refuses, uniform
from u3lab.selfsup import TASKS, colour
from u3lab.selfsup.colour import bins, colours, lab_to_rgb, rgb_to_lab


def last_axis(x: Tensor) -> np.ndarray:
    return x.movedim(1, -1).numpy()


@pytest.mark.oracle("scikit-image", selfsup=["colour", "colour L2"])
def test_lab_is_that_of_scikit_image_and_back() -> None:
    x = uniform(2, 3, 40, 40)
    x[0, :, :8, :8], x[0, :, :8, 8:16], x[1, :, :8] = 0, 1, x[1, :, :8] / 30
    lab = rgb_to_lab(x)
    np.testing.assert_allclose(last_axis(lab), color.rgb2lab(last_axis(x)), atol=1e-3)  # its cut of f has 6 digits
    np.testing.assert_allclose(last_axis(lab_to_rgb(lab)), color.lab2rgb(last_axis(lab)), atol=1e-5)
    torch.testing.assert_close(lab_to_rgb(lab), x, atol=1e-9, rtol=0)


def test_lab_has_a_finite_gradient_at_black_and_white() -> None:
    x = torch.cat([torch.zeros(1, 3, 1, 2), torch.ones(1, 3, 1, 2), uniform(1, 3, 1, 2) / 25]).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: rgb_to_lab(x[4:]), uniform(6, 3, 1, 1).requires_grad_())
    for there_and_back in (rgb_to_lab, lambda x: lab_to_rgb(rgb_to_lab(x))):
        gradient, = torch.autograd.grad(there_and_back(x).sum(), x)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("step, count", [(10.0, 261), (20.0, 77)])
def test_the_bins_are_those_that_scikit_images_colours_fall_into(step: float, count: int) -> None:
    levels = np.linspace(0, 1, 52)
    lab = color.rgb2lab(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 1, 3))[:, 0, 1:]
    found = {tuple(one) for one in bins(step).tolist()}
    assert {tuple(one) for one in np.unique(np.round(lab / step), axis=0) * step} <= found
    assert len(found) == len(bins(step)) == count
    # Each is there for a colour: one at most half a step away both ways is shown as itself.
    off = torch.cartesian_prod(*[torch.linspace(-0.499, 0.499, 9)] * 2) * step
    near = (bins(step)[:, None] + off).double()
    lab = torch.cat([torch.linspace(0, 100, 201).double().expand(len(near) * 81, 201)[:, None],
                     near.reshape(-1, 2, 1).expand(-1, -1, 201)], 1)[..., None]
    shown = torch.cat([((one > -0.01) & (one < 1.01)).all(1) for one in map(lab_to_rgb, lab.split(4000))])
    assert shown.view(len(near), -1).any(1).float().mean() > 0.99


def test_the_soft_code_is_that_of_scikit_learns_neighbours() -> None:
    ab = 100 * (uniform(50, 2) - 0.5)
    Z = colour.soft_encode(ab, bins(), sigma=5.0)
    d, which = NearestNeighbors(n_neighbors=5).fit(bins().numpy()).kneighbors(ab.numpy())
    expected = np.zeros(Z.shape)
    share = np.exp(-(d**2) / 50)
    np.put_along_axis(expected, which, share / share.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(Z.numpy(), expected, atol=1e-6)


def test_rebalancing_is_equation_4() -> None:
    p = uniform(12)
    p[3] = 0
    p = p / p.sum()
    w = colour.rebalancing(p)
    expected = 1 / (0.5 * p + 0.5 / 12)
    torch.testing.assert_close(w, expected / (p * expected).sum())
    assert float((p * w).sum()) == pytest.approx(1) and w.argmax() == 3
    torch.testing.assert_close(colour.rebalancing(p, gamma=1), torch.ones_like(p))
    heavy = colour.rebalancing(p[p > 0], gamma=0) * p[p > 0]
    torch.testing.assert_close(heavy, torch.full_like(heavy, 1 / 11))
    refuses(colour.rebalancing, p, gamma=0, says="infinitely heavy")


def test_the_prior_is_of_shares_and_grey_is_the_commonest() -> None:
    p = colour.prior()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5) and p.min() > 0
    assert bins()[p.argmax()].norm() <= 10
    assert p[bins().norm(dim=1) <= 15].sum() > 0.4


@pytest.mark.oracle("equation 2 in loops", selfsup=["colour"])
def test_the_loss_of_classes_is_equation_2() -> None:
    task = colour.decolorise()
    ab, scores = (uniform(2, channels, 3, 4, dtype=torch.float32) for channels in (2, len(bins())))
    ab = 60 * (ab - 0.5)
    w, total, hit, weight = colour.rebalancing(colour.prior()), 0.0, 0.0, 0.0
    for b in range(2):
        for h in range(3):
            for k in range(4):
                Z = colour.soft_encode(ab[b, :, h, k][None], bins())[0]
                v = w[Z.argmax()]
                total -= v * (Z * scores[b, :, h, k].log_softmax(0)).sum() / 24
                hit, weight = hit + v * float(scores[b, :, h, k].argmax() == Z.argmax()), weight + v
    loss, = task.loss(scores, ab).values()
    torch.testing.assert_close(loss, total)
    assert float(task.score(scores, ab)) == pytest.approx(float(hit / weight), abs=1e-6)
    nearest = torch.cdist(ab.movedim(1, -1).reshape(-1, 2), bins()).argmin(1).view(2, 3, 4)
    perfect = torch.nn.functional.one_hot(nearest, len(bins())).movedim(-1, 1).float()
    assert task.score(perfect, ab) == 1


@pytest.mark.oracle("the best answer, which is known", selfsup=["colour L2"])
def test_the_best_of_squares_is_the_mean_and_it_scores_nothing() -> None:
    ab = uniform(5, 2, 4, 4) * 80
    mean = (ab.mean((0, 2, 3), keepdim=True) / 100).expand_as(ab).clone().requires_grad_()
    loss, = TASKS["colour L2"].loss(mean, ab).values()
    assert torch.autograd.grad(loss, mean)[0].sum((0, 2, 3)).abs().max() < 1e-12
    assert abs(float(TASKS["colour L2"].score(mean.detach(), ab))) < 1e-12
    assert float(TASKS["colour L2"].score(ab / 100, ab)) == 1


def test_the_encoder_sees_no_colour_and_is_asked_for_the_colours_of_points() -> None:
    x = uniform(4, 3, 64, 64, dtype=torch.float32)
    posed = TASKS["colour"].pose(x, torch.Generator().manual_seed(0))
    assert torch.equal(posed.views[:, :, 0], posed.views[:, :, 1])
    assert torch.equal(posed.views[:, :, 0], posed.views[:, :, 2])
    lab = rgb_to_lab(x)
    both = torch.stack([lab, lab.flip(-1)])[:, :, 1:, 4::8, 4::8]
    off = (both - posed.target).abs().amax((2, 3, 4))
    assert (off.amin(0) == 0).all() and (off[0] == 0).any() and (off[1] == 0).any()  # some mirrored, some not


def test_grey_pictures_are_refused() -> None:
    refuses(colours, uniform(2, 1, 8, 8).expand(-1, 3, -1, -1), says="grey")
    refuses(TASKS["colour"].pose, torch.full((4, 3, 64, 64), 0.3), torch.Generator().manual_seed(0), says="grey")
    white, _ = colours(torch.tensor([[1.0, 1, 1], [1, 0, 0]])[..., None, None])
    assert white.max() <= 1
