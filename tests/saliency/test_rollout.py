"""Attention rollout: by a loop from the weights, blind to the class, and what it leaves as it was."""

import copy

import pytest
import torch
from torch import Tensor

from tests.helpers import no_tensor_stays, refuses, same_state, squeezenet, state
from tests.nets import own
from tests.nets.test_tokens import KINDS, wrapped
from u3lab import nets, saliency
from u3lab.saliency import rollout
from u3lab.saliency.sanity import randomisation_check, randomise_downwards

EACH = pytest.mark.parametrize("kind", KINDS)


def by_loops(net: nets.Classifier, x: Tensor) -> Tensor:
    """R of one picture, (N,N), from the weights of each block; two heads of eight numbers."""
    module, inputs = net.module, []
    hooks = [block.attn.register_forward_hook(lambda _, args, output: inputs.append(args[0][0]))
             for block in module.blocks]
    module(net.normalise(x))
    for hook in hooks:
        hook.remove()
    rolled = None
    for tokens, block in zip(inputs, module.blocks, strict=True):
        N, mixed = len(tokens), torch.zeros(len(tokens), len(tokens))
        query, key, _ = (tokens @ block.attn.qkv.weight.T + block.attn.qkv.bias).split(16, 1)
        for head in range(2):
            part = slice(8 * head, 8 * head + 8)
            for i in range(N):
                scores = torch.stack([(query[i, part] * key[j, part]).sum() / 8**0.5 for j in range(N)])
                mixed[i] += scores.exp() / scores.exp().sum() / 2
        mixed = (mixed + torch.eye(N)) / 2
        rolled = mixed if rolled is None else torch.stack([sum(mixed[i, k] * rolled[k] for k in range(N))
                                                           for i in range(N)])
    return rolled.detach()


@EACH
def test_it_is_the_product_of_the_layers(kind: str):
    net, x = wrapped(kind)
    prefix, (h, w) = KINDS[kind][1], (x.shape[2] // 8, x.shape[3] // 8)
    R = by_loops(net, x[:1])
    torch.testing.assert_close(R.sum(1), torch.ones(len(R)))
    expected = R[prefix:].mean(0) if kind == "no class" else R[0]
    found = rollout(net, x)
    assert found.shape == (2, 1, h, w) and found.min() >= 0
    torch.testing.assert_close(found[:1], expected[prefix:].view(1, 1, h, w), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(rollout(net, x[1:]), found[1:])  # a batch is its pictures one by one


def test_where_the_mean_over_patches_is_read_their_rows_count():
    from timm.models.vision_transformer import VisionTransformer

    from tests.nets.test_tokens import SMALL
    net, x = nets.wrap(own.drawn(VisionTransformer(**SMALL, global_pool="avg")), size=32), own.pictures(1, 32, 32)
    assert net.prefix == 1
    torch.testing.assert_close(rollout(net, x).flatten(), by_loops(net, x)[1:].mean(0)[1:], rtol=1e-4, atol=1e-6)


def test_it_knows_no_class_and_not_even_what_reads_the_classes():
    """The head and the last block's MLP may be shuffled: the map stays, bit by bit. The whole network is not so spared.
    """
    net, x = wrapped("class")
    first = rollout(net, x, 0)
    assert torch.equal(first, rollout(net, x, 3)) and torch.equal(first, rollout(net, x))
    reached = {}
    for name, broken in randomise_downwards(net):
        reached[name] = torch.equal(rollout(broken, x), first)
    same = [name for name, still in reached.items() if still]
    assert same == ["head", "blocks.2.mlp.fc2", "blocks.2.mlp.fc1", "blocks.2.attn.proj"]
    check = dict(randomisation_check(net, x[:1], None, rollout))
    assert all(check[name] == pytest.approx(1) for name in same) and check["patch_embed.proj"] < 0.9


@pytest.mark.parametrize("fused", [True, False])
def test_attention_is_fused_again_and_all_is_as_before(fused: bool):
    net, x = wrapped("registers")
    net = nets.wrap(copy.deepcopy(net.module), size=32)
    for block in net.module.blocks:
        block.attn.fused_attn = fused
    before = state(net)
    with no_tensor_stays():
        rollout(net, x)
    breaks = net.module.blocks[1].mlp.register_forward_pre_hook(lambda module, inputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rollout(net, x)
    breaks.remove()
    assert [block.attn.fused_attn for block in net.module.blocks] == [fused] * 3
    assert same_state(before, state(net)) and not any(part._forward_hooks for part in net.modules())


def test_half_precision():
    net, x = wrapped("class")
    rough = rollout(nets.wrap(copy.deepcopy(net.module).bfloat16(), size=32, mean=own.MEAN, std=own.STD), x)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, rollout(net, x), rtol=0.1, atol=1e-3)


def test_where_there_is_nothing_to_roll_out():
    refuses(rollout, squeezenet(), torch.rand(1, 3, 64, 64), says="no attention of all tokens to all.*Grad-CAM")
    from timm.models.swin_transformer import SwinTransformer

    module = SwinTransformer(img_size=32, patch_size=4, num_classes=4, embed_dim=8, depths=(1, 1), num_heads=(1, 2),
                             window_size=4)
    refuses(rollout, module.eval(), torch.rand(1, 3, 32, 32), says="no attention of all tokens")


def test_rules_for_relus_say_what_a_transformer_has():
    net, x = wrapped("class")
    refuses(saliency.backprop, net, x, 1, rule="guided", says="no ReLU .a GELU or PReLU is none")
