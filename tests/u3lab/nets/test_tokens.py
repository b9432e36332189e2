"""Token maps of transformers are timm's own, the scores can be differentiated by them, and no number changes."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import relative
from tests.u3lab.nets import own
from u3lab import nets, saliency

SMALL = {"img_size": 32, "patch_size": 8, "in_chans": 1, "num_classes": 4, "embed_dim": 16, "depth": 3, "num_heads": 2}
# What is changed, and P: tokens before those of the patches.
KINDS = {"class": ({}, 1), "registers": ({"reg_tokens": 3, "no_embed_class": True}, 4),
         "no class": ({"class_token": False, "global_pool": "avg"}, 0), "any size": ({"dynamic_img_size": True}, 1)}


@cache
def made(kind: str) -> nn.Module:
    from timm.models.vision_transformer import VisionTransformer

    return own.drawn(VisionTransformer(**SMALL | KINDS[kind][0]), seed=4)


def wrapped(kind: str) -> tuple[nets.Classifier, Tensor]:
    sides = (32, 24) if kind == "any size" else (32, 32)
    return nets.wrap(made(kind), size=sides, mean=own.MEAN, std=own.STD), own.pictures(2, *sides)


EACH = pytest.mark.parametrize("kind", KINDS)


@EACH
def test_maps_are_timms(kind: str):
    net, x = wrapped(kind)
    theirs = net.module.forward_intermediates(net.normalise(x), intermediates_only=True)  # (B,C,h,w) of each block
    assert len(theirs) == 3 and theirs[0].shape == (2, 16, x.shape[2] // 8, x.shape[3] // 8)
    for number, expected in enumerate(theirs):
        assert torch.equal(net.features(x, f"blocks.{number}"), expected)


@EACH
def test_maps_by_the_formula(kind: str):
    """Row by row, behind the prefix; inside of a block as well, and the patches themselves, which have no prefix."""
    net, x = wrapped(kind)
    prefix, (h, w) = KINDS[kind][1], (x.shape[2] // 8, x.shape[3] // 8)
    outputs = {}
    hook = net.module.blocks[1].mlp.register_forward_hook(lambda module, inputs, output: outputs.update(mlp=output))
    net.module(net.normalise(x))
    hook.remove()
    maps = net.features(x, "blocks.1.mlp")
    assert net.prefix == prefix and maps.shape == (2, 16, h, w)
    for y in range(h):
        for column in range(w):
            assert torch.equal(maps[:, :, y, column], outputs["mlp"][:, prefix + y * w + column])
    patches = net.module.patch_embed.proj(net.normalise(x))
    assert torch.equal(net.features(x, "patch_embed"), patches)
    assert torch.equal(net.features(x, "patch_embed.proj"), patches)


@EACH
def test_watching_changes_no_score(kind: str):
    net, x = wrapped(kind)
    kept = saliency.forward_pass(net, x)
    assert torch.equal(kept.logits, net.module(net.normalise(x))) and list(kept.activations) == list(net.layers)


def test_patches_of_a_square_of_as_many_channels_stay_as_they_are():
    """A map (B,4,4,4) of a convolution could be one with the channels last, and is none."""
    from timm.models.vision_transformer import VisionTransformer

    module = own.drawn(VisionTransformer(**SMALL | {"embed_dim": 4, "num_heads": 1}))
    x = own.pictures(1, 32, 32)
    assert torch.equal(nets.Classifier(module, channels=1).features(x, "patch_embed.proj"), module.patch_embed.proj(x))


def test_of_a_convolutional_network_nothing_is_taken_for_tokens():
    net = nets.wrap(own.grey(), size=24)
    assert net.prefix is None
    flat = nn.Sequential(nn.Conv2d(1, 4, 4, 4), nn.Flatten(2)).eval()  # (B,4,36)
    assert nets.Classifier(flat).features(torch.rand(1, 1, 24, 24), "1").shape == (1, 4, 36)


def swin() -> nn.Module:
    """A Swin transformer, which hands on (B,h,w,C), at two sizes."""
    from torchvision.models import SwinTransformer

    return own.drawn(SwinTransformer([4, 4], 8, [1, 1], [1, 2], [2, 2], num_classes=4))


def test_maps_with_the_channels_last_come_with_the_channels_first():
    net, x = nets.wrap(module := swin(), size=32), own.pictures(2, 32, 24, channels=3)
    expected = module.features(x)  # (2,4,3,16)
    maps = net.features(x, "features")
    assert maps.shape == (2, 16, 4, 3) and torch.equal(maps, expected.movedim(-1, 1))
    assert torch.equal(net.features(x, "permute"), module.permute(module.norm(expected)))  # as it is
    assert torch.equal(saliency.forward_pass(net, x).logits, module(x))
    torch.testing.assert_close(nets.forward_from(net, "features", maps), module(x))
    a = expected.detach().requires_grad_()
    slopes = torch.autograd.grad(module.head(module.norm(a).mean((1, 2)))[:, 1].sum(), a)[0]
    cam = (slopes.mean((1, 2), keepdim=True) * a).sum(-1).clamp(min=0)
    torch.testing.assert_close(saliency.grad_cam(net, x, 1, layer="features")[:, 0], cam.detach())


def test_torchvisions_transformer():
    from torchvision.models import VisionTransformer

    module = own.drawn(VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4))
    net, x = nets.wrap(module, size=32), own.pictures(1, 32, 32, channels=3)
    tokens = module.encoder.layers[0](module.encoder.pos_embedding + torch.cat(
        [module.class_token, module.conv_proj(x).flatten(2).mT], 1))
    maps = net.features(x, "encoder.layers.encoder_layer_0")
    torch.testing.assert_close(maps, tokens[:, 1:].mT.reshape(1, 16, 4, 4))
    assert saliency.grad_cam(net, x, 1).shape == (1, 1, 4, 4)


def last_on_which_patches_count(kind: str) -> int:
    """With a class token the last block's patches lead nowhere: only that token is read."""
    return 2 if kind == "no class" else 1


@EACH
def test_grad_cam_by_the_formula_of_others(kind: str):
    """pytorch-grad-cam's reshape_transform, ``tensor[:, 1:].reshape(B, h, w, C).transpose(2, 3).transpose(1, 2)``."""
    net, x = wrapped(kind)
    block, prefix = last_on_which_patches_count(kind), KINDS[kind][1]
    tokens = []
    hook = net.module.blocks[block].register_forward_hook(
        lambda module, inputs, output: tokens.append(output.requires_grad_()))
    score = net.module(net.normalise(x))[:, 2].sum()
    hook.remove()
    slopes = torch.autograd.grad(score, tokens[0])[0]
    h, w = x.shape[2] // 8, x.shape[3] // 8
    a, g = (one[:, prefix:].reshape(2, h, w, 16).transpose(2, 3).transpose(1, 2) for one in (tokens[0], slopes))
    expected = (g.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True).clamp(min=0).detach()
    found = saliency.grad_cam(net, x, 2)
    assert expected.any() and relative(found, expected) < 1e-5
    assert relative(saliency.grad_cam(net, x, 2, layer=f"blocks.{block}"), expected) < 1e-5


def test_behind_the_last_attention_it_is_empty_and_says_so():
    net, x = wrapped("class")
    assert not saliency.grad_cam(net, x, 2, layer="norm").any()
    with pytest.warns(UserWarning, match="empty"):
        saliency.METHODS["Grad-CAM"](net, x, 2, layer="blocks.2")
    assert saliency.METHODS["Grad-CAM"](net, x, 2).any()
