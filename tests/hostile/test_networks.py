"""Networks through which no derivative comes back, compiled ones, and what is changed in the midst of a run."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.calls import CALLS, x
from tests.helpers import refuses
from tests.hostile.wrong import small
from u3lab import nets, prior, saliency
from u3lab.descent import last

GUILTY = "no derivative comes back|has no derivative"
STEPPED = ("saliency.meaningful_perturbation", "saliency.pooled_mask", "adversarial.pgd", "adversarial.deepfool",
           "adversarial.adversarial_patch", "inversion.invert, none", "inversion.invert, deep image prior",
           "inversion.maximise", "inversion.dream", "inversion.sample")
DERIVED = (*STEPPED, "saliency.backprop", "METHODS['guided']", "saliency.modulated_gradient", "saliency.grad_cam",
           "saliency.integrated_gradients", "adversarial.fgsm", "adversarial.layer_saliency")
each_method = pytest.mark.parametrize("method", DERIVED)
each_run = pytest.mark.parametrize("run", STEPPED)


def ask(title: str, net: nets.Classifier, image: Tensor | None = None) -> object:
    """The good call with this network, and with this picture; of an inversion, that of the scores."""
    call = CALLS[title]
    given = call.arguments() | {"net": net} | ({"layer": "logits"} if title.startswith("inversion") else {})
    if title == "adversarial.deepfool":  # of another class it would be done at once
        given |= {"label": int(net(given["image"]).argmax()), "target": None}
    if image is not None and "image" in given:
        given["image"] = image
    return call.function(**given)


def finished(title: str, net: nets.Classifier) -> None:
    """Ask, and take all steps."""
    answer = ask(title, net)
    if title in STEPPED:
        last(answer)


class ThroughNumPy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().numpy())


def with_head(head: nn.Module, learns: bool = False) -> nets.Classifier:
    """The small network with something behind its last layer."""
    module = small().module
    module.add_module("head", head)
    return nets.Classifier(module.eval().requires_grad_(learns), classes=tuple("abcdefgh"), size=32, name="mine")


def int8() -> nets.Classifier:
    """Its last layer computes in whole numbers."""
    with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices=[]):
        return with_head(torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 8)), {nn.Linear}))


WITHOUT = {"NumPy": lambda: with_head(ThroughNumPy()), "NumPy, and weights that learn": lambda: with_head(
    nn.Sequential(ThroughNumPy(), nn.Linear(8, 8)), learns=True), "int8": int8}


@pytest.mark.filterwarnings("ignore:quantized")
@pytest.mark.parametrize("kind", WITHOUT)
@each_method
def test_where_no_derivative_comes_back_it_is_told(method: str, kind: str):
    refuses(finished, method, WITHOUT[kind](), says=GUILTY)


@each_method
def test_under_inference_mode_it_is_told(method: str):
    with torch.inference_mode():
        refuses(finished, method, small(), says="inference_mode")
        refuses(prior.fit, prior.generator(size=32, depth=2), x(), says="inference_mode")


def test_what_takes_no_derivative_works_under_inference_mode():
    net, expected = small(), saliency.occlusion(small(), x(), 2)
    with torch.inference_mode():
        assert torch.equal(saliency.occlusion(net, x(), 2), expected)
        assert torch.equal(net.features(x(), "conv2"), small().features(x(), "conv2"))


def test_features_of_whole_numbers_are_handed_on_as_floats():
    class Rounded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with warnings.catch_warnings(action="ignore"):
                return torch.quantize_per_tensor(x, 0.01, 0, torch.qint8)

    class Back(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.dequantize()

    net = with_head(nn.Sequential(Rounded(), Back()))
    found = net.features(x(), "head.0")
    assert found.dtype == torch.float32 and torch.equal(found, net.logits(x())) and found.any()


def test_a_compiled_network_is_asked_as_it_was_before():
    """Compiled code knows nothing of ours: a guided map would be the gradient."""
    compiled = torch.compile(small().module, backend="eager")
    wrapped = nets.Classifier(compiled, mean=nets.IMAGENET_MEAN, std=nets.IMAGENET_STD, size=32)
    def guided(net: nets.Classifier, x: Tensor) -> Tensor:
        return saliency.backprop(net, x, 2, rule="guided")

    for how in (guided, lambda net, x: saliency.lrp(net, x, 2), lambda net, x: net.features(x, "conv2")):
        assert torch.equal(how(wrapped, x()), how(small(), x()))
    assert nets.wrap(compiled, size=32).layers == nets.wrap(small().module, size=32).layers
    whole = torch.compile(small(), backend="eager")
    assert torch.equal(guided(whole, x()), guided(small(), x()))


def script() -> nn.Module:
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.script(small().module)


def trace() -> nn.Module:
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.trace(small().module, x())


def partly() -> nn.Module:
    module = small().module
    module.relu1 = torch.compile(module.relu1, backend="eager")
    return module


def in_place() -> nn.Module:
    (module := small().module).compile(backend="eager")
    return module


@pytest.mark.parametrize("make", [script, trace, partly, in_place])
def test_what_nobody_can_look_into_is_refused(make: Callable[[], nn.Module]):
    for ask in (nets.wrap, nets.ready, nets.Classifier):
        refuses(ask, make(), says="is compiled.*give the network that it was made from")


@each_run
def test_pictures_that_change_in_the_midst_of_a_run_change_nothing(run: str):
    ends = []
    for changed in (False, True):
        image = x().clone()
        steps = ask(run, small(), image)
        next(steps)
        if changed:
            image.zero_()
        ends.append(last(steps))
    assert ends[0].loss == ends[1].loss and torch.equal(ends[0].value, ends[1].value)


@each_run
def test_a_network_in_training_mode_in_the_midst_of_a_run_is_refused(run: str):
    steps = ask(run, net := small())
    next(steps)
    net.module.conv2.train()
    refuses(last, steps, says="in training mode")


@each_run
def test_a_network_may_change_its_precision_in_the_midst_of_a_run(run: str):
    steps = ask(run, net := small())
    first = next(steps)
    net.double()
    assert last(steps).loss < first.loss + 1


def test_a_generator_that_changes_its_precision_in_the_midst_of_a_run_is_refused():
    steps = prior.fit(psi := prior.generator(size=32, depth=2), x(), settings=prior.PriorSettings(steps=3))
    next(steps)
    psi.double()
    refuses(next, steps, says=("was torch.float32", "is torch.float64", "begin a new run"))
