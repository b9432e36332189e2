"""What few labels read off an encoder that has learnt a task without labels.

    python -m evidence pretexts                              # results/pretexts.json, four hours
    torchrun --nproc_per_node 4 -m evidence pretexts         # four processes, or GPUs, share the rows

One encoder takes two to four minutes on one processor that knows bfloat16, and several times that on one that does not
(so the short form computes in float32). What is learnt from clips, films or flows is the same for both problems, and is
learnt once. Two downstream problems. *textures*: the domain of the decathlon; what is learnt from without labels are
the training pictures of three domains. *faces*: what made faces wear and do; those of the test are of other people.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from evidence._trials import interval
from u3course.lessons.universal.trials import few_of_each
from u3course.worlds import clips, decathlon, faces
from u3lab import selfsup
from u3lab.datasets import clips as filmed
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.training.loop import falling

LABELS = (5, 20, 100)  # of each class
FLOOR, CEILING = "random weights", "supervised"
PROBLEMS = ("textures", "faces")
ROUTES = (FLOOR, "colour", "erase", "relative position", "jigsaw", "upright", "order", "arrow", "sorting", "sound",
          "correspondence", "moving", "contrast", CEILING)
SEEDS, MORE = (0, 1, 2), {route: (0, 1, 2, 3, 4) for route in (FLOOR, "jigsaw", "moving", "contrast")}
WIDTH = 32  # channels of the first layer
STEPS, BATCH, RATE = 600, 64, 0.003  # of a pretext task; the rate falls to nearly 0
SHOWN = 20  # labels of each class in the summary
UNLABELLED = {"animals": 100, "objects": 50, "textures": 100}  # domain → training pictures of each class
SPLITS = ("train", "val", "test")
FACES = ("train", 3000, 1)  # faces to learn from without labels: split, how many, and the seed that says of whom
ASKED = (("train", 1200, 2), ("train", 400, 3), ("test", 600, 2))  # faces with labels; other seeds, other people

Run = NamedTuple("Run", [("problem", str), ("task", str), ("labels", int), ("layer", str), ("seed", int)])
"""One measurement. ``layer`` is where the probe reads; ``seed`` also chooses the labels."""

Row = NamedTuple("Row", [("val", float), ("test", float)])
"""Accuracy on validation and test pictures, mean over the problem's questions."""


def of_seeds(rows: Rows, problem: str, task: str, labels: int) -> dict[int, float]:
    """Seed → test accuracy at the layer whose probe is best on the validation pictures, on average over the seeds."""
    found = {run: row for run, row in rows.items() if run[:3] == (problem, task, labels)}
    best = max(selfsup.LAYERS, key=lambda layer: sum(val for run, (val, _) in found.items() if run.layer == layer))
    return {run.seed: test for run, (_, test) in sorted(found.items()) if run.layer == best}


def gains(rows: Rows, problem: str, task: str, labels: int) -> list[float]:
    """Test accuracy less that of random weights with the same labels, seed by seed; each at its own best layer."""
    floor = of_seeds(rows, problem, FLOOR, labels)
    return [mine - floor[seed] for seed, mine in of_seeds(rows, problem, task, labels).items() if seed in floor]


def summary(rows: Rows) -> Summary:
    """By how much a probe is better than one on random weights, with 20 labels of each class, over the seeds."""
    return {task: found for task in dict.fromkeys(run.task for run in rows) if task != FLOOR
            if (found := {problem: interval([100 * one for one in gained]) for problem in PROBLEMS
                          if len(gained := gains(rows, problem, task, SHOWN)) > 1})}


TABLE = Table(
    "pretexts", Run, Row, summary=summary, facts={"steps": STEPS, "batch": BATCH},
    again={"problem": "textures", "task": FLOOR, "labels": str(LABELS[0]), "layer": selfsup.LAYERS[0]},
    uneven={"seeds": "five of random weights, jigsaw, moving and contrast"},
    chart=Chart("bars", "points more than random weights, a probe with 20 labels of each class",
                alt="Two bars with intervals for each of twelve tasks and the supervised encoder. Contrast is far "
                    "ahead of the other tasks on textures and ahead on faces; the supervised encoder is far above."))


def work(plan: Plan) -> Iterator[Work]:
    """The probes with so many labels are a piece of work; the first trains the encoder."""
    problems, labels, routes = plan.few(PROBLEMS), plan.few(LABELS), ("upright",) if plan.short else ROUTES
    train, val, test = zip(*map(sources, problems), strict=True)
    plan.fit(pictures=[*(f"{name}, train" for name in UNLABELLED), named(FACES), *train],
             films=["street, train", "bouncing, train"], flows=["moving, train"])
    plan.choose(pictures=val)
    plan.judge(pictures=test)
    for task in routes:
        for group in groups(task, problems):
            for seed in plan.few(MORE.get(task, SEEDS)):
                net = cache(partial(learnt, task, group[0], seed, steps=plan.steps(STEPS),
                                    half=not plan.short))
                for problem, each in itertools.product(group, labels):
                    yield Work([Run(problem, task, each, layer, seed) for layer in selfsup.LAYERS], probed, net,
                               problem, task, each, seed)


