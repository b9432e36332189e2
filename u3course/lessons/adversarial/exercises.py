"""The exercises of chapter 6b. The reference of a formula is a function that the library itself uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import words
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


STEP = Exercise(**words("6b-step"), reference=descend_once, judge=by_cases(descend_once, _step_cases, (
        Mistake(("direction(gradient, norm) → gradient", 'direction(gradient, norm) → direction(gradient, "l2")',
                 "direction(gradient, norm) → gradient / gradient.norm()",
                 "direction(gradient, norm) → (2 * (gradient > 0).to(image) - 1)"), "your step is not α times the "
                "sign: in the L∞ ball every value moves by α, whether its gradient is large or small, and where that "
                "is 0 not at all; a gradient divided by its length is for the L2 ball"),
        Mistake(lambda x, p, o, a, eps: x - a * p.sign(), "the step is right, but Π is missing: back into the "
                "ball about the original, then into [0,1]"),
        Mistake((lambda x, p, o, a, eps: _ball(x - a * p.sign(), o, eps),
                 lambda x, p, o, a, eps: _ball(x - a * p.sign(), x, eps)), "the box is missing: values below 0 or "
                "above 1 belong to no picture (and the centre of the ball is `original`, not the picture before)"),
        Mistake((lambda x, p, o, a, eps: (x - a * p.sign()).clamp(-eps, eps),
                lambda x, p, o, a, eps: (x - a * p.sign()).clamp(0, eps),
                lambda x, p, o, a, eps: (o + (x - a * p.sign()).clamp(-eps, eps)).clamp(0, 1)), "you clamped the "
                "picture itself to ±ε; it is the change, picture minus original, that ε bounds, and [0,1] that bounds "
                "the picture"),
        Mistake((lambda x, p, o, a, eps: (x - a * p.sign() - o).clamp(-eps, eps),
                lambda x, p, o, a, eps: (x - a * p.sign() - o).clamp(-eps, eps).clamp(0, 1),
                lambda x, p, o, a, eps: descend_once(x, p, o, a, eps) - o), "that is the change δ; return the picture: "
                "the original plus δ, between 0 and 1"),
    )), helpers=(direction, project))


def _score_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[2.0, 1.0, -1.0]]), 1
    yield 3 * torch.randn(1, 10, generator=g), 7
    yield torch.randn(1, 12, generator=g)[:, ::2], 0  # not contiguous
    yield torch.randn(1, 5, generator=g, dtype=torch.float64), 4
    yield torch.tensor([[200.0, 0.0, -100.0]]), 1  # Φ_target = e⁻²⁰⁰ is 0 in float32


TARGET = Exercise(**words("6b-target"), reference=targeted_loss, judge=by_cases(targeted_loss, _score_cases, (
        Mistake(("log_softmax(1) → softmax(1)", lambda s, t: 1 - s.softmax(1)[0, t]), "the log is missing: −Φ_target, "
                "as 1 − Φ_target, is flat where Φ_target is near 0, which is where an attack begins"),
        Mistake(("scores.log_softmax(1) → scores", "log_softmax(1) → log()", "log_softmax(1) → log_softmax(0)"),
                "there is no softmax over the classes, which are axis 1: a score may grow while others grow faster; "
                "log Φ_target is the score minus log Σ exp of all scores"),
        Mistake(("-scores.log_softmax(1)[0, target] → scores.log_softmax(1).max()",
                 "[0, target] → .max()"), "you never ask for the target: that is log Φ of the class that wins now, or "
                "its loss, the untargeted form"),
        Mistake("log_softmax(1) → softmax(1).log()", "right while Φ_target is not too small, but infinite where scores "
                "are 200 apart: exp(200), or the log of exp(−200), is beyond float32; take log_softmax"),
        Mistake(tuple(f"log_softmax(1) → softmax(1).clamp(min={least}).log()" for least in (1e-12, 1e-10, 1e-8)), "a "
                "small constant under the log hides that Φ_target is 0 in float32: the loss goes flat there, and a "
                "flat loss has no gradient; take log_softmax, which needs no constant"),
    )))


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


LOOP = Exercise(**words("6b-loop"), reference=attack, judge=by_cases(attack, _loop_cases, (
        Mistake(("-scores(now).log_softmax(1)[0, target] → scores(now).log_softmax(1)[0, scores(x).argmax()]",
                 ".log_softmax(1) → "), "your loss is not −log Φ_target: to leave the first answer leads anywhere, and "
                "the score alone, without log_softmax, may rise while others rise faster"),
        Mistake("gradient.sign() → gradient", "the sign is missing: every value moves by α"),
        Mistake("x + change.clamp(-eps, eps) → now.detach() + (-rate * gradient.sign()).clamp(-eps, eps)", "your ball "
                "is about the picture of the step before, so many steps lead anywhere; its centre is x"),
        Mistake("change.clamp(-eps, eps) → change", "the ball is missing: no value may be further than ε from x's"),
        Mistake(").clamp(0, 1) → )", "the box is missing: values below 0 or above 1 belong to no picture"),
    )))


EXERCISES = {"6b": (STEP, TARGET, LOOP)}
