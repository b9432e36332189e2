"""Which maps are defined for a network, one's own among them."""

from __future__ import annotations

from torch import nn

from u3lab.nets import ready
from u3lab.nets.wrapping import look
from u3lab.saliency.registry import METHODS

BY_RULES = ("LRP z⁺", "excitation")  # what is told of them holds for their variants, too
LEFT_OUT = ("edges (no network)", "LRP ε", "LRP α2β1", "contrastive excitation")


def defined(net: nn.Module) -> str:
    """The maps that are defined for a network, and those that are not, each with its reason: a line of either.

    It costs one pass over a grey picture of the network's size.
    """
    net = ready(net)
    seen = look(net)
    shapes, grids = seen.shapes, seen.grids()
    deep = [layer for layer in grids if shapes[layer][1] != seen.scores.shape[1]]
    middle = net.layers[len(net.layers) // 2] if net.layers else "it"
    reasons = {}
    for name in (name for name in METHODS if name not in LEFT_OUT):
        reasons[name] = next((why for why, holds in {
            "no ReLU; a GELU or PReLU is none": METHODS[name].relus and not seen.relus,
            "for pictures only": name in BY_RULES and net.axes == 3,
            "no layer has a grid": "Grad-CAM" in name and not deep,
            f"{middle} has no grid that counts": name == "modulated gradient" and middle not in grids,
            "for values in [0,1] only": name == "mask" and not net.pictures}.items() if holds), "")
    notes = dict.fromkeys(BY_RULES, " (if each function has a rule)")
    if deep:
        notes["Grad-CAM"] = f" (at {deep[-1]})"
    there = [name + notes.get(name, "") for name, reason in reasons.items() if not reason]
    refused = [f"{name} ({reason})" for name, reason in reasons.items() if reason]
    return "\n".join(f"{what}: {', '.join(names)}" for what, names in (("defined", there), ("not defined", refused))
                     if names)
