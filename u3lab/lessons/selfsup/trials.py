"""The trials of chapter 2: an encoder learns a pretext task without labels; what do few labels then read off it?

``python -m u3lab.experiments pretexts`` makes the shipped table; the notebook makes some of its rows again.

Two downstream problems. *textures*: the domain of the decathlon; what is learnt from without labels are the training
pictures of three domains. *faces*: what made faces wear and do; those of the test are of other people.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.datasets import clips as filmed
from u3lab.descent import Step, last
from u3lab.lessons import results
from u3lab.lessons.universal.trials import few_of_each
from u3lab.nets import Classifier
from u3lab.selfsup import (
    LAYERS,
    TASKS,
    Posed,
    PretextSettings,
    Task,
    best_probe,
    encoder,
    head_of,
    pooled,
    pretrain,
    solve,
)
from u3lab.training.loop import falling
from u3lab.worlds import clips, decathlon, faces

WIDTH = 32  # channels of the first layer
STEPS, BATCH, RATE = 600, 64, 0.003  # of a pretext task; the rate falls to nearly 0
LABELS = (5, 20, 100)  # of each class
TUNED, FEW = 100, 32  # steps of fine-tuning, and pictures at each; its rate is that of the task
FLOOR, CEILING = "random weights", "supervised"
PROBLEMS = ("textures", "faces")
UNLABELLED = {"animals": 100, "objects": 50, "textures": 100}  # domain → training pictures of each class
FACES = 3000  # to learn from without labels
ASKED = (("train", 1200, 2), ("train", 400, 3), ("test", 600, 2))  # faces with labels; other seeds, other people
WHOLE = "fine-tuning"


class Run(NamedTuple):
    """One measurement. ``layer`` is where the probe reads, or ``WHOLE``; ``seed`` also chooses the labels."""

    problem: str
    task: str
    labels: int
    layer: str
    seed: int


class Question(NamedTuple):
    """One downstream question: pictures (N,3,64,64) and classes (N) of each split."""

    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


@cache
def unlabelled(problem: str) -> Tensor:
    """What is learnt from without labels: pictures (N,3,64,64)."""
    if problem == "faces":
        return faces.draw(FACES, split="train", seed=1).images
    return torch.cat([decathlon.load(name, each=each).images for name, each in UNLABELLED.items()])


@cache
def raw(task: str, problem: str) -> Any:
    """What a task is made from: pictures of the problem; or clips, films and flows, the same for both problems."""
    kind = TASKS[task].raw
    if kind == "pictures":
        return unlabelled(problem)
    if kind == "clips":
        return filmed.street("train", length=6, count=600, size=64, seed=0)
    if kind == "flows":
        moving = clips.moving(1500, 2, split="train", seed=0)
        return moving.clips[:, 0], moving.flow[:, 0]
    films = clips.bouncing(1500, length=4, split="train", seed=0)
    return films.clips[:, 0], films.sounds


@cache
def questions(problem: str) -> tuple[Question, ...]:
    """The downstream questions of a problem, whose accuracies are averaged."""
    if problem != "faces":
        return (Question(*(decathlon.load(problem, split)[:2] for split in ("train", "val", "test"))),)
    drawn = [faces.draw(count, split=split, seed=seed) for split, count, seed in ASKED]
    return tuple(Question(*((one.images, one.attributes[:, k].long()) for one in drawn))
                 for k in range(len(faces.ATTRIBUTES)))


def learnt(task: str, problem: str, seed: int, *, steps: int = STEPS,
           half: bool = True) -> tuple[Classifier, Iterator[Step]]:
    """A fresh encoder and the steps that teach it a task, none for random weights; in bfloat16, unless not ``half``."""
    net = encoder(WIDTH, seed=seed)
    if task == FLOOR:
        return net, iter(())
    given, what = (labelled(problem), supervised(problem)) if task == CEILING else (raw(task, problem), task)
    settings = PretextSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=seed, half=half)
    return net, falling(pretrain(net, given, what, settings=settings), settings)


def labelled(problem: str, each: int | None = None, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Training pictures of the problem itself (N,3,64,64), and their class in each question (N,Q), −1 if not labelled.

    So many labels of each class of each question; without ``each`` all of them.
    """
    asked = questions(problem)
    images = asked[0].train[0]
    answers = torch.full((len(images), len(asked)), -1)
    for k, question in enumerate(asked):
        labels = question.train[1]
        chosen = slice(None) if each is None else few_of_each(labels, each, seed)
        answers[chosen, k] = labels[chosen]
    given = (answers >= 0).any(1)
    return images[given], answers[given]


