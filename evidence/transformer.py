"""A small vision transformer, which EfficientNet-Lite0 teaches on pictures that ship, as it has taught ResNet-26.

    python -m evidence transformer         # data/weights/vit.safetensors and data/results/transformer.json,
                                                    # twenty minutes of one processor that knows bfloat16

The loss is that of :mod:`evidence.resnet26`: the scores are those of the class token, and the features come
from the tokens of the patches. The pupil sees small pictures, and for the last steps those of its own size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _crops, _squares
from evidence._muon import Muon
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from evidence.resnet26 import FEATURES, GRID, PLACES, TEACHER, answers, moments, softened
from u3lab import images, nets
from u3lab._system.meanwhile import hook, meanwhile
from u3lab.datasets import cutouts, photos
from u3lab.descent import Step, last, train
from u3lab.measures import mean
from u3lab.nets import Classifier, zoo
from u3lab.nets.vit import PATCH, SIDE, WIDTH, vit

NAME = "vit"
BATCH, RATE = 64, 1e-3
RATES = {0: 0.005, 199: 1, 700: 1, 900: 9 / 11, 1450: 0.01}  # step → share of the rate, on lines in between
TAUGHT = 3  # an MLP's width, in tokens, while it learns; then the units that say least are left out
SMALL, LARGE = 64, 1350  # pixels of the pupil's pictures at first; the step from which they are of its size
STEPS = max(RATES)
FLOOR, CNN, LABELS, ITSELF = "the same answer always", "ResNet-26", "SqueezeNet", "the teacher, small pictures"
PUPILS = {FLOOR: "", CNN: "resnet26_half", "transformer": NAME, LABELS: "squeezenet1_1", ITSELF: "efficientnet_lite0"}
PHOTOS = [*images.sources()[1], *photos.names(split="test")]

Run = NamedTuple("Run", [("pupil", str)])
"""What answers in place of the teacher."""

Row = NamedTuple("Row", [("first", dict), ("five", dict), ("divergence", dict)])
"""On average over the squares of each photograph: whether the teacher's first class is the first, whether it is among
the first five, and KL(teacher ‖ pupil) in nats."""


def summary(rows: Rows) -> Summary:
    """Agreement in percent and divergence in nats, with intervals over photographs; and the transformer's gains."""
    of = {run.pupil: {column: torch.tensor(list(values.values())) for column, values in row._asdict().items()}
          for run, row in rows.items()}
    for other in (FLOOR, CNN):
        if {"transformer", other} <= of.keys():
            of[f"transformer less {other}"] = {column: of["transformer"][column] - values
                                               for column, values in of[other].items()}
    return {pupil: {title: mean(scale * values[column]) for title, column, scale in (
        ("first", "first", 100), ("among five", "five", 100), ("divergence", "divergence", 1))}
        for pupil, values in of.items()}


TABLE = Table(
    "transformer", Run, Row, summary=summary, within=dict.fromkeys(Row._fields, PHOTOS), again={"pupil": CNN},
    facts={"steps": STEPS, "batch": BATCH, "rate": RATE},
    chart=Chart("bars", "squares (%)",
                alt="Two bars with intervals for each of five answers, and for two differences: how often the "
                    "teacher's class is the first, and among the first five. By the first, the same answer always is "
                    "no worse than the two small pupils, among five it is; SqueezeNet is far above them, and the "
                    "teacher on small squares highest.",
                columns=("first", "among five")))


def work(plan: Plan) -> Iterator[Work]:
    """The transformer is taught where its row is computed; its weights are written then."""
    _, squares = _squares.squares(TEACHER, held_out=True)
    plan.fit(pictures=list(_crops.named("train")), things=cutouts.names(split="train"))
    plan.judge(pictures=PHOTOS, squares=squares)
    for pupil in PUPILS:
        yield Work(Run(pupil), judged, plan, pupil, squares[::_squares.TEST] if plan.short else squares)


def judged(plan: Plan, pupil: str, squares: Tensor) -> Row:
    """What a pupil answers to squares (N·n,3,S,S), beside the teacher's answers."""
    with torch.no_grad():
        wanted = _in_parts(_teacher(), squares)
        found = answering(plan, pupil)(smaller(squares, SIDE))
    best, order = wanted.argmax(1, keepdim=True), found.topk(5, 1).indices
    divergence = F.kl_div(found.log_softmax(1), wanted.log_softmax(1), reduction="none", log_target=True).sum(1)
    each = (values.double().view(len(PHOTOS), -1).mean(1) for values in (
        order[:, :1] == best, (order == best).any(1), divergence))
    return Row(*(dict(zip(PHOTOS, values.tolist(), strict=True)) for values in each))


