"""FGSM and PGD of captum (BSD) under our loss: the same pictures.

By default captum's loss is −log of the network's output, which on scores below 0 is NaN, and gradients below 10⁻⁶ count
as 0: here both get the same loss, and the threshold is turned off.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.helpers import cat
from u3lab import nets
from u3lab.adversarial.attacks import AttackSettings, fgsm, pgd, project
from u3lab.descent import last

robust = pytest.importorskip("captum.robust")

LABEL, TARGET = 285, 859


def cross_entropy(scores: Tensor, target: int) -> Tensor:
    return F.cross_entropy(scores, torch.tensor([target]), reduction="none")


def exact(method):
    """captum's FGSM, or the one inside its PGD, without its threshold."""
    getattr(method, "fgsm", method).zero_thresh = 0.0
    return method


@pytest.fixture(scope="module")
def net() -> nets.Classifier:
    """The shipped network in double precision, where the sign of a tiny gradient is not up to rounding."""
    return nets.load("squeezenet1_1", device="cpu").double()


@pytest.mark.oracle("captum", adversarial=["fgsm"])
@pytest.mark.parametrize("target", [None, TARGET])
def test_fgsm(net: nets.Classifier, target: int | None):
    x = cat(96)
    theirs = exact(robust.FGSM(net, cross_entropy, 0, 1)).perturb(
        x, 0.02, LABEL if target is None else target, targeted=target is not None)
    torch.testing.assert_close(fgsm(net, x, LABEL, 0.02, target=target), theirs.detach(), atol=1e-12, rtol=0)


@pytest.mark.oracle("captum", adversarial=["pgd"])
@pytest.mark.parametrize("target", [None, TARGET])
def test_pgd(net: nets.Classifier, target: int | None):
    x, eps, step_size, steps = cat(96), 0.01, 0.004, 4
    theirs = exact(robust.PGD(net, cross_entropy, 0, 1)).perturb(
        x, eps, step_size, steps, LABEL if target is None else target, targeted=target is not None)
    ours = last(pgd(net, x, LABEL, target=target, settings=AttackSettings(eps=eps, step_size=step_size,
                                                                          steps=steps))).value
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-12, rtol=0)


def test_the_l2_ball(net: nets.Classifier):
    """captum's radius is ε√n. It steps by the sign of the gradient in L2 as well, so its path is another one, but what
    comes back into its ball is the same picture."""
    x, eps = 0.1 + 0.8 * cat(96), 0.01  # captum's step may leave the box for a moment, ours may not: keep away from it
    theirs = exact(robust.PGD(net, cross_entropy, 0, 1)).perturb(
        x, eps * math.sqrt(x.numel()), 0.05, 1, LABEL, norm="L2")
    ours = project(fgsm(net, x, LABEL, 0.05), x, eps, "l2")
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-7, rtol=0)  # torch.renorm divides by the norm + 1e-7
