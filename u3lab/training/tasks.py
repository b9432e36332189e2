"""What a task is: a way to make a question and its answer out of raw data, a head, and a loss.

A pretext task is one function ``(raw, generator) → Posed`` with a head and a loss, and one line in ``selfsup.TASKS``;
``tests/u3lab/selfsup/test_contract.py`` holds every line to its word.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images
from u3lab.checks import function, is_a, is_plain, of_wholes, one_of, shown, tensors
from u3lab.errors import U3Error
from u3lab.training.loop import Terms

# What a task is made from → what a message calls it, and the numbers of axes. Pictures are in [0,1]; S is the length
# of a sound; the flow leads from each picture to its film's next frame, in pixels.
RAW = {"pictures": ("pictures (N,3,H,W)", (4,)), "clips": ("clips (N,T,3,H,W)", (5,)),
       "films": ("a tuple of pictures (N,3,H,W) and sounds (N,S)", (4, 2)),
       "flows": ("a tuple of pictures (N,3,H,W) and their flow (N,2,H,W)", (4, 4)),
       "labelled": ("a tuple of pictures (N,3,H,W) and answers (N,K)", (4, 2))}


class Posed(NamedTuple):
    """A batch of questions. ``views`` (B,V,3,h,w): the V pictures of each that the encoder sees, one by one.

    ``target`` is the answer, a tensor or a tuple of them, each of B rows. ``more`` are tensors of B rows that only the
    head sees, as a sound.
    """

    views: Tensor
    target: Any
    more: tuple[Tensor, ...] = ()


def cross_entropy(scores: Tensor, target: Tensor) -> Terms:
    """−log softmax(scores)[target], the mean of the batch: scores (B,K), target (B), from 0 to K − 1."""
    if not isinstance(target, Tensor) or target.shape != scores.shape[:1] or not of_wholes(target):
        raise U3Error(f"the answers are {shown(target)}; give {len(scores)} numbers of classes, such as labels.long()")
    low, high = target.aminmax()
    if low < 0 or high >= scores.shape[1]:  # PyTorch would pass over −100 in silence
        raise U3Error(f"answers from {int(low)} to {int(high)}, but the head has classes 0 to {scores.shape[1] - 1}; "
                      "give a head of as many classes, or other answers")
    return {"cross-entropy": F.cross_entropy(scores, target)}


def share_right(scores: Tensor, target: Tensor) -> Tensor:
    """The share of the batch whose highest score is that of the target."""
    return (scores.argmax(1) == target).double().mean()


@dataclass(frozen=True)
class Task:
    """One way to learn without labels.

    Attributes:
        pose: Raw data of a batch and a generator → the questions.
        head: The number of channels of the encoder's maps → a module from maps (B,V,C,h,w), and from ``more``, to an
            output.
        loss: Output and target → the terms of the loss, means over the batch.
        score: Output and target → what is shown while it learns: the share right, or another scalar.
        raw: Which kind of data, one of ``RAW``.
        chance: The score of guessing; None where guessing has no score.
    """

    pose: Callable[[Any, torch.Generator], Posed]
    head: Callable[[int], nn.Module]
    loss: Callable[[Any, Any], Terms] = cross_entropy
    score: Callable[[Any, Any], Tensor] = share_right
    raw: str = "pictures"
    chance: float | None = None

    def __post_init__(self) -> None:
        """Refuse at once what would fail in the midst of a training."""
        one_of("raw", self.raw, RAW)
        for name, count in (("pose", 2), ("head", 1), ("loss", 2), ("score", 2)):
            function(f"a task's {name}", getattr(self, name), count, f"give a function of {count}, see selfsup.Task")

    def ask(self, raw: Any, generator: torch.Generator) -> Posed:
        """The questions that ``pose`` makes, if they are some."""
        made = is_a("what a task's pose gives", self.pose(raw, generator), Posed, "let it return Posed(views, target)")
        tensors(views=(made.views, "BVChw"))
        answers = made.target if isinstance(made.target, tuple) else (made.target,)
        for one in (*answers, *made.more):
            if not is_plain(one) or len(one) != len(made.views):
                raise U3Error(f"a task's pose gives {shown(one)} to {len(made.views)} questions; let it give a tensor "
                              "with a row for each, or a tuple of such")
        return made


def check_raw(raw: Any, task: Task) -> None:
    """Refuse what is not of the task's kind of raw data; a function that makes some is asked when it is called."""
    if callable(raw):
        return
    parts = raw if isinstance(raw, tuple) else (raw,)
    what, axes = RAW[task.raw]
    fits = all(map(is_plain, parts)) and tuple(one.ndim for one in parts) == axes
    if not fits or len({len(one) for one in parts}) > 1 or len(parts[0]) < 2:
        raise U3Error(f"this task is made of {what}, two or more; it was given {shown(raw)}")
    images.check(parts[0].flatten(0, -4))
    for further in parts[1:]:
        tensors(raw=(further.flatten(1), "NS"))


class Joined(nn.Module):
    """A classifier of the views of a question together: pooled, joined, one hidden layer."""

    def __init__(self, channels: int, views: int, classes: int, hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels * views, hidden), nn.BatchNorm1d(hidden), nn.ReLU(),
                                    nn.Linear(hidden, classes))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B,V,C,h,w) → scores (B,K)."""
        pooled = F.adaptive_avg_pool2d(maps.flatten(0, 1), 1)
        return self.layers(pooled.reshape(len(maps), -1))
