"""Any network by one door: what is found out about it, what it is told, and errors of its own."""

import copy
import re
import warnings

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses, same_state, state
from tests.u3lab.nets import own
from u3lab import U3Error, adversarial, inversion, nets, saliency
from u3lab.descent import last
from u3lab.saliency.registry import LEFT_OUT

METHODS = saliency.METHODS
NETWORKS = {
    "grey": (own.grey, (24, 20), {}), "of volumes": (own.of_volumes, (8, 12, 12), {"spacing": (5.0, 1.0, 1.0)}),
    "segmenter": (own.segmenter, (24, 20), {}), "vit": (own.vit, (32, 32), {}),
    "timm": (own.resnet, (32, 32), {}),
    "prelu": (lambda: own.drawn(own.Segmenter(nn.PReLU)), (24, 20), {}),
    "torchvision": (own.lraspp, (32, 32), {"channels": 3}), "MONAI's ResNet": (own.monai_resnet, (8, 16, 16), {}),
    "MONAI's UNet": (own.monai_unet, (16, 16, 16), {}),
}

OTHERS = {  # what asks for more than a map does
    "attacks": lambda net, x, target: adversarial.fgsm(net, x[:1], target, 0.01),
    "inversion": lambda net, x, target: last(inversion.invert(net, net.layers[0], x[:1], settings=(
        inversion.InversionSettings(steps=1))))}


def wrapped(kind: str, **options: object) -> tuple[nets.Classifier, Tensor]:
    make, sides, more = NETWORKS[kind]
    net = nets.wrap(make(), size=sides, mean=own.MEAN, std=own.STD, **more | options)
    return net, own.pictures(2, *sides, channels=net.channels)


@pytest.mark.parametrize("kind", NETWORKS)
def test_it_answers_as_the_module_does_and_leaves_it_alone(kind: str):
    module = NETWORKS[kind][0]()
    before = state(module)
    net, x = wrapped(kind)
    answer = module((x - 0.4) / 0.2)
    assert torch.equal(net(x), answer["out"] if isinstance(answer, dict) else answer)
    assert net.channels == x.shape[1] and net.axes == x.ndim - 2 and not module.training
    assert same_state(before, state(module)) and not any(part._forward_hooks for part in module.modules())
    assert torch.equal(net.probabilities(x), net.logits(x).softmax(1))


@pytest.mark.parametrize("kind", NETWORKS)
def test_its_layers_are_blocks_in_the_order_of_the_computation(kind: str):
    net, x = wrapped(kind)
    order = []
    with net.watch({layer: lambda output, layer=layer: order.append(layer) for layer in net.layers}):
        net(x)
    assert list(net.layers) == order and len(order) >= 3
    assert net.layers == {
        "grey": ("stem", "layer1", "layer2", "fc"), "of volumes": ("stem", "layer1", "layer2", "fc"),
        "vit": ("patch_embed", "blocks.0", "blocks.1", "norm", "head")}.get(kind, net.layers)


def test_what_says_too_little_is_opened():
    """A part that gives a dict, or holds most of the weights; what does nothing is no layer."""
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.drop, self.head = own.Segmenter(), nn.Dropout(), nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.drop(self.model(x)["out"]))
    net = nets.wrap(own.drawn(Outer()), size=24)
    assert net.layers == ("model.backbone.0", "model.backbone.1", "model.backbone.2", "model.backbone.3",
                          "model.classifier", "head")


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_called_defined_answers(kind: str):
    """What it calls defined answers, and what it calls undefined is refused in a sentence."""
    net, x = wrapped(kind)
    text = saliency.defined(net)
    assert len(nets.describe(net).split("\n")) <= 4
    target = nets.Region(1) if net(x).ndim > 2 else 1
    said = {what: re.sub(r" \([^)]*\)", "", found[0]).split(", ") for what in ("defined", "not defined")
            if (found := re.findall(rf"^{what}: (.*)$", text, re.MULTILINE))}
    assert {*said["defined"], *said.get("not defined", ())} == {*METHODS} - {*LEFT_OUT}
    for name in said.get("not defined", ()):
        if name == "modulated gradient" and kind == "vit":  # no class depends on the patches of its last block
            with pytest.warns(UserWarning, match="are empty"):
                METHODS[name](net, x, target)
        else:
            refuses(METHODS[name], net, x, target, says="")
    for name in said["defined"]:
        if name in ("LRP z⁺", "excitation"):
            assert "if each function has a rule" in text
        elif not METHODS[name].optimises:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that a map is empty
                heat = METHODS[name](net, x, target)
            assert heat.shape[0] == 2 and heat.isfinite().all() and (heat >= 0).all(), name


