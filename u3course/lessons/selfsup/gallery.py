"""Notebook 02: all pretext tasks by name: what each hides, a picture of its questions, its code, what it has gained."""

import html
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from u3course.lessons.selfsup import album, colouring, crops
from u3course.worlds import clips
from u3lab import images, results
from u3lab.datasets import clips as filmed
from u3lab.figures import Figure, bars, grid
from u3lab.selfsup import TASKS, colour, contrast, cross_pixel, erasing, ordering, scrambling, sounding, upright

SIDE, SHOWN = 64, 3  # pixels of a picture; questions of a figure
WAY = "gain, nearest neighbour"  # of the table of crops


class Entry(NamedTuple):
    """What is said of a task, and the functions that are its core."""

    hidden: str
    shortcut: str
    source: tuple[Callable, ...]


ENTRIES: dict[str, Entry] = {
    "contrast": Entry("which views belong together", "colours, if they stay the same in both views",
                      (contrast.pose, contrast.nt_xent)),
    "colour": Entry("the colours, asked for as a distribution over bins", "the most frequent colours, whatever is seen",
                    (colour.pose, colour.soft_encode)),
    "colour L2": Entry("the colours, asked for as one number each", "the mean of what is possible: brown",
                       (colour.pose, colour.squared_error)),
    "erase": Entry("the middle of the picture", "what goes on from the rim, blurred",
                   (erasing.hole, erasing.reconstruction)),
    "erase, adversary": Entry("the middle; a second network must take it for true", "sharp, but not right",
                              (erasing.erase,)),
    "relative position": Entry("where the second of two tiles lay", "fringes of a lens, edges that go on",
                               (scrambling.relative_position,)),
    "jigsaw": Entry("the order of nine tiles", "fringes, edges that go on, brightness", (scrambling.jigsaw,)),
    "upright": Entry("by how many quarter turns it was turned", "letters, borders, outlines",
                     (upright.pose, upright.turned)),
    "order": Entry("whether three frames are in order", "a clock in the picture", (ordering.pose_order,)),
    "arrow": Entry("whether the film runs forwards", "compression, cuts, black borders", (ordering.pose_arrow,)),
    "sorting": Entry("the order of four frames", "edges that stand still, tints", (ordering.pose_sorting,)),
    "sound": Entry("how it sounds, summed up", "the room's hum", (sounding.pose_sound, sounding.summary)),
    "correspondence": Entry("whether picture and sound are of one film", "the recorder's hum",
                            (sounding.pose_all, sounding.switch)),
    "moving": Entry("which pixels move alike, from one frame", "the camera's own motion",
                    (cross_pixel.pose, cross_pixel.cross_pixel))}


def raw(kind: str) -> Any:
    """A few raw data of a kind of task: photographs that nothing was learnt from, clips, films, flows."""
    if kind == "pictures":
        return torch.cat([images.load(crops.load(name), size=SIDE) for name in crops.names("test")[1::12][:SHOWN + 1]])
    if kind == "clips":
        return filmed.street("test", length=8, count=SHOWN, size=SIDE, seed=3, least=0.06)
    if kind == "flows":
        made = clips.moving(SHOWN, 2, split="test", seed=0)
        return made.clips[:, 0], made.flow[:, 0]
    films = clips.bouncing(SHOWN, length=4, split="test", seed=0)
    return films.clips[:, 0], films.sounds


def shown(name: str) -> Figure:
    """Questions of a task: the picture (of a film its middle), the views that the encoder sees, and what is known."""
    task = TASKS[name]
    given = raw(task.raw)
    views, target = task.pose(given, torch.Generator().manual_seed(2))[:2]
    whole = given[0] if isinstance(given, tuple) else given
    whole = whole[:, whole.shape[1] // 2] if whole.ndim == 5 else whole
    parts = {"picture": whole} | {f"view {n + 1}": view for n, view in enumerate(views.unbind(1))}
    if name == "colour L2":
        parts["our network’s answer"] = colouring.painted(whole, colouring.guess(*colouring.shipped(), whole).mean)
    if name == "relative position":
        parts["as they lay"] = torch.stack([album.laid(*one) for one in zip(views, target.tolist(), strict=True)])
    if isinstance(target, Tensor) and target.shape[1:2] == (3,):  # of a hole
        parts["asked for"] = target
    said = [f"target {int(target[n])}" if target[n].ndim == 0 else f"question {n + 1}" for n in range(SHOWN)]
    wide = len(parts) > SHOWN + 1  # of many views, a row for each question
    cells = [part[n] for n in range(SHOWN) for part in parts.values()] if wide else [
        part[n] for part in parts.values() for n in range(SHOWN)]
    rows, titles = (said, list(parts)) if wide else (list(parts), said)
    return grid(cells, titles=titles, rows=rows, width=900 if wide else 560,
                alt=f"{SHOWN} questions of {name}: pictures, and what the encoder sees of them.")


def about(name: str) -> str:
    """What is hidden, the shortcut, and the gain of a task, as one line."""
    return f"hidden: {ENTRIES[name].hidden} · shortcut: {ENTRIES[name].shortcut} · {gain(name)}"


def gain(name: str) -> str:
    """What a task has gained over random weights with the same seeds, in points, with 95 % intervals."""
    photos, made = (results.evidence(table).summary.get(name, {}) for table in ("crops", "pretexts"))
    found = ({"photo of a grey crop": photos[WAY]} if WAY in photos else {}) | made
    said = ["{} {:+.1f} [{:+.1f}, {:+.1f}]".format(problem, *(round(one, 1) + 0.0 for one in values))
            for problem, values in found.items()]
    return "points more than random weights: " + ", ".join(said) if said else "not measured"


def side_by_side() -> Figure:
    """What each task has gained in both tables: on drawn faces, and on photographs."""
    return bars({title: {name: of[column] for name, of in results.evidence(table).summary.items() if name in TASKS}
                 for title, table, column in (("drawn faces, 20 labels of each class", "pretexts", "faces"),
                                              ("photo of a grey crop, nearest code", "crops", WAY))},
                "points more than random weights (95 % intervals)",
                alt="Two bars for some tasks, one for the others: their gain on drawn faces, and on photographs, where "
                    "it was measured.")


class Sources:
    """The code of each task in a fold of its own."""

    def __repr__(self) -> str:
        return f"the code of {len(ENTRIES)} tasks"

    def _repr_html_(self) -> str:
        return "".join(f"<details><summary>{name}: {one.hidden}</summary><pre>"
                       + html.escape("\n\n".join(map(inspect.getsource, one.source))) + "</pre></details>"
                       for name, one in ENTRIES.items())
