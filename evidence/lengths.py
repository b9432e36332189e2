"""Whether the length of a code says how sure it is, or only where the face is.

    python -m evidence lengths     # results/lengths.json

Half a minute of one processor. The shipped labeller is asked about 300 faces that had no part in anything before.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from evidence import _landmarked
from evidence._named import FRESH, told
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.landmarks import trials
from u3course.lessons.landmarks.pairs import FACING, SIDE
from u3course.lessons.landmarks.trials import EYES, YAW
from u3course.worlds import faces
from u3course.worlds.faces import Layers
from u3course.worlds.faces.made import composite
from u3lab.landmarks import codes_at
from u3lab.landmarks.places import cells
from u3lab.measures import Interval, roc_auc
from u3lab.nets import Classifier

FAR = "found far off"  # by more than NEAR
FACE = "face or background"
NEAR, PLACES = 25, 40  # % of the distance between the eyes; places of each pair of pictures
LENGTH, PEAK, RIM, FRONT, MIDDLE = ("length of the code", "peak of p", "distance from the rim",
                                    "how squarely it faces us", "nearness to the middle")

Scored = NamedTuple("Scored", [("score", str), ("question", str)])
"""A number for each place of a face, as an answer to a question."""

def by_score(rows: Rows) -> Summary:
    """The area under the ROC curve of each score, for each question."""
    summary: dict[str, dict[str, Interval]] = {}
    for run, row in rows.items():
        summary.setdefault(run.score, {})[run.question] = row
    return summary

TABLE = Table(
    "lengths", Scored, Interval, summary=by_score, again={"score": LENGTH},
    facts={"network": "labeller-person", "near": NEAR},
    chart=Chart("bars", "area under the ROC curve", chance=0.5,
                alt="Bars for each score: how well it tells places that are found far off from others, and the face "
                    "from the background."))


def work(plan: Plan) -> Iterator[Work]:
    """All scores and both questions are one piece of work: the network sees the faces once."""
    told(plan)
    asked = [Scored(score, FAR) for score in (LENGTH, PEAK, RIM, FRONT, MIDDLE)]
    yield Work([*asked, *(Scored(score, FACE) for score in (LENGTH, PEAK, MIDDLE))], lengths)


def lengths() -> dict[Scored, Interval]:
    """How well each score tells places that are found far off, and the face from the background."""
    scores, marks = scored(trials.taught("person"))
    sources = {question: [str(n) for n in range(len(one)) for _ in range(one.shape[1])]
               for question, one in marks.items()}
    return {run: roc_auc(score.flatten(), marks[run.question].flatten(), sources[run.question])
            for run, score in scores.items()}


@cache
def turned() -> tuple[Layers, Tensor]:
    """Two pictures of each person in a row, and where the front of each head is seen."""
    how = {"size": SIDE, "each": 2, "yaw": YAW}
    made = faces.layers(4 * (_landmarked.TEST // 5), split="test", seed=trials.TESTED[FRESH], **how)
    return made, faces.fronts(made, **how)


def scored(net: Classifier) -> tuple[dict[Scored, Tensor], dict[str, Tensor]]:
    """The scores of places of each person, (P,PLACES) each, and by question whether each place is marked: found again
    near where it is, or of the face."""
    from scipy.ndimage import distance_transform_edt

    made, fronts = turned()
    there, facing = 2 * fronts[..., :2] / SIDE - 1, fronts[..., 2]
    codes = trials.codes(net, composite(made.face, made.background))
    opaque = made.face[:, 3:] > 0.5
    rim = torch.stack([torch.from_numpy(distance_transform_edt(one[0].numpy())).float()[None] for one in opaque])
    covered = nn.functional.avg_pool2d(made.face[:, 3:], SIDE // codes.shape[-1]).flatten(1)
    wide = 2 / SIDE * (made.points[:, EYES[0]] - made.points[:, EYES[1]]).norm(dim=-1)
    draw, where = torch.Generator().manual_seed(0), cells(codes)
    scores: dict[Scored, list[Tensor]] = {}
    marks: dict[str, list[Tensor]] = {FAR: [], FACE: []}
    for k in range(0, len(codes), 2):
        seen = ((facing[k : k + 2] > FACING) & (there[k : k + 2].abs() < 1).all(-1)).all(0).nonzero()[:, 0]
        clear = ((covered[k] < 0.05) | (covered[k] > 0.95)).nonzero()[:, 0]
        some, any_ = (one[torch.randperm(len(one), generator=draw)[:PLACES]] for one in (seen, clear))
        for question, u in ((FAR, there[k, some]), (FACE, where[any_])):
            code = codes_at(codes[k : k + 1], u[None])[0]
            p = (code @ codes[k + 1].flatten(1)).softmax(-1)
            said = {LENGTH: code.norm(dim=-1), PEAK: p.amax(1), MIDDLE: -u.norm(dim=-1)}
            if question == FAR:
                said |= {RIM: codes_at(rim[k : k + 1], u[None])[0, :, 0], FRONT: facing[k, some]}
                off = (where[p.argmax(1)] - there[k + 1, some]).norm(dim=-1)
                marks[FAR].append(off <= NEAR / 100 * wide[k + 1])
            else:
                marks[FACE].append(covered[k, any_] > 0.5)
            for score, values in said.items():
                scores.setdefault(Scored(score, question), []).append(values)
    order = sorted(scores, key=lambda run: run.question == FACE)
    return {run: torch.stack(scores[run]) for run in order}, {name: torch.stack(one) for name, one in marks.items()}