def test_what_a_description_says():
    def said(net: nn.Module) -> str:
        return f"{nets.describe(net)}\n{saliency.defined(net)}"

    text = said(wrapped("of volumes")[0])
    assert "volumes (B,1,8,12,12) in [0,1] → scores (B,4), a softmax" in text and "(5.0, 1.0, 1.0)" in text
    assert "Grad-CAM (at layer2" in text and "LRP z⁺ (for pictures only)" in text
    text = said(wrapped("prelu")[0])
    assert "guided (no ReLU; a GELU or PReLU is none)" in text and "nets.Region" in text and "in 'out' of" in text
    text = said(wrapped("vit")[0])
    assert "blocks.0 (16×4×4)" in text and "Grad-CAM (at blocks.0)" in text and "guided (no ReLU; a GELU" in text
    flat = nets.wrap(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)).eval(), size=3)
    assert "Grad-CAM (no layer has a grid)" in saliency.defined(flat)
    soft, single = (nets.Classifier(nn.Sequential(own.grey(), last).eval(), size=24) for last in (
        nn.Softmax(1), nn.Sigmoid()))
    assert "sum to 1" in nets.describe(soft) and "it ends with a sigmoid" in nets.describe(single)
    assert "torch.float16" in nets.describe(nets.wrap(own.drawn(own.ResNet(2)).half(), size=24))
    assert nets.describe(nets.load("squeezenet1_1", device="cpu")).startswith("squeezenet1_1: pictures (B,3,227,227)")


@pytest.mark.parametrize("name", ["mask", "attacks", "inversion"])
def test_what_keeps_pictures_in_0_1_is_not_for_values_as_they_are(name: str):
    """Of Hounsfield units a projection into [0,1] would leave nothing, and say nothing."""
    net, x = nets.wrap(own.grey(), size=24, pictures=False), 900 * own.pictures(1, 24, 24) - 400
    ask = METHODS.get(name) or OTHERS[name]
    assert "mask (for values in [0,1] only)" in saliency.defined(net)
    refuses(ask, net, x, 1, says=(r"takes values as they are, here up to [45]\d\d,", r"keeps them in \[0,1\]"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mask may be empty
        assert ask(net, own.pictures(1, 24, 24), 1) is not None


@pytest.mark.parametrize("side", [96, 28])
def test_the_size_at_which_it_answers_is_found(side: int):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * (side - 2) ** 2, 3)).eval()
    net = nets.wrap(module)
    assert net.size == side
    refuses(net, torch.rand(1, 1, 20, 20), says=(f"20×20 pixels are too few for Sequential.*{side}×{side}"))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as error:
        nets.wrap(module, size=20)
    assert "inside Sequential" in error.value.__notes__[0] and "size=" in error.value.__notes__[0]


@pytest.mark.parametrize("inputs, channels", [(3 * 16, 3), (28 * 28, 1), (5, 3)])
def test_channels_of_a_network_without_convolutions(inputs: int, channels: int):
    assert nets.Classifier(nn.Linear(inputs, 2)).channels == channels


def test_three_spacings_make_volumes_of_what_has_no_convolution():
    class Brightest(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).amax(1, keepdim=True)

    given = {"size": (4, 6, 6), "channels": 1, "spacing": (5.0, 1.0, 1.0)}
    net = nets.wrap(Brightest().eval(), **given)
    assert net.axes == 3 and net(torch.rand(2, 1, 4, 6, 6)).shape == (2, 1)
    refuses(nets.wrap, Brightest().eval(), **given | {"spacing": (1.0, 1.0)}, says="give one side, or 2 of them")


