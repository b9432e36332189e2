"""Iconic examples: what excites a unit, by optimisation, among pictures, and in a dream."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.adversarial.attacked import small
from tests.helpers import refuses
from u3lab import images, inversion, nets
from u3lab.descent import last
from u3lab.inversion.maximising import DreamSettings, dream, unit_index


def test_for_a_linear_unit_the_best_picture_is_bright_where_its_weights_are_positive():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2, bias=False))
    linear = nets.Classifier(flat.eval(), classes=("a", "b"))
    x = last(inversion.maximise(linear, "logits", "b", prior=inversion.Pixels(lr=0.1), size=8,
                                settings=inversion.MaximiseSettings(jitter=0, zoom=0, steps=60))).value
    wanted = (flat[1].weight[1] > 0).float().view(1, 3, 8, 8)
    torch.testing.assert_close(x, wanted, atol=1e-3, rtol=0)


def test_several_networks_are_excited_together(net):
    """The sum over all of them, seen without a shift and without zoom."""
    both = [small(seed)[0] for seed in (0, 1)]
    settings = inversion.MaximiseSettings(jitter=0, zoom=0, steps=3)
    for step in inversion.maximise(both, "logits", 2, prior=inversion.Pixels(), size=16, settings=settings):
        wanted = -sum(float(one.logits(step.value)[0, 2]) for one in both)
        assert step.terms == {"excitation": pytest.approx(wanted, abs=1e-5)}


@pytest.mark.parametrize("seed", range(2))
def test_a_maximised_class_is_excited_far_more_than_by_any_photo_under_another_crop(net, seed):
    """The score itself: whether the class also *wins* hangs on the seed, since another class may grow with it."""
    names = ("zebra", "jellyfish", "lemon")
    settings = inversion.MaximiseSettings(steps=60, seed=seed)
    with torch.no_grad():
        photos = torch.cat([net(images.load(name, size=128)) for name in images.names("everyday")])
    for k in map(net.class_index, names):
        x = last(inversion.maximise(net, "logits", k, size=128, settings=settings)).value
        with torch.no_grad():
            assert net(x.roll((5, 9), (2, 3)))[0, k] > 1.5 * photos[:, k].max()


def test_a_channel_is_excited_more_than_by_any_shipped_picture(net):
    settings = inversion.MaximiseSettings(jitter=0, zoom=0, steps=60)
    x = last(inversion.maximise(net, "fire3", 7, prior=inversion.TV(lam=0.1), size=64, settings=settings)).value
    with torch.no_grad():
        ours = inversion.excitation(inversion.code(net, "fire3", x), 7)
        best = max(float(inversion.excitation(inversion.code(net, "fire3", images.load(name, size=64)), 7))
                   for name in images.names("everyday"))
    assert ours > best


def test_units_are_checked(net):
    assert unit_index(net, "logits", "zebra") == net.classes.index("zebra") and unit_index(net, "fire3", 5) == 5
    refuses(unit_index, net, "fire3", 128, says="channel of fire3 of squeezenet1_1 = 128; .* from 0 to 127")


def test_a_dream_excites_the_layer_more_and_keeps_the_size(net):
    photo = images.load("koala", size=96)
    settings = DreamSettings(steps=3, octaves=2)
    steps = list(dream(net, "fire5", photo, settings=settings))
    with torch.no_grad():
        before = net.features(photo, "fire5").square().mean() / 2
    assert len(steps) == 7 and steps[-1].value.shape == photo.shape
    assert -steps[-1].loss > 1.5 * before and 0 <= steps[-1].value.min() and steps[-1].value.max() <= 1


def test_what_a_coarse_scale_has_added_is_laid_on_the_photo_at_the_next(net):
    photo, settings = images.load("koala", size=96), DreamSettings(steps=1, octaves=2, jitter=0)
    first, second, _ = (step.value for step in dream(net, "fire5", photo, settings=settings))
    small = F.interpolate(photo, size=69, mode="bilinear", antialias=True).requires_grad_()
    slope, = torch.autograd.grad(net.features(small, "fire5").square().mean(), small)
    with torch.no_grad():
        added = (small + settings.step_size * slope / slope.abs().mean()).clamp(0, 1) - small
    assert torch.equal(first, small)
    torch.testing.assert_close(second, (photo + F.interpolate(added, size=96, mode="bilinear")).clamp(0, 1))
