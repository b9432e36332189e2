"""The networks of the course, their layers, features and classes, and networks of other people."""

import copy

import pytest
import torch
from torch import nn

from tests.helpers import cat, refuses
from u3lab import images, nets
from u3lab.nets import registry, zoo

LAYERS = {
    "squeezenet1_1": {"conv1": (64, 113), "fire2": (128, 56), "fire3": (128, 56), "fire4": (256, 28),
                      "fire5": (256, 28), "fire6": (384, 14), "fire7": (384, 14), "fire8": (512, 14),
                      "fire9": (512, 14), "conv10": (1000, 14)},
    "efficientnet_lite0": {"stem": (32, 112), "stage1": (16, 112), "stage2": (24, 56), "stage3": (40, 28),
                           "stage4": (80, 14), "stage5": (112, 14), "stage6": (192, 7), "stage7": (320, 7),
                           "head": (1280, 7)},
    "efficientnet_lite1": {"stem": (32, 120), "stage1": (16, 120), "stage2": (24, 60), "stage3": (40, 30),
                           "stage4": (80, 15), "stage5": (112, 15), "stage6": (192, 8), "stage7": (320, 8),
                           "head": (1280, 8)},
    "resnet26_half": {"stem": (16, 96)} | {
        f"block{stage}_{block}": (16 << stage, 96 >> stage) for stage in (1, 2, 3) for block in (1, 2, 3, 4)} | {
        "end": (128, 12)},
}
TRUNKS = ("resnet26_half",)  # what it says of ImageNet's classes is often wrong


@pytest.fixture(params=LAYERS)
def net(request: pytest.FixtureRequest) -> nets.Classifier:
    return nets.load(request.param, device="cpu")


def test_names():
    assert tuple(registry.OWN) == tuple(LAYERS) and set(nets.NAMES) < set(LAYERS) - set(TRUNKS)
    assert nets.load(device="cpu").name == nets.NAMES[0]
    assert all(nets.available(name) for name in LAYERS)


def test_size(net: nets.Classifier):
    """And that it is ready for use, and names its classes as everybody does."""
    assert net.size == {"squeezenet1_1": 227, "efficientnet_lite0": 224, "efficientnet_lite1": 240,
                        "resnet26_half": 96}[net.name]
    assert net.device.type == "cpu" and not any(module.training for module in net.modules())
    assert len(net.classes) == 1000
    assert (net.classes[0], net.classes[285], net.classes[999]) == ("tench", "Egyptian cat", "toilet tissue")


def test_layers_in_order_with_their_shapes(net: nets.Classifier):
    assert net.layers == tuple(LAYERS[net.name])
    picture = cat(net.size).float()
    for layer, (channels, side) in LAYERS[net.name].items():
        assert net.features(picture, layer).shape == (1, channels, side, side), layer


def test_what_the_networks_see(net: nets.Classifier):
    """A cat, whatever the resolution; and the same answer alone or in a batch."""
    picture = cat(net.size).float()
    probability, index = net(picture).softmax(1).max(1)
    if net.name not in TRUNKS:
        assert net.classes[index] in ("Egyptian cat", "tabby", "tiger cat") and probability > 0.3
    both = net(torch.cat([picture, picture.flip(3)]))
    torch.testing.assert_close(both[:1], net(picture), rtol=1e-3, atol=1e-3)
    assert both.shape == (2, 1000)


