"""The same numbers as captum for networks of other kinds: grey, with dicts, for regions, of volumes, of tokens.

captum keeps the nodes of integrated gradients and the windows of occlusion in single precision.
"""

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import cat, relative
from tests.oracles.test_attacks import exact
from tests.u3lab.nets import own
from u3lab import nets, saliency
from u3lab.adversarial import AttackSettings, fgsm, pgd
from u3lab.descent import last

attr = pytest.importorskip("captum.attr")

STEPS = 6
MEAN, STD = (float(torch.tensor(number)) for number in (*own.MEAN, *own.STD))  # as the classifier has them: float32


class Plain(nn.Module):
    """What captum takes: normalised by hand, the scores alone, summed over a region if there is one; (B,K)."""

    def __init__(self, module: nn.Module, mask: Tensor | None = None) -> None:
        super().__init__()
        self.module, self.mask = copy.deepcopy(module), mask

    def forward(self, x: Tensor) -> Tensor:
        answer = self.module((x - MEAN) / STD)
        answer = answer["out"] if isinstance(answer, dict) else answer
        return answer if self.mask is None else (answer * self.mask).flatten(2).sum(2)


def region(sides: tuple[int, ...]) -> Tensor:
    mask = torch.zeros(1, *sides, dtype=torch.bool)
    mask[:, 5:15, 3:12] = True
    return mask


KINDS = {"one channel": (own.grey, (24, 20), 1, "layer2"), "volumes": (own.of_volumes, (8, 12, 10), 1, "layer1"),
         "a region": (own.segmenter, (24, 20), 1, "backbone.3"), "torchvision": (own.lraspp, (32, 32), 3, "backbone.6"),
         "timm": (own.resnet, (32, 32), 1, "layer3"), "tokens": (own.vit, (32, 32), 1, "patch_embed.proj"),
         "MONAI's ResNet": (own.monai_resnet, (8, 16, 16), 1, "layer2"),
         "MONAI's UNet": (own.monai_unet, (16, 16, 16), 1, "model.1.submodule.0")}


@pytest.fixture(params=KINDS)
def given(request: pytest.FixtureRequest) -> tuple[nets.Classifier, Plain, Tensor, object, str]:
    make, sides, channels, layer = KINDS[request.param]
    module = copy.deepcopy(make()).double()
    net = nets.wrap(module, size=sides, mean=own.MEAN, std=own.STD)
    x = own.pictures(1, *sides, channels=channels).double()
    if net(x).ndim == 2:
        return net, Plain(module).eval(), x, 2, layer
    mask = region(net(x).shape[2:])
    return net, Plain(module, mask).eval(), x, nets.Region(2, mask), layer


def leaf(x: Tensor) -> Tensor:
    return x.clone().requires_grad_()


def test_gradient(given):
    net, plain, x, target, _ = given
    theirs = attr.Saliency(plain).attribute(leaf(x), 2, abs=False)
    assert relative(saliency.backprop(net, x, target), theirs) < 1e-10


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize("kind", ["one channel", "volumes", "a region"])
def test_guided(kind: str):
    make, sides, _, _ = KINDS[kind]
    module = copy.deepcopy(make()).double()
    for part in module.modules():  # captum hooks modules: one that is called twice it counts once
        if isinstance(part, own.Block):
            part.register_module("last", nn.ReLU().eval())
            part.forward = lambda x, part=part: part.last(
                part.bn2(part.conv2(part.relu(part.bn1(part.conv1(x))))) + part.around(x))
    net, x = nets.wrap(module, size=sides, mean=own.MEAN, std=own.STD), own.pictures(1, *sides).double()
    dense = net(x).ndim > 2
    mask = region(net(x).shape[2:]) if dense else None
    plain = Plain(nn.Identity(), mask).eval()
    plain.module = module  # a copy would keep the forward of the original
    theirs = attr.GuidedBackprop(plain).attribute(leaf(x), 2)
    assert relative(saliency.backprop(net, x, nets.Region(2, mask) if dense else 2, rule="guided"), theirs) < 1e-10


def test_integrated_gradients(given):
    net, plain, x, target, _ = given
    theirs = attr.IntegratedGradients(plain).attribute(leaf(x), 0.0, 2, n_steps=STEPS, method="gausslegendre")
    assert relative(saliency.integrated_gradients(net, x, target, steps=STEPS), theirs) < 1e-7


def test_grad_cam(given):
    net, plain, x, target, layer = given
    theirs = attr.LayerGradCam(plain, plain.module.get_submodule(layer)).attribute(x, 2, relu_attributions=True)
    assert relative(saliency.grad_cam(net, x, target, layer=layer), theirs) < 1e-10


@pytest.mark.oracle("captum", saliency=["occlusion"])
def test_occlusion(given):
    net, plain, x, target, _ = given
    side, step = (5, 3) if x.shape[1] == 1 else (15, 10)
    window, stride = ((x.shape[1], *[length] * (x.ndim - 2)) for length in (side, step))
    theirs = attr.Occlusion(plain).attribute(x, window, stride, 0.25, 2)[:, :1]
    assert relative(saliency.occlusion(net, x, target, side=side, step=step, baseline=0.25), theirs) < 1e-6


def test_occlusion_of_the_shipped_network():
    net, x = nets.load("squeezenet1_1", device="cpu"), cat(96).float()
    theirs = attr.Occlusion(net).attribute(x, (3, 40, 40), (3, 28, 28), 0.0, 285)[:, :1]
    ours = saliency.occlusion(net, x, "Egyptian cat", side=40, step=28, baseline=0.0)
    assert relative(ours, theirs) < 1e-4


def test_smooth_grad_is_the_mean_of_their_gradients(given):
    net, plain, x, target, _ = given
    generator, reach = torch.Generator().manual_seed(0), x.max() - x.min()
    noisy = [x + 0.1 * reach * torch.randn(x.shape[1:], generator=generator).double() for _ in range(4)]
    theirs = sum(attr.Saliency(plain).attribute(leaf(one), 2, abs=False) for one in noisy) / 4
    assert relative(saliency.smooth_grad(net, x, target, noise=0.1, samples=4), theirs) < 1e-10


@pytest.mark.parametrize("aim", [None, 1])
def test_attacks(given, aim: int | None):
    """Of a region on its mean scores."""
    from captum.robust import FGSM, PGD

    net, plain, x, target, _ = given
    cells = 1 if plain.mask is None else plain.mask.sum()
    wanted = aim if aim is None or plain.mask is None else nets.Region(aim, plain.mask)

    def loss(scores: Tensor, k: int) -> Tensor:
        return nn.functional.cross_entropy(scores / cells, torch.tensor([k]), reduction="none")

    towards = {"target": 2 if aim is None else aim, "targeted": aim is not None}
    theirs = exact(FGSM(plain, loss, 0, 1)).perturb(x, 0.02, **towards)
    assert relative(fgsm(net, x, target, 0.02, target=wanted), theirs.detach()) < 1e-12
    theirs = exact(PGD(plain, loss, 0, 1)).perturb(x, 0.02, 0.008, 3, **towards)
    steps = pgd(net, x, target, target=wanted, settings=AttackSettings(eps=0.02, step_size=0.008, steps=3))
    assert relative(last(steps).value, theirs.detach()) < 1e-12
