"""More tasks for one network: one trunk, a head for each task, and labels that may be missing.

    L = Σ_t λ_t · 1/N_t Σ_i m_ti ℓ_t(y_ti, f_t(Φ(x_i))),   N_t = Σ_i m_ti

m_ti says whether picture i has a label for the task t (Kokkinos, UberNet, CVPR 2017): no data set has the labels of all
tasks, so what a picture lacks must cost nothing. Φ are features of several layers, brought to one size and joined; a
dense head is a 1×1 convolution of them, the head of a whole picture is linear in their mean.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import skip_init

from u3lab.checks import is_a, is_plain, listed, number, of_wholes, one_of, shown, whole, words
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier
from u3lab.nets.gate import ready
from u3lab.settings import or_default, settings
from u3lab.training import loop
from u3lab.training.loop import Batches


@settings
class TasksSettings:
    """Settings of :func:`train_tasks`."""

    lr: float = loop.rate(0.003)
    steps: int = loop.steps(150)
    batch_size: int = loop.batch_size(16, 1024, "pictures at each step", slide_to=64)
    seed: int = loop.seed("the order of the pictures")


@dataclass(frozen=True)
class Kind:
    """A kind of task: ``loss(scores, labels)`` → (B), one number a picture; ``dense``: has an answer for each pixel."""

    loss: Callable[[Tensor, Tensor], Tensor]
    dense: bool


def _per_picture(losses: Tensor) -> Tensor:
    return losses.flatten(1).mean(1) if losses.ndim > 1 else losses


def classes(scores: Tensor, labels: Tensor) -> Tensor:
    """−log softmax(s)[y]: scores (B,K) with labels (B), or (B,K,h,w) with (B,h,w)."""
    return _per_picture(F.cross_entropy(scores, labels, reduction="none"))


def edges(scores: Tensor, labels: Tensor) -> Tensor:
    """−log of the probability of "edge here" or "none here": scores (B,1,h,w), labels (B,1,h,w) in [0,1]."""
    return _per_picture(F.binary_cross_entropy_with_logits(scores, labels, reduction="none"))


def normals(scores: Tensor, labels: Tensor) -> Tensor:
    """1 − the cosine of the angle between two directions, both (B,3,h,w)."""
    return _per_picture(1 - F.cosine_similarity(scores, labels, dim=1))


KINDS: dict[str, Kind] = {
    "segments": Kind(classes, dense=True),
    "boundaries": Kind(edges, dense=True),
    "normals": Kind(normals, dense=True),
    "label": Kind(classes, dense=False),
}
OUTPUTS = {"boundaries": (1, 1), "normals": (3, 3)}  # least and most


@dataclass(frozen=True)
class Task:
    """One task: its kind (a name in ``KINDS``), how many outputs it has, and its price λ.

    Boundaries have one output, normals three, the others one for each class.
    """

    kind: str
    outputs: int
    price: float = 1.0

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)
        least, most = OUTPUTS.get(self.kind, (2, 10_000))
        whole("outputs", self.outputs, least, most)
        number("price", self.price, 0)

    def check(self, name: str, y: Tensor, count: int) -> None:
        """Refuse labels (of the pictures that have one) that are none of this kind."""
        if self.kind in OUTPUTS:
            fits = y.is_floating_point() and y.ndim == 4 and y.shape[1] == self.outputs and bool(y.isfinite().all())
            fits = fits and (self.kind != "boundaries" or bool((0 <= y).all() and (y <= 1).all()))
            wanted = f"({count},{self.outputs},h,w) finite numbers" + (" in [0,1]" if self.kind == "boundaries" else "")
        else:
            fits = of_wholes(y) and y.ndim == (3 if KINDS[self.kind].dense else 1)
            fits = fits and (not y.numel() or (int(y.min()) >= 0 and int(y.max()) < self.outputs))
            wanted = f"({count}{',h,w' if KINDS[self.kind].dense else ''}) whole numbers 0 to {self.outputs - 1}"
        if not fits:
            raise U3Error(f"labels[{name!r}] is {shown(y)}; for {self.kind} give {wanted}")


class Tasks(nn.Module):
    """Heads of several tasks on one trunk, which stays as it is; an adapted network's domain may be trained with it.

    Args:
        net: The trunk, a classifier.
        layers: Whose features are joined; the first gives the size.
        tasks: Name → task.
    """

    def __init__(self, net: nn.Module, layers: Sequence[str], tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.net, self.layers = ready(net), tuple(words("layers", layers))
        if not isinstance(tasks, Mapping) or not tasks or not all(isinstance(one, Task) for one in tasks.values()):
            raise U3Error(f"tasks = {shown(tasks)}; give a dict of tasks, {{'parts': Task('segments', 5)}}")
        self.tasks = dict(tasks)
        with torch.no_grad():
            like = joined(self.net, torch.zeros(1, 3, self.net.size, self.net.size), self.layers)
        self.heads = nn.ModuleDict({name: _head(like, task) for name, task in tasks.items()}).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Answers by task: (B,outputs,h,w), or (B,outputs) for a whole picture."""
        features = joined(self.net, images, self.layers)
        answers = {}
        for name, task in self.tasks.items():
            dense = KINDS[task.kind].dense
            scores = self.heads[name](features if dense else features.mean((2, 3), keepdim=True))
            answers[name] = scores if dense else scores[:, :, 0, 0]
        return answers


