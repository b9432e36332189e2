"""Calls of universal representations: adapters, their training, files, prediction, the score, several tasks."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, lite, photo, squeezenet, uniform
from tools.site.lists import CENTRES, PREDICTORS
from u3lab import nets, universal
from u3lab.descent import last
from u3lab.training.batches import Batches
from u3lab.universal import adapters, files, multitask, score, training
from u3lab.universal.domain import Adaptable, Plan, shrinkage

X, Y = uniform(12, 3, 16, 16), torch.arange(12) % 3


@cache
def tiny() -> nets.Classifier:
    """Dense, depthwise and pointwise convolutions with batch norms, and four classes."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8),
                           nn.ReLU(), nn.Conv2d(8, 12, 1), nn.ReLU(), nn.Conv2d(12, 12, 3, 2, 1), nn.BatchNorm2d(12),
                           nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4))
    return nets.Classifier(module.eval().requires_grad_(False), classes=("a", "b", "c", "d"), size=16, name="tiny",
                           layers={"low": "2", "high": "9"})


def trained(kind: str, **more: object) -> tuple[universal.Adapted, list[object]]:
    """A network with a domain after four steps, and the steps."""
    net = universal.adapt(tiny(), kind).add_domain("new", 3)
    settings = universal.UniversalSettings(**{"steps": 4, "lr": 0.02, "lam": 0.1, "batch_size": 4} | more)
    return net, list(universal.train_domain(net, "new", X, Y, settings=settings))


def told(net: universal.Adapted) -> list[object]:
    """All that a domain adds, the answers, and both sizes."""
    net.use("new")
    return [[weight.detach().clone() for weight in net.domain_parameters("new")], net(X), net.classes,
            sum(weight.numel() for weight in net.shared_parameters())]


for kind in universal.METHODS:
    @call(f"universal: a domain trained, {kind}")
    def _trained(kind: str = kind) -> object:
        net, steps = trained(kind)
        return [steps, told(net), shrinkage(net.domain("new")), shrinkage(net.domain("new"), centre="zero"),
                net.merge("new")(X), net.use("source")(X)]


call("universal: a domain trained, pulled to zero")(
    lambda: [(steps, told(net)) for net, steps in [trained("parallel", prior="zero")]])
call("universal: what the methods are")(lambda: [
    (name, method.norms, method.own, method.fresh, method.reach) for name, method in universal.METHODS.items()])


