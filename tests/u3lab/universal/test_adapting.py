"""One network for many domains: nothing changes at the start, nothing is forgotten, and one domain merges to a plain
network."""

import copy

import pytest
import torch
from torch import nn

from tests.helpers import refuses, relative, same_state, squeezenet, state
from tests.u3lab.universal.networks import ALL, RANDOM, network, pictures, shaken, tiny
from u3lab import nets, saliency
from u3lab.descent import last
from u3lab.universal import METHODS, UniversalSettings, adapt, train_domain

EACH = pytest.mark.parametrize("name", ALL)
ADAPTERS = [kind for kind, method in METHODS.items() if method.adapter]
SMALL = ["squeezenet1_1", "resnet18"]


@EACH
@pytest.mark.parametrize("kind", ADAPTERS)
def test_fresh_adapters_change_no_bit(name: str, kind: str):
    base, x = network(name), pictures()
    before = state(base)
    net = adapt(base, kind, on=("dense", "depthwise", "pointwise") if "dense" in name else None)
    assert torch.equal(net(x), base(x)) and net.classes == base.classes and net.layers == base.layers
    net.add_domain("new", 5).use("new")
    assert len(list(net.domain("new").adapters())) >= 4
    assert torch.equal(net.pooled(x), net.use("source").pooled(x))
    layers = base.layers[:-2:3]
    mine, theirs = nets.extract_features(net.use("new"), layers, x), nets.extract_features(base, layers, x)
    assert all(torch.equal(mine[layer], theirs[layer]) for layer in layers)
    assert net.use("new")(x).shape == (2, 5) and not net(x).any()
    assert same_state(before, state(base))


def test_any_module_and_any_layer():
    net = adapt(RANDOM["resnet18"]()).add_domain("new", ["x", "y"]).use("new")
    assert net.classes == ("x", "y") and net.pictures is False
    assert net.features(pictures(), "layer2.0").shape[:2] == (2, 128)


@pytest.mark.parametrize("kind", [kind for kind, method in METHODS.items() if method.own == "nothing"])
def test_nothing_is_forgotten(kind: str):
    """After two more domains were trained the first one's answers are bit-identical, and so are the source's."""
    x, base = pictures(), tiny()
    net = adapt(base, kind).add_domain("first", 3)
    settings = UniversalSettings(steps=2, lr=0.05)
    last(train_domain(net, "first", pictures(6, 16), torch.arange(6) % 3, settings=settings))
    first = net.use("first")(x)
    for n in range(2):
        net.add_domain(f"domain {n}", 2 + n)
        last(train_domain(net, f"domain {n}", pictures(6, 16, seed=n), torch.arange(6) % (2 + n), settings=settings))
        assert not torch.equal(net.use(f"domain {n}")(x)[:, :2], first[:, :2])
    assert torch.equal(net.use("first")(x), first)
    assert torch.equal(net.use("source")(x), base(x))
    assert net.domains == ("source", "first", *(f"domain {n}" for n in range(2)))


def test_domains_share_no_weight_and_all_are_counted():
    net = adapt(tiny()).add_domain("a", 3).add_domain("b", 3)
    a, b, shared = (list(map(id, weights)) for weights in (net.domain_parameters("a"), net.domain_parameters("b"),
                                                           net.shared_parameters()))
    assert not set(a) & set(b) and not set(shared) & set(a + b)
    head = {id(weight) for weight in net.module[-1].shared.parameters()}
    assert set(a + b + shared) | head == set(map(id, net.parameters()))
    assert all(weight.requires_grad for weight in net.domain_parameters("a"))
    assert not any(weight.requires_grad for weight in net.shared_parameters())


@EACH
def test_a_mixed_batch_gives_each_picture_its_domain(name: str):
    net, x = adapt(network(name)), pictures(4)
    for domain, classes in (("a", 3), ("b", 6)):
        shaken(net.add_domain(domain, classes), domain, seed=classes)
    alone = {domain: net.use(domain)(x) for domain in ("a", "b", "source")}
    order = ["b", "a", "source", "b"]
    mixed = net.use(order)(x)
    assert net.classes == () and net.used == ("b", "a", "source") and mixed.shape[1] == alone["source"].shape[1]
    for n, domain in enumerate(order):
        known = alone[domain].shape[1]
        assert relative(mixed[n, :known], alone[domain][n]) < 1e-4
        assert mixed[n].softmax(0)[known:].sum() == 0


def test_a_mixed_batch_of_two_small_domains():
    net = adapt(squeezenet()).add_domain("a", 3).add_domain("b", 6)
    scores = shaken(net, "b").use(["a", "b"])(pictures(2))
    assert scores.shape == (2, 6) and scores[0].softmax(0)[3:].sum() == 0
    assert net.use(["b", "b"])(pictures(2)).shape == (2, 6) and len(net.classes) == 6


def test_use_for_a_while():
    net = adapt(tiny()).add_domain("a", 3).use("a")
    with net.using("source"):
        assert net.classes == ("a", "b", "c", "d")
        with pytest.raises(RuntimeError), net.using("a"):
            raise RuntimeError
        assert net.used == ("source",)
    assert net.used == ("a",) and net.classes == ("0", "1", "2")


def test_a_domain_that_is_removed_leaves_no_trace():
    net = adapt(tiny())
    before, x = net(pictures(side=16)), pictures(side=16)
    shaken(net.add_domain("a", 3), "a").use("a").remove_domain("a")
    assert net.used == ("source",) and net.domains == ("source",) and torch.equal(net(x), before)
    assert not list(net.added.parameters())


