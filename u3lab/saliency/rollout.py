"""Attention rollout: from which patches does a transformer's answer gather what it knows, if layers only mix tokens?

    Â_l = ½ (mean over heads of A_l + I), its rows divided by their sums      the way around each attention is the I
    R = Â_L … Â_2 Â_1                                                         R_ij: how much of patch j is in token i

Abnar & Zuidema, Quantifying attention flow in transformers, ACL 2020, section 3. What a token says, and what the class
scores read off it, do not enter: the map is the same for every class.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from u3lab._system.meanwhile import hook, meanwhile, value
from u3lab.errors import U3Error
from u3lab.nets import ready
from u3lab.nets.tokens import Grid, attentions


@torch.no_grad()
def rollout(net: nn.Module, images: Tensor, target: object = None) -> Tensor:
    """Attention rollout: the row of R of the token that the scores are read off, without the tokens before the patches.

    Parameters
    ----------
    net
        A transformer with timm's kind of attention, in evaluation mode; it is left as it was.
    images
        (B,C,H,W) in [0,1].
    target
        Not looked at: for whatever takes a function (net, images, target).

    Returns
    -------
    Tensor
        (B,1,h,w) ≥ 0, one value for each patch. The row of the class token; where the scores are those of the mean over
        patches, the mean of their rows.

    Raises
    ------
    U3Error
        A network whose tokens do not all attend to all; what :func:`~u3lab.nets.ready` refuses.
    """
    net = ready(net, images)
    grid = Grid(net.prefix or 0)
    found: list[Tensor] = []
    with _watched(net.module, grid, found):
        net.unchecked(images)
    first, tokens = grid.prefix, grid.prefix + grid.sides.numel()
    if not found or any(a.shape[2:] != (tokens, tokens) for a in found):
        raise U3Error(f"{net.name} has no attention of all tokens to all, as timm's vision transformers have it, so "
                      "there is nothing to roll out; Grad-CAM and occlusion ask any network")
    rolled = torch.eye(tokens).to(found[0])
    for a in found:
        mixed = (a.mean(1) + torch.eye(tokens).to(a)) / 2
        rolled = mixed / mixed.sum(2, keepdim=True) @ rolled
    by_class = first and getattr(net.module, "global_pool", "token") == "token"
    rows = rolled[:, :1] if by_class else rolled[:, first:].mean(1, keepdim=True)
    return rows[..., first:].unflatten(2, grid.sides).float()


def _watched(module: nn.Module, grid: Grid, found: list[Tensor]) -> meanwhile:
    """While open, the weights of each attention (B,heads,N,N) are written down, in the order of the computation.

    A fused attention never has them, so it is computed in steps meanwhile.
    """
    parts = attentions(module)
    return meanwhile(
        *(hook(part.attn_drop, lambda part, inputs, output: found.append(output)) for part in parts),
        *(hook(part, grid.see) for part in module.modules() if isinstance(part, nn.Conv2d)),
        *(value(part, "fused_attn", False) for part in parts))
