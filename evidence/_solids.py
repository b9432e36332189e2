"""Trials of more tasks for one network: rendered solids, labels that are missing, a network for each task as rival."""

from collections.abc import Iterator, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from evidence import _trials as trials
from u3course.lessons.universal.solids import SEEN, TASKS, present  # noqa: F401 — present is asked for here
from u3course.worlds import rendered
from u3course.worlds.rendered import Scenes
from u3lab.descent import Step
from u3lab.nets import Classifier
from u3lab.universal import Adapted, Tasks, TasksSettings, adapt, train_tasks

SIDE, HELD_OUT = 64, 100  # pixels; scenes of the test
STEPS, RATE = 120, 0.01
LAYERS = ("fire3", "fire5", "fire9")
SCENES = "scenes"


@cache
def held_out() -> Scenes:
    """The scenes of the test, on photos of other photographers."""
    return rendered.scenes(HELD_OUT, size=SIDE, split="test", seed=0)


@cache
def seen(seed: int) -> Scenes:
    """The scenes to learn from."""
    return rendered.scenes(SEEN, size=SIDE, seed=1 + seed)


def begin(net: Classifier, names: Sequence[str], *, method: str = "parallel") -> Tasks:
    """One trunk with a domain for the scenes, and the heads of some tasks; nothing is trained."""
    trunk = adapt(net, method).add_domain(SCENES, rendered.SOLIDS).use(SCENES)
    return Tasks(trunk, LAYERS, {name: TASKS[name] for name in names})


def own(trunk: Adapted) -> list[nn.Parameter]:
    """What of the trunk is trained: the adapters."""
    return [weight for adapter in trunk.domain(SCENES).adapters() for weight in adapter.parameters()]


def train(tasks: Tasks, scenes: Scenes, given: dict[str, Tensor], seed: int, *, steps: int = STEPS) -> Iterator[Step]:
    """The training of a trunk's adapters and of its heads, with a rate that falls to nearly 0."""
    settings = TasksSettings(lr=RATE, steps=steps, seed=seed)
    names = tasks.tasks
    return trials.falling(
        train_tasks(tasks, scenes.images, {name: scenes.labels[name] for name in names},
                    present={name: given[name] for name in names}, weights=own(tasks.net), settings=settings), settings)


@torch.no_grad()
def answers(tasks: Tasks, images: Tensor) -> dict[str, Tensor]:
    """Answers at the size of the pictures: "segments" (N,H,W) numbers, "boundaries" (N,1,H,W) probabilities, "normals"
    (N,3,H,W) of length 1, "label" (N) numbers; only those of the tasks that there are."""
    parts = [tasks(x) for x in images.split(50)]
    found = {}
    for name in tasks.tasks:
        scores = torch.cat([part[name].cpu() for part in parts])
        if scores.ndim == 4:
            scores = nn.functional.interpolate(scores, size=images.shape[2:], mode="bilinear", align_corners=False)
        found[name] = {"segments": lambda s: s.argmax(1), "label": lambda s: s.argmax(1), "boundaries": torch.sigmoid,
                       "normals": lambda s: nn.functional.normalize(s, dim=1)}[name](scores)
    return found


def score(name: str, answer: Tensor, truth: Tensor) -> float:
    """How good answers are: mean IoU over the kinds of surface, F₁ of boundaries at 0.5, median angle in degrees
    (the smaller the better), share of labels right."""
    if name == "segments":
        pairs = [((answer == k), (truth == k)) for k in range(len(rendered.KINDS))]
        return sum(float((a & b).sum() / (a | b).sum().clamp_min(1)) for a, b in pairs) / len(pairs)
    if name == "boundaries":
        a, b = answer > 0.5, truth > 0.5
        return float(2 * (a & b).sum() / (a.sum() + b.sum()).clamp_min(1))
    if name == "normals":
        return float((answer * truth).sum(1).clamp(-1, 1).acos().rad2deg().median())
    return float((answer == truth).double().mean())


def guessed(truth: dict[str, Tensor]) -> dict[str, float]:
    """The floor: everywhere the most frequent surface, a boundary everywhere, the mean direction, the first label."""
    mean = nn.functional.normalize(truth["normals"].mean((0, 2, 3)), dim=0).view(1, 3, 1, 1)
    same = {"segments": torch.full_like(truth["segments"], int(truth["segments"].flatten().mode().values)),
            "boundaries": torch.ones_like(truth["boundaries"]), "normals": mean.expand_as(truth["normals"]),
            "label": torch.full_like(truth["label"], int(truth["label"].mode().values))}
    return {name: score(name, same[name], truth[name]) for name in TASKS}