def test_a_copy_is_a_network_of_its_own():
    net = shaken(adapt(tiny()).add_domain("a", 3), "a")
    other = copy.deepcopy(net).use("a")
    assert net.used == ("source",) and torch.equal(other(pictures()), net.use("a")(pictures()))
    shaken(other, "a", seed=5)
    assert not torch.equal(other(pictures()), net(pictures()))


@pytest.mark.parametrize("name", SMALL)
def test_other_chapters_take_it_for_the_network_of_the_domain(name: str):
    net, x = shaken(adapt(network(name)).add_domain("new", ["cat", "dog", "cow"]), "new").use("new"), pictures(1)
    plain = net.merge("new")
    assert net.top(x, 2)[0][0] in ("cat", "dog", "cow") and net.class_index("dog") == 1
    layer = net.layers[3]
    for method in ("gradient", "guided", "Grad-CAM", "LRP ε"):
        assert relative(saliency.METHODS[method](net, x, "dog"), saliency.METHODS[method](plain, x, "dog")) < 1e-2
    assert relative(nets.before_relu(net, layer, x)[0], nets.before_relu(plain, layer, x)[0]) < 1e-4
    features = net.features(x, layer)
    assert relative(nets.forward_from(net, layer, features), net(x)) < 1e-5
    assert nets.narrow(plain, ["dog", "cow"])(x).shape == (1, 2)
    refuses(nets.narrow, net, ["dog", "cow"], says=("a head for each of its domains", "merge"))


@pytest.mark.parametrize("name, kind", [(name, kind) for name in [*ALL, "tiny"] for kind in METHODS
                                        if METHODS[kind].adapter or name == "tiny"])
def test_merged_it_is_a_plain_network_with_the_same_answers(name: str, kind: str):
    base = tiny() if name == "tiny" else network(name)
    net, x = shaken(adapt(base, kind).add_domain("new", 5), "new", 0.01).use("new"), pictures()
    with torch.no_grad():
        wanted = net(x)
        plain = net.merge("new")
        assert relative(plain(x), wanted) < 1e-5
        assert torch.equal(net(x), wanted)
    assert plain.classes == net.classes and plain.layers == net.layers and type(plain) is nets.Classifier
    kinds = {type(m) for m in plain.modules()} - {type(m) for m in base.modules()}
    assert kinds <= {nn.Identity, nn.Sequential, nets.Classifier, nn.AdaptiveAvgPool2d}
    assert len(list(plain.parameters())) == len(list(base.parameters()))


def test_the_source_merges_to_itself():
    net = adapt(squeezenet()).add_domain("a", 3)
    assert torch.equal(net.merge("source")(pictures()), squeezenet()(pictures()))


def added(name: str, kind: str = "parallel", **options) -> float:
    """Parameters that one domain of ten classes adds, as a share of the network's."""
    net = adapt(network(name), kind, **options).add_domain("new", 10)
    return sum(p.numel() for p in net.domain_parameters("new")) / sum(p.numel() for p in network(name).parameters())


@pytest.mark.parametrize("name", ALL)
def test_a_domain_adds_a_ninth(name: str):
    """Of networks of 3×3 filters, and no more where filters are small."""
    assert added(name) <= 0.115


def test_share_counts_blocks_from_the_top():
    net = adapt(squeezenet(), share=0.35).add_domain("a", 10)  # three of nine: conv1, fire2 … fire9
    assert list(net.domain("a").parts) == [f"net/features/{n}/expand3x3" for n in (10, 11, 12)] + ["net/classifier/1"]
    assert added("squeezenet1_1", share=0.1) < added("squeezenet1_1", share=0.5) < added("squeezenet1_1")


def test_on_says_beside_which_convolutions():
    by = {sort: adapt(squeezenet(), on=[sort], rank=2).add_domain("a", 2) for sort in ("dense", "pointwise")}
    places = {sort: [key.rpartition("/")[2] for key in net.domain("a").parts][:-1] for sort, net in by.items()}
    assert set(places["dense"]) == {"0", "expand3x3"} and set(places["pointwise"]) == {"squeeze", "expand1x1"}
    refuses(adapt, squeezenet(), on=["depthwise"], says=("no depthwise convolution", "on="))


def test_unknown_domains():
    net = adapt(tiny())
    refuses(net.use, "new", says=("no domain 'new'", "it has source", "add_domain"))
    refuses(net.use, ["source", "new"], says="no domain 'new'")
    assert net.used == ("source",)
    refuses(net.remove_domain, "source", says="cannot be taken away")


def test_domains_that_are_none():
    net = adapt(tiny()).add_domain("taken", 2)
    for name in (" ", "a.b"):
        refuses(net.add_domain, name, 2, says="word without a dot")
    for name in ("taken", "source"):
        refuses(net.add_domain, name, 2, says=f"has a domain '{name}' already")
    refuses(net.add_domain, "new", {"a", "b"}, says="classes")
    assert net.domains == ("source", "taken")


def test_networks_that_cannot_be_adapted():
    refuses(adapt, nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).eval(), says="Sequential has no convolution")
    refuses(adapt, nn.Sequential(nn.Conv2d(3, 4, 1)).eval(), says="no layer behind its convolutions")
    refuses(adapt, adapt(tiny()), says=("adapted already", "add_domain"))


def test_a_batch_of_another_length_than_its_names():
    net = adapt(tiny()).add_domain("a", 2).use(["a", "source", "a"])
    refuses(net, pictures(), says=("2 pictures", "domains of 3"))


@pytest.mark.parametrize("kind", [kind for kind, method in METHODS.items() if method.own != "nothing"])
def test_what_changes_the_network_itself_serves_one_domain(kind: str):
    net = adapt(tiny(), kind).add_domain("a", 2)
    refuses(net.add_domain, "b", 2, says=(kind, "one domain", "adapt the source network again"))