@call("universal: adapters of a convolution")
def _adapters() -> object:
    found = []
    for groups, k, stride in ((1, 3, 1), (1, 3, 2), (1, 1, 1), (8, 3, 1), (2, 3, 1)):
        torch.manual_seed(1)
        f, x = nn.Conv2d(8, 8, k, stride, k // 2, groups=groups), uniform(2, 8, 9, 9)
        for make in (adapters.Serial, adapters.parallel, adapters.low_rank):
            one = make(f, 2, draw())
            for weight in one.parameters():
                weight.data.add_(0.1 * uniform(*weight.shape, seed=2))
            found += [one(f, x), one.matrix(), one.folded(f)(x)]
        found += [adapters.centres(f, x), adapters.sort_of(f)]
    return found


@call("universal: a part of the blocks, sorts of convolutions, two domains in a batch")
def _plans() -> object:
    net = universal.adapt(tiny(), "low rank", share=0.5, on=["dense", "pointwise"], rank=2, seed=3)
    net.add_domain("one", 3).add_domain("two", ["p", "q"])
    for n, name in enumerate(("one", "two")):
        for weight in net.domain_parameters(name):
            weight.data.add_(0.1 * uniform(*weight.shape, seed=n))
    mixed = net.use(["one", "two", "source"])(X[:3])
    with net.using("two"):
        two = [net(X), net.classes, net.pooled(X)]
    return [mixed, two, net.used, net.domains, net.remove_domain("one").domains, net.used]


@call("universal: places in three networks")
def _places() -> object:
    plan = Plan("parallel", 0.5, None, 4, 0)
    nets = (tiny(), squeezenet(), lite())
    found = [(net.module.get_submodule(of.head), of, of.chosen(plan, net.name))
             for net, of in zip(nets, map(Adaptable.of, nets), strict=True)]
    return [[list(of.convolutions), list(of.norms), of.head, isinstance(head, torch.nn.Conv2d), of.blocks,
             (of.relu_above,) if of.relu_above else (), *chosen, of.blocks[-1][0]] for head, of, chosen in found]


@call("universal: SqueezeNet with a domain, trained")
def _squeezenet() -> object:
    net = universal.adapt(squeezenet(), "parallel").add_domain("new", 2)
    x = torch.cat([photo(size=64), photo("dog", 64)])
    settings = universal.UniversalSettings(steps=2, batch_size=2, lr=0.01)
    step = last(universal.train_domain(net, "new", x, torch.tensor([0, 1]), settings=settings))
    return [net.base, step, sealed(net.domain_parameters("new")), net.use("new")(x)]


@call("universal: a domain in a file")
def _files() -> object:
    net, _ = trained("serial")
    with tempfile.TemporaryDirectory() as folder:
        paths = [net.save_domain(Path(folder) / "whole.safetensors", "new"),
                 net.save_domain(Path(folder) / "half.safetensors", "new", images=X)]
        stored = [files.read(path) for path in paths]
        read = universal.adapt(tiny(), "serial")
        return [stored, files.FORMAT, read.load_domain(paths[0]), told(read)]


call("universal: fingerprints of networks")(lambda: [files.fingerprint(net.module) for net in (tiny(), squeezenet())])


@call("universal: batches and their moves")
def _batches() -> object:
    batches = Batches(7, 4, 3)
    return [[batches.at(n) for n in range(4)], batches.moved(X[:4], 2, 0.2)]


@call("universal: where a training starts")
def _starting() -> object:
    net = universal.adapt(tiny(), "batch norm").add_domain("new", 3).use("new")
    training.start(net, net.domain("new"), X)
    return [told(net), [[norm.running_mean, norm.running_var] for norm in net.domain("new").norms()],
            training.pooled(net, X)]


# Adapters that are predicted


@call("universal: predicted adapters")
def _learnet() -> object:
    net = universal.adapt(tiny(), on=["dense"]).add_domain("one", 3).add_domain("two", 3)
    data = {"one": (X, Y), "two": (X.flip(3), Y)}
    predictor = universal.learnet(net, "one", layer="low", rank=2, seed=1)
    settings = universal.LearnetSettings(steps=3, batch_size=4, shots=2, lr=0.05)
    steps = list(universal.train_learnet(net, predictor, data, settings=settings))
    z = universal.describe(net, X[:3], layer="low")
    alpha = predictor(z)
    return [steps, z, universal.describe(net, X[:3]), list(alpha.values()), predictor,
            universal.put_adapters(net, "one", alpha).use("one")(X)]


@call("universal: predictors and centres by name")
def _registry() -> object:
    net, _ = trained("parallel")
    answers = []
    for name, one in PREDICTORS.items():
        predictor = one.make(net, "new")
        for weight in predictor.p:
            weight.data.add_(0.1)
        z = one.told(net, X[:2], 3)
        answers.append([name, z, list(predictor(z).values()), one.unseen])
    return [answers, [(name, centre.price(net.domain("new")), centre.home) for name, centre in CENTRES.items()]]


# The score and several tasks


@call("universal: the decathlon's score")
def _score() -> object:
    errors, baseline = {"a": 0.1, "b": 0.0, "c": 0.3}, {"a": 0.2, "b": 0.004, "c": 0.14}
    return [universal.decathlon_score(errors, baseline), score.networks(1000, 30, 10)]


def labels() -> dict[str, Tensor]:
    return {"segments": (uniform(12, 8, 8) * 3).long(), "boundaries": (uniform(12, 1, 8, 8, seed=1) > 0.7).float(),
            "normals": nn.functional.normalize(uniform(12, 3, 8, 8, seed=2) - 0.5, dim=1), "label": Y}


@call("universal: several tasks at once")
def _tasks() -> object:
    asked = {"segments": 3, "boundaries": 1, "normals": 3, "label": 3}
    net = universal.adapt(tiny()).add_domain("new", 2).use("new")
    tasks = universal.Tasks(net, ["low", "high"], {name: universal.Task(name, outputs, price=0.5)
                                                   for name, outputs in asked.items()})
    present = {"segments": Y > 0, "label": Y < 2}
    steps = list(universal.train_tasks(tasks, X, labels(), present=present, weights=net.domain_parameters("new")[:2],
                                       settings=universal.TasksSettings(steps=3, batch_size=4)))
    answers = tasks(X)
    whole = {name: torch.ones(12, dtype=torch.bool) for name in asked} | present
    return [steps, answers, multitask.masked_losses(tasks.tasks, answers, labels(), whole),
            multitask.joined(net, X, ["low", "high"])]


call("universal: losses of the kinds of task")(lambda: [
    (name, kind.dense, kind.loss(uniform(12, {"segments": 3, "boundaries": 1, "normals": 3}[name], 8, 8, seed=4)
                                 if kind.dense else uniform(12, 3), labels()[name]))
    for name, kind in multitask.KINDS.items()])
