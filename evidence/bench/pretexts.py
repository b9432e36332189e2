"""Pretext tasks: a step against the bare encoder's on as many pixels, and SimCLR against the lightly library's.

The bare encoder's step is what no task can save: the same views forward and backward, averaged, one linear layer, Adam.
lightly's step is written as its documentation does: its transform makes two views of each picture (PIL pictures from a
loader without workers), its projection head and its loss follow. Both sides train the same encoder on the same pictures
with heads of the same sizes; neither blurs.
"""

import statistics
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence.bench import measure, table
from evidence.bench.peers import installed
from u3lab.descent import ADAM
from u3lab.selfsup import TASKS, PretextSettings, Task, encoder, nt_xent, pretrain
from u3lab.selfsup.contrast import OUTPUT, TAU

BATCH, SIDE, WIDTH, STEPS = 64, 64, 32, 2
TARGET = 1.2  # ours/encoder's
GOAL = 0.8  # ours/lightly's
LIGHTLY = "lightly"
Run = Callable[[], object]


def pictures(count: int = BATCH) -> Tensor:
    """Smooth noise: no task is faster or slower on it than on photos."""
    generator = torch.Generator().manual_seed(0)
    return F.interpolate(torch.rand(count, 3, SIDE // 8, SIDE // 8, generator=generator), size=(SIDE, SIDE),
                         mode="bilinear", align_corners=False)


def raw(task: Task) -> Any:
    """Data of a task's kind."""
    generator, still = torch.Generator().manual_seed(0), pictures()
    if task.raw == "pictures":
        return still
    if task.raw == "clips":
        return torch.stack([still.roll(k, 3) for k in range(6)], 1)
    if task.raw == "flows":
        return still, 3 * torch.randn(BATCH, 2, SIDE, SIDE, generator=generator)
    return still, torch.randn(BATCH, 4096, generator=generator)


def ours_of(name: str) -> Run:
    """Steps of a pretext task, without end."""
    steps = pretrain(encoder(WIDTH), raw(TASKS[name]), name,
                     settings=PretextSettings(steps=100_000, batch_size=BATCH))
    next(steps)
    return lambda: [next(steps) for _ in range(STEPS)]


def bare(views: Tensor) -> Run:
    """Steps of plain torch on ready views (B,V,3,h,w)."""
    net, linear = encoder(WIDTH), nn.LazyLinear(10)
    y = torch.arange(len(views)) % 10

    def scores() -> Tensor:
        return linear(net.run(net.normalise(views.flatten(0, 1))).mean((2, 3)).unflatten(0, views.shape[:2]).mean(1))
    return _loop(net, linear, scores, lambda found: F.cross_entropy(found, y))


def lightly() -> Run:
    """Steps of SimCLR as lightly's documentation writes them."""
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.transforms import SimCLRTransform
    from torch.utils.data import DataLoader
    from torchvision.transforms.functional import to_pil_image

    transform = SimCLRTransform(input_size=SIDE, gaussian_blur=0.0, min_scale=0.2,
                                normalize={"mean": [0.0] * 3, "std": [1.0] * 3})
    photos = [to_pil_image(x) for x in pictures()]
    loader = DataLoader(_Viewed(photos, transform), batch_size=BATCH, shuffle=True)
    net, loss = encoder(WIDTH), NTXentLoss(TAU)
    channels = net.run(torch.zeros(1, 3, SIDE, SIDE)).shape[1]
    head = SimCLRProjectionHead(channels, channels, OUTPUT)

    def embeddings() -> tuple[Tensor, Tensor]:
        first, second = next(iter(loader))
        return tuple(head(net.run(net.normalise(x)).mean((2, 3))) for x in (first, second))
    return _loop(net, head, embeddings, lambda pair: loss(*pair))


class _Viewed(torch.utils.data.Dataset):
    """Pictures as a transform gives them."""

    def __init__(self, photos: list, transform: Callable) -> None:
        self.photos, self.transform = photos, transform

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, number: int) -> list[Tensor]:
        return self.transform(self.photos[number])


def _loop(net: nn.Module, head: nn.Module, output: Callable[[], Any], loss: Callable[[Any], Tensor]) -> Run:
    learner = nn.ModuleList([net.module.requires_grad_(True), head]).train()
    loss(output())  # a lazy layer learns its size
    return measure.training(ADAM(list(learner.parameters()), lr=0.001), lambda: loss(output()), STEPS)


def race(name: str, other: str, theirs: Run, rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take turns: the row, and what share of ours goes into posing the questions of a batch."""
    steps, task, ours, others, posing = ours_of(name), TASKS[name], [], [], []
    given, generator = raw(task), torch.Generator().manual_seed(0)
    for _ in range(rounds):
        ours.append(measure.milliseconds(steps) / STEPS)
        others.append(measure.milliseconds(theirs) / STEPS)
        posing.append(measure.milliseconds(lambda: task.pose(given, generator)))
    row = table.race_as_data("a training step", [f"selfsup/{name}"], "an encoder of random weights",
                             GOAL if other == LIGHTLY else TARGET, ours, (f"a step of {other}", others))
    return row, {"task": name, "beside": other, "posing/ours": statistics.median(posing) / statistics.median(ours)}


def loss_against_lightly() -> float:
    """The greatest difference of our NT-Xent and lightly's, over three temperatures, in double precision."""
    from lightly.loss import NTXentLoss

    z = torch.randn(32, 2, 16, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    return max(abs(float(nt_xent(z, tau=tau) - NTXentLoss(tau)(z[:, 0], z[:, 1]))) for tau in (0.1, 0.2, 1.0))


def report(quick: bool) -> dict[str, Any]:
    rounds, found = 3 if quick else 9, []
    for name, task in TASKS.items():
        views = task.pose(raw(task), torch.Generator().manual_seed(0)).views
        found.append(race(name, "the encoder", bare(views), rounds))
        table.show(found[-1][0], head=len(found) == 1)
    if installed("lightly"):
        found.append(race("contrast", LIGHTLY, lightly(), rounds))
        table.show(found[-1][0])
        print(f"\nThe two losses differ by {loss_against_lightly():.1e} at most (three temperatures, float64).")
    rows, posing = ([pair[part] for pair in found] for part in (0, 1))
    table.show_all(posing)
    return {"posing": posing, "rows": rows}