def answering(plan: Plan, pupil: str) -> Callable[[Tensor], Tensor]:
    """A function from pictures (N,3,96,96) to scores (N,K)."""
    if pupil == FLOOR:
        with torch.no_grad():
            x = torch.cat([batch(stock(plan.short), 4 if plan.short else BATCH, -1 - k) for k in range(8)])
            shares = _in_parts(_teacher(), x).softmax(1).mean(0)
        return lambda x: shares.log().expand(len(x), -1)
    if PUPILS[pupil] != NAME:
        return partial(_in_parts, nets.load(PUPILS[pupil], device="cpu"))
    net = Taught(_teacher())
    last(teach(net, stock(plan.short), short=plan.short))
    x = batch(stock(plan.short), 4 if plan.short else BATCH, -1)
    plan.weights(NAME, leaner(net.pupil, _teacher().normalise(smaller(x, SIDE))), eight_bits=True, steps=STEPS)
    return partial(_in_parts, zoo.transformer(NAME, plan.file("weights", f"{NAME}.safetensors"), SIDE).eval())


def _in_parts(net: Classifier, x: Tensor) -> Tensor:
    return torch.cat([net.logits(part) for part in x.split(50)])


@cache
def _teacher() -> Classifier:
    return nets.load("efficientnet_lite0", device="cpu")


# ---- learning


class Taught(nn.Module):
    """The pupil, and the linear map from its tokens to the teacher's features, which is thrown away."""

    def __init__(self, teacher: Classifier, seed: int = 0) -> None:
        super().__init__()
        self.teacher = (teacher,)  # in a tuple, so that its weights are not among these
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.pupil = vit(TAUGHT)
            self.linear = nn.Conv2d(WIDTH, teacher.features(torch.zeros(1, 3, 64, 64), "head").shape[1], 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures in [0,1] → scores (B,K), and features at GRID×GRID places (B,U,g,g)."""
        tokens = self.pupil.forward_features(self.teacher[0].normalise(x).contiguous())
        maps = tokens[:, self.pupil.num_prefix_tokens:].mT.unflatten(2, [side // PATCH for side in x.shape[2:]])
        return self.pupil.forward_head(tokens), self.linear(F.adaptive_avg_pool2d(maps.float(), GRID))


@torch.no_grad()
def leaner(net: nn.Module, x: Tensor) -> nn.Module:
    """The network with MLPs as wide as they ship: units that vary least on pictures x give way to their mean.

    How much unit i of an MLP varies is the deviation of what it adds to a token, σ_i ‖w_i‖.
    """
    found, pupil = {}, vit()

    def see(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found[part] = inputs[0].flatten(0, 1)

    with meanwhile(*(hook(block.mlp.fc2, see, before=True) for block in net.blocks)):
        net.eval()(x)
    weights = net.state_dict()
    for number, block in enumerate(net.blocks):
        (first, second), said = (block.mlp.fc1, block.mlp.fc2), found[block.mlp.fc2]
        order = (said.std(0) * second.weight.norm(dim=0)).argsort(descending=True)
        kept, left = order.tensor_split([pupil.blocks[number].mlp.fc1.out_features])
        weights |= {f"blocks.{number}.mlp.{name}": value for name, value in {
            "fc1.weight": first.weight[kept], "fc1.bias": first.bias[kept], "fc2.weight": second.weight[:, kept],
            "fc2.bias": second.bias + second.weight[:, left] @ said.mean(0)[left]}.items()}
    pupil.load_state_dict(weights)
    return pupil.eval()


@cache
def stock(short: bool) -> _crops.Stock:
    """What is learnt from."""
    return _crops.stock(4 if short else _crops.SCENES, 0)


def batch(given: _crops.Stock, count: int, step: int) -> Tensor:
    """The pictures of a step, a function of its number."""
    return next(_crops.batches(given, TEACHER, count, seed=step))


def smaller(x: Tensor, side: int) -> Tensor:
    """Pictures at so many pixels a side."""
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def teach(net: Taught, given: _crops.Stock, *, short: bool = False) -> Iterator[Step]:
    """Distil the teacher into a network, step by step, in bfloat16; a short run has other sizes."""
    (teacher,), count = net.teacher, 4 if short else BATCH

    def passing(ask: Callable[..., tuple[Tensor, Tensor]], *given: object) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16, not short):
            return [one.float() for one in ask(*given)]

    middle, spread = passing(moments, teacher, (batch(given, count, -1 - k) for k in range(8)))

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x = batch(given, count, step)
        there, wanted = passing(answers, teacher, x)
        scores, found = passing(net, smaller(x, SMALL if step < LARGE else SIDE))
        apart = found - (there - middle) / spread
        return (scores.argmax(1) == wanted.argmax(1)).float().mean(), {
            "classes": softened(scores, wanted), "features": FEATURES * apart.mean((2, 3)).square().mean(),
            "places": PLACES * apart.square().mean()}

    def rate(step: int) -> float:
        return RATE * float(np.interp(step, list(RATES), list(RATES.values())))

    return train(net.train().parameters(), energy, steps=1 if short else STEPS, rate=rate, optimiser=Muon)
