"""Keypoints as a bottleneck: their formulas by brute force, what the model may not know, and that it costs little."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses
from u3lab.landmarks import Appearance, KeypointAutoencoder, gaussian_maps, marginal_soft_argmax, soft_argmax


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def model(count: int = 4) -> KeypointAutoencoder:
    return KeypointAutoencoder(count, width=4, seed=1)


def test_soft_argmax_is_that_of_each_axis_by_itself() -> None:
    maps = draw(2, 3, 4, 5).double() * 9
    for found, one in zip(marginal_soft_argmax(maps).flatten(0, 1), maps.flatten(0, 1), strict=True):
        for axis, scores in enumerate((one.mean(0).tolist(), one.mean(1).tolist())):
            odds = [math.exp(score) for score in scores]
            mean = sum(o * ((2 * n + 1) / len(odds) - 1) for n, o in enumerate(odds)) / sum(odds)
            assert found[axis].item() == pytest.approx(mean, abs=1e-12)


def test_of_sums_of_the_axes_it_is_the_joint_one() -> None:
    maps = 5 * (draw(2, 3, 1, 8) + draw(2, 3, 6, 1, seed=1)).double()
    torch.testing.assert_close(marginal_soft_argmax(maps), soft_argmax(maps))


def test_gaussians_are_those_of_the_formula() -> None:
    points = (2 * draw(2, 3, 2) - 1).double()
    maps = gaussian_maps(points, (4, 6), sigma=0.3)
    for b, k, j, i in product(range(2), range(3), range(4), range(6)):
        away = math.dist(points[b, k].tolist(), ((2 * i + 1) / 6 - 1, (2 * j + 1) / 4 - 1))
        assert maps[b, k, j, i].item() == pytest.approx(math.exp(-(away**2) / (2 * 0.3**2)), abs=1e-12)


def test_points_have_a_gradient_through_both() -> None:
    maps = (3 * draw(1, 2, 4, 4)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda m: gaussian_maps(marginal_soft_argmax(m), (4, 4), sigma=0.5), (maps,))


def test_pictures_come_out_as_they_went_in_and_the_seed_decides() -> None:
    x = draw(2, 3, 32, 48)
    made, points = model().reconstruct(x[:1], x), model().keypoints(x)
    assert made.shape == x.shape and 0 <= made.min() and made.max() <= 1 and not made.requires_grad
    assert points.shape == (2, 4, 2) and points.abs().max() < 1
    assert torch.equal(made, model().reconstruct(x[:1], x))
    other = KeypointAutoencoder(4, width=4, seed=2)
    assert not torch.equal(other.keypoints(x), points)


def test_nothing_but_the_points_of_the_target_reaches_the_picture() -> None:
    net, x, target = model(), draw(2, 3, 32, 32), draw(2, 3, 32, 32, seed=1)
    torch.testing.assert_close(net.reconstruct(x, target), net.draw(x, net.keypoints(target)))
    torch.testing.assert_close(net(x, target), net.reconstruct(x, target))
    assert net.keypoints(target).shape == (2, 4, 2)  # 8 numbers of 3072 a picture


def test_a_look_is_computed_once_and_a_drag_costs_the_generator_alone() -> None:
    net, x = model(), draw(1, 3, 32, 32)
    calls: list[nn.Module] = []
    for part in (net.appearance_encoder, net.pose_encoder, net.generator):
        part.register_forward_hook(lambda module, *_: calls.append(module))
    look = net.appearance(x)
    assert isinstance(look, Appearance) and calls == [net.appearance_encoder]
    points = torch.tensor([[[0.0, 0.0], [0.5, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    drawn = net.draw(look, points)
    assert calls == [net.appearance_encoder, net.generator]
    torch.testing.assert_close(net.draw(x, points), drawn)


def test_one_look_goes_with_many_points_and_one_set_with_many_looks() -> None:
    net, x, points = model(), draw(3, 3, 32, 32), 2 * draw(3, 4, 2) - 1
    for many in (net.draw(x[:1], points), net.draw(x[:1].repeat(3, 1, 1, 1), points)):
        for n in range(3):
            torch.testing.assert_close(many[n:n + 1], net.draw(x[:1], points[n:n + 1]))
    torch.testing.assert_close(net.draw(x, points[:1])[1:2], net.draw(x[1:2], points[:1]))


def test_many_pictures_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = model(), draw(5, 3, 16, 16)
    points, made = net.keypoints(x), net.reconstruct(x[:1], x)
    monkeypatch.setattr("u3lab.landmarks.bottleneck.AT_ONCE", 2)
    torch.testing.assert_close(net.keypoints(x), points)
    torch.testing.assert_close(net.reconstruct(x[:1], x), made)


def test_each_cell_sees_63_pixels() -> None:
    """The receptive field, by the gradient of the cell in the middle of a wide picture."""
    net, x = model().double(), draw(1, 3, 128, 128).double().requires_grad_()
    net.pose_encoder(x)[0, :, 16, 16].sum().backward()
    rows = x.grad.abs().amax((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 <= 63 and rows.max() - rows.min() + 1 > 50


def test_in_a_deep_one_points_alone_come_from_the_target_and_the_look_reaches_every_place() -> None:
    net = KeypointAutoencoder(4, width=4, deep=True, seed=1)
    x, other = draw(2, 3, 32, 48), draw(2, 3, 32, 48, seed=1)
    made = net.reconstruct(x, other)
    assert made.shape == x.shape and 0 <= made.min() and made.max() <= 1
    torch.testing.assert_close(made, net.draw(net.appearance(x), net.keypoints(other)))
    torch.testing.assert_close(made, net(x, other))
    features = net.appearance(x).features
    half = features.shape[1] // 2
    torch.testing.assert_close(features[:, half:], features[:, :half].mean((2, 3), keepdim=True).expand(-1, -1, 4, 6))
    points = net.keypoints(other).requires_grad_()
    net._generate(net.appearance(x).features, points)[0, :, 0, 0].sum().backward()
    assert (points.grad[0].abs().sum(1) > 0).all() and not points.grad[1].any()  # each point of its own picture


def test_what_cannot_be_is_said() -> None:
    net, x = model(), draw(2, 3, 32, 32)
    deep = KeypointAutoencoder(4, width=4, deep=True)
    noisy = model()
    noisy.pose_encoder[-1].weight.data[0, 0] = float("nan")
    for call, said in ((lambda: net.keypoints(draw(1, 3, 30, 32)), "multiples of 4"),
                       (lambda: deep.keypoints(draw(1, 3, 36, 32)), "multiples of 8"),
                       (lambda: net.appearance(draw(1, 3, 8, 8)), "from 16"),
                       (lambda: net.draw(x, torch.zeros(1, 3, 2)), r"\(B,4,2\)"),
                       (lambda: net.draw(x, torch.full((2, 4, 2), 20.0)), "up to 20"),
                       (lambda: net.draw(x, torch.zeros(3, 4, 2)), "2 pictures cannot"),
                       (lambda: noisy.keypoints(x), "NaN"),
                       (lambda: KeypointAutoencoder(3, width=4).train().keypoints(x), "model.eval"),
                       (lambda: gaussian_maps(torch.zeros(1, 2, 2), 16), "size = 16")):
        refuses(call, says=said)
