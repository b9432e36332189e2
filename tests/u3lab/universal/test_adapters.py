"""The equations of both papers by hand, the grids they meet on, and what folds into a convolution."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import normal, refuses
from u3lab.universal import adapters

KINDS = {"serial": adapters.Serial, "parallel": adapters.parallel, "low rank": adapters.low_rank}


def conv(*args, **options) -> nn.Conv2d:
    f = nn.Conv2d(*args, **options).double().requires_grad_(False)
    f.weight.copy_(normal(*f.weight.shape))
    if f.bias is not None:
        f.bias.copy_(normal(*f.bias.shape, seed=1))
    return f


def made(kind: str, f: nn.Conv2d, rank: int = 2) -> nn.Module:
    return KINDS[kind](f, rank, torch.Generator().manual_seed(0))


def filled(adapter: nn.Module) -> nn.Module:
    with torch.no_grad():
        for n, weight in enumerate(adapter.parameters()):
            weight.copy_(normal(*weight.shape, seed=2 + n))
    return adapter


def same_padding() -> nn.Conv2d:
    from timm.layers import Conv2dSame

    return Conv2dSame(4, 6, 3, stride=2).double().requires_grad_(False)


CONVOLUTIONS = {
    "3×3": lambda: conv(4, 6, 3, padding=1),
    "3×3, stride 2": lambda: conv(4, 6, 3, 2, 1),
    "3×3, no padding, stride 2": lambda: conv(4, 6, 3, 2),
    "7×7, stride 2": lambda: conv(3, 6, 7, 2, 3),
    "4×4, stride 4": lambda: conv(4, 6, 4, 4),
    "2×2, stride 2": lambda: conv(4, 6, 2, 2),
    "3×3, dilated": lambda: conv(4, 6, 3, padding=2, dilation=2),
    "3×3, too much padding": lambda: conv(4, 6, 3, 2, padding=2),
    "5×3, padding as a word": lambda: conv(4, 6, (5, 3), padding="same"),
    "1×7": lambda: conv(4, 6, (1, 7), padding=(0, 3)),
    "3×3, timm's": same_padding,
    "two groups": lambda: conv(4, 6, 3, padding=1, groups=2),
    "depthwise": lambda: conv(4, 4, 3, 2, 1, groups=4),
    "depthwise, two each": lambda: conv(4, 8, 3, padding=1, groups=4),
    "pointwise": lambda: conv(4, 6, 1),
    "pointwise, stride 2, no bias": lambda: conv(4, 6, 1, 2, bias=False),
}
EACH = pytest.mark.parametrize("name", CONVOLUTIONS)
SIDES = ((12, 12), (13, 11), (8, 9))


@pytest.mark.oracle("the equation, by hand", universal=["serial"])
def test_serial_by_hand():
    """v = f ∗ x, y_o = v_o + Σ_c α_oc v_c at each site."""
    f, x = conv(2, 3, 3, padding=1), normal(1, 2, 5, 5)
    adapter = filled(made("serial", f))
    v, alpha = f(x), adapter.alpha.weight[:, :, 0, 0]
    assert torch.allclose(adapter(f, x), v + torch.einsum("oc,ncij->noij", alpha, v))


@pytest.mark.oracle("the equation, by hand", universal=["parallel"])
def test_parallel_by_hand():
    """y_o(i,j) = (f ∗ x)_o(i,j) + Σ_c α_oc x_c(2i, 2j): stride 2, the centres of the windows."""
    f, x = conv(2, 3, 3, 2, 1), normal(1, 2, 6, 6)
    adapter = filled(made("parallel", f))
    alpha = adapter.alpha.weight[:, :, 0, 0]
    assert torch.allclose(adapter(f, x), f(x) + torch.einsum("oc,ncij->noij", alpha, x[..., ::2, ::2]))


@pytest.mark.parametrize("kind, size", [("low rank", 3), ("low rank", 1), ("parallel", 1), ("serial", 1)])
def test_what_is_drawn_keeps_the_size_of_what_it_is_given(kind: str, size: int):
    """A has the variance 1/fan-in, and B is zero."""
    adapter = made(kind, nn.Conv2d(80, 80, size), rank=40)
    inner = adapter if hasattr(adapter, "b") else adapter.alpha
    assert inner.a.weight.var().item() == pytest.approx(1 / (80 * size**2), rel=0.1) and not inner.b.weight.any()


@pytest.mark.oracle("the equation, by hand", universal=["low rank"])
def test_low_rank_by_hand():
    """y = f ∗ x + B ∗ A ∗ x is one convolution with W + B A."""
    f, x = conv(2, 3, 3, padding=1), normal(1, 2, 5, 5)
    adapter = filled(made("low rank", f))
    a, b = adapter.a.weight.flatten(1), adapter.b.weight.flatten(1)
    assert a.shape == (2, 18) and b.shape == (3, 2)
    wanted = F.conv2d(x, f.weight + (b @ a).view(3, 2, 3, 3), f.bias, padding=1)
    assert torch.allclose(adapter(f, x), wanted)


def test_depthwise_adapters_are_scales():
    f, x = conv(4, 4, 3, padding=1, groups=4), normal(2, 4, 6, 6)
    for kind, seen in (("serial", f(x)), ("parallel", x)):
        adapter = filled(made(kind, f))
        scale = adapter.alpha.weight
        assert scale.shape == (4, 1, 1, 1)
        assert torch.allclose(adapter(f, x), f(x) + scale.view(1, 4, 1, 1) * seen)


@EACH
@pytest.mark.parametrize("kind", KINDS)
def test_at_zero_it_is_the_convolution_bit_by_bit(kind: str, name: str):
    """And nothing is drawn from everybody's random numbers."""
    f, before = CONVOLUTIONS[name](), torch.get_rng_state()
    adapter, again = made(kind, f), made(kind, f)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in adapter.state_dict().items())
    for height, width in SIDES:
        x = normal(2, f.in_channels, height, width)
        assert torch.equal(adapter(f, x), f(x))


