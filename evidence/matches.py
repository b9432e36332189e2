"""Do tokens of a transformer find the eyes of another face? Beside chapter 3's labeller, and features of SqueezeNet.

    python -m evidence matches         # data/results/matches.json, a minute

Each landmark of a made face is looked for in the next face, of another person: the cell whose code has the largest
cosine with the code read off at the landmark (``landmarks.match``, of codes that are brought to length 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.landmarks import trials
from u3course.worlds.faces import Faces
from u3lab import nets
from u3lab.landmarks import landmark_error
from u3lab.measures import Interval, mean
from u3lab.nets import extract_features

FLOOR, PIXELS, LABELLER = "the same place", "pixels", "chapter 3's labeller"
TOKENS, FEATURES = "transformer", "SqueezeNet"
NETWORKS = {TOKENS: "vit", FEATURES: "squeezenet1_1"}
SIDES = {TOKENS: (96, 192), FEATURES: (128, 227)}  # pixels at which a network sees a face of 64
LAYERS = {TOKENS: ("patches", *(f"block{number}" for number in range(1, 7))), FEATURES: ("fire3", "fire5", "fire9")}
PATCH = 9  # pixels of a face's 64

Run = NamedTuple("Run", [("code", str), ("layer", str), ("side", int)])
"""What is compared: a network's layer, and the side of the pictures that it sees."""

Row = NamedTuple("Row", [("choose", float), ("error", Interval)])
"""Mean error in % of the inter-ocular distance, on faces that choose and, with its interval, on those that judge."""


def summary(rows: Rows) -> Summary:
    """The error of each code at the layer and side that are best on the faces that choose."""
    best: dict[str, tuple[Run, Row]] = {}
    for run, row in rows.items():
        if run.code not in best or row.choose < best[run.code][1].choose:
            best[run.code] = run, row
    return {code if run.layer == "" else f"{code}, {run.layer}, {run.side} px": {"error": row.error}
            for code, (run, row) in best.items()}


TABLE = Table(
    "matches", Run, Row, summary=summary, again={"code": LABELLER},
    chart=Chart("bars", "error (% of the distance of the eyes)", decimals=1,
                alt="A bar with an interval for each of five codes, the smaller the better. Chapter 3's labeller is "
                    "far below all, SqueezeNet is level with the same place, the transformer at nearly twice that, "
                    "and pixels are above it."))


def work(plan: Plan) -> Iterator[Work]:
    """A network is a piece of work: all its layers, at a side."""
    faces = {role: trials.marked("person", role)[1] for role in ("choose", "judge")}
    plan.choose(faces=faces["choose"].images)
    plan.judge(faces=faces["judge"].images)
    if plan.short:
        faces = {role: made._replace(images=made.images[:4], points=made.points[:4]) for role, made in faces.items()}
    for code in (FLOOR, PIXELS, LABELLER):
        yield Work(Run(code, "", trials.SIDE), plain, code, faces)
    for code, sides in SIDES.items():
        for side in plan.few(sides):
            yield Work([Run(code, layer, side) for layer in LAYERS[code]], measured, code, side, faces)


def plain(code: str, faces: dict[str, Faces]) -> Row:
    """Codes without a layer: those of the labeller, squares of pixels, or none."""
    net, errors = trials.taught("person"), {}
    for role, made in faces.items():
        if code == FLOOR:
            errors[role] = landmark_error(trials.points(made), trials.points(made).roll(-1, 0), trials.EYES)
        else:
            errors[role] = error(trials.codes(net, made.images) if code == LABELLER else squares(made.images), made)
    return reached(errors)


def squares(images: Tensor) -> Tensor:
    """The pixels around every second one, less their mean, (B,3,H,W) → (B,3·9·9,H/2,W/2) of length 1."""
    around = F.unfold(images, PATCH, padding=PATCH // 2).unflatten(2, images.shape[2:])[:, :, ::2, ::2]
    return F.normalize(around - around.mean(1, keepdim=True), dim=1)


def measured(code: str, side: int, faces: dict[str, Faces]) -> dict[Run, Row]:
    """The row of each layer of a network."""
    net, layers = nets.load(NETWORKS[code], device="cpu"), LAYERS[code]
    errors: dict[str, dict[str, Tensor]] = {layer: {} for layer in layers}
    for role, made in faces.items():
        large = F.interpolate(made.images, size=(side, side), mode="bicubic", align_corners=False).clamp(0, 1)
        parts = [extract_features(net, layers, part) for part in large.split(50)]
        for layer in layers:
            maps = torch.cat([part[layer] for part in parts])
            errors[layer][role] = error(F.normalize(maps, dim=1).contiguous(), made)
    return {Run(code, layer, side): reached(errors[layer]) for layer in layers}


def error(codes: Tensor, made: Faces) -> Tensor:
    """How far from where they are landmarks are found by codes (T,D,h,w), in percent, (T,8)."""
    return landmark_error(*trials.matched(codes, made), trials.EYES)


def reached(errors: dict[str, Tensor]) -> Row:
    """A row, of the errors on the faces that choose and on those that judge."""
    return Row(float(errors["choose"].mean()), mean(errors["judge"]))
