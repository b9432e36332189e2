"""The exercises of chapter 6b. The reference of a formula is a function that the library itself uses."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task
from u3course.lessons.inversion.exercises import Scores
from u3lab.adversarial.attacks import descend_once, direction, project, targeted_loss


def _step_cases(g: torch.Generator) -> Iterator[tuple]:
    """Pictures, gradients with zeros, originals; then α and ε."""
    image, gradient, original = torch.tensor([
        [[0.6, 0.0], [1.0, 0.45], [0.4, 0.55]], [[-2.0, 1.0], [-0.5, 3.0], [0.25, -1.0]],
        [[0.5, 0.02], [0.98, 0.5], [0.4, 0.6]]])[:, None, :, None].unbind()
    yield image, gradient, original, 0.1, 0.125
    # A step longer than ε; then a picture that is outside the ball, since ε was made smaller on the way.
    for step_size, eps, now, dtype in ((0.1, 0.06, 0.06, torch.float32), (0.02, 0.05, 0.3, torch.float64)):
        original = torch.rand(1, 3, 5, 6, generator=g, dtype=dtype)
        change = now * (2 * torch.rand(original.shape, generator=g, dtype=dtype) - 1)
        gradient = torch.randn(original.shape, generator=g, dtype=dtype)
        yield (original + change).clamp(0, 1), gradient * (gradient.abs() > 0.2), original, step_size, eps
    x = not_contiguous(torch.rand(1, 3, 4, 3, generator=g))
    yield x, drawn(g, 1, 3, 4, 3), x, 0.03, 0.03


def _ball(image: Tensor, original: Tensor, eps: float) -> Tensor:
    return original + (image - original).clamp(-eps, eps)


STEP = task("6b-step", descend_once, _step_cases, helpers=(direction, project))


def _score_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[2.0, 1.0, -1.0]]), 1
    yield 3 * torch.randn(1, 10, generator=g), 7
    yield torch.randn(1, 12, generator=g)[:, ::2], 0  # not contiguous
    yield torch.randn(1, 5, generator=g, dtype=torch.float64), 4
    yield torch.tensor([[200.0, 0.0, -100.0]]), 1  # Φ_target = e⁻²⁰⁰ is 0 in float32


TARGET = task("6b-target", targeted_loss, _score_cases)


def attack(scores: Callable[[Tensor], Tensor], x: Tensor, target: int, eps: float, rate: float, steps: int) -> Tensor:
    """x̂ ← Π(x̂ − α sign ∇(−log Φ_target)), so many times, from x on."""
    now = x
    for _ in range(steps):
        now = now.detach().requires_grad_()
        loss = -scores(now).log_softmax(1)[0, target]
        (gradient,) = torch.autograd.grad(loss, now)
        change = now.detach() - rate * gradient.sign() - x
        now = (x + change.clamp(-eps, eps)).clamp(0, 1)
    return now


def _loop_cases(g: torch.Generator) -> Iterator[tuple]:
    for side, eps, rate, steps, dtype in ((2, 0.05, 0.08, 2, torch.float32), (5, 0.05, 0.02, 6, torch.float32),
                                          (4, 0.2, 0.07, 5, torch.float64)):
        yield Scores(g, dtype), torch.rand(1, 3, side, side, generator=g, dtype=dtype), 3, eps, rate, steps


LOOP = task("6b-loop", attack, _loop_cases)


EXERCISES = {"6b": (STEP, TARGET, LOOP)}
