"""Whether a landmark of one drawn face is found in the next: by codes learnt without labels, or by templates of pixels.

    python -m evidence start_landmarks     # results/start_landmarks.json, half a minute
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _landmarked
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.landmarks import trials
from u3course.worlds.faces import Faces
from u3lab import landmarks
from u3lab.measures import mean

TURNING, WARPS = "codes, learnt from heads that turn", "codes, learnt from warps of stills"
UNTAUGHT, SAME_PLACE = "codes, random weights", "the same place in the picture"
LEARNT = {"turning heads": TURNING, "warps": WARPS}
TAUGHT = {TURNING: "person", WARPS: "person-warps"}
TEMPLATES = {f"templates of {side}×{side} pixels": side for side in (5, 7, 9, 13)}
NEAR = 25  # % of the distance between the eyes
PARTS = 8  # landmarks of a face

Sought = NamedTuple("Sought", [("way", str)])
"""A way to look for a landmark of one face in another."""

Found = NamedTuple("Found", [("hits", tuple[int, ...])])
"""How many of its landmarks are found in the next face, for each of the faces."""


def by_way(rows: Rows) -> Summary:
    """The share of landmarks found, with its interval over faces; and in pairs, how many more the codes find."""
    shares = {run.way: torch.tensor(row.hits).double() / PARTS for run, row in rows.items()}
    return {way: {"found": mean(share)} | {
        f"{codes} less this": mean(shares[learnt] - share)
        for codes, learnt in LEARNT.items() if learnt in shares and way not in (learnt, TURNING)}
        for way, share in shares.items()}


TABLE = Table(
    "start_landmarks", Sought, Found, summary=by_way, again={"way": SAME_PLACE},
    facts={"network": "labeller-person, labeller-person-warps"},
    chart=Chart("bars", "share of landmarks found in another face",
                alt="Bars: codes learnt from turning heads find nearly all landmarks, those from warps three in "
                    "ten, templates of pixels and the same place half as many, random weights hardly any.",
                columns=("found",)))


def work(plan: Plan) -> Iterator[Work]:
    """Each way to look is a piece of work."""
    plan.choose(people=_landmarked.marked("person", "choose")[1].images)
    plan.judge(people=_landmarked.marked("person")[1].images)
    for way in plan.few([TURNING, WARPS, *TEMPLATES, SAME_PLACE, UNTAUGHT]):
        yield Work(Sought(way), found, way)


def found(way: str) -> Found:
    """How many landmarks of each face are near their true place in the next."""
    _, people = _landmarked.marked("person")
    true = trials.points(people)
    if way == SAME_PLACE:
        guess = true
    elif way in TEMPLATES:
        guess = matched_by_pixels(people, true, side=TEMPLATES[way])
    else:
        net = landmarks.labeller(seed=0) if way == UNTAUGHT else trials.taught(TAUGHT[way])
        guess, _ = trials.matched(trials.codes(net, people.images), people)
    near = landmarks.landmark_error(guess, true.roll(-1, 0), trials.EYES) <= NEAR
    return Found(tuple(near.sum(1).tolist()))


def matched_by_pixels(made: Faces, points: Tensor, *, side: int) -> Tensor:
    """Each face's points (N,P,2) looked for in the next face, by a template of its own pixels.

    The template is the patch of side×side pixels (odd) around the point, of mean 0 and length 1, and so is each patch
    that it is compared with.
    The answers are those in the faces 1, 2, …, N−1, 0.
    """
    grey, half = made.images.mean(1, keepdim=True), side // 2
    count, size = len(grey), grey.shape[-1]
    cells = ((points + 1) / 2 * size).long().clamp(0, size - 1)
    number, best = cells[..., 1] * size + cells[..., 0], []

    def patches(face: Tensor) -> Tensor:
        found = F.unfold(F.pad(face, (half,) * 4, mode="replicate"), side)[0]  # (side²,size²), one for each pixel
        return F.normalize(found - found.mean(0), dim=0)

    for n in range(count):  # face by face: all patches of all faces are hundreds of megabytes
        templates = patches(grey[n : n + 1])[:, number[n]]
        best.append((templates.T @ patches(grey[(n + 1) % count][None])).argmax(1))
    best = torch.stack(best)
    return (torch.stack([best % size, best // size], -1) + 0.5) / size * 2 - 1
