"""Paints under lights: the picture is paint times light, and one seed is one scene under every light."""

import torch

from u3course.worlds import lights


def test_a_light_multiplies():
    white, labels = lights.scenes(6, seed=1)
    lit, same = lights.scenes(6, lights.light(4), seed=1)
    assert torch.equal(labels, same) and torch.allclose(lit, white * lights.light(4).view(3, 1, 1))
    assert white.shape == (6, 3, 64, 64) and white.min() >= 0 and white.max() <= 1


def test_lights_are_known_by_their_numbers():
    drawn = torch.stack([lights.light(n) for n in range(50)])
    assert torch.allclose(drawn.amax(1), torch.ones(50)) and drawn.min() >= lights.DIMMEST
    assert len(drawn.unique(dim=0)) == 50 and torch.equal(lights.light(7), drawn[7])


def test_the_shape_has_its_paint():
    """Under white light the mean of many middles of a paint is nearer to it than to any other."""
    paints = torch.tensor(list(lights.PAINTS.values()))
    images, labels = lights.scenes(400, seed=2)
    found = torch.stack([images[labels == k].flatten(2).median(0).values.median(1).values for k in range(8)])
    hues = found / found.sum(1, keepdim=True) - 1 / 3
    wanted = paints / paints.sum(1, keepdim=True) - 1 / 3
    coloured = slice(0, 7)
    assert torch.nn.functional.cosine_similarity(hues[coloured], wanted[coloured]).median() > 0.8


def test_a_close_up_has_one_hue():
    """Shading is the same in all three channels, so that what is left is paint times light."""
    images, _ = lights.scenes(5, lights.light(2), close=True)
    share = images / images.sum(1, keepdim=True)
    assert share.flatten(2).std(2).max() < 1e-4