def test_normalisation_is_inside(net: nets.Classifier):
    """torchvision's mean and deviation, in front of the plain module."""
    from torchvision.transforms.functional import normalize

    picture = cat(96).float()
    expected = net.module(normalize(picture, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    torch.testing.assert_close(net(picture), expected, rtol=1e-4, atol=1e-4)


def test_class_index():
    net = nets.load("squeezenet1_1", device="cpu")
    assert net.class_index("egyptian CAT") == net.class_index(285) == net.class_index(torch.tensor(285)) == 285
    assert all(net.class_index(name) == k for k, name in enumerate(net.classes))
    assert (net.classes[264], net.classes[474]) == ("Cardigan", "cardigan")  # a dog, and what keeps you warm
    refuses(net.class_index, "CARDIGAN", says="2 classes 'CARDIGAN'; give the number: 264 or 474")
    for wrong in (1000, -1):
        refuses(net.class_index, wrong, says=f"class {wrong} does not exist.*0 to 999")
    refuses(net.class_index, "tabbby", says="no class 'tabbby'.*tabby")
    refuses(net.class_index, 3.5, says="3.5 is not a class")


def test_features_are_what_a_hook_sees(net: nets.Classifier):
    if net.prefix is not None:
        pytest.skip("a hook sees tokens, which test_tokens compares with maps")
    picture, seen = cat(96).float(), {}
    hooks = [net.module.get_submodule(net._paths[layer]).register_forward_hook(
        lambda module, inputs, output, layer=layer: seen.__setitem__(layer, output.clone())) for layer in net.layers]
    net(picture)
    for hook in hooks:
        hook.remove()
    for layer in net.layers:
        assert torch.equal(net.features(picture, layer), seen[layer]), layer
    assert not any(module._forward_hooks for module in net.modules())


def test_features_stop_at_their_layer():
    net = copy.deepcopy(nets.load("squeezenet1_1", device="cpu"))
    called = []
    for layer in net.layers:
        net.module.get_submodule(net._paths[layer]).register_forward_hook(lambda *_, layer=layer: called.append(layer))
    net.features(cat(96).float(), "fire4")
    assert called == ["conv1", "fire2", "fire3", "fire4"]


def test_features_of_a_convolution_that_a_relu_overwrites():
    net = nets.load("squeezenet1_1", device="cpu")
    picture = cat(96).float()
    before = net.features(picture, "features.0")
    assert before.min() < 0
    assert torch.equal(before, net.module.features[0](net.normalise(picture)))
    assert torch.equal(before.relu(), net.features(picture, "conv1"))


def test_layer_that_is_never_computed():
    net = nets.ready(nn.ModuleDict({"used": nn.Linear(3, 2), "unused": nn.Linear(2, 2)}).eval())
    net.module.forward = lambda x: net.module["used"](x)
    refuses(net.features, torch.ones(1, 3), "unused", says="never computes 'unused'")


def test_ready_of_a_bare_module_on_grey_input():
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, 5)).eval()
    net, x = nets.ready(module), 3 * torch.randn(2, 1, 9, 9)
    sequences = nn.ModuleDict({"body": nn.Sequential(nn.ReLU(), nn.ReLU()), "head": nn.Linear(2, 2).double()}).eval()
    assert nets.ready(sequences).layers == ("body.0", "body.1", "head")
    assert nets.ready(net) is net and net.module is module and net.name == "Sequential"
    assert net.layers == ("0", "1", "2", "3") and net.classes == ()
    assert torch.equal(net(x), module(x))
    assert torch.equal(net.features(x, "1"), module[:2](x))


@pytest.mark.parametrize("mode", [True, False])
def test_a_classifier_keeps_the_mode_of_every_part(mode: bool):
    module = nn.Sequential(nn.ReLU(), nn.Dropout()).train(mode)
    module[1].train(not mode)
    net = nets.Classifier(module)
    assert (net.training, module.training, module[0].training, module[1].training) == (mode, mode, mode, not mode)


def test_what_the_gate_lets_through_and_what_not():
    net, bare = nets.load("squeezenet1_1", device="cpu"), nn.Sequential(nn.Conv2d(3, 4, 3)).eval()
    x = torch.full((2, 3, 64, 64), 0.5)
    assert nets.ready(net) is net and nets.ready(net, x) is net and nets.ready(net, x[:1], one=True) is net
    wrapped = nets.ready(bare, 300 * x)
    assert wrapped.module is bare and not wrapped.pictures and wrapped.layers == ("0",)
    for given, words in ((None, "not nothing"), ("alexnet", "not 'alexnet'"), (3, "not a value of type int"),
                         (x, "not a value of type Tensor")):
        refuses(nets.ready, given, says=f"a network is wanted here, {words}")
    refuses(nets.ready, net, x, one=True, says="one picture at a time: got 2")
    refuses(nets.ready, net, None, says="None is no batch of pictures")
    refuses(nets.ready, nn.Sequential(nn.Dropout()), says="Sequential is in training mode")


@pytest.mark.parametrize("ask", ["logits", "probabilities", "top"])
def test_no_answer_while_it_is_trained(ask: str):
    net = nets.Classifier(nn.Sequential(nn.Flatten(), nn.Dropout()), pictures=False)
    refuses(getattr(net, ask), torch.ones(1, 3, 4, 4), says="training mode")
    assert net(torch.ones(1, 3, 4, 4)).shape == (1, 48)  # whoever trains it calls it