def classes(problem: str) -> list[int]:
    """How many classes each question has."""
    return [int(question.train[1].max()) + 1 for question in questions(problem)]


class Answers(nn.Module):
    """A linear layer behind the averaged maps: (B,V,C,h,w) → scores of all classes of all questions (B,ΣK)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return self.linear(maps.mean((1, 3, 4)))


def supervised(problem: str) -> Task:
    """The labels themselves as one more task, in which no question is made: the ceiling, and fine-tuning."""
    counts = classes(problem)

    def loss(scores: Tensor, answers: Tensor) -> dict[str, Tensor]:
        each = [F.cross_entropy(part, y, ignore_index=-1, reduction="sum") / (y >= 0).sum().clamp(min=1)
                for part, y in zip(scores.split(counts, 1), answers.unbind(1), strict=True)]
        return {"cross-entropy": torch.stack(each).mean()}

    def score(scores: Tensor, answers: Tensor) -> Tensor:
        told = torch.stack([part.argmax(1) for part in scores.split(counts, 1)], 1)
        return (told == answers)[answers >= 0].double().mean()

    return Task(lambda given, generator: Posed(given[0][:, None], given[1]),
                lambda channels: Answers(channels, sum(counts)), loss, score, raw="labelled")


def measured(net: Classifier, problem: str, seed: int,
             labels: Sequence[int] = LABELS) -> Iterator[tuple[int, str, float, float]]:
    """Labels of each class, layer, and the accuracy of the linear probe there on validation and test pictures."""
    asked = questions(problem)
    splits = [{id(question[k][0]): pooled(net, question[k][0], LAYERS) for question in asked} for k in range(3)]
    for each in labels:
        for layer in LAYERS:
            right = []
            for question in asked:
                sets = [(splits[k][id(images)][layer], answers) for k, (images, answers) in enumerate(question)]
                chosen = few_of_each(sets[0][1], each, seed)
                fitted = best_probe((sets[0][0][chosen], sets[0][1][chosen]), sets[1])
                right.append([fitted.accuracy(*one) for one in sets[1:]])
            yield each, layer, *torch.tensor(right).mean(0).tolist()


def tuned(net: Classifier, problem: str, each: int, seed: int, *, steps: int = TUNED,
          half: bool = True) -> tuple[float, float]:
    """Accuracy on validation and test pictures after fine-tuning a copy of the encoder with so many labels a class.

    One network answers all questions of a problem.
    """
    net, task = copy.deepcopy(net), supervised(problem)
    head = head_of(net, task, seed=seed)
    settings = PretextSettings(lr=RATE, steps=steps, batch_size=FEW, seed=seed, half=half)
    last(falling(pretrain(net, labelled(problem, each, seed), task, head=head, settings=settings), settings))
    asked = questions(problem)
    right = []
    for k in (1, 2):
        answers = torch.stack([question[k][1] for question in asked], 1)
        scores, _ = solve(net, head, (asked[0][k][0], answers), task)
        right.append(float(task.score(scores, answers)))
    return tuple(right)


Rows = dict[Run, tuple[float, float]]  # accuracy on validation and test pictures


def shipped() -> Rows:
    """The shipped table."""
    return results.table("pretexts", Run)


def best_layer(rows: Rows, problem: str, task: str, labels: int) -> str:
    """The layer whose probe is best on the validation pictures, on average over the seeds."""
    return max(LAYERS, key=lambda layer: sum(val for run, (val, _) in rows.items()
                                             if run[:4] == (problem, task, labels, layer)))


def reached(rows: Rows, problem: str, task: str, labels: int, layer: str | None = None) -> list[float]:
    """Test accuracy of each seed; without ``layer`` at the :func:`best_layer`."""
    return list(_of_seeds(rows, problem, task, labels, layer).values())


def gains(rows: Rows, problem: str, task: str, labels: int, layer: str | None = None) -> list[float]:
    """Test accuracy less that of random weights with the same labels, seed by seed; each at its own best layer."""
    floor = _of_seeds(rows, problem, FLOOR, labels, layer)
    return [mine - floor[seed] for seed, mine in _of_seeds(rows, problem, task, labels, layer).items()]


def _of_seeds(rows: Rows, problem: str, task: str, labels: int, layer: str | None) -> dict[int, float]:
    layer = layer or best_layer(rows, problem, task, labels)
    return {run.seed: test for run, (_, test) in sorted(rows.items()) if run[:4] == (problem, task, labels, layer)}