@EACH
@pytest.mark.parametrize("kind", KINDS)
def test_folded_it_is_one_convolution(kind: str, name: str):
    f = CONVOLUTIONS[name]()
    before, adapter = f.weight.clone(), filled(made(kind, f))
    folded = adapter.folded(f)
    for height, width in SIDES:
        x = normal(2, f.in_channels, height, width)
        y = adapter(f, x)
        assert (y - f(x)).abs().max() > 0.1, "an adapter that does nothing shows nothing"
        assert (folded(x) - y).abs().max() < 1e-12 * y.abs().max()
    assert torch.equal(f.weight, before) and type(folded) is type(f) and not folded.weight.requires_grad


@EACH
@pytest.mark.parametrize("kind", KINDS)
def test_its_gradient_is_right_and_that_of_the_convolution_stays_away(kind: str, name: str):
    f = CONVOLUTIONS[name]()
    adapter, x = filled(made(kind, f)), normal(1, f.in_channels, 8, 9).requires_grad_()
    weights = list(adapter.parameters())

    def energy(x: Tensor, *given: Tensor) -> Tensor:
        with torch.no_grad():
            names = [key for key, _ in adapter.named_parameters()]
        return torch.func.functional_call(adapter, dict(zip(names, given, strict=True)), (f, x)).square().sum()

    assert torch.autograd.gradcheck(energy, (x, *weights), fast_mode=True)
    assert f.weight.grad is None


@pytest.mark.parametrize("channels", [3, 12])
@pytest.mark.parametrize("kind", ["parallel", "low rank"])
def test_filters_of_one_place_have_no_stride(kind: str, channels: int):
    """Else PyTorch 2.13 writes beyond its memory on the way back through three channels in channels_last."""
    for f in (conv(channels, 20, 3, 2, 1), conv(channels, 20, 1, 2)):
        adapter = made(kind, f)
        banks = [m for m in adapter.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
        assert banks and all(bank.stride == (1, 1) for bank in banks)
        x = normal(4, channels, 32, 32).to(memory_format=torch.channels_last)
        for _ in range(4):
            grads = torch.autograd.grad(adapter(f, x).square().sum(), list(adapter.parameters()))
        wanted = torch.autograd.grad(adapter(f, x.contiguous()).square().sum(), list(adapter.parameters()))
        assert all(torch.allclose(a, b) for a, b in zip(grads, wanted, strict=True))


def test_sorts():
    sorts = {name: adapters.sort_of(make()) for name, make in CONVOLUTIONS.items()}
    assert sorts["depthwise"] == sorts["depthwise, two each"] == "depthwise" and sorts["pointwise"] == "pointwise"
    assert sorts["3×3"] == sorts["two groups"] == sorts["1×7"] == "dense"


def test_a_convolution_that_is_none_of_the_usual_does_not_fold():
    class Odd(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return self._conv_forward(x, 2 * self.weight, self.bias)

    f = Odd(2, 2, 3, padding=1)
    refuses(made("parallel", f).folded, f, says=("Odd", "folded", "as it is"))