def test_what_a_classifier_answers():
    net, x = nets.load("squeezenet1_1", device="cpu"), images.load("coffee", size=227).requires_grad_()
    assert torch.equal(net.logits(x), net(x)) and net(x).requires_grad and not net.logits(x).requires_grad
    assert torch.equal(net.probabilities(x), net(x).softmax(1).detach())
    assert torch.equal(net.unchecked(x), net(x)) and net.unchecked(2 * x).shape == (1, 1000)
    (name, share), *rest = net.top(x, 3)
    assert name == "espresso" and share == float(net.probabilities(x).max()) and len(rest) == 2
    refuses(net.top, x.expand(2, -1, -1, -1), says="one picture")
    nameless = nets.Classifier(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval())
    assert [name for name, _ in nameless.top(torch.tensor([0.1, 0.9, 0.2]).view(1, 3, 1, 1), 2)] == ["1", "2"]


ALEXNET = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7", "fc8")
VGG11 = ("conv1_1", "pool1", "conv2_1", "pool2", "conv3_1", "conv3_2", "pool3", "conv4_1", "conv4_2", "pool4",
         "conv5_1", "conv5_2", "pool5", "fc6", "fc7", "fc8")
VGG16 = ("conv1_1", "conv1_2", "pool1", "conv2_1", "conv2_2", "pool2", "conv3_1", "conv3_2", "conv3_3", "pool3",
         "conv4_1", "conv4_2", "conv4_3", "pool4", "conv5_1", "conv5_2", "conv5_3", "pool5", "fc6", "fc7", "fc8")


def skeleton(name: str) -> nn.Module:
    """Without memory for its weights."""
    from torchvision import models

    with torch.device("meta"):
        return models.get_model(name)


@pytest.mark.parametrize("name, expected", [("alexnet", ALEXNET), ("vgg11", VGG11), ("vgg16", VGG16),
                                            ("vgg16_bn", VGG16)])
def test_customary_names(name: str, expected: tuple):
    """Every name leads to a layer of the right kind, in the order of the computation."""
    module = skeleton(name)
    names = zoo.layer_names(module)
    assert tuple(names) == expected
    order = [path for path, _ in module.named_modules()]
    assert [order.index(path) for path in names.values()] == sorted(order.index(path) for path in names.values())
    for layer, path in names.items():
        kind = nn.MaxPool2d if layer.startswith("pool") else nn.Linear if layer == "fc8" else nn.ReLU
        assert isinstance(module.get_submodule(path), kind), layer


def test_squeezenet_is_torchvisions():
    """Part for part, and by the same answers; so are the names of the classes."""
    from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

    ours, theirs = nets.load("squeezenet1_1", device="cpu"), squeezenet1_1()
    assert str(ours.module.train()) == str(theirs.train())
    module = ours.module.eval().to(memory_format=torch.contiguous_format)
    theirs.load_state_dict(module.state_dict())
    picture = cat(97).float()
    assert torch.equal(module(picture), theirs.eval()(picture))
    assert list(ours.classes) == SqueezeNet1_1_Weights.DEFAULT.meta["categories"]


def test_a_network_takes_no_random_numbers():
    before = torch.get_rng_state()
    for name in LAYERS:
        nets.load(name, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_device_that_is_not_there():
    refuses(nets.load, "squeezenet1_1", device="cuda:99", says="no device .*cpu")


def test_several_layers_come_from_one_pass_that_stops_at_the_last():
    net, x = nets.load("squeezenet1_1", device="cpu"), torch.rand(2, 3, 96, 96,
                                                                  generator=torch.Generator().manual_seed(0))
    calls = []
    with net.watch({"conv10": calls.append}):
        found = nets.extract_features(net, ("fire9", "conv1", "fire5"), x)
    assert not calls
    for layer in ("conv1", "fire5", "fire9"):
        assert torch.equal(found[layer], net.features(x, layer))
    refuses(nets.extract_features, net, ("fire5", "fire55"), x, says="no layer 'fire55'")


def test_a_name_of_a_layer_that_leads_nowhere():
    """It is not said to be near itself."""
    net = nets.Classifier(nn.Sequential(nn.Conv2d(3, 4, 3)).eval(), layers={"a": "nope"})
    refuses(net.layer, "a", says=("calls 'nope' its layer 'a'", "nothing at this path"))
    refuses(net.layer, "ab", says="did you mean 'a'")
    refuses(nets.Classifier, nn.ReLU(), layers=["a"], says="give a dict of names and paths")
