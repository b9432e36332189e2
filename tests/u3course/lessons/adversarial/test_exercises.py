"""What the exercises of chapter 6b say is so: the identity, and that the library uses the answers."""

import pytest
import torch
import torch.nn.functional as F

from tests.u3lab.adversarial.attacked import small
from u3lab.adversarial.attacks import AttackSettings, descend_once, fgsm, pgd, targeted_loss
from u3lab.equivariance.transport import mirrored_filters

SEEDS = pytest.mark.parametrize("seed", range(3))


def random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@SEEDS
def test_a_step_of_the_iterator_is_the_exercise(seed: int):
    net, x = small(seed)
    settings = AttackSettings(eps=0.02, step_size=0.013, steps=4)
    pictures = [step.value for step in pgd(net, x, "a", target="c", settings=settings)]
    for before, after in zip(pictures, pictures[1:], strict=False):
        before.requires_grad_()
        (p,) = torch.autograd.grad(targeted_loss(net(before), 2), [before])
        moved = (before.detach() - 0.013 * p.sign()).clamp(0, 1)
        torch.testing.assert_close(after, torch.minimum(torch.maximum(moved, x - 0.02), x + 0.02), atol=1e-6, rtol=0)
    p = torch.autograd.grad(targeted_loss(net(x.requires_grad_()), 2), [x])[0]
    x = x.detach()
    assert torch.equal(fgsm(net, x, "a", 0.02, target="c"), descend_once(x, p, x, 0.02, 0.02))


@SEEDS
@pytest.mark.parametrize("k, groups", [(1, 1), (3, 1), (4, 1), (5, 2)])
def test_the_flip_identity(k: int, groups: int, seed: int):
    """conv(flip x; W) = flip conv(x; flip W) with stride 1, whatever the filters; with W itself it fails."""
    x = torch.randn(2, 4, 9, 11, generator=random(seed))
    w = torch.randn(6, 4 // groups, k, k, generator=random(seed + 9))
    wanted = F.conv2d(x.flip(3), w, groups=groups)
    torch.testing.assert_close(F.conv2d(x, mirrored_filters(w), groups=groups).flip(3), wanted, atol=1e-5, rtol=1e-5)
    assert k == 1 or (F.conv2d(x, w, groups=groups).flip(3) - wanted).abs().max() > 0.1


def test_the_loss_has_a_gradient_where_the_softmax_has_none():
    scores = torch.tensor([[200.0, 0.0, -100.0]], requires_grad=True)
    (p,) = torch.autograd.grad(targeted_loss(scores, 1), [scores])
    assert p.tolist() == [[1.0, -1.0, 0.0]]
