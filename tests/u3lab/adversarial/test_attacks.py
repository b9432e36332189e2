"""FGSM and PGD: closed forms on linear classifiers, and what holds for every step, seed, ε and network. DeepFool:
exact on linear classifiers, a clear end everywhere.
"""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses, seeded
from tests.u3lab.adversarial.attacked import linear, small, weights
from u3lab import nets
from u3lab.adversarial.attacks import AttackSettings, direction, fgsm, pgd, project, root_mean_square
from u3lab.adversarial.deepfool import DeepFoolSettings, deepfool
from u3lab.descent import last

ROUNDING = 1e-6


@pytest.mark.parametrize("random", [False, True])
def test_l2_on_a_linear_classifier_goes_along_the_weights(random: bool):
    """δ = ε√n w/‖w‖, to be reached even from the other side of the ball."""
    net, x = linear()
    w, eps = weights(net, better=1), 0.01
    end = last(pgd(net, x, "0", settings=AttackSettings(norm="l2", eps=eps, step_size=0.005, steps=100,
                                                        random=random))).value
    torch.testing.assert_close(end - x, eps * math.sqrt(w.numel()) * w / w.norm(), atol=1e-5, rtol=0)


def test_a_direction_has_size_one():
    g = torch.randn(1, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(direction(g, "linf"), g.sign())
    assert root_mean_square(direction(g, "l2")) == pytest.approx(1)
    torch.testing.assert_close(direction(g, "l2"), g / g.square().mean().sqrt())
    for norm in ("linf", "l2"):
        assert torch.equal(direction(torch.zeros_like(g), norm), torch.zeros_like(g))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_projection(norm: str):
    """Into ball and box, nothing to do inside, twice is once."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 3, 8, 8, generator=generator, dtype=torch.float64)
    far = x + torch.randn(x.shape, generator=generator, dtype=torch.float64)
    found = project(far, x, 0.1, norm)
    assert inside(found, x, 0.1, norm)
    torch.testing.assert_close(project(found, x, 0.1, norm), found, atol=1e-15, rtol=0)
    near = (x + 0.01 * (far - x)).clamp(0, 1)
    torch.testing.assert_close(project(near, x, 0.1, norm), near, atol=1e-15, rtol=0)
    assert torch.equal(project(far, x, 0.0, norm), x)


def inside(image: Tensor, x: Tensor, eps: float, norm: str) -> bool:
    change = image - x
    size = change.abs().max().item() if norm == "linf" else change.square().mean().sqrt().item()
    return size <= eps + ROUNDING and 0 <= image.min() and image.max() <= 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("eps, step_size", [(0.0, 0.1), (0.004, 0.1), (0.125, 0.01)])
@pytest.mark.parametrize("target", [None, "e"])
def test_every_picture_is_in_ball_and_box(norm: str, eps: float, step_size: float, target: str | None, seed: int):
    net, x = small(seed)
    settings = AttackSettings(norm=norm, eps=eps, step_size=step_size, steps=6, random=bool(seed), seed=seed)
    steps = list(pgd(net, x, "a", target=target, settings=settings))
    assert [step.iteration for step in steps] == list(range(7)) and (seed or torch.equal(steps[0].value, x))
    for step in steps:
        assert inside(step.value, x, eps, norm)
        assert step.value.shape == x.shape and not step.value.requires_grad
        assert step.loss == sum(step.terms.values())


def test_the_loss_is_the_one_of_the_formula():
    net, x = small()
    for step in pgd(net, x, "b", settings=AttackSettings(steps=2)):
        assert step.terms == {"log p(label)": pytest.approx(net(step.value).log_softmax(1)[0, 1].item(), abs=1e-5)}
    for step in pgd(net, x, "b", target="d", settings=AttackSettings(steps=2)):
        assert step.terms == {"−log p(target)": pytest.approx(-net(step.value).log_softmax(1)[0, 3].item(), abs=1e-5)}


@pytest.mark.parametrize("norm, size", [("linf", 0.1 / math.sqrt(3)), ("l2", 0.1)])
def test_random_starts(norm: str, size: float):
    """Uniform in the ball, which in many dimensions means near its surface."""
    net, x = small()[0], torch.full((1, 3, 40, 40), 0.5)
    for seed in range(4):
        settings = AttackSettings(norm=norm, eps=0.1, random=True, seed=seed)
        assert root_mean_square(next(pgd(net, x, "a", settings=settings)).value - x) == pytest.approx(size, rel=0.03)


@pytest.mark.parametrize("attack", [pgd, deepfool])
def test_a_slip_is_told_before_the_first_step(attack):
    """Not one step is asked for."""
    net, x = small()
    refuses(attack, net, x, "z", says=("class", "z"))
    refuses(attack, net, x, "a", target=0, says=("own class", "target"))


def test_a_network_that_is_broken():
    net, x = small()
    net.module[6].weight.data.fill_(float("nan"))
    refuses(last, pgd(net, x, "a"), says="NaN or infinite")


def foot(net: nets.Classifier, x: Tensor, k: int) -> Tensor:
    """−s w/‖w‖²: the way to the plane on which class k draws level with class 0."""
    w, scores = weights(net, k), net(x)[0].detach()
    return -(scores[k] - scores[0]) * w / w.norm() ** 2


@pytest.mark.oracle("the closed form for a linear network", adversarial=["deepfool"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("eta", [0.0, 0.02, 0.5])
def test_two_classes(eta: float, seed: int):
    """One step to the plane, and η of the way beyond."""
    net, x = linear(seed=seed)
    steps = list(deepfool(net, x, "0", settings=DeepFoolSettings(overshoot=eta, steps=1)))
    assert len(steps) == 2 and torch.equal(steps[0].value, x)
    torch.testing.assert_close(steps[1].value - x, (1 + eta) * foot(net, x, 1), atol=1e-14, rtol=0)
    scores = net(steps[1].value)[0].detach()
    margin = (scores[0] - scores[1]).item()
    assert steps[1].loss == pytest.approx(margin, abs=1e-12)
    assert margin == pytest.approx(-eta * steps[0].loss, abs=1e-12)


@pytest.mark.oracle("the closed form for a linear network", adversarial=["deepfool"])
@pytest.mark.parametrize("seed", range(5))
def test_many_classes(seed: int):
    """The nearest of all planes, found by looking at each; the nearer one is, the farther behind is its score."""
    net, x = linear(classes=7, seed=seed)
    ways = [foot(net, x, k) for k in range(1, 7)]
    for part in net.module[1].parameters():  # f_k becomes f_0 + c (f_k − f_0), which moves no plane
        for k, way in enumerate(ways, 1):
            part.data[k] = part.data[0] + (part.data[k] - part.data[0]) * (0.1 / way.norm()) ** 2
    best = min(ways, key=lambda r: r.norm())
    step = last(deepfool(net, x, 0))
    assert step.iteration == 1 and step.loss < 0 and net(step.value).argmax() != 0
    torch.testing.assert_close(step.value - x, 1.02 * best, atol=1e-14, rtol=0)


@pytest.mark.parametrize("sides", [(9, 5), (4, 5, 6)])
def test_one_channel_and_volumes(sides: tuple):
    """One step, for a linear network of any shape."""
    layer = nn.Linear(math.prod(sides), 2).double()
    x = 0.4 + 0.2 * torch.rand(1, 1, *sides, generator=seeded(1), dtype=torch.float64)
    layer.weight.data = torch.randn(layer.weight.shape, generator=seeded(2), dtype=torch.float64)
    layer.bias.data = torch.tensor([0.3, 0.0], dtype=torch.float64) - layer.weight.data @ x.flatten()
    net = nets.Classifier(nn.Sequential(nn.Flatten(), layer).eval(), channels=1)
    net.axes = len(sides)
    w = (layer.weight[1] - layer.weight[0]).view_as(x).detach()
    step = last(deepfool(net, x, 0))
    torch.testing.assert_close(step.value - x, 1.02 * 0.3 * w / w.square().sum(), atol=1e-14, rtol=0)
    assert step.loss < 0 and net(step.value).argmax() == 1


def test_a_region_by_its_mean_scores():
    """A 1×1 convolution is linear in each pixel: only those of the region change, all by the same way."""
    module = nn.Conv2d(2, 3, 1).double().eval()
    x = 0.3 + 0.4 * torch.rand(1, 2, 6, 7, generator=seeded(0), dtype=torch.float64)
    mask = torch.zeros(1, 6, 7, dtype=torch.bool)
    mask[:, 1:4, 2:6] = True
    module.weight.data = torch.randn(module.weight.shape, generator=seeded(1)).double()
    module.bias.data = 0 * module.bias.data
    means = module(x)[0][:, mask[0]].mean(1).detach()
    module.bias.data = torch.tensor([0.2, 0.1, 0.0], dtype=torch.float64) - means  # of the region, not of each pixel
    net = nets.wrap(module, size=(6, 7))
    ways = [(0.1 * k, (module.weight[k] - module.weight[0]).flatten().detach()) for k in (1, 2)]
    s, w = min(ways, key=lambda way: way[0] / way[1].norm())
    expected = torch.where(mask[:, None], s * (w / w.square().sum()).view(1, 2, 1, 1), torch.zeros(1).double())
    step = last(deepfool(net, x, nets.Region(0, mask)))
    torch.testing.assert_close(step.value - x, 1.02 * expected, atol=1e-13, rtol=0)
    assert net(step.value)[0][:, mask[0]].mean(1).argmax() != 0
    refuses(last, deepfool(net, x, 0), says=("a map of scores", "nets.Region"))


@pytest.mark.parametrize("label, target", [(0, None), (None, 0), (1, None), (1, 0)])
def test_classes_with_a_sigmoid_are_left_or_gained_one_by_one(label: int | None, target: int | None):
    """To the plane on which the one score is 0, whatever the others do."""
    net, x = linear(classes=3, seed=4)
    net.sigmoid, k = True, label if target is None else target
    layer, sign = net.module[1], 1 if target is None else -1
    layer.bias.data[k] += sign * 0.2 - net(x)[0, k].detach()
    w = layer.weight.detach()[k].view_as(x)
    step = last(deepfool(net, x, label, target=target))
    torch.testing.assert_close(step.value - x, -1.02 * sign * 0.2 * w / w.square().sum(), atol=1e-14, rtol=0)
    assert step.iteration == 1 and step.loss < 0
    assert float(fgsm(net, x, label, 0.01, target=target).sub(x).mul(w).sum()) * sign < 0
    log = next(pgd(net, x, label, target=target)).loss
    assert log == pytest.approx(sign * math.log(1 / (1 + math.exp(-sign * 0.2))), abs=1e-9)


@pytest.mark.parametrize("k", [1, 2])
def test_target(k: int):
    net, x = linear(classes=3, seed=1)
    steps = list(deepfool(net, x, 0, target=k))
    torch.testing.assert_close(steps[1].value - x, 1.02 * foot(net, x, k), atol=1e-14, rtol=0)
    assert steps[-1].loss < 0 and net(steps[-1].value).argmax() == k
    assert all(step.loss > 0 for step in steps[:-1])


def test_only_the_likeliest_classes_are_looked_at():
    net, x = linear(classes=7, seed=3)
    likeliest = int(net(x)[0, 1:].argmax()) + 1
    step = [*deepfool(net, x, 0, settings=DeepFoolSettings(classes=1, steps=1))][-1]
    torch.testing.assert_close(step.value - x, 1.02 * foot(net, x, likeliest), atol=1e-14, rtol=0)


def test_at_the_border_of_the_box_it_walks_on():
    """Cut off at 0 and 1, the step falls short; the next ones make up for it."""
    net, x = linear(seed=2)
    w = weights(net, 1)
    x = torch.where(w > 0.5, 1.0, x)  # the best directions are blocked
    net.module[1].bias.data[1] -= (net(x)[0, 1] - net(x)[0, 0] + 1).item()
    step = last(deepfool(net, x, 0))
    assert step.iteration > 1 and step.loss < 0 and 0 <= step.value.min() and step.value.max() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_end(seed: int):
    """It ends with the first picture that fools, which is in the box; the loss says so."""
    net, x = small(seed)
    k = int(net(x).argmax())
    for target in (None, (k + 2) % 5):
        steps = list(deepfool(net, x, k, target=target))
        assert [step.iteration for step in steps] == list(range(len(steps)))
        for step in steps:
            said = int(net(step.value).argmax())
            assert (step.loss < 0) == (said != k if target is None else said == target) == (step is steps[-1])
            assert step.terms == {"margin": step.loss} and not step.value.requires_grad
            assert 0 <= step.value.min() and step.value.max() <= 1


def test_a_picture_that_is_taken_for_something_else_is_left_alone():
    net, x = small()
    wrong = int(net(x).argmin())
    (step,) = deepfool(net, x, wrong)
    assert step.loss < 0 and torch.equal(step.value, x)


def test_slips():
    net, x = linear()
    refuses(DeepFoolSettings, overshoot=-1, says="DeepFoolSettings.overshoot = -1")
    blind = nets.Classifier(nn.Sequential(nn.Flatten(), nn.Linear(108, 2)).eval().double())
    blind.module[1].weight.data.zero_()
    refuses(last, deepfool(blind, x, int(blind(x).argmax())), says="do not depend on the picture")
