"""The hole: what is seen, what is asked, what the adversary does to whom; the linear case is ridge regression."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from torch import Tensor

from tests.helpers import refuses, uniform
from u3lab.selfsup import TASKS, erasing


def test_what_is_hidden_reaches_no_view_and_what_is_visible_no_patch() -> None:
    x = uniform(2, 3, 64, 64).requires_grad_()
    seen, true = erasing.hole(x)
    assert seen.shape == x.shape and true.shape == (2, 3, 32, 32)
    through_view, = torch.autograd.grad(seen.sum(), x, retain_graph=True)
    through_patch, = torch.autograd.grad(true.sum(), x)
    assert (through_view[..., 20:44, 20:44] == 0).all() and through_view.sum() == x.numel() - 2 * 3 * 24 * 24
    assert (through_patch[..., 16:48, 16:48] == 1).all() and through_patch.sum() == true.numel()
    assert (seen[..., 20:44, 20:44] == 0.5).all() and torch.equal(true, x[..., 16:48, 16:48])


def test_the_border_counts_ten_times() -> None:
    true, patch = uniform(2, 3, 12, 12), uniform(2, 3, 12, 12, seed=1).requires_grad_()
    off = (true - patch).square().sum((0, 1))
    expected = sum((10 if min(i, j) < 4 or max(i, j) >= 8 else 1) * off[i, j] for i in range(12) for j in range(12))
    torch.testing.assert_close(erasing.reconstruction(patch, true), expected / true.numel())


@pytest.mark.oracle("scikit-learn's ridge regression", selfsup=["erase"])
def test_the_best_linear_answer_is_ridge_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    """A linear decoder of what is visible, trained on the task's own loss with a price on its weights."""
    monkeypatch.setattr(erasing, "BORDER", 1)
    price, base = 0.3, uniform(4, 3 * 16 * 16)
    x = (uniform(60, 4, seed=1) @ base / 4 + 0.1 * uniform(60, 3 * 16 * 16, seed=2)).view(60, 3, 16, 16)
    seen, true = erasing.hole(x)
    visible = (seen != 0.5).all(0).flatten()
    inputs = seen.flatten(1)[:, visible] - seen.flatten(1)[:, visible].mean(0)
    asked = true - true.mean(0)
    W = torch.zeros(inputs.shape[1], asked[0].numel(), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([W], lr=1, max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-14,
                                  line_search_fn="strong_wolfe")

    def energy() -> Tensor:
        optimiser.zero_grad()
        answer = (inputs @ W).view_as(asked)
        loss = erasing.reconstruction(answer, asked) + price * W.square().sum()
        loss.backward()
        return loss

    optimiser.step(energy)
    weight = np.full((3, 8, 8), 10.0)
    weight[:, 1:-1, 1:-1] = 1
    ridge = Ridge(alpha=price * asked.numel() / weight.ravel(), fit_intercept=False)
    ridge.fit(inputs.numpy(), asked.flatten(1).numpy())
    np.testing.assert_allclose(W.detach().numpy().T, ridge.coef_, atol=1e-6)


def test_the_score_is_the_share_of_variance_of_what_was_hidden() -> None:
    true, patch = uniform(3, 3, 32, 32), uniform(3, 3, 32, 32, seed=1)
    inner = [one[..., 4:-4, 4:-4].movedim(1, -1).reshape(-1, 3).numpy() for one in (true, patch)]
    assert float(TASKS["erase"].score(patch, true)) == pytest.approx(
        r2_score(*inner, multioutput="variance_weighted"), abs=1e-9)


@pytest.mark.oracle("two plain passes in torch", selfsup=["erase, adversary"])
def test_the_adversary_pulls_the_decoder_one_way_and_itself_the_other() -> None:
    """The gradient of L = L_rec + λ max_D …, by two plain passes without a reversal."""
    lam, task = 0.3, erasing.erase(0.3)
    torch.manual_seed(0)
    head = task.head(8).double()
    maps, true = uniform(4, 1, 8, 8, 8), uniform(4, 3, 32, 32, seed=1)
    both = task.loss(head(maps, true), true)
    found = torch.autograd.grad(sum(both.values()), list(head.parameters()))
    decoder, judge = list(head.restorer.parameters()), list(head.judge.parameters())
    patch = head.restorer(maps)
    right = F.logsigmoid(head.judge(true)).mean() + torch.log(1 - head.judge(patch).sigmoid()).mean()
    expected = torch.autograd.grad(erasing.reconstruction(patch, true) + lam * right, decoder, retain_graph=True)
    expected += torch.autograd.grad(-lam * right, judge)
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one, two)
    assert set(both) == {"squared error", "adversary"}


def test_the_adversary_sees_the_patch_alone() -> None:
    task = TASKS["erase, adversary"]
    x = uniform(4, 3, 64, 64)
    other = x.clone()
    other[..., :16, :], other[..., 48:, :], other[..., :16], other[..., 48:] = 0, 0, 0, 0
    one, two = (task.pose(images, torch.Generator().manual_seed(0)) for images in (x, other))
    assert torch.equal(one.more[0], two.more[0]) and torch.equal(one.more[0], one.target)


@pytest.mark.parametrize("shape", [(2, 3, 64, 48), (2, 3, 20, 20), (2, 3, 16, 16)])
def test_pictures_that_have_no_room_are_refused(shape: tuple[int, ...]) -> None:
    refuses(erasing.hole, torch.rand(shape), says="multiple of 8")