def test_a_grey_network_is_not_sent_in_circles():
    net, bare, x = wrapped("grey")[0], nets.ready(own.grey()), own.pictures(1, 24, 20, channels=3)
    refuses(net, x, says=("shape", r"\(B,1,H,W\)", r"make it grey with x\.mean\(1, keepdim=True\)"))
    assert net(x.mean(1, keepdim=True)).shape == (1, 4)
    refuses(bare, x, says=("takes 1 channels, but the picture has 3", r"give \(B,1,H,W\)"))
    with pytest.raises(U3Error) as error:
        bare(x)
    assert "RGB" not in str(error.value)


@pytest.mark.parametrize("given, words", [
    ({"classes": ["a"]}, "4 scores, and classes has 1 names"), ({"std": (0.0,)}, r"std\[0\] = 0"),
    ({"spacing": (1, 1, 1)}, "give 2 numbers in millimetres"), ({"spacing": (1, 0)}, r"spacing\[1\] = 0"),
    ({"mean": "ab"}, "list of numbers"), ({"mean": (0.1, 0.2), "channels": 1}, "takes 1 channels; give mean and std"),
    ({"layers": ["stem"]}, "dict of names"), ({"output": "out"}, "answers with")])
def test_a_slip_gets_one_sentence(given: dict, words: str):
    refuses(nets.wrap, **{"module": own.grey(), "size": 24} | given, says=words)


@pytest.mark.parametrize("last, what", [
    (nn.Softmax(1), "softmax"), (nn.Sequential(nn.Linear(4, 1), nn.Sigmoid(), nn.Flatten(0)), "sigmoid"),
    (nn.LogSoftmax(1), ""), (nn.Sequential(nn.Sigmoid(), nn.Linear(4, 2)), "")])
def test_what_ends_with_a_sigmoid_or_softmax_gives_no_logits(last: nn.Module, what: str):
    module = nn.Sequential(own.grey(), last).eval()
    if what:
        refuses(nets.wrap, module, size=24, says=(f"ends with a {what}", "return logits"))
    else:
        assert nets.wrap(module, size=24).channels == 1


def test_training_mode_is_refused_before_a_pass_could_change_the_norms():
    module = own.ResNet(2).train()
    before = state(module)
    refuses(nets.wrap, module, says="training mode")
    assert same_state(before, state(module))


class Answers(nn.Module):
    """A network that answers in whatever form ``form`` makes of its scores."""

    def __init__(self, form) -> None:
        super().__init__()
        self.net, self.form = own.grey(), form

    def forward(self, x: Tensor) -> object:
        return self.form(self.net(x))


class Parts:
    def __init__(self, scores: Tensor) -> None:
        self.logits, self.loss = scores, None


@pytest.mark.parametrize("form, output", [
    (lambda s: s, None), (lambda s: {"aux": s - 1, "out": s}, "out"), (lambda s: {"logits": s, "hidden": s}, "logits"),
    (lambda s: {"what": s, "no": None}, "what"), (lambda s: (None, s), 1), (Parts, "logits")])
def test_the_scores_are_found(form, output: object):
    net, x = nets.wrap(Answers(form).eval(), size=24), own.pictures()
    assert net.output == output and torch.equal(net(x), own.grey()(x))
    assert torch.equal(saliency.backprop(net, x, 1), saliency.backprop(own.grey(), x, 1))


@pytest.mark.parametrize("form, words", [
    (lambda s: {"a": s, "b": s}, "dict of 'a', 'b'"), (lambda s: (s, s), "a tuple"), (lambda s: None, "a NoneType")])
def test_scores_that_are_not_clear(form, words: str):
    module = Answers(form).eval()
    refuses(nets.wrap, module, size=24, says=(words, "output="))
    refuses(nets.ready(module), own.pictures(), says=(words, "nets.wrap"))
    refuses(nets.wrap, module, size=24, output="c", says="no tensor of scores is at output='c'")
    second = nets.wrap(Answers(lambda s: (s, 2 * s)).eval(), size=24, output=1)  # it is said which of the two
    assert torch.equal(second(own.pictures()), 2 * own.grey()(own.pictures()))


