"""A vision transformer of a size that ships: timm's, with 144 tokens of 8×8 pixels and one for the class.

Dosovitskiy and others, An image is worth 16×16 words, ICLR 2021. Each of six blocks is

    x ← x + attention(norm(x)),    x ← x + mlp(norm(x))

with three heads, and an MLP that is twice as wide as a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

SIDE, PATCH, WIDTH, DEPTH, HEADS = 96, 8, 192, 6, 3


def vit(mlp: int = 2) -> VisionTransformer:
    """The network before it has learnt: (B,3,H,W) → (B,1000). Sides are multiples of 8; ``mlp`` is an MLP's width.

    Where a token comes from is added to it as sines and cosines at first, and learnt from there on.
    """
    from timm.layers import build_sincos2d_pos_embed
    from timm.models.vision_transformer import VisionTransformer

    net = VisionTransformer(SIDE, PATCH, num_classes=1000, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, mlp_ratio=mlp,
                            dynamic_img_size=True)
    with torch.no_grad():
        net.pos_embed[0, net.num_prefix_tokens:] = build_sincos2d_pos_embed([SIDE // PATCH] * 2, WIDTH) / 2
    return net