def _head(like: Tensor, task: Task) -> nn.Conv2d:
    head = skip_init(nn.Conv2d, like.shape[1], task.outputs, 1).to(like)
    for weight in head.parameters():
        nn.init.zeros_(weight)
    if task.kind == "normals":  # zero has no direction, and the cosine no useful slope there: all begin by facing us
        nn.init.ones_(head.bias[2])
    return head


def joined(net: Classifier, images: Tensor, layers: Sequence[str]) -> Tensor:
    """Features of several layers as one map (B,ΣC,h,w) with the size of the first, each of mean square 1."""
    found: dict[str, Tensor] = {}
    with net.watch({layer: partial(found.__setitem__, layer) for layer in layers}):
        net(images)
    size = found[layers[0]].shape[2:]
    maps = [F.interpolate(found[layer], size=size, mode="bilinear", align_corners=False) for layer in layers]
    return torch.cat([one / one.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1e-6) for one in maps], 1)


def masked_losses(tasks: Mapping[str, Task], answers: Mapping[str, Tensor], labels: Mapping[str, Tensor],
                  present: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Task → λ_t 1/N_t Σ_i m_ti ℓ_ti, a scalar; 0 if no picture of the batch has its label.

    Args:
        answers: Of :class:`Tasks`.
        labels: Task → labels of its kind, for all pictures; anything where there is none.
        present: Task → (B) of True and False, m_t.
    """
    terms = {}
    for name, task in tasks.items():
        m = present[name]
        if m.any():
            scores = answers[name][m]
            y = labels[name][m]
            if KINDS[task.kind].dense and scores.shape[2:] != y.shape[-2:]:
                scores = F.interpolate(scores, size=y.shape[-2:], mode="bilinear", align_corners=False)
            terms[name] = task.price * KINDS[task.kind].loss(scores, y).mean()
        else:
            terms[name] = 0.0 * answers[name].sum()
    return terms


def train_tasks(tasks: Tasks, images: Tensor, labels: Mapping[str, Tensor], *,
                present: Mapping[str, Tensor] | None = None, weights: Sequence[nn.Parameter] = (),
                settings: TasksSettings | None = None) -> Iterator[Step]:
    """Train the heads of several tasks at once, step by step.

    Args:
        images: (N,3,H,W) in [0,1].
        labels: Task → labels for all pictures: "segments" (N,h,w) whole numbers, "boundaries" (N,1,h,w) in [0,1],
            "normals" (N,3,h,w), "label" (N) whole numbers.
        present: Task → (N) of True and False, whether a picture has the label; without it all have.
        weights: More to train, such as ``net.domain_parameters(name)`` of a trunk that is adapted.

    Yields:
        Step: ``value`` is the loss as a scalar, the terms are those of the tasks.

    Raises:
        U3Error: Labels or masks that are not there or do not fit.
    """
    is_a("tasks", tasks, Tasks, "make them with Tasks(net, layers, {'parts': Task('segments', 5)})")
    ready(tasks.net, images)
    settings = or_default(settings, TasksSettings)
    present = dict(is_a("present", {} if present is None else present, Mapping, "give a dict of masks, or nothing"))
    for name, task in tasks.tasks.items():
        if not isinstance(labels, Mapping) or not is_plain(labels.get(name)) or (
                len(labels[name]) != len(images)):
            raise U3Error(f"the task {name!r} has no labels for {len(images)} pictures; give labels={{{name!r}: …}}, "
                          "one for each, and say in present= which of them count")
        m = present.setdefault(name, torch.ones(len(images), dtype=torch.bool))
        if not is_plain(m) or m.dtype != torch.bool or m.shape != (len(images),):
            raise U3Error(f"present[{name!r}] = {shown(m)}; give {len(images)} of True and False")
        task.check(name, labels[name][m], len(images))
    more = [] if isinstance(weights, Sequence) and not len(weights) else listed("weights", weights, nn.Parameter,
                                                                               "parameters")
    batches = Batches(len(images), settings.batch_size, settings.seed)

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        chosen = batches.at(step)
        answers = tasks(images[chosen])
        device = next(iter(answers.values())).device
        terms = masked_losses(tasks.tasks, answers, {name: y[chosen].to(device) for name, y in labels.items()},
                              {name: m[chosen].to(device) for name, m in present.items()})
        return torch.stack(list(terms.values())).sum(), terms

    return train([*tasks.heads.parameters(), *more], energy, steps=settings.steps, rate=lambda step: settings.lr)
