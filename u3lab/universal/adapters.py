"""The ways to make a network fit another domain, by name, and what a domain adds to a shared convolution f.

What is added is a residual that begins at zero:

    serial      v = f ∗ x,  y = v + α ∗ v     Rebuffi, Bilen & Vedaldi, Learning multiple visual domains with residual
                                              adapters, NIPS 2017
    parallel    y = f ∗ x + α ∗ x             the same, Efficient parametrization of multi-domain deep neural networks,
                                              CVPR 2018
    low rank    y = f ∗ x + B ∗ A ∗ x         Hu et al., LoRA, ICLR 2022, for convolutions

α is a bank of 1×1 filters. With α = 0 (B = 0) each is the convolution itself, bit by bit. The papers put α before the
batch norm, and so does this: the norm is a module of its own and follows. Each adapter is called with the shared
convolution and its input, ``adapter(f, x)``, and ``adapter.folded(f)`` is one convolution that does the same.

A new method is one function (f, rank, generator) → adapter, or nothing but a choice of what is trained, and one line
in ``METHODS``; ``tests/u3lab/universal/test_contract.py`` holds every line to its word.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from u3lab.errors import U3Error

DENSE, DEPTHWISE, POINTWISE = "dense", "depthwise", "pointwise"
SORTS = (DENSE, DEPTHWISE, POINTWISE)
NOTHING, LAST_BLOCK, ALL = "nothing", "last block", "all"  # of the network's own weights
MIXTURES, MIDDLES, LOW_RANK = "mixtures of the filters", "their centres", "a change of low rank"


def sort_of(f: nn.Conv2d) -> str:
    """Of which sort a convolution is: pointwise (1×1), depthwise (as many groups as channels), or dense (k×k)."""
    if f.groups == f.in_channels > 1:
        return DEPTHWISE
    return POINTWISE if tuple(f.kernel_size) == (1, 1) and f.groups == 1 else DENSE


class Serial(nn.Module):
    """v + α ∗ v behind the convolution; α is (C,C), one scale a channel behind a depthwise one.

    Behind a pointwise convolution, which α would double, α = B A has the given rank.
    """

    def __init__(self, f: nn.Conv2d, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        if sort_of(f) == POINTWISE:
            self.alpha = LowRankBank(f.out_channels, f.out_channels, min(rank, f.out_channels), f, generator)
        else:
            self.alpha = Bank(f.out_channels, f.out_channels, f, f.groups)

    def forward(self, f: nn.Module, x: Tensor) -> Tensor:
        v = f(x)
        return v + self.alpha(v)

    def matrix(self) -> Tensor:
        """α as a matrix of each group, (G,C/G,C/G)."""
        return self.alpha.matrix()

    def folded(self, f: nn.Conv2d) -> nn.Conv2d:
        """W′ = (I + α) W and b′ = (I + α) b: the filters are mixed with each other."""
        alpha = self.matrix()
        groups = len(alpha)
        weight = f.weight.unflatten(0, (groups, -1))
        weight = weight + torch.einsum("goc,gcikl->goikl", alpha, weight)
        bias = f.bias
        if bias is not None:
            bias = bias.view(groups, -1)
            bias = (bias + torch.einsum("goc,gc->go", alpha, bias)).flatten()
        return _with(f, weight.flatten(0, 1), bias)


class Parallel(nn.Module):
    """y = f ∗ x + α ∗ x: α looks at the centre of each window that f looks at, in f's groups."""

    def __init__(self, f: nn.Conv2d, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.alpha = Bank(f.in_channels, f.out_channels, f, f.groups)

    def forward(self, f: nn.Module, x: Tensor) -> Tensor:
        return f(x) + self.alpha(centres(f, x))

    def matrix(self) -> Tensor:
        """α as a matrix of each group, (G,C_out/G,C_in/G)."""
        return self.alpha.matrix()

    def folded(self, f: nn.Conv2d) -> nn.Conv2d:
        """α is added to the centre tap of each filter."""
        weight = f.weight.clone()
        row, column = (((k - 1) // 2) for k in f.kernel_size)
        weight[:, :, row, column] += self.matrix().flatten(0, 1)
        return _with(f, weight, f.bias)


class LowRank(nn.Module):
    """y = f ∗ x + B ∗ A ∗ x: A has the size and stride of f but only ``rank`` filters, B is 1×1 and begins at zero."""

    def __init__(self, f: nn.Conv2d, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        rank = min(rank, f.in_channels, f.out_channels)
        self.a = Bank(f.in_channels, rank, f) if sort_of(f) == POINTWISE else _like(f, rank)
        _draw(self.a.weight, generator)
        self.b = Bank(rank, f.out_channels, f)

    def forward(self, f: nn.Module, x: Tensor) -> Tensor:
        return f(x) + self.b(self.a(centres(f, x) if isinstance(self.a, Bank) else x))

    def matrix(self) -> Tensor:
        """B A, the change of the filters, (1,C_out,C_in·k·k)."""
        return self.b.matrix() @ self.a.weight.flatten(1)

    def folded(self, f: nn.Conv2d) -> nn.Conv2d:
        """W′ = W + B A."""
        return _with(f, f.weight + self.matrix().view_as(f.weight), f.bias)


Adapter = Serial | Parallel | LowRank
Maker = Callable[[nn.Conv2d, int, torch.Generator], Adapter]  # (f, rank, where random numbers come from)


def parallel(f: nn.Conv2d, rank: int, generator: torch.Generator) -> Adapter:
    """α ∗ x beside it; beside a pointwise one, which α would double, B ∗ A ∗ x."""
    return LowRank(f, rank, generator) if sort_of(f) == POINTWISE else Parallel(f, rank, generator)


def low_rank(f: nn.Conv2d, rank: int, generator: torch.Generator) -> Adapter:
    """B ∗ A ∗ x beside it (LoRA); one of several groups has few weights already and gets α ∗ x."""
    return LowRank(f, rank, generator) if f.groups == 1 else Parallel(f, rank, generator)


@dataclass(frozen=True)
class Method:
    """One way to adapt.

    Attributes:
        adapter: What is set beside each convolution: (f, rank, generator) → adapter; None for nothing.
        norms: Whether a domain gets batch norms of its own, where the network has batch norms.
        own: What of the network's weights is trained: "nothing", the "last block" or "all". What is trained in place is
            forgotten for others, so such a network serves one domain.
        fresh: Whether all starts from random weights.
        reach: What an adapter can make of a network's k×k filters: "mixtures of the filters", no new shapes; "their
            centres", where they look at nothing but the middle of their window; or "a change of low rank".
    """

    adapter: Maker | None = None
    norms: bool = True
    own: str = NOTHING
    fresh: bool = False
    reach: str | None = None


METHODS: dict[str, Method] = {
    "scratch": Method(own=ALL, fresh=True),
    "features": Method(norms=False),
    "batch norm": Method(),
    "last block": Method(own=LAST_BLOCK, norms=False),
    "fine-tuning": Method(own=ALL),
    "serial": Method(Serial, reach=MIXTURES),
    "parallel": Method(parallel, reach=MIDDLES),
    "low rank": Method(low_rank, reach=LOW_RANK),
}


class Bank(nn.Conv2d):
    """α: 1×1 filters where f's weights are, all zero."""

    def __init__(self, inputs: int, outputs: int, f: nn.Conv2d, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 1, groups=groups, bias=False, device=f.weight.device, dtype=f.weight.dtype)

    def reset_parameters(self) -> None:
        """PyTorch draws here; α begins at zero."""
        nn.init.zeros_(self.weight)

    def matrix(self) -> Tensor:
        """(G,C_out/G,C_in/G)."""
        return self.weight.flatten(1).unflatten(0, (self.groups, -1))


class LowRankBank(nn.Module):
    """α = B A on 1×1 windows: A is drawn, B is zero."""

    def __init__(self, inputs: int, outputs: int, rank: int, f: nn.Conv2d, generator: torch.Generator) -> None:
        super().__init__()
        self.a = Bank(inputs, rank, f)
        _draw(self.a.weight, generator)
        self.b = Bank(rank, outputs, f)

    def forward(self, v: Tensor) -> Tensor:
        return self.b(self.a(v))

    def matrix(self) -> Tensor:
        """(1,C_out,C_in)."""
        return self.b.matrix() @ self.a.matrix()


@torch.no_grad()
def _draw(weight: Tensor, generator: torch.Generator) -> None:
    """Normal with variance 1/fan-in: A keeps the size of what it is given."""
    weight.copy_(torch.randn(weight.shape, generator=generator) * weight[0].numel() ** -0.5)


def _like(f: nn.Conv2d, outputs: int) -> nn.Conv2d:
    """A convolution of f's size, stride and padding with other outputs; its weights are not set."""
    with torch.random.fork_rng(devices=[]):  # PyTorch draws, from everybody's random numbers
        like = type(f)(f.in_channels, outputs, f.kernel_size, f.stride, f.padding, f.dilation, bias=False)
    like.padding_mode = f.padding_mode
    return like.to(f.weight)


def centres(f: nn.Conv2d, x: Tensor) -> Tensor:
    """The input at the centres of f's windows, one for each place of f's output: where 1×1 filters of f's stride look.

    For the usual k×k convolution of stride 1 with padding (k−1)/2 that is the input itself. The centre of an even
    window is the place before its middle.
    """
    # Not a 1×1 convolution with a stride: for 3 or 12 channels in channels_last, the backward pass of PyTorch 2.13
    # then writes beyond its memory.
    for axis in (-2, -1):
        length, k, stride, dilation = (x.shape[axis], f.kernel_size[axis], _pair(f.stride)[axis],
                                       _pair(f.dilation)[axis])
        reach = dilation * (k - 1) + 1
        if pads_to_same(f):
            count = -(-length // stride)
            before = max((count - 1) * stride + reach - length, 0) // 2
        else:
            before = 0 if f.padding == "valid" else _pair(f.padding)[axis]
            count = (length + 2 * before - reach) // stride + 1
        first = dilation * ((k - 1) // 2) - before
        beyond = first + (count - 1) * stride + 1 - length
        if first < 0 or beyond > 0:  # padded by more than half a window
            x = F.pad(x, [*[0, 0] * (axis == -2), max(-first, 0), max(beyond, 0)])
            first = max(first, 0)
        if (first, stride, count) != (0, 1, x.shape[axis]):
            looked_at = slice(first, first + (count - 1) * stride + 1, stride)
            x = x[..., looked_at] if axis == -1 else x[..., looked_at, :]
    return x


def pads_to_same(f: nn.Conv2d) -> bool:
    """Whether the output is as large as the input divided by the stride, as TensorFlow and timm's Conv2dSame pad."""
    return f.padding == "same" or type(f).__name__ == "Conv2dSame"


def _with(f: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """A convolution like f with other weights."""
    if type(f).forward is not nn.Conv2d.forward and not pads_to_same(f):
        raise U3Error(f"{type(f).__name__} does something else with its weights than a convolution does, so adapters "
                      "cannot be folded into it; use the network as it is")
    like = copy.deepcopy(f).requires_grad_(False)
    like.weight.copy_(weight.detach())
    if bias is not None:
        like.bias.copy_(bias.detach())
    return like
