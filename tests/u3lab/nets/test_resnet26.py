"""The network of the papers on residual adapters: its proportions, its shortcut, its weights in eight bits."""

import pytest
import torch
from torch import nn

from tests.helpers import cat
from u3lab import nets, universal
from u3lab.nets import checkpoints
from u3lab.nets.resnet26 import Block, ResNet26


@pytest.fixture(scope="module")
def net() -> nets.Classifier:
    return nets.load("resnet26_half", device="cpu", fold=False)


def test_the_papers_proportions():
    """25 banks of 3×3 filters, of which each stage's have four times the weights of those of the stage before."""
    with torch.device("meta"):
        full, half = ResNet26(64, 10), ResNet26(32, 10)
    banks = [[m for m in one.modules() if isinstance(m, nn.Conv2d)] for one in (full, half)]
    assert all(len(found) == 25 and {tuple(f.kernel_size) for f in found} == {(3, 3)} for found in banks)
    assert [f.out_channels for f in banks[0]] == [32] + [64] * 8 + [128] * 8 + [256] * 8
    assert [f.stride[0] for f in banks[0]] == [1] + ([2] + [1] * 7) * 3
    assert all(f.in_channels == g.in_channels * (2 if g.in_channels > 3 else 1) for f, g in zip(*banks, strict=True))
    assert not [path for path, _ in half.named_parameters() if "shortcut" in path]


def test_the_shortcut_has_means_of_two_by_two_and_zeros():
    x = torch.rand(2, 3, 6, 4, generator=torch.Generator().manual_seed(0))
    y = Block(3, 8, 2).shortcut(x)
    assert y.shape == (2, 8, 3, 2) and not y[:, 3:].any()
    torch.testing.assert_close(y[:, :3], x.unflatten(2, (3, 2)).unflatten(4, (2, 2)).mean((3, 5)))
    assert Block(3, 3, 1).shortcut(x).equal(x)


def test_a_block_is_its_formula():
    block = Block(4, 6, 2).eval()
    x = torch.randn(1, 4, 9, 7, generator=torch.Generator().manual_seed(0))
    y = block.norm2(block.conv2(block.norm1(block.conv1(x)).relu()))
    assert torch.equal(block(x), (y + block.shortcut(x)).relu()) and block(x).shape == (1, 6, 5, 4)


@pytest.mark.parametrize("side", [33, 64, 97])
def test_any_side(net: nets.Classifier, side: int):
    assert net.features(cat(side).float(), "end").shape[2:] == (-(-side // 8),) * 2


def test_what_folding_leaves(net: nets.Classifier):
    """All norms but the last, which is behind a sum, join a convolution; the answers stay."""
    folded, x = nets.load("resnet26_half", device="cpu"), cat(96).float()
    assert [path for path, m in folded.module.named_modules() if isinstance(m, nn.BatchNorm2d)] == ["end.0"]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 26 and folded.layers == net.layers
    for layer in net.layers:
        torch.testing.assert_close(folded.features(x, layer), net.features(x, layer), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["serial", "parallel"])
def test_adapters_add_a_ninth_and_begin_as_nothing(net: nets.Classifier, kind: str):
    x, adapted = cat(96).float(), universal.adapt(net, kind)
    adapted.add_domain("digits", 10).use("digits")
    assert all(torch.equal(adapted.features(x, layer), net.features(x, layer)) for layer in net.layers)
    head = 10 * (net.module.classifier.in_features + 1)
    added = sum(weight.numel() for weight in adapted.domain_parameters("digits")) - head
    assert 0.1 < added / sum(weight.numel() for weight in net.parameters()) <= 0.115


def test_what_half_precision_cannot_hold_is_written_as_it_is(tmp_path):
    norm = torch.nn.BatchNorm2d(2)
    norm.running_var.copy_(torch.tensor([0.25, 217069.0]))
    checkpoints.save(norm, tmp_path / "a.safetensors", eight_bits=True)
    torch.testing.assert_close(checkpoints.read(tmp_path / "a.safetensors")["running_var"], norm.running_var)


def test_eight_bits_are_near_enough(tmp_path):
    torch.manual_seed(0)
    one = ResNet26(8, 10)
    one.classifier.weight.data[3] = 0
    checkpoints.save(one, tmp_path / "a.safetensors", eight_bits=True)
    checkpoints.save(one, tmp_path / "b.safetensors")
    found, other = (checkpoints.read(tmp_path / name) for name in ("a.safetensors", "b.safetensors"))
    assert (tmp_path / "a.safetensors").stat().st_size < 0.7 * (tmp_path / "b.safetensors").stat().st_size
    assert found.keys() == other.keys() == one.state_dict().keys()
    for name, value in one.state_dict().items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        most = value.abs().flatten(1).amax(1) if value.ndim > 1 else value.abs()
        off = (found[name] - value).abs()
        assert ((off.flatten(1).amax(1) if value.ndim > 1 else off) <= most / 250).all(), name
