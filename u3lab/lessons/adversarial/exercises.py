"""The exercises on adversarial examples. Each reference is a function that the library itself uses."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.adversarial.attacks import descend_once, direction, project, targeted_loss
from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous


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
    yield x, not_contiguous(torch.randn(1, 3, 4, 3, generator=g)), x, 0.03, 0.03


def _reference_step(image: Tensor, gradient: Tensor, original: Tensor, step_size: float, eps: float) -> Tensor:
    return descend_once(image, gradient, original, step_size, eps)


def _ball(image: Tensor, original: Tensor, eps: float) -> Tensor:
    return original + (image - original).clamp(-eps, eps)


_NO_BALL = "the picture may leave the ball: no value of the answer may be further than ε from the original's"
_ITSELF = "you clamped the picture itself to ±ε; it is the change, picture minus original, that ε bounds"
_AROUND_NOW = "your ball is about the picture before the step, so many steps lead anywhere; its centre is `original`"
_CHANGE = "that is the change δ; return the picture: the original plus δ, between 0 and 1"
STEP = Exercise(
    id="6b-step", title="One step of PGD", minutes=15, difficulty="medium", points=3,
    goal="Make one step of projected gradient descent, Π(x̂ − α sign ∇E). Π puts the picture back into the ball, where "
         "no value is further than ε from the original's, and into the box [0,1].",
    signature="def my_step(image, gradient, original, step_size, eps):   # x̂, ∇E, x: (1,3,H,W) each; α, ε → (1,3,H,W)",
    hints=(
        "If values come out below 0 or above 1, the box is missing; if the check says that the picture may leave the "
        "ball, ε is used nowhere or in the wrong place.",
        "Step first: every value moves by α, against the sign of its gradient. Then look at the change from `original` "
        "(not from `image`): it is the change that is clamped to ±ε.",
        "`moved = image - step_size * gradient.sign()`, then `(moved - original).clamp(-eps, eps)` is the change that "
        "is allowed. Add it to the original, and clamp to [0,1]."),
    reference=descend_once, judge=by_cases(_reference_step, _step_cases, (
        Mistake(lambda x, p, o, a, eps: descend_once(x, -p, o, a, eps), "you go up: E falls where you walk "
                "against its gradient, so the step is −α sign ∇E"),
        Mistake(lambda x, p, o, a, eps: project(x - a * p, o, eps, "linf"), "the sign is missing: here every "
                "value moves by α, whether its gradient is large or small"),
        Mistake(lambda x, p, o, a, eps: project(x - a * direction(p, "l2"), o, eps, "linf"), "that is the step "
                "for the L2 ball; in the L∞ ball every value moves by α: take the sign"),
        Mistake(lambda x, p, o, a, eps: project(x - a * p / p.norm(), o, eps, "linf"), "you divided the gradient "
                "by its length; in the L∞ ball every value moves by α: take the sign"),
        Mistake(lambda x, p, o, a, eps: project(x + a * (1 - 2 * (p > 0).to(x)), o, eps, "linf"), "where the "
                "gradient is 0 your picture moves; the sign of 0 is 0"),
        Mistake(lambda x, p, o, a, eps: x - a * p.sign(), "the step is right, but Π is missing: back into the "
                "ball about the original, then into [0,1]"),
        Mistake(lambda x, p, o, a, eps: (x - a * p.sign()).clamp(0, 1), _NO_BALL),
        Mistake(lambda x, p, o, a, eps: _ball(x - a * p.sign(), o, eps), "the box is missing: values below 0 or "
                "above 1 belong to no picture"),
        Mistake(lambda x, p, o, a, eps: project(x - a * p.sign(), x, eps, "linf"), _AROUND_NOW),
        Mistake(lambda x, p, o, a, eps: _ball(x - a * p.sign(), x, eps), _AROUND_NOW + "; the box is missing "
                "too"),
        Mistake(lambda x, p, o, a, eps: (x - a * p.sign()).clamp(-eps, eps), _ITSELF),
        Mistake(lambda x, p, o, a, eps: (x - a * p.sign()).clamp(0, eps), _ITSELF + ", and [0,1] that bounds the "
                "picture"),
        Mistake(lambda x, p, o, a, eps: descend_once(o, p, o, a, eps), "you step from the original; the step "
                "starts at `image`, where the last one ended"),
        Mistake(lambda x, p, o, a, eps: descend_once(x, p, o, eps, eps), "your step is ε long; its length is α, and "
                "ε is the radius of the ball"),
        Mistake(lambda x, p, o, a, eps: project(x - a * p.sign(), o, eps, "l2"), "you shortened the whole change "
                "as in the L2 ball; here each value is clamped by itself"),
        Mistake(lambda x, p, o, a, eps: (x - a * p.sign() - o).clamp(-eps, eps), _CHANGE),
        Mistake(lambda x, p, o, a, eps: descend_once(x, p, o, a, eps) - o, _CHANGE + "; your values are right "
                "but for that"),
    )), helpers=(direction, project))


def _score_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[2.0, 1.0, -1.0]]), 1
    yield 3 * torch.randn(1, 10, generator=g), 7
    yield torch.randn(1, 12, generator=g)[:, ::2], 0  # not contiguous
    yield torch.randn(1, 5, generator=g, dtype=torch.float64), 4
    yield torch.tensor([[200.0, 0.0, -100.0]]), 1  # Φ_target = e⁻²⁰⁰ is 0 in float32


def _floored(least: float) -> Mistake:
    return Mistake(lambda s, t: -s.softmax(1).clamp(min=least)[0, t].log(), "a small constant under the log hides that "
                   "Φ_target is 0 in float32: the loss goes flat there, and a flat loss has no gradient; take "
                   "log_softmax, which needs no constant")


TARGET = Exercise(
    id="6b-target", title="The loss of a targeted attack", minutes=10, difficulty="easy", points=2,
    goal="Return −log Φ_target, the loss that falls as the picture is taken for the target. Φ is the softmax of the "
         "scores. It has to stay finite when Φ_target is very small: that is where an attack begins.",
    signature="def my_loss(scores, target):   # (1,K) before the softmax, number of a class → a scalar",
    hints=(
        "If you get `inf`: scores that are 200 apart have a softmax of exactly 0 in float32, and log 0 = −∞. Do not "
        "form Φ at all.",
        "log Φ_k = s_k − log Σ_j exp s_j. There is a function that computes it for all classes at once without "
        "exp(200); classes are axis 1.",
        "`scores.log_softmax(1)` holds log Φ of all classes, (1,K). Take the entry [0, target], and mind the sign."),
    reference=targeted_loss, judge=by_cases(targeted_loss, _score_cases, (
        Mistake(lambda s, t: -targeted_loss(s, t), "that is +log Φ_target: it falls as the picture becomes *less* like "
                "the target, the form for leaving a class; the sign is −"),
        Mistake(lambda s, t: -s.softmax(1)[0, t], "the log is missing: −Φ_target is flat where Φ_target is near 0, "
                "which is where an attack begins"),
        Mistake(lambda s, t: 1 - s.softmax(1)[0, t], "1 − Φ_target has no log: it is flat where Φ_target is near 0, "
                "which is where an attack begins"),
        Mistake(lambda s, t: -s[0, t], "that is the score without a softmax: it may grow while others grow faster; "
                "log Φ_target is the score minus log Σ exp of all scores"),
        Mistake(lambda s, t: -s.log()[0, t], "you took the log of a score, which may be negative; it is the log of the "
                "probability, after the softmax"),
        Mistake(lambda s, t: s.log_softmax(1).max(), "you never ask for the target: that is log Φ of the class that "
                "wins now, the untargeted form"),
        Mistake(lambda s, t: -s.log_softmax(1).max(), "you never ask for the target: that is the loss of the class "
                "that wins now"),
        Mistake(lambda s, t: -s.log_softmax(0)[0, t], "your softmax goes over axis 0, the pictures, of which there is "
                "one, so that every Φ is 1; the classes are axis 1"),
        Mistake(lambda s, t: targeted_loss(s.softmax(1), t), "the softmax is taken twice: log_softmax and "
                "cross_entropy want the scores, not probabilities"),
        Mistake(lambda s, t: -s.softmax(1).log()[0, t], "right while Φ_target is not too small, but infinite where "
                "scores are 200 apart: exp(200), or the log of exp(−200), is beyond float32; take log_softmax"),
        Mistake(lambda s, t: -s.log_softmax(1)[:, t], "the number is right, but it is a tensor of shape (1,); a scalar "
                "is wanted: take [0, target]"),
        *map(_floored, (1e-12, 1e-10, 1e-8)),
    )))

EXERCISES = (STEP, TARGET)
