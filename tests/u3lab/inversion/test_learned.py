"""Every line of ``inversion.INVERTERS`` keeps its word, and draws what plain torch draws from the same numbers; how
inverters and the learned steps after them are trained, and how near to unseen codes they come.
"""

import copy
from itertools import repeat

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _inverter_training as training
from evidence.bench.scene import squeezenet
from tests.helpers import refuses, same_state, state
from tests.u3lab.inversion.conftest import begun
from u3lab import inversion, nets
from u3lab._system import paths
from u3lab.images import total_variation
from u3lab.inversion import INVERTERS, inverters
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
from u3lab.nets import IMAGENET_MEAN, IMAGENET_STD, checkpoints


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


def test_inverters_and_steps_that_do_not_fit(net):
    refuses(unroll, net, Inverter("fire5").eval(), Unrolled("fire9").eval(), torch.rand(1, 3, 128, 128),
            says="the inverter is for fire5 and the steps are for fire9; take both for one")
    refuses(unroll, net, Inverter("fire9").eval(), Unrolled("fire9").eval(), torch.rand(1, 3, 96, 96), says="size=128")
    refuses(unroll, net, Inverter("fire9").eval(), Inverter("fire9"), torch.rand(1, 3, 128, 128),
            says=r"learned_steps\(\)")


EACH = pytest.mark.parametrize("name", INVERTERS)
BOTH = pytest.mark.parametrize("layer", LAYERS)
Weights = dict[str, Tensor]


def weights(file: str) -> Weights:
    return checkpoints.read(paths.data("weights", f"{file}.safetensors"))


def conv(w: Weights, name: str, x: Tensor) -> Tensor:
    kernel = w[f"{name}.weight"]
    return F.conv2d(x, kernel, w.get(f"{name}.bias"), padding=kernel.shape[-1] // 2)


def block(w: Weights, name: str, x: Tensor) -> Tensor:
    """A convolution, a batch norm, a leaky ReLU."""
    mean, var, scale, shift = (w[f"{name}.1.{part}"][:, None, None]
                               for part in ("running_mean", "running_var", "weight", "bias"))
    return F.leaky_relu((conv(w, f"{name}.0", x) - mean) / (var + 1e-5).sqrt() * scale + shift, 0.2)


def twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


def decoded(w: Weights, layer: str, y: Tensor) -> Tensor:
    """Ψ(y): five scales from 8×8 cells on for fire9, four from 16×16 on for fire5."""
    cells, scales = (16, 4) if layer == "fire5" else (8, 5)
    x = F.interpolate(block(w, "enter", y), size=(cells, cells), mode="bilinear")
    for k in range(scales):
        x = block(w, f"scales.{k}", twice(x) if k else x)
    return conv(w, "colour", x).sigmoid()


def correction(w: Weights, name: str, x: Tensor, gradient: Tensor) -> Tensor:
    """R(x, ∇E), a U-Net of three scales."""
    gradient = gradient / gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
    fine = block(w, f"{name}.fine", torch.cat([2 * x - 1, gradient], 1))
    middle = block(w, f"{name}.middle", F.pixel_unshuffle(fine, 2))
    coarse = block(w, f"{name}.coarse.0", F.pixel_unshuffle(middle, 2))
    coarse = block(w, f"{name}.coarse.1", coarse)
    middle = block(w, f"{name}.back_to_middle", torch.cat([twice(coarse), middle], 1))
    return conv(w, f"{name}.colour", block(w, f"{name}.back_to_fine", torch.cat([twice(middle), fine], 1)))


def files(name: str, layer: str) -> tuple[Weights, Weights]:
    """The numbers of the inverter that a line uses, and of its learned steps, if it has any."""
    first = weights(f"inverter-{layer}" if name == "trained, L2" else f"inverter-{layer}-perceptual")
    return first, weights(f"unrolled-{layer}") if name == "learned steps" else {}


def drawn_by_hand(below: nn.Module, normal: tuple[Tensor, Tensor], first: Weights, later: Weights, layer: str,
                  x: Tensor) -> Tensor:
    """The same with everything read already: Ψ(y), and after it the learned steps, if there are any."""
    mean, std = normal
    with torch.no_grad():
        y = below((x - mean) / std)
        made = decoded(first, layer, y)
    for k in range(4 if later else 0):
        seen = made.clone().requires_grad_()
        error = (below((seen - mean) / std) - y).square().sum() / y.square().sum()
        gradient, = torch.autograd.grad(error, seen)
        with torch.no_grad():
            made = (made + correction(later, f"steps.{k}", made, gradient)).clamp(0, 1)
    return made


@pytest.mark.oracle("the same numbers in plain torch",
                    inversion=["trained, L2", "trained, perceptual", "learned steps"])
@BOTH
@EACH
def test_it_draws_what_plain_torch_draws(net, unseen, name: str, layer: str, monkeypatch: pytest.MonkeyPatch):
    """Convolutions, batch norms and interpolations with the file's numbers, behind torchvision's layers.

    In double precision, where rounding turns no ReLU on or off.
    """
    monkeypatch.setattr(inverters, "_inverter", lambda which: learned_inverter(which).double())
    monkeypatch.setattr(inverters, "_steps", lambda layer: learned_steps(layer).double())
    x, below = unseen[:2].double(), squeezenet().double().eval().requires_grad_(False)
    normal = tuple(torch.tensor(one).double()[:, None, None] for one in (IMAGENET_MEAN, IMAGENET_STD))
    first, later = ({key: value.double() for key, value in one.items()} for one in files(name, layer))
    wanted = drawn_by_hand(below.features[: 8 if layer == "fire5" else 13], normal, first, later, layer, x)
    found = INVERTERS[name](copy.deepcopy(net).double(), layer, x)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@BOTH
@EACH
def test_it_draws_pictures_and_leaves_the_network_alone(net, unseen, name: str, layer: str):
    before, given = state(net), unseen[:2].clone()
    made = INVERTERS[name](net, layer, given)
    assert made.shape == given.shape and not made.requires_grad and 0 <= made.min() and made.max() <= 1
    assert torch.equal(made, INVERTERS[name](net, layer, given))
    assert same_state(before, state(net)) and torch.equal(given, unseen[:2])


@BOTH
@EACH
def test_it_says_whether_it_draws_the_mean(net, unseen, name: str, layer: str):
    """A mean is nearest to the photo, pixel by pixel, and smoother than photos are."""
    made = {one: INVERTERS[one](net, layer, unseen) for one in INVERTERS}
    error = {one: float((x - unseen).square().mean()) for one, x in made.items()}
    rough = float(total_variation(made[name], 1.0) / total_variation(unseen, 1.0))
    assert (error[name] == min(error.values()) and rough < 0.6) == INVERTERS[name].mean


@BOTH
@EACH
def test_it_says_how_often_it_looks(net, unseen, name: str, layer: str):
    """Passes through the network: one for the code, and one for each look."""
    passes = []
    hook = net.layer(layer).register_forward_hook(lambda *_: passes.append(1))
    try:
        INVERTERS[name](net, layer, unseen[:1])
    finally:
        hook.remove()
    assert len(passes) - 1 - (name == "learned steps") == INVERTERS[name].looks


@EACH
def test_slips_are_told(net, unseen, name: str):
    refuses(INVERTERS[name], net, "conv1", unseen, says="layer = 'conv1'; choose one of fire5, fire9")
    refuses(INVERTERS[name], net, "fire9", unseen[..., :96], says="size=128")
    refuses(INVERTERS[name], net, "fire9", unseen * 255, says="divide by 255")
    assert not inversion.INVERTERS.keys() & inversion.PRIORS.keys()
