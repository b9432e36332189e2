"""The one optimisation loop: where it ends, what each step tells, and that its fields are read at every step."""

import copy
from functools import partial

import pytest
import torch

from tests.helpers import minimised, refuses
from u3lab.descent import ADAM, Step, best, clamp, descend, last
from u3lab.dissection.concept_vectors import MOMENTUM

GOAL = torch.tensor([1.0, -2.0, 0.5])


def quadratic(x: torch.Tensor, centre: torch.Tensor = GOAL):
    """‖x − c‖² + ½‖x‖², whose minimum is ⅔c."""
    def energy():
        return x.view(1, 1, 1, 3), {"far": ((x - centre) ** 2).sum(), "large": 0.5 * (x ** 2).sum()}
    return energy


def start(*values: float) -> torch.Tensor:
    return torch.tensor(values or (0.0, 0.0, 0.0), requires_grad=True)


def test_what_a_step_tells():
    x = start()
    steps = list(descend(x, quadratic(x), steps=3, lr=lambda: 0.1))
    assert [step.iteration for step in steps] == [0, 1, 2, 3]
    assert steps[0].loss == 5.25 and steps[0].terms == {"far": 5.25, "large": 0.0}  # before the first update
    assert steps[0].value.tolist() == [[[[0.0, 0.0, 0.0]]]]  # a copy: later updates do not show in it
    assert not steps[0].value.requires_grad
    for step in steps:
        assert step.loss == pytest.approx(sum(step.terms.values())) and isinstance(step.loss, float)
    assert [step.loss for step in steps] == sorted((step.loss for step in steps), reverse=True)


@pytest.mark.parametrize("count", [0, 20])
def test_the_same_steps_as_plain_adam(count: int):
    x, y = start(), start()
    steps = list(descend(x, quadratic(x), steps=count, lr=lambda: 0.1))
    expected = minimised(torch.optim.Adam([y], lr=0.1), lambda: sum(quadratic(y)()[1].values()), count)
    assert [step.loss for step in steps] == pytest.approx(expected, rel=1e-6)
    torch.testing.assert_close(steps[-1].value.flatten(), x.detach())  # the last value is from after the last update


@pytest.mark.parametrize("ours, theirs", [(ADAM, partial(torch.optim.Adam, fused=True)),
                                          (MOMENTUM, partial(torch.optim.SGD, momentum=0.9))])
def test_without_the_compiler_an_optimiser_takes_the_very_same_steps(ours, theirs):
    ends = []
    for make in (ours, theirs):
        x = start()
        ends.append(last(descend(x, quadratic(x), steps=30, lr=lambda: 0.05, optimiser=make)).value)
    assert torch.equal(*ends) and ends[0].abs().min() > 0.1


def test_projection():
    x = start()
    last(descend(x, quadratic(x), steps=200, lr=lambda: 0.05, project=lambda y: y.clamp_(-0.5, 0.5)))
    torch.testing.assert_close(x.detach(), torch.tensor([0.5, -0.5, 1 / 3]), atol=1e-3, rtol=0)


def test_divergence_is_told():
    x = start()

    def energy():
        return x.view(1, 1, 1, 3), {"deep": -(100 * x).exp().sum()}  # no minimum: one step of 1 overflows

    run = descend(x, energy, steps=20, lr=lambda: 1.0)
    assert next(run).loss == -3
    refuses(next, run, says="the loss became -inf at step 1; lower the learning rate")
    x = start(float("nan"), 0.0, 0.0)
    refuses(next, descend(x, quadratic(x), steps=1, lr=lambda: 0.1), says="the loss became nan at step 0")


def test_a_term_that_nothing_changes_is_told():
    """The others would be minimised without it. A loss alone, and each term beside another."""
    x, weight = start(), start(1.0, 2.0, 3.0)
    for aside in (GOAL.sum(), weight.sum()):
        for terms in ({"aside": aside}, {"far": x.square().sum(), "aside": aside}):
            run = descend(x, lambda terms=terms: (x.view(1, 1, 1, 3), terms), steps=1, lr=lambda: 0.1)
            refuses(next, run, says="no derivative comes back from (the loss|'aside')")
    next(descend(x, lambda: (x.view(1, 1, 1, 3), {"far": x.square().sum(), "of nothing": torch.zeros(())}), steps=1,
                 lr=lambda: 0.1))


def test_what_its_energy_was_made_of_may_change_between_steps():
    """The derivatives of a step are those of the energy that it tells."""
    x, y, scale = start(), start(), torch.tensor([1.0])
    steps = descend(x, lambda: (x.view(1, 1, 1, 3), {"far": (scale * (x - GOAL)).square().sum()}), steps=2,
                    lr=lambda: 0.1)
    next(steps)
    scale.zero_()
    second = next(steps)
    (expected,) = list(descend(y, quadratic(y), steps=1, lr=lambda: 0.1))[1:]
    assert second.loss == 0
    torch.testing.assert_close(second.value, expected.value)  # Adam's first step has the size of its rate


def test_what_is_optimised_keeps_its_kind():
    steps = descend(x := start(), quadratic(x), steps=2, lr=lambda: 0.1)
    next(steps)
    x.data = x.data.double()
    refuses(next, steps, says="was torch.float32 on cpu and is torch.float64 on cpu now; begin a new run")


def test_only_the_parameter_gets_a_gradient():
    """Weights of a network inside the energy stay as they are, and without a gradient of their own."""
    layer = torch.nn.Linear(3, 1)
    before, x = copy.deepcopy(layer.state_dict()), start()
    with torch.no_grad():  # it works under no_grad as well
        last(descend(x, lambda: (x.view(1, 1, 1, 3), {"out": layer(x).pow(2).sum()}), steps=3, lr=lambda: 0.1))
    assert layer.weight.grad is None and layer.bias.grad is None
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())


def test_last():
    assert last(iter([1, 2, 3])) == 3
    assert last([None]) is None
    assert last(range(4), total=4, title="steps") == 3
    for total in (None, 0):
        refuses(last, [], total=total, says="no step was made")


def test_a_gradient_in_another_order_of_memory_is_the_same_gradient():
    start = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    found = []
    for layout in (torch.contiguous_format, torch.channels_last):
        x = start.clone().to(memory_format=layout).requires_grad_()
        # A mean hands back a contiguous gradient, whatever the layout of x.
        found.append(last(descend(x, lambda x=x: (x, {"e": (2 * x - 1).abs().pow(3.0).mean()}), steps=20,
                                  lr=lambda: 0.01)).value)
    torch.testing.assert_close(*found)


def test_what_clamp_lets_through_at_its_bounds_is_stated_and_not_left_to_torch():
    x = torch.tensor([-0.5, 0.0, 0.3, 1.0, 1.5, float("nan")], requires_grad=True)
    y = clamp(x, 0, 1)
    torch.testing.assert_close(y, x.clamp(0, 1), rtol=0, atol=0, equal_nan=True)
    (gradient,) = torch.autograd.grad(y.nansum(), x)
    assert gradient[:5].tolist() == [0, 1, 1, 1, 0]
    assert clamp(torch.tensor([0.0, 2.0]), 1).tolist() == [1, 2]


def test_the_best_step_is_the_one_with_the_lowest_loss():
    steps = [Step(k, loss, torch.zeros(1), {}) for k, loss in enumerate((3.0, 1.0, 2.0))]
    assert best(iter(steps)) is steps[1]
    refuses(best, [], says="no step was made")
