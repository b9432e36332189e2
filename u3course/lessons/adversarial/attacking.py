"""Which pictures are attacked, what shares of attacks reach their goal, and the photos of the shipped patch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from u3course.lessons.saliency.things import pasted
from u3lab import images as _images
from u3lab.adversarial import fools, quantise
from u3lab.adversarial.quantisation import SIZE, labelled
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier

ANY, NOISE, SMALLEST, DRAWN = "any other", "noise", "DeepFool", "a class drawn at random"  # what attacks are after


def pictures(nets: Sequence[Classifier]) -> dict[str, tuple[str, Tensor]]:
    """Name → label and picture (1,3,224,224) on whole levels, of all that every network names rightly: the shipped
    photos, and cut-outs on photos."""
    found = {label: (label, x) for label, x in labelled(nets).items()}
    for thing in pasted(SIZE):
        x = quantise(thing.image)
        if not any(fools(net, x, thing.label) for net in nets):
            found[f"{thing.name} (pasted)"] = thing.label, x
    return found


def kind(goal: str) -> str:
    """What an attack of the table is after: ANY, NOISE, SMALLEST or, of a class, DRAWN."""
    goal = goal.partition(" #")[0]  # draws of noise have numbers
    return goal if goal in (ANY, NOISE, SMALLEST) else DRAWN


def share(rows: dict[tuple, tuple], network: str | None, wanted: str, level: int, *, what: str = "there",
          over_noise: bool = False) -> Interval:
    """The share of attacks of a kind, made for a network or for any (None), for which ``what`` (a column) holds; or how
    far it is over that of noise.

    The interval is over pictures: three targets of one picture are no independent attacks. Where all pictures agree,
    resampling tells nothing, and the interval is the exact one of Clopper and Pearson.
    """
    def of(wanted: str) -> Tensor:
        by_picture: dict[str, list[float]] = {}
        for run, row in rows.items():
            if (network or run.network, kind(run.goal), run.level) == (run.network, wanted, level):
                by_picture.setdefault(run.picture, []).append(float(getattr(row, what)))
        return torch.tensor([sum(values) / len(values) for _, values in sorted(by_picture.items())]).double()

    if over_noise:
        return mean(of(wanted) - of(NOISE))
    found, least = mean(of(wanted)), 0.025 ** (1 / len(of(wanted)))
    return {1.0: Interval(1.0, least, 1.0), 0.0: Interval(0.0, 0.0, 1 - least)}.get(found.value, found)


def photos() -> tuple[Tensor, Tensor]:
    """The shipped everyday pictures (B,3,224,224): every other one to train on, the rest to test with."""
    x = torch.cat([quantise(_images.load(name, size=SIZE)) for name in _images.names("everyday")])
    return x[::2], x[1::2]
