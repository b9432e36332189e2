"""Learned inverters and sampling: what they know of pictures that they have not seen."""

from __future__ import annotations

import pytest
import torch

from u3lab import U3Error, inversion, nets, prior
from u3lab.descent import last
from u3lab.images import cropping
from u3lab.inversion import training
from u3lab.inversion.learned import SHIPPED, Inverter, decode, learned_inverter


@pytest.fixture(scope="module")
def net():
    return nets.load("squeezenet1_1", device="cpu")


@pytest.fixture(scope="module")
def unseen():
    return cropping.crops(cropping.sources()[1], 128, count=1)


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
    batches = cropping.batches(["coffee", "dog"], 128, 2)
    terms = [step.terms["pixels"] for step in train(net, Inverter("fire9"), batches, 12)]
    assert sum(terms[-3:]) < sum(terms[:3])


def test_slips_are_told(net):
    with pytest.raises(U3Error, match="which = 'fire8'; choose one of fire5, fire9, fire9-perceptual"):
        learned_inverter("fire8")
    with pytest.raises(U3Error, match="size=128"):
        decode(net, Inverter("fire9"), torch.rand(1, 3, 96, 96))
    with pytest.raises(U3Error, match="fire5 or fire9"):
        Inverter("conv1")


def test_plug_and_play_samples_of_one_code_have_it_and_differ(net, unseen):
    x, prior_ = unseen[:1, :, :96, :96], inversion.PlugAndPlay()
    drawn = [last(inversion.invert(net, "fire5", x, prior=prior_, settings=inversion.InversionSettings(steps=100,
                                                                                                       seed=seed)))
             for seed in (0, 1)]
    assert all(step.terms["code"] < 0.15 for step in drawn)
    assert prior.disagreement([step.value for step in drawn]).mean() > 0.02
    # to the denoiser it is no noise
    assert all(prior.psnr(prior.trained_denoise(step.value), step.value) > 20 for step in drawn)


def test_the_price_of_plug_and_play_pulls_towards_the_denoised_picture():
    """The denoiser is held fixed: the gradient by x is 2λ(x − D(x + σn)), as a mean over the values."""
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3), requires_grad=True)
    settings = inversion.PlugAndPlay(lam=5.0, noise=0.0)
    price = settings.begin((16, 16), 0, torch.device("cpu")).price(picture)["denoiser"]
    gradient, = torch.autograd.grad(price, picture)
    wanted = 2 * 5.0 * (picture - prior.trained_denoise(picture.detach())) / picture.numel()
    torch.testing.assert_close(gradient, wanted.detach())
