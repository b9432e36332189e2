"""Learned inverters and sampling: what they know of pictures that they have not seen."""

from __future__ import annotations

import pytest
import torch

from u3lab import U3Error, crops, inversion, nets, prior
from u3lab.descent import last
from u3lab.inversion import training
from u3lab.inversion.learned import SHIPPED, Inverter, decode, learned_inverter
from u3lab.inversion.sampling import SampleSettings, sample


@pytest.fixture(scope="module")
def net():
    return nets.load("squeezenet1_1", "cpu")


@pytest.fixture(scope="module")
def unseen():
    return crops.crops(crops.sources()[1], 128, 1)


@pytest.mark.parametrize("which", SHIPPED)
def test_an_inverter_says_more_than_the_mean_colour(net, unseen, which):
    made = decode(net, learned_inverter(which), unseen)
    flat = unseen.mean((2, 3), keepdim=True).expand_as(unseen)
    assert made.shape == unseen.shape
    assert (made - unseen).square().mean() < 0.85 * (flat - unseen).square().mean()


def test_an_earlier_layer_is_inverted_better(net, unseen):
    error = {which: (decode(net, learned_inverter(which), unseen) - unseen).square().mean() for which in SHIPPED}
    assert error["fire5"] < 0.6 * error["fire9"]


@pytest.mark.parametrize("train", [training.train, training.train_perceptual])
def test_training_lowers_the_error(net, train):
    torch.manual_seed(0)
    batches = crops.batches(["coffee", "dog"], 128, 2)
    terms = [step.terms["pixels"] for step in train(net, Inverter("fire9"), batches, 12)]
    assert sum(terms[-3:]) < sum(terms[:3])


def test_slips_are_told(net):
    with pytest.raises(U3Error, match="no trained inverter 'fire8'"):
        learned_inverter("fire8")
    with pytest.raises(U3Error, match="size=128"):
        decode(net, Inverter("fire9"), torch.rand(1, 3, 96, 96))
    with pytest.raises(U3Error, match="fire5 or fire9"):
        Inverter("conv1")


def test_samples_of_one_code_have_it_and_differ(net, unseen):
    x = unseen[:1, :, :96, :96]
    drawn = [last(sample(net, "fire5", x, prior.denoise, SampleSettings(steps=50, seed=seed))) for seed in (0, 1)]
    noise = (0.5 + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    with torch.no_grad():
        far = inversion.code_error(inversion.code(net, noise, "fire5"), inversion.code(net, x, "fire5"))
    assert all(step.loss < 0.7 * far for step in drawn)
    assert prior.disagreement([step.image for step in drawn]).mean() > 0.005
