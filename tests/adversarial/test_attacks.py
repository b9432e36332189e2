"""FGSM and PGD: closed forms on linear classifiers, and what holds for every step, seed, ε and network."""

import math

import pytest
import torch
from torch import Tensor

from tests.adversarial.attacked import linear, small, weights
from tests.helpers import refuses
from u3lab.adversarial.attacks import AttackSettings, direction, pgd, project, root_mean_square
from u3lab.adversarial.deepfool import deepfool
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


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_random_starts(norm: str):
    """Same seed, same course; uniform in the ball, which in many dimensions means near its surface."""
    net, _ = small()
    x = torch.full((1, 3, 40, 40), 0.5)
    state = torch.get_rng_state()
    starts = [next(pgd(net, x, "a", settings=AttackSettings(norm=norm, eps=0.1, random=True,
                                                            seed=s))).value for s in (1, 1, 2, 3, 4)]
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(starts[0], starts[1]) and not torch.equal(starts[0], starts[2])
    for start in starts:
        size = root_mean_square(start - x)
        assert size == pytest.approx(0.1 / math.sqrt(3) if norm == "linf" else 0.1, rel=0.03)


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
