"""The smallest change that fools: DeepFool, which walks to the nearest of the linearised boundaries between classes.

Between the label y and a class k the score difference s_k = f_k − f_y is about s_k + ⟨w_k, r⟩ after a change r, with
w_k = ∇s_k. It becomes 0 nearest by at

    r_k = −s_k w_k / ‖w_k‖²,    of length |s_k| / ‖w_k‖

and the shortest of these is the step (Moosavi-Dezfooli, Fawzi & Frossard, DeepFool, CVPR 2016, equations 7 to 9).
For a linear classifier one step is exact.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.adversarial.attacks import Answer, given
from u3lab.descent import Step, gradients
from u3lab.errors import U3Error
from u3lab.nets import Classifier, Region, check_classes
from u3lab.settings import or_default, setting, settings


@settings
class DeepFoolSettings:
    """Settings of :func:`deepfool`."""

    classes: int = setting(10, 1, 1000, once=True, help="how many classes to look at: the likeliest at the start; each "
                        "costs a backward pass a step")
    overshoot: float = setting(0.02, 0.0, 1.0, symbol="η", help="how far beyond the boundary, as a share of the way")
    steps: int = setting(50, 1, 1000, once=True, help="number of steps at most")


def deepfool(net: Classifier, image: Tensor, label: int | str | Region, *, target: int | str | Region | None = None,
             settings: DeepFoolSettings | None = None) -> Iterator[Step]:
    """Look for the smallest L2 perturbation that changes the class, step by step.

    Args:
        net, image, label, target: As for :func:`~u3lab.adversarial.attacks.fgsm`.
        settings: Read at every step.

    Yields:
        Step: ``value`` is the picture now, in [0,1]. The loss and its one term, "margin", is what is left to the
            boundary in units of the score: f_label − max f_other or, with a target, max f_other − f_target. The
            iterator **stops by itself** as soon as the margin is below 0, which means fooled; if the last step's loss
            is not, it gave up after ``settings.steps``. A picture that is not taken for its label stops at step 0,
            unchanged.

    Raises:
        U3Error: As for ``fgsm``; and if the scores do not depend on the picture.
    """
    answer, x, label, target = given(net, image, label, target)
    return _walk(answer, x, label, target, or_default(settings, DeepFoolSettings))


def _walk(answer: Answer, start: Tensor, label: int, target: int | None, settings: DeepFoolSettings) -> Iterator[Step]:
    x, rivals, steps = start.clone(), [target], settings.steps  # x walks up to the boundary
    for iteration in range(steps + 1):
        # It would only ever come near: what is shown, and has to fool, lies η of the whole way further.
        shown = (start + (1 + settings.overshoot) * (x - start)).clamp(0, 1)
        with torch.no_grad():
            margin = _margin(answer(shown), label, target).item()
        yield Step(iteration, margin, shown.clone(), {"margin": margin})
        if margin < 0 or iteration == steps:
            return
        x.requires_grad_()
        with torch.enable_grad():
            scores = answer(x)[0]
        if target is not None:
            label = _best_but(scores, target)  # the target has to pass whichever class is ahead now
        elif iteration == 0:
            order = scores.argsort(descending=True).tolist()
            rivals = [k for k in order if k != label][: settings.classes]
        x = (x.detach() + _shortest(x, scores, label, rivals)).clamp(0, 1)


def _margin(scores: Tensor, label: int, target: int | None) -> Tensor:
    """Below 0 when fooled: f_label − max f_other, or with a target max f_other − f_target. Scores (1,K)."""
    check_classes(scores, label, target)
    k = label if target is None else target
    ahead = scores[0, k] - scores[0, _best_but(scores[0], k)]
    return ahead if target is None else -ahead


def _best_but(scores: Tensor, k: int) -> int:
    """The class with the highest score, k left out."""
    return int(scores.detach().index_fill(0, torch.tensor(k, device=scores.device), -torch.inf).argmax())


def _shortest(x: Tensor, scores: Tensor, label: int, rivals: list[int]) -> Tensor:
    """The shortest r_k = −s_k w_k / ‖w_k‖² over the rivals k."""
    best, length = None, float("inf")
    for k in rivals:
        s = scores[k] - scores[label]
        (w,) = gradients(s, [x], "the scores", retain_graph=True)
        norm = w.norm()
        if norm > 0 and s.abs() / norm < length:
            best, length = -s.detach() * w / norm**2, s.abs() / norm
    if best is None:
        raise U3Error("the scores do not depend on the picture here, so no change of it is smallest; "
                      "look for a network whose gradient is not 0")
    return best
