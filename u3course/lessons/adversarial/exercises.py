"""The exercises of chapter 6b: the worst small step, back into the ball, and the attacker who keeps a guard quiet."""

from collections.abc import Iterator

import torch
from torch import Tensor

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task
from u3course.lessons.adversarial.detecting import quiet
from u3lab.adversarial.attacks import direction, root_mean_square


def worst(gradient: Tensor, size: float, norm: str) -> Tensor:
    return -size * direction(gradient, norm)


def _worst_cases(g: torch.Generator) -> Iterator[tuple]:
    for norm in ("linf", "l2"):
        yield torch.tensor([[-2.0, 1.0], [0.0, 3.0]])[None, None], 0.1, norm
        gradient = 3 * drawn(g, 1, 3, 5, 6).double()
        yield gradient * (gradient.abs() > 0.2), 0.02, norm
        yield not_contiguous(0.01 * torch.randn(1, 3, 4, 3, generator=g)), 2.0, norm


WORST = task("6b-worst", worst, _worst_cases, helpers=(direction, root_mean_square))


def back_into_ball(image: Tensor, original: Tensor, eps: float) -> Tensor:
    change = image - original
    size = change.square().mean().sqrt()
    return (original + change * (eps / size.clamp(min=eps))).clamp(0, 1)


def _ball_cases(g: torch.Generator) -> Iterator[tuple]:
    original = torch.tensor([[0.5, 0.02], [0.98, 0.5]])[None, None]
    yield original + torch.tensor([[0.3, -0.1], [0.1, 0.0]]), original, 0.1
    for far, eps, dtype in ((0.3, 0.05, torch.float64), (0.02, 0.05, torch.float32), (0.4, 0.01, torch.float32)):
        original = torch.rand(1, 3, 5, 6, generator=g, dtype=dtype)
        yield not_contiguous(original + far * torch.randn(1, 3, 5, 6, generator=g, dtype=dtype)), original, eps
    yield original.clone(), original, 0.03  # nothing has changed yet


BALL = task("6b-ball", back_into_ball, _ball_cases)


def _quiet_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[2.0, 1.0, -1.0]]), torch.tensor(3.0), 1, -2.0, 0.5, 2.0
    for suspicion, dtype in ((-1.0, torch.float32), (-4.5, torch.float64), (7.0, torch.float32)):
        scores = not_contiguous(3 * torch.randn(1, 10, generator=g, dtype=dtype))
        yield scores, torch.tensor(suspicion, dtype=dtype), 7, -3.0, -0.5, 1.5
    yield torch.tensor([[200.0, 0.0, -100.0]]), torch.tensor(-2.5), 1, -2.0, 1.0, 3.0  # Φ_target = e⁻²⁰⁰


QUIET = task("6b-quiet", quiet, _quiet_cases)

EXERCISES = {"6b": (WORST, BALL, QUIET)}
