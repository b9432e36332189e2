"""Calls of the chapters' exercises and quizzes, and of the small steps that the lessons measure with."""

from __future__ import annotations

import torch

from evidence import channels as agreement
from evidence import (
    clusters,
    icon_table,
    impedance,
    inversion_table,
    naturals,
    rabbits,
    readouts,
    registration,
    removal,
    start,
    start_landmarks,
    variants,
)
from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, lite, photo, squeezenet, uniform
from u3course.course import catalogue
from u3course.course.definitions import Exercise
from u3course.lessons import patients
from u3course.lessons.dissection import exercises, kinds
from u3course.lessons.inversion import coded_lesions
from u3course.lessons.inversion import icon_table as icons
from u3course.lessons.inversion import table as inversions
from u3course.lessons.landmarks import marked, pairs, parts
from u3course.lessons.landmarks import trials as labellers
from u3course.lessons.prior import resisting, restoring
from u3course.lessons.selfsup import clusters as digits_by
from u3course.lessons.selfsup import hearing, tissues
from u3course.lessons.selfsup import naturals as things
from u3course.lessons.start import figures as shown
from u3course.lessons.start import seeing
from u3course.lessons.universal import solids
from u3course.lessons.universal import trials as adapters
from u3course.worlds import faces, mosaics
from u3lab import landmarks, results

# Exercises and quizzes


def answered(exercise: Exercise) -> list[object]:
    """What the exercise says, what its reference answers in each of the judge's cases, and the judge's words."""
    given: list[object] = []

    def answer(*case: object) -> object:
        given.append(exercise.reference(*case))
        return given[-1]

    said = [exercise.judge(answer), exercise.judge(lambda *case: None)]
    return [exercise.id, exercise.title, exercise.goal, exercise.signature, exercise.minutes, exercise.difficulty,
            exercise.points, exercise.hints, said, [sealed(one) for one in given]]


for chapter in catalogue.CHAPTERS:
    call(f"exercises of chapter {chapter}")(
        lambda chapter=chapter: [answered(one) for one in catalogue.exercises(chapter)])
    call(f"quizzes of chapter {chapter}")(lambda chapter=chapter: sealed(catalogue.quizzes(chapter)))


# The start


@call("start: squares, scenes, pixels")
def _start() -> object:
    x, net = photo("dog", 113), squeezenet()
    boxes = shown.template_panels(x, uniform(1, 1, 9, 9)[0, 0], uniform(3, 7, 7), uniform(3, 7, 7, seed=1), (0.4, 0.6))
    return [start.middles(227), start.falls(net, x, "German shepherd"), start.sharpness(x), sealed(boxes),
            seeing.log_odds(net, x), sealed(seeing.grounds(60)), seeing.things(), sealed(start.pixels(x)),
            seeing.scores(net, x).topk(5), sealed(start_landmarks.matched_by_pixels(
                faces.draw(2, size=32), 2 * uniform(2, 3, 2) - 1, side=7))]


# Chapters 1 and 2


@call("lessons of chapter 1")
def _first() -> object:
    scenes = solids.rendered.scenes(2, size=64, seed=3)
    tasks = solids.begin(squeezenet(), ["segments", "normals"])
    found = solids.answers(tasks, scenes.images)
    labels = torch.arange(4).repeat_interleave(5)
    trained = [*tasks.net.domain(solids.SCENES).adapters(), tasks.heads]
    return [sum(weight.numel() for one in trained for weight in one.parameters()), sealed(found),
            [solids.score(name, one, scenes.labels[name]) for name, one in found.items()],
            solids.guessed(scenes.labels), solids.present(0.3, 1), adapters.few_of_each(labels, 2, 1),
            sealed(adapters.enlarged(scenes.images))]


@call("lessons of chapter 2")
def _second() -> object:
    (textures, labels), (grey, tissue) = mosaics.textures(2, 32, seed=1), tissues.slices()
    digits = uniform(12, 1, 12, 12)
    some = torch.arange(12) % 3
    return [digits_by.by_kmeans(digits, some, 3, 0), sealed(digits_by.deskewed(digits)),
            clusters.of_heads((3 * uniform(2, 12, 3)).softmax(2), some, 1), digits_by.by_pixel(textures, 3, 0),
            digits_by.sameness(labels), sealed([grey[:, :1], tissue]), sealed([grey, tissue]),
            sealed(tissues.spoilt(0.5, 1)), sealed(things.views(textures, draw())),
            sealed(naturals.seen(things.RIVALS[0], textures, 0)), sealed(hearing.moving(uniform(2, 4, 3, 8, 8)))]


