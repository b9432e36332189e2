"""Behind the front page: what a careful reader asks next. Each part is told in sentences, a table and pictures.

    maps        every method that is defined, whether its map outlives shuffled weights, and deletion beside edges
    masks       one mask made on some positives: does it take away others?
    markers     a letter, a clip, a date on negatives that the network has right: how far does the answer move?
    certainty   margin and calibration, which praise networks that cheat
    layers      what comes back of a picture that is looked for by a layer's code
    units       which channels of a late layer lie on the finding
"""

from typing import Any

import torch
from torch import Tensor, nn

from u3audit.drawing import View, plane, shown
from u3audit.keeping import kept, with_places
from u3audit.markers import marked, markers, moved_by_markers
from u3audit.methods import maps
from u3audit.parts import Section, answer, settings
from u3audit.pooled import pooled
from u3audit.segments import segments
from u3audit.wording import bracket, percent, sentence
from u3lab.audit.cases import Cases, LogOdds, score
from u3lab.dissection.overlap import overlap
from u3lab.dissection.quantiles import plain_quantile
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready

LEVELS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # grey levels of 255 at which a margin is tried
BINS, RIGHT = 10, 20  # of calibration; right answers whose margin is asked for
OUTLINED, UNITS, ACTIVE = 20, 5, 0.005  # outlined pictures; units that are told; the share of places that count


# ---- markers


def generic(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Section:
    """Markers on negatives: how far each moves the answer, and the picture of the one that moves it most."""
    found = moved_by_markers(net, cases, positive=positive, most=settings(cases)["most"], seed=seed)
    worst = max(found.by, key=lambda name: found.by[name][0].value)
    moves, turns = found.by[worst]
    middle = float(torch.tensor([one.value for one, _ in found.by.values()]).median())
    k = int(found.which[0])
    image = marked(cases.images[k : k + 1], markers(*cases.images.shape[-2:])[worst], cases.images.amax())
    after = float(score(net, image, positive))
    at = plane(torch.ones_like(image[0, :1]))
    told = [sentence("markers", "worst", negatives=len(found.which), marker=worst, moves=moves.value,
                     turns=turns.value, markers=len(found.by), median=middle), sentence("markers", "generic")]
    rows = [[View(shown([image[0]], at)[0], f"Picture {k + 1}, a negative, with {worst}.",
                  f"negative {k + 1} with {worst}: {answer(after)}")]]
    table = [[name, f"{percent(one.value)} {bracket(one)}", f"{percent(two.value)} {bracket(two)}"]
             for name, (one, two) in found.by.items()]
    return Section(told, ["marker", "moves the answer by", "negatives that turn"], table, rows, {"by": found.by})


# ---- certainty


def certainty(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Section:
    """Margin and calibration, with the warning."""
    net = ready(net)
    scores = score(net, cases.images, positive)
    right = ((scores > 0) == cases.positive).nonzero()[:RIGHT, 0]
    if not len(right):
        raise U3Error("the network has no picture right, so no right answer has a margin")
    margins = margin(net, cases.images[right], positive)
    middle = float(margins.median())
    many = f"more than {LEVELS[-1]:g}" if middle == torch.inf else f"{middle:g}"
    told = [sentence("certainty", "margin", answers=len(right), levels=many)]
    facts: dict[str, Any] = {"margins": [None if one == torch.inf else one for one in margins.tolist()]}
    if not segments(net, cases):
        facts["ECE"] = error = calibration(scores, cases.positive)
        told.append(sentence("certainty", "calibration", error=error, bins=BINS, pictures=len(cases)))
    return Section([*told, sentence("certainty", "praise")], [], [], [], facts)


def margin(net: Classifier, images: Tensor, positive: int | str) -> Tensor:
    """The least of ``LEVELS`` at which x − ε sign(s) sign ∇s turns each answer, (N) in grey levels; ∞ if none does."""
    margins = torch.full((len(images),), torch.inf)
    for n, x in enumerate(images.split(1)):
        x = x.clone().requires_grad_()
        with torch.enable_grad():
            before = LogOdds(net, positive)(x).view(1, -1).amax(1).sum()
        if not before.requires_grad:
            continue  # the answer does not depend on the picture
        away = before.sign() * torch.autograd.grad(before, [x], materialize_grads=True)[0].sign()
        for level in reversed(LEVELS):
            turned = score(net, (x.detach() - level / 255 * away.detach()).clamp(0, 1), positive)
            if bool(turned > 0) != bool(before > 0):
                margins[n] = level
    return margins


def calibration(scores: Tensor, positive: Tensor) -> float:
    """Σ over bins of confidence of (share of pictures in it) · |accuracy − mean confidence|, from log-odds (N)."""
    sure, right = scores.double().abs().sigmoid(), ((scores > 0) == positive).double()
    which = (sure * BINS).long().clamp(max=BINS - 1)
    return float(sum((right[which == b].mean() - sure[which == b].mean()).abs() * (which == b).double().mean()
                     for b in which.unique()))


# ---- units


def units(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Section:
    """Channels of the last layer with a grid whose strongest places lie on the outlines (chapter 7's IoU)."""
    net = ready(net)
    if cases.outlines is None or cases.images.ndim == 5:
        raise U3Error("units are compared with the outlines of pictures, and there are none" if cases.images.ndim == 4
                      else "units are compared with outlines of pictures, and these are volumes")
    which = (cases.positive & cases.outlines.flatten(1).any(1)).nonzero()[:OUTLINED, 0]
    if not len(which):
        raise U3Error("no positive has an outline to compare units with")
    images, outlines = cases.images[which], cases.outlines[which]
    layer, active = last_grid(net, images)
    real, other = (overlaps(active, masks) for masks in (outlines, outlines.roll(1, 0)))
    order = real.argsort(descending=True)[:UNITS].tolist()
    facts = {"layer": layer, "best": float(real.max()), "floor": float(other.max())}
    return Section([sentence("units", "best", units=len(real), pictures=len(which), **facts)],
                   ["unit", "IoU with the outlines", "with those of other pictures"],
                   [[str(k), f"{float(real[k]):.3f}", f"{float(other[k]):.3f}"] for k in order], [], facts)


def last_grid(net: Classifier, images: Tensor) -> tuple[str, Tensor]:
    """The last layer with places of its own, and what it answers."""
    if not (layers := with_places(net, images[:1])):
        raise U3Error(f"{net.name} has no layer with places, so it has no units to compare")
    with torch.no_grad():
        return layers[-1], torch.cat([net.features(x, layers[-1]).cpu() for x in images.split(8)])


def overlaps(active: Tensor, masks: Tensor) -> Tensor:
    """IoU of each unit with the masks, (U): its places above the threshold that a share of all of them reaches."""
    thresholds = plain_quantile(active, ACTIVE)
    both, either = torch.zeros(2, active.shape[1], dtype=torch.float64)
    for a, mask in zip(active, masks, strict=True):
        inside, on, size = overlap(a, thresholds, mask)
        both += inside[:, 0]
        either += on + size[0] - inside[:, 0]
    return both / either.clamp(min=1)


HEADINGS = {"maps": "Maps of all methods", "masks": "One mask for many pictures", "markers": "Generic markers",
            "certainty": "Margin and calibration", "layers": "What layers keep", "units": "Units on the finding"}
BEHIND = {"maps": maps, "masks": pooled, "markers": generic, "certainty": certainty, "layers": kept, "units": units}
"""What is measured behind the page, in its order."""
