"""The figure of notebook 08: rollout alone is the same for both classes, and what forgets are the last layers."""

import pytest
import torch

from tests.helpers import same_state, squeezenet, state
from u3lab import images, nets, saliency
from u3lab.lessons.audit import transformer


@pytest.fixture(scope="module")
def maps() -> transformer.Maps:
    image, labels = transformer.two_things()
    return transformer.beside(nets.load("vit", device="cpu"), squeezenet(), image, labels)


def test_both_networks_name_both_things():
    image, labels = transformer.two_things()
    assert image.shape == (1, 3, 227, 227) and labels == ("balloon", "soccer ball")
    for net in (squeezenet(), nets.load("vit", device="cpu")):
        seen = net.top(images.resize(image, net.size).clamp(0, 1), 2)
        assert {name for name, _ in seen} == set(labels), net.name


def test_what_forgets_are_the_last_layers():
    """Of the transformer all from which classes are read, and in its last block what mixes no tokens."""
    net = nets.load("vit", device="cpu")
    before, broken = state(net), transformer.forgetful(net)
    changed = [name for name, value in net.module.state_dict().items()
               if not torch.equal(value, broken.module.state_dict()[name])]
    assert changed == ["blocks.5.attn.proj.weight", "blocks.5.mlp.fc1.weight", "blocks.5.mlp.fc2.weight", "head.weight"]
    assert same_state(before, state(net))


def test_rollout_alone_stays(maps: transformer.Maps):
    found = transformer.alike(maps)
    assert list(found) == ["transformer: gradient × input", "transformer: Grad-CAM", "transformer: attention rollout",
                           "CNN: gradient × input", "CNN: Grad-CAM"]
    assert found.pop("transformer: attention rollout") == pytest.approx((1, 1))
    first, other, later = maps["transformer: attention rollout"]
    assert torch.equal(first, other) and torch.equal(first, later) and first.shape == (1, 1, 12, 12)
    assert all(max(both) < 0.95 for both in found.values())


def test_maps_are_the_methods_own(maps: transformer.Maps):
    image, labels = transformer.two_things()
    assert torch.equal(maps["CNN: Grad-CAM"][1], saliency.METHODS["Grad-CAM"](squeezenet(), image, labels[1]))
    assert maps["transformer: Grad-CAM"][0].shape == (1, 1, 12, 12)


def test_figures_say_what_they_show(maps: transformer.Maps):
    drawn = transformer.drawn(maps, *transformer.two_things())
    assert "The same for both classes: transformer: attention rollout." in drawn.alt and "balloon" in drawn.alt
    assert "transformer: attention rollout 1.00 for the other class, 1.00 when shuffled" in transformer.stays(maps).alt
