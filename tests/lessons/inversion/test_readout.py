"""What a linear map reads off a code, beside scikit-learn's ridge regression."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import Ridge

from u3lab.lessons.inversion import readout


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_ridge_in_dual_form_is_that_of_scikit_learn():
    codes, targets = numbers(20, 30), numbers(20, 4, seed=1).double()
    (centre, weight), = readout.ridge(codes, targets, [0.01])
    y = codes.double() - codes.double().mean(0)
    alpha = 0.01 * float(y.square().sum())
    theirs = Ridge(alpha=alpha).fit(codes.double().numpy(), targets.numpy())
    torch.testing.assert_close(weight.double(), torch.tensor(theirs.coef_).T, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(centre, codes.mean(0))


def test_a_code_that_is_the_picture_tells_all_and_one_of_noise_nothing():
    photos, new = [f"a{k // 4}" for k in range(240)], [f"b{k // 2}" for k in range(20)]
    x, other = (torch.rand(n, 192, generator=torch.Generator().manual_seed(n)).double() for n in (240, 20))
    turned = torch.linalg.qr(numbers(192, 192)).Q
    all_of_it = readout.read_off(x.float() @ turned, x, photos, other.float() @ turned, other, new)
    nothing = readout.read_off(numbers(240, 50), x, photos, numbers(20, 50, seed=3), other, new)
    for shares in all_of_it:
        assert len(shares) == 10 and min(shares) > 0.95
    for shares in nothing:
        assert sum(shares) / len(shares) < 0.2


def test_a_small_picture_is_its_mean_colour_and_what_is_left():
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    small = readout.small(x)
    torch.testing.assert_close(small[0, 0].float(), x[0, 0, :4, :4].mean())
    colour, rest = readout.parts(small)
    torch.testing.assert_close(colour, x.double().mean((2, 3)))
    torch.testing.assert_close(rest.view(2, 3, 64).mean(2), torch.zeros(2, 3).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close((rest.view(2, 3, 64) + colour[..., None]).flatten(1), small)


def test_the_parts_of_a_score_vector():
    y = torch.arange(12.0).flip(0)[None]  # 11, 10, … 0
    found = {name: part(y)[0] for name, part in readout.PARTS.items()}
    assert found["the best class"].tolist() == [1.0] + [0.0] * 11
    assert found["all but the ten best"].tolist() == pytest.approx([0.5] * 10 + [1.0, 0.0])
    assert found["the ten best"].tolist() == pytest.approx([10.5 - k for k in range(10)] + [0.0, 0.0])
