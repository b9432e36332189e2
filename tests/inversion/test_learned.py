"""Learned inverters: what they know of pictures that they have not seen, and how they are trained."""

import pytest
import torch

from evidence import _inverter_training as training
from tests.helpers import refuses
from tests.inversion.conftest import begun
from u3lab import inversion
from u3lab.inversion.learned import SHIPPED, Inverter, decode, learned_inverter


@pytest.mark.parametrize("which", SHIPPED)
def test_an_inverter_says_more_than_the_mean_colour(net, unseen, which):
    made = decode(net, learned_inverter(which), unseen)
    flat = unseen.mean((2, 3), keepdim=True).expand_as(unseen)
    assert made.shape == unseen.shape
    assert (made - unseen).square().mean() < 0.85 * (flat - unseen).square().mean()


def test_an_earlier_layer_is_inverted_better(net, unseen):
    error = {which: (decode(net, learned_inverter(which), unseen) - unseen).square().mean() for which in SHIPPED}
    assert error["fire5"] < 0.6 * error["fire9"]


@pytest.mark.parametrize("loss", ["squares", "perceptual"])
def test_training_lowers_the_error(net, loss):
    torch.manual_seed(0)
    price = training.squares if loss == "squares" else training.perceptual(net)
    steps = training.train(net, Inverter("fire9"), begun(), 12, price)
    terms = [step.terms["pixels"] for step in steps]
    assert sum(terms[-3:]) < sum(terms[:3])


@pytest.mark.parametrize("layer", ["fire5", "fire9"])
def test_a_drawing_learns_from_each_term_of_the_perceptual_loss(net, layer):
    x, inverter = torch.rand(2, 3, 128, 128), Inverter(layer)
    codes = training.codes_of(net, layer, x)
    assert not any(code.requires_grad for code in codes.values())
    torch.testing.assert_close(codes[layer], inversion.code(net, layer, x).detach())
    for name, term in training.perceptual(net)(inverter(codes[layer]), x, codes).items():
        gradient, = torch.autograd.grad(term, inverter.colour.weight, retain_graph=True)
        assert gradient.abs().max() > 0, name


class Brightness(torch.nn.Module):
    """An adversary that takes bright pictures for photos."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.weight * x.mean((1, 2, 3))


def test_an_adversary_moves_the_drawings_and_is_not_moved_by_them(net, monkeypatch):
    """What is drawn is pulled towards "photo" and learns nothing from the judge's loss; the adversary from it alone."""
    seen = {}
    monkeypatch.setattr(training, "Adversary", Brightness)
    monkeypatch.setattr(training, "descend", lambda *given, **more: seen.update(given=given))
    inverter = Inverter("fire9")
    training.sharpen(net, inverter, begun(), 2)
    torch.manual_seed(0)
    weights, energy = seen["given"]
    made, terms = energy()
    photo, drawing = 2 * next(begun()).mean((1, 2, 3)), 2 * made.mean((1, 2, 3))
    assert set(terms) == {"pixels", "code", "before", "adversary", "judge"}
    torch.testing.assert_close(terms["adversary"], 0.03 * (1 + (-drawing).exp()).log().mean())
    torch.testing.assert_close(terms["judge"], (1 + (-photo).exp()).log().mean() + (1 + drawing.exp()).log().mean())
    adversary = weights[-1]
    for name, whose in (("adversary", inverter.colour.weight), ("judge", adversary)):
        for weight in (inverter.colour.weight, adversary):
            slope, = torch.autograd.grad(terms[name], weight, retain_graph=True, allow_unused=True)
            assert (slope is not None and bool(slope.any())) == (weight is whose), name


def test_sharpening_moves_the_inverter(net):
    torch.manual_seed(0)
    inverter = Inverter("fire9")
    before = {name: value.clone() for name, value in inverter.state_dict().items()}
    assert len(list(training.sharpen(net, inverter, begun(), 1))) == 2
    assert any(not torch.equal(before[name], value) for name, value in inverter.named_parameters())


@pytest.mark.parametrize(("layer", "most"), [("fire5", 0.4), ("fire9", 0.8)])  # measured: 0.33 and 0.74
def test_a_perceptual_inverter_is_nearer_to_unseen_codes_than_codes_of_zeros(net, unseen, layer, most):
    made = decode(net, learned_inverter(f"{layer}-perceptual"), unseen)
    errors = [float(inversion.code_error(*(inversion.code(net, layer, x) for x in pair)))
              for pair in zip(made.split(1), unseen.split(1), strict=True)]
    assert sum(errors) / len(errors) < most


def test_pictures_of_another_size(net):
    refuses(decode, net, Inverter("fire9").eval(), torch.rand(1, 3, 96, 96), says="size=128")


def test_a_trained_generator_is_searched_through_its_input(net, unseen):
    x, run = unseen[:1], inversion.InversionSettings(steps=25)
    steps = list(inversion.invert(net, "fire9", x, prior=inversion.TrainedGenerator(), settings=run))
    assert min(step.loss for step in steps) < 0.8 * steps[0].loss
    psi = learned_inverter("fire9-perceptual")
    cells = torch.rand(1, 512, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(psi(cells), psi.drawn(cells, (8, 8)))
    assert psi.drawn(cells[..., :4, :6], (4, 6)).shape == (1, 3, 64, 96)