def sources(problem: str) -> tuple[str, str, str]:
    """What the pictures of a problem's three splits are of."""
    return tuple(map(named, ASKED)) if problem == "faces" else tuple(f"{problem}, {split}" for split in SPLITS)


def named(asked: tuple[str, int, int]) -> str:
    """Whom some made faces are of."""
    split, _, seed = asked
    return f"faces, {split}, people of seed {seed}"


def groups(task: str, problems: Sequence[str]) -> list[Sequence[str]]:
    """The problems by what is learnt from: pictures are the problem's own, all else serves every problem."""
    own = task == CEILING or (task in selfsup.TASKS and selfsup.TASKS[task].raw == "pictures")
    return [[one] for one in problems] if own else [problems]


class Question(NamedTuple):
    """One downstream question: pictures (N,3,64,64) and classes (N) of each split."""

    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


@cache
def unlabelled(problem: str) -> Tensor:
    """What is learnt from without labels: pictures (N,3,64,64)."""
    if problem == "faces":
        split, count, seed = FACES
        return faces.draw(count, split=split, seed=seed).images
    return torch.cat([decathlon.load(name, each=each).images for name, each in UNLABELLED.items()])


@cache
def raw(task: str, problem: str) -> Any:
    """What a task is made from: pictures of the problem; or clips, films and flows, the same for both problems."""
    kind = selfsup.TASKS[task].raw
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
        return (Question(*(decathlon.load(problem, split)[:2] for split in SPLITS)),)
    drawn = [faces.draw(count, split=split, seed=seed) for split, count, seed in ASKED]
    return tuple(Question(*((one.images, one.attributes[:, k].long()) for one in drawn))
                 for k in range(len(faces.ATTRIBUTES)))


def learnt(task: str, problem: str, seed: int, *, steps: int = STEPS, half: bool = True) -> Classifier:
    """An encoder that has been taught a task, in bfloat16 if ``half``; its first weights are the same for each task."""
    net = selfsup.encoder(WIDTH, seed=seed)
    if task != FLOOR:
        given, what = (labelled(problem), supervised(problem)) if task == CEILING else (raw(task, problem), task)
        settings = selfsup.PretextSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=seed, half=half)
        last(falling(selfsup.pretrain(net, given, what, settings=settings), settings))
    return net


def labelled(problem: str) -> tuple[Tensor, Tensor]:
    """Training pictures of the problem itself (N,3,64,64), and their class in each question (N,Q)."""
    asked = questions(problem)
    return asked[0].train[0], torch.stack([question.train[1] for question in asked], 1)


class Answers(nn.Module):
    """A linear layer behind the averaged maps: (B,V,C,h,w) → scores of all classes of all questions (B,ΣK)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return self.linear(maps.mean((1, 3, 4)))


def supervised(problem: str) -> selfsup.Task:
    """The labels themselves as one more task, in which no question is made: the ceiling."""
    counts = [int(question.train[1].max()) + 1 for question in questions(problem)]

    def loss(scores: Tensor, answers: Tensor) -> dict[str, Tensor]:
        each = [F.cross_entropy(part, y) for part, y in zip(scores.split(counts, 1), answers.unbind(1), strict=True)]
        return {"cross-entropy": torch.stack(each).mean()}

    def score(scores: Tensor, answers: Tensor) -> Tensor:
        told = torch.stack([part.argmax(1) for part in scores.split(counts, 1)], 1)
        return (told == answers).double().mean()

    return selfsup.Task(lambda given, generator: selfsup.Posed(given[0][:, None], given[1]),
                lambda channels: Answers(channels, sum(counts)), loss, score, raw="labelled")


def probed(net: Callable[[], Classifier], problem: str, task: str, each: int, seed: int) -> dict[Run, Row]:
    """The accuracy of a linear probe with so many labels of each class, at each layer."""
    asked, found = questions(problem), {}
    # All questions ask about the same pictures.
    seen = [selfsup.pooled(net(), images, selfsup.LAYERS) for images, _ in asked[0]]
    for layer in selfsup.LAYERS:
        right = []
        for question in asked:
            train, val, test = ((features[layer], answers) for features, (_, answers) in zip(
                seen, question, strict=True))
            chosen = few_of_each(train[1], each, seed)
            fitted = selfsup.best_probe((train[0][chosen], train[1][chosen]), val)
            right.append([fitted.accuracy(*one) for one in (val, test)])
        found[Run(problem, task, each, layer, seed)] = Row(*torch.tensor(right).mean(0).tolist())
    return found