@pytest.mark.parametrize("form", [lambda s: s[:, 0], lambda s: s[:, :1]])
def test_a_single_score_has_a_sigmoid(form):
    net, x = nets.wrap(Answers(form).eval(), size=24), own.pictures()
    assert net.sigmoid and torch.equal(net.probabilities(x), own.grey()(x)[:, :1].sigmoid())
    assert torch.equal(saliency.backprop(net, x, 0), saliency.backprop(own.grey(), x, 0))
    assert "a sigmoid" in nets.describe(net)
    many = nets.wrap(own.grey(), size=24, sigmoid=True)
    torch.testing.assert_close(many.probabilities(x), own.grey()(x).sigmoid())


def test_a_classifier_like_another_is_told_all_that_it_was():
    net, _ = wrapped("segmenter", sigmoid=True, spacing=(2.0, 1.0))
    again = nets.Classifier(net.module, **net.facts())
    assert again.facts() == net.facts() and (again.output, again.sigmoid, again.spacing) == ("out", True, (2.0, 1.0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["gradient", "guided", "Grad-CAM", "integrated gradients", "occlusion"])
def test_half_precision(dtype: torch.dtype, name: str):
    """Pictures stay in float32, and so do scores and maps; they differ by what rounding does."""
    net, x = nets.wrap(copy.deepcopy(own.grey()).to(dtype), size=24), own.pictures()
    full = nets.wrap(own.grey(), size=24)
    assert net(x).dtype == torch.float32 and net.module.fc.weight.dtype == dtype
    torch.testing.assert_close(net(x), full(x), rtol=0.1, atol=0.1)
    heat, exact = METHODS[name](net, x, 1), METHODS[name](full, x, 1)
    assert heat.dtype == torch.float32
    assert torch.corrcoef(torch.stack([heat.flatten(), exact.flatten()]))[0, 1] > 0.9


def test_autocast():
    net, x = nets.wrap(own.grey(), size=24), own.pictures()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(x).dtype == torch.float32 and not torch.equal(net(x), own.grey()(x).float() + 1)
        heat = METHODS["Grad-CAM"](net, x, 1)
    assert heat.dtype == torch.float32 and not torch.equal(heat, METHODS["Grad-CAM"](net, x, 1))
    torch.testing.assert_close(heat, METHODS["Grad-CAM"](net, x, 1), rtol=0.2, atol=0.05)


class Breaks(nn.Module):
    """Fails on every picture with an error of its own, or on some."""

    def __init__(self, error: Exception, where=lambda x: True) -> None:
        super().__init__()
        self.conv, self.error, self.where = nn.Conv2d(1, 2, 3), error, where

    def forward(self, x: Tensor) -> Tensor:
        if self.where(x):
            raise self.error
        return self.conv(x).mean((2, 3))


@pytest.mark.parametrize("error", [RuntimeError("half way through"), KeyError("pos_embed"), TypeError("no such thing")])
@pytest.mark.parametrize("side", [8, 32, 96])
def test_an_error_inside_the_module_is_shown_as_it_is(error: Exception, side: int):
    net = nets.Classifier(Breaks(error).eval(), name="mine")
    with pytest.raises(type(error)) as raised:
        net(torch.rand(1, 1, side, side))
    assert raised.value is error
    assert f"inside mine, which was given (1, 1, {side}, {side}) of torch.float32" in error.__notes__[-1]


def test_pixels_are_too_few_only_if_more_will_do():
    """Seen by trying: an error that depends on what is in the picture is not blamed on its size."""
    training = Breaks(ValueError("small"), lambda x: x.shape[-1] < 40).train()
    with pytest.raises(ValueError, match="small"):
        nets.Classifier(training)(torch.rand(1, 1, 32, 32))
    by_size = nets.Classifier(Breaks(ValueError("small"), lambda x: x.shape[-1] < 40).eval(), name="mine")
    refuses(by_size, torch.rand(1, 1, 32, 32), says="32×32 pixels are too few for mine.*64×64")
    by_content = nets.Classifier(Breaks(ValueError("dark"), lambda x: x.max() > 0).eval(), name="mine")
    with pytest.raises(ValueError, match="dark"):
        by_content(torch.rand(1, 1, 32, 32))
    odd = nets.Classifier(Breaks(ValueError("odd"), lambda x: x.shape[-1] % 32 > 0).eval(), name="mine")
    refuses(odd, torch.rand(1, 1, 100, 100), says="100×100 pixels are not what will do for mine.*64×64")