# Chapter 3


@call("lessons of chapter 3: pairs of faces")
def _faces() -> object:
    layers = faces.layers(4, size=pairs.SIDE, margin=pairs.MARGIN, each=2, seed=1)
    stock = pairs.Stock(layers, faces.fronts(layers, each=2, size=pairs.SIDE, margin=pairs.MARGIN))
    made = faces.draw(4, seed=1, each=1)
    return [[sealed(make(stock)(3, draw())) for make in (pairs.of_warps, pairs.of_turns, pairs.of_both)],
            labellers.points(made), sealed(parts.before_a_wall(layers, each=2)),
            sealed(parts.drawn(2, "test", 1)),
            labellers.errors(labellers.points(made).flip(0), made, faces.hard_examples(made) | True),
            sealed(labellers.matched(labellers.codes(landmarks.labeller(2), made.images), made))]


@call("lessons of chapter 3: a film, patients")
def _films() -> object:
    begun, points = torch.tensor([0, 1]), uniform(2, 5, 2) - 0.5
    given = marked.asked("lung1")
    return [rabbits.advected(points, uniform(2, 2, 8, 8)), rabbits.tracked(points, begun, 1, 3),
            rabbits.viewed(2, draw()).matrix, sealed(rabbits.of_film(1, 3)(2, draw())), marked.between(),
            torch.tensor(rabbits.compared(rabbits.RIVALS["nothing has moved"]()).median),
            sealed(marked.canvas("lung1")), sealed(given),
            marked.errors(registration.RIVALS["nothing has moved"](given), given).median()]


# Chapters 4 to 7


@call("lessons of chapter 4")
def _fourth() -> object:
    x, m = restoring.photo("grass"), restoring.mask("hole", "grass")
    return [sealed([x, restoring.flat(x * m, m), restoring.photo("macaw", None)]), restoring.row("hole", "grass"),
            sealed(resisting.wanted("coffee", 1)), sealed([restoring.patient(name) for name in restoring.PATIENTS]),
            sealed(restoring.retina()), [
                round(one, 4) for one in impedance.measured(impedance.Run("coffee", "white noise", 0), 2).missing]]


@call("lessons of chapter 5")
def _fifth() -> object:
    x, net = photo("dog"), squeezenet()
    small, sources = uniform(12, readouts.CELLS**2 * 3).double(), list("aabbccddeeff")
    codes = small[:, :20] + 0.1 * uniform(12, 20, seed=1)
    read = readouts.read_off(codes, small, sources, codes.flip(0), small, sources)
    judged = icon_table.judged(x, "zebra", net, [net, lite(), net])
    return [readouts.small(x), readouts.parts(small), list(readouts.ridge(codes, small, (0.1, 1.0))),
            [[round(one, 3) for one in part] for part in read],
            sealed([coded_lesions.pair(name) for name in coded_lesions.PATIENTS]), list(results.table("lesions")),
            inversions.judge(net, "fire5", photo("coffee"), x), inversion_table.place("squeezenet1_1", "dog", x),
            [inversion_table.prior_of(kind, 0.5) for kind in inversions.PRIORS], list(results.table("inversion")),
            icons.places(lite(), x, ["zebra", "German shepherd"]),
            judged._replace(probability=round(judged.probability, 4)),
            agreement.alike(uniform(3, 5), uniform(4, 5, seed=1)), icons.means(net, "fire3", x), sealed(
                icons.framed(x)), icons.best_crops(uniform(9), torch.arange(9) // 2),
            agreement.share_of_pairs(uniform(9), torch.tensor([1, 4]))]


@call("lessons of chapters 6 and 7")
def _last() -> object:
    spots = patients.patches("lung1", count=4, seed=1)
    return [removal.ASKED, list(variants.VARIANTS.items()),
            [kinds.near(a, b) for a in ("bird", "cat") for b in ("dog", "fruit")],
            sealed(kinds.pasted("test", each=1)[[0, 3]]), exercises.keep_largest(uniform(9) - 0.5, 3), sealed(spots),
            sealed(patients.features(squeezenet(), spots)), sealed(patients.tissues("brain1", size=64)[[0]])]
