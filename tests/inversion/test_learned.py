"""Learned inverters and the learned steps after them: how they are trained, and how near to unseen codes they come."""

from itertools import repeat

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evidence import _inverter_training as training
from tests.helpers import refuses
from tests.inversion.conftest import begun
from u3lab import inversion, nets
from u3lab.inversion.learned import (
    LAYERS,
    Correction,
    Inverter,
    Unrolled,
    decode,
    drawn,
    learned_inverter,
    learned_steps,
    unroll,
)


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


class Downhill(nn.Module):
    """In place of what is learnt: a step of fixed length along the gradient."""

    def forward(self, x: Tensor, gradient: Tensor) -> Tensor:
        return -0.4 * gradient


@pytest.mark.oracle("projected Landweber iteration in NumPy", inversion=["learned steps"])
def test_with_plain_steps_it_is_projected_gradient_descent_on_the_error_of_a_linear_code():
    torch.manual_seed(0)
    net = nets.Classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 5)).eval(), classes=tuple("abcde"))
    truth, x = 0.3 + 0.4 * torch.rand(2, 1, 3, 4, 4)
    y = net(truth).detach()
    matrix = torch.autograd.functional.jacobian(net, x).reshape(5, 48).double().numpy()
    offset = net(torch.zeros_like(x)).detach().double().numpy()[0]
    wanted = x.double().flatten().numpy()
    steps = Unrolled("fire9")
    steps.layer, steps.steps = "logits", nn.ModuleList(Downhill() for _ in range(4))
    for k, made in enumerate(drawn(net, steps, x, y)):
        if k:
            missing = matrix @ wanted + offset - y.double().numpy()[0]
            wanted = (wanted - 0.4 * 2 * matrix.T @ missing / np.square(y.numpy()).sum()).clip(0, 1)
        np.testing.assert_allclose(made.detach().flatten().numpy(), wanted, rtol=0, atol=1e-4)


def test_a_step_does_not_depend_on_the_size_of_the_gradient_and_adds_nothing_at_first():
    torch.manual_seed(0)
    step, x, gradient = Correction().eval(), torch.rand(2, 3, 32, 48), torch.randn(2, 3, 32, 48)
    assert not step(x, gradient).any()
    nn.init.normal_(step.colour.weight)
    each = torch.tensor([1e-3, 50.0])[:, None, None, None]
    torch.testing.assert_close(step(x, each * gradient), step(x, gradient), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("layer", list(LAYERS))
def test_each_picture_comes_nearer_to_an_unseen_code(net, unseen, layer):
    inverter = learned_inverter(f"{layer}-perceptual")
    made = list(unroll(net, inverter, learned_steps(layer), unseen))
    assert len(made) == 5 and torch.equal(made[0], decode(net, inverter, unseen))
    wanted, errors = inversion.code(net, layer, unseen), []
    for x in made:
        assert x.shape == unseen.shape and 0 <= x.min() and x.max() <= 1 and not x.requires_grad
        found = inversion.code(net, layer, x)
        errors.append(sum(float(inversion.code_error(*pair)) for pair in zip(found, wanted, strict=True)) / len(found))
    assert errors == sorted(errors, reverse=True) and errors[-1] < {"fire9": 0.6, "fire5": 0.3}[layer]


def test_training_lowers_what_each_picture_costs_and_leaves_the_inverter_alone(net, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(training, "MOVED", 0)  # or each step asks for something else
    inverter, steps = learned_inverter("fire5-perceptual"), Unrolled("fire5")
    before = {name: value.clone() for name, value in inverter.state_dict().items()}
    run = list(training.train_steps(net, inverter, steps, repeat(next(begun())), 5))
    assert set(run[0].terms) == {"pixels", "code", "before"}
    assert run[-1].terms["code"] < 0.85 * run[0].terms["code"]
    assert all(torch.equal(before[name], value) for name, value in inverter.state_dict().items())
    for name, value in steps.named_parameters():
        assert value.grad.any(), name


def test_slips_are_told(net):
    refuses(unroll, net, Inverter("fire5").eval(), Unrolled("fire9").eval(), torch.rand(1, 3, 128, 128),
            says="the inverter is for fire5 and the steps are for fire9; take both for one")
    refuses(unroll, net, Inverter("fire9").eval(), Unrolled("fire9").eval(), torch.rand(1, 3, 96, 96), says="size=128")
    refuses(unroll, net, Inverter("fire9").eval(), Inverter("fire9"), torch.rand(1, 3, 128, 128),
            says=r"learned_steps\(\)")
