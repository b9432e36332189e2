"""Calls of what the lessons make of the tables, and of what they draw."""

from __future__ import annotations

from functools import cache

import torch

from evidence import deep_codes, icon_table, impedance, labellers, shrinkage
from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, photo, uniform
from u3course.lessons.adversarial import attacking
from u3course.lessons.inversion import icon_table as icons
from u3course.lessons.inversion import table as inversions
from u3course.lessons.landmarks import figures as panels
from u3course.lessons.landmarks import frames, parts, trials
from u3course.lessons.prior import restoring
from u3course.lessons.saliency import things
from u3course.lessons.selfsup import arrow, cures, mixtures, pretexts, tissues, toys
from u3course.lessons.selfsup import figures as sheet
from u3course.lessons.start import figures as cutting
from u3course.lessons.universal import figures as circuits
from u3course.lessons.universal import solids
from u3course.lessons.universal import trials as adapters
from u3course.worlds import rendered
from u3lab import landmarks, measures, results, selfsup

# What is said of the tables


@call("of the table of adapters")
def _adapters() -> object:
    rows = adapters.rows_of("squeezenet1_1")
    by_labels = [(adapters.scores(rows, labels), adapters.means(rows, labels)) for labels in (5, 20)]
    return [adapters.summary(rows), by_labels, adapters.chosen_rate(rows, "traffic signs", "parallel")]


@call("of the table of shrinkage")
def _shrinking() -> object:
    return shrinkage.summary(results.table("shrinkage"))


@call("of the table of pretext tasks")
def _pretexts() -> object:
    rows = results.table("pretexts")
    found = [(problem, task, pretexts.reached(rows, problem, task, 20), pretexts.best_layer(rows, problem, task, 20),
              pretexts.gains(rows, problem, task, 20))
             for problem in pretexts.PROBLEMS for task in ("contrast", "jigsaw", "colour")]
    return [found, pretexts.reached(rows, "textures", "contrast", 5, "conv3")]


@call("of the tables of classes")
def _classes() -> object:
    return [[one.clusters for one in results.table("naturals").values()], tissues.conditions()]


@call("of the tables of chapter 5")
def _inversion() -> object:
    rows, made, study = results.table("inversion"), results.table("priors"), icon_table.study()
    return [[inversions.over_photos(rows, "squeezenet1_1", layer, kind, what) for layer in ("fire5", "fire9")
             for kind in inversions.PRIORS for what in ("code", "moved")],
            [measures.mean(torch.tensor([row.moved for run, row in made.items() if run.kind == kind]).double())
             for kind in inversions.KINDS],
            icons.over_classes({run: one.logit for run, one in results.table("icons").items()}), deep_codes.runs(),
            {file: {name: [run for run in deep_codes.runs() if (run.photo, run.side) == (name, side)]
                    for name in inversions.DEEP} for file, side in (("deep.jpg", 192), ("deep-starts.jpg", 128))},
            list(made), study, icon_table.alone(), icons.shown(study), icons.shown_alone()]


@call("of the tables of chapters 4 and 6")
def _others() -> object:
    rows = results.table("attacks")
    return [[attacking.share(rows, "squeezenet1_1", targeted, level, steps=steps) for targeted, level in (
        (False, 1), (True, 1), (True, 4)) for steps in (None, 5)], things.cues(results.table("removal")),
            impedance.marks(5000), impedance.MARKS, sorted(results.table("restoring"), key=lambda run: run.seed),
            sealed([restoring.mask(task, name) for task, names in restoring.PHOTOS.items() for name in names])]


# Drawn for chapter 1


@call("drawn: circuits of adapters")
def _circuits() -> object:
    return circuits.adapters().data


@call("drawn: labels of solids")
def _solids() -> object:
    made = rendered.scenes(1, size=32, seed=1)
    return sealed([solids.painted(name, made.labels[name][0]) for name in ("segments", "boundaries", "normals")])


# Drawn for chapter 2


@cache
def answers() -> list[sheet.Answers]:
    return sheet.closed(toys.toys(), 0.3)


@call("toys and their cures")
def _cures() -> object:
    told = [sealed([toy.x, toy.y, toy.other(toy.y), toy.question, toy.answer]) for toy in toys.toys()]
    return [told, sealed(toys.spectrum(uniform(2, 64))), [sealed(one.of) for one in answers()],
            [sealed([cures.joint(toy, 0.3), mixtures.closed(toy, 0.3)]) for toy in toys.toys()],
            [sealed(mixtures.sample(toy, mixtures.closed(toy, 0.3), draw())) for toy in toys.toys()]]


@call("drawn: the sheet of cures")
def _sheet() -> object:
    return [sealed(sheet.draw(answers(), 0.3, kind=kind, seed=1, row=row)) for kind, row in ((0, sheet.ALL), (1, "L2"))
            ] + [sheet.figure(answers(), 0.3, alt="All.").data, sealed(sheet.picture(answers(), 0.3)),
                 sheet.table(toys.toys(), {"x": [toy.x for toy in toys.toys()]}, alt="x").data]


@call("films and arrows of time")
def _arrows() -> object:
    return [arrow.steps(), arrow.peaks(3, 0.8, draw()), arrow.bayes(0.9), arrow.path(0.8, torch.linspace(0, 3, 9))]


# Drawn for chapter 3


@call("drawn: panels of codes and points")
def _panels() -> object:
    codes, points, colours = uniform(2, 3, 6, 6) - 0.5, 2 * uniform(2, 4, 2) - 1, panels.hues(4)
    return [sealed([panels.coloured(codes, 48),
                    panels.globe(uniform(4, 3) - 0.5, colours),
                    panels.dotted(torch.cat([photo(size=32)] * 2), points, colours, size=64)]), colours]


@call("drawn: dials, discs")
def _surfaces() -> object:
    angles = torch.tensor([0.0, 40.0, 200.0])
    return [sealed([frames.dials(angles, angles + 10), frames.shapes(), parts.pairs(2, draw()),
                    parts.discs(1, draw())]),
            frames.plane(angles), frames.degrees(frames.plane(angles))]


@call("landmarks looked for in codes")
def _looked_for() -> object:
    codes, true = uniform(4, 3, 8, 8), 1.6 * uniform(4, 8, 2) - 0.8
    return [landmarks.virtual_landmarks(codes.flip(0), landmarks.codes_at(codes, true).mean(0)),
            trials.regressed(true, true.flip(0), true), landmarks.share_within(true, true.flip(0), trials.EYES),
            [*labellers.LESSONS, "random weights", "supervised", "mean shape"], selfsup.LAYERS]


# Drawn for the start


@call("drawn: cut, hidden and framed pictures")
def _start() -> object:
    x, w = photo(size=96), uniform(3, 7, 7) - 0.5
    return sealed([cutting.cut(x, 3), cutting.shuffled(x, 3, seed=1), cutting.mirrored(x, 3),
                   cutting.boxed(x, 0.4, 0.6, 20), cutting.hidden(x, 0.4, 0.6, 20),
                   cutting.large(uniform(1, 3, 4, 4), 64), cutting.painted(w, 0.5), cutting.labelled({"a": x, "b": x})])
