"""What layers keep of a picture: it is looked for by its code alone (chapter 5). Does the finding come back?"""

import torch
from torch import Tensor, nn

from u3audit.drawing import View, shown
from u3audit.methods import SAMPLED, shuffled
from u3audit.parts import Section
from u3audit.wording import NONE, percent, sentence
from u3lab.audit.cases import Cases, score
from u3lab.audit.lesion import grown
from u3lab.descent import last
from u3lab.errors import U3Error
from u3lab.inversion import TV, InversionSettings, invert
from u3lab.nets import Classifier, ready

LAYERS, STEPS, PRICE = 3, 100, 3.0  # layers that are inverted; the search, and its price λ of rough pictures
RING = 4  # pixels around an outline that a finding is compared with


def kept(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Section:
    """Invert an early, a middle and a late layer, and the same layers with all weights shuffled."""
    net = ready(net)
    if cases.images.ndim == 5:
        raise U3Error("an inversion takes minutes for a volume")
    which = (cases.positive & (score(net, cases.images, positive) > 0)).nonzero()[: SAMPLED[2], 0]
    if not len(which):
        raise U3Error("the network finds no positive, so there is none to look for")
    images = cases.images[which]
    outlines = torch.zeros_like(images[:, :1]).bool() if cases.outlines is None else cases.outlines[which]
    if not (places := with_places(net, images[:1])):
        raise U3Error(f"{net.name} has no layer with places")
    layers = list(dict.fromkeys(places[k * (len(places) - 1) // (LAYERS - 1)] for k in range(LAYERS)))
    broken, back, table = shuffled(net, seed), {}, []
    for layer in layers:
        back[layer], error = inverted(net, layer, images, seed)
        still = int((score(net, back[layer], positive) > 0).sum())
        floor, _ = inverted(broken, layer, images, seed)
        shares = error, *(contrast(one, images, outlines) for one in (back[layer], floor))
        left, *rest = (NONE if one is None else percent(one) for one in shares)
        table.append([layer, left, f"{still} of {len(which)}", *rest])
    told = [sentence("layers", "searched", pictures=len(which), steps=STEPS, ring=RING), sentence("layers", "means")]
    rows = [[View(one, f"Picture {k + 1}{'' if layer is None else f', looked for by its code at {layer}'}.",
                  f"picture {k + 1}" if layer is None else layer)
             for layer, one in zip((None, *layers), shown([images[n], *(back[layer][n] for layer in layers)]),
                                   strict=True)] for n, k in enumerate(which.tolist())]
    return Section(told, ["layer", "error of the code", "still positive", "contrast of the finding",
                          "the same, weights shuffled"], table, rows, {"layers": layers})


def with_places(net: Classifier, image: Tensor) -> list[str]:
    """Layers whose answer for a picture (1,C,H,W) has places of its own, in their order; not the scores themselves."""
    classes, found = net.logits(image).shape[1], []
    for layer in net.layers:
        try:
            one = net.features(image, layer)
        except U3Error:
            continue  # it is never computed, or gives no tensor
        if one.ndim == 4 and one.shape[2:].numel() > 1 and one.shape[1] != classes:
            found.append(layer)
    return found


def inverted(net: Classifier, layer: str, images: Tensor, seed: int) -> tuple[Tensor, float | None]:
    """Pictures (n,C,H,W) with the codes of these, as far as the search came, and their mean relative error; mid-grey,
    and no error, where the code is zero throughout."""
    found, errors = [], []
    for image in images.split(1):
        try:
            step = last(invert(net, layer, image, prior=TV(lam=PRICE), settings=InversionSettings(
                steps=STEPS, seed=seed)))
        except U3Error:  # a code that is zero throughout says nothing of its picture
            found.append(torch.full_like(image, 0.5))
            continue
        found.append(step.value.detach().cpu())
        errors.append(float(step.terms["code"]))
    return torch.cat(found), sum(errors) / len(errors) if errors else None


def contrast(back: Tensor, images: Tensor, outlines: Tensor) -> float | None:
    """Mean over the outlined pictures of the finding's contrast in ``back``, over that in ``images``; None of none."""
    def of(one: Tensor, inside: Tensor) -> float:
        flat, ring = one.mean(0), grown(inside[None], RING)[0, 0] & ~inside[0]
        return float(flat[inside[0]].mean() - flat[ring].mean())

    shares = [of(one, where) / own for one, image, where in zip(back, images, outlines, strict=True)
              if where.any() and abs(own := of(image, where)) > 0]
    return sum(shares) / len(shares) if shares else None
