"""Every line of ``inversion.INVERTERS`` keeps its word, and draws what plain torch draws from the same file's numbers.
"""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence.bench.scene import squeezenet
from tests.helpers import refuses, same_state, state
from u3lab import inversion
from u3lab._system import paths
from u3lab.images import total_variation
from u3lab.inversion import INVERTERS, inverters, learned_inverter, learned_steps
from u3lab.inversion.learned import LAYERS
from u3lab.nets import IMAGENET_MEAN, IMAGENET_STD, checkpoints

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
