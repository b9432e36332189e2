"""Plain versions of chapters 6c and 7: least squares by the normal equations, CKA in NumPy, units one by one."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence.bench import scene
from evidence.bench.plain import Race, Run
from tests.dissection.test_contract import plain_votes
from tests.helpers import minimised
from tools.site.lists import MAPS
from u3lab import equivariance, images, nets
from u3lab.descent import last
from u3lab.dissection import FINDERS
from u3lab.equivariance import HFLIP, StitchSettings

NETWORK, SIDE, COUNT = "squeezenet1_1", 223, 8
STRENGTH, STEPS = 1e-2, 2


def photos() -> Tensor:
    return torch.cat([images.load(name, size=SIDE) for name in images.names()[:COUNT]])


def fire(module: nn.Module, number: int, x: Tensor) -> Tensor:
    """What a Fire module of torchvision's network has before its last ReLUs."""
    part = module.features[number]
    squeezed = part.squeeze_activation(part.squeeze(module.features[:number](x)))
    return torch.cat([part.expand1x1(squeezed), part.expand3x3(squeezed)], 1)


def solved(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Ridge regression by the normal equations, in the features' own precision."""
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    alpha = STRENGTH * x.square().sum() / x.shape[1]
    weight = torch.linalg.solve(x.T @ x + alpha * torch.eye(x.shape[1]), x.T @ y).T
    return weight, mean_y - weight @ mean_x


# ---- chapter 6c ------------------------------------------------------------------------------------------------------

def fitted(name: str) -> Run:
    net, x = nets.load(NETWORK, device="cpu"), photos()

    def run() -> list[Tensor]:
        found = MAPS[name](net, "fire5", x, HFLIP)
        return [found.weight, found.bias]
    return run


def fitted_plainly(name: str) -> Run:
    net, module, x = nets.load(NETWORK, device="cpu"), scene.squeezenet().eval(), photos()
    x, m = (x - net.mean) / net.std, MAPS[name].neighbourhood

    def run() -> list[Tensor]:
        with torch.no_grad():
            before, after = fire(module, 7, x).flip(3), fire(module, 7, x.flip(3))
            rows = F.unfold(F.pad(before, (m // 2,) * 4, mode="replicate"), m).transpose(1, 2).flatten(0, 1)
            weight, bias = solved(rows, after.flatten(2).transpose(1, 2).flatten(0, 1))
        return [weight.view(len(bias), -1, m, m), bias]
    return run


def stitched() -> Run:
    net, x = nets.load(NETWORK, device="cpu"), photos()
    return lambda: [equivariance.stitch(net, "fire2", net, "fire3", x).module.stitch.weight]


def stitched_plainly() -> Run:
    """A thousand sites of each picture, drawn at random."""
    net, module, x = nets.load(NETWORK, device="cpu"), scene.squeezenet().eval(), images.resize(photos(), 227)
    x = (x - net.mean) / net.std

    def run() -> list[Tensor]:
        with torch.no_grad():
            a, b = (fire(module, number, x).flatten(2) for number in (3, 4))
            chosen = torch.stack([torch.randperm(a.shape[2])[:1000] for _ in x])[:, None]
            a, b = (f.gather(2, chosen.expand(-1, f.shape[1], -1)).transpose(1, 2).flatten(0, 1) for f in (a, b))
            return [solved(a, b)[0]]
    return run


def trained() -> Run:
    """Steps after a stitch by least squares, which is not counted."""
    net, x = nets.load(NETWORK, device="cpu"), images.resize(photos()[:4], 227)
    made = equivariance.stitch(net, "fire2", net, "fire3", x)
    return lambda: [last(equivariance.distil(made, x, settings=StitchSettings(steps=STEPS, batch_size=4))).value]


def trained_plainly() -> Run:
    net, module, x = nets.load(NETWORK, device="cpu"), scene.squeezenet().eval(), images.resize(photos()[:4], 227)
    x, e = (x - net.mean) / net.std, nn.Conv2d(128, 128, 1)

    def run() -> list[Tensor]:
        with torch.no_grad():
            wanted = module(x).softmax(1)

        def loss() -> Tensor:
            with torch.no_grad():
                features = fire(module, 3, x)
            scores = module.classifier(module.features[5:](e(features).relu())).flatten(1)
            return F.kl_div(scores.log_softmax(1), wanted, reduction="batchmean")
        minimised(torch.optim.Adam(e.parameters(), lr=0.0001), loss, STEPS)
        return [e.weight]
    return run


def alike(plain: bool) -> Run:
    """4000 samples of 128 and of 96 channels; the plain side in the form of Kornblith et al.'s notebook, in NumPy."""
    draw = torch.Generator().manual_seed(0)
    a = torch.randn(4000, 128, generator=draw)
    b = a[:, :96] + torch.randn(4000, 96, generator=draw)

    def theirs() -> list[Tensor]:
        x, y = (f.double().numpy() - f.double().numpy().mean(0, keepdims=True) for f in (a, b))
        together = np.linalg.norm(x.T @ y) ** 2
        return [torch.tensor([together / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))])]
    return theirs if plain else lambda: [torch.tensor([equivariance.cka(a, b)])]


# ---- chapter 7 -------------------------------------------------------------------------------------------------------

def shown() -> tuple[Tensor, Tensor]:
    """128 units of 14×14 that are on at few places, and masks of 113×113, in 24 pictures: the first two units' place.
    """
    draw = torch.Generator().manual_seed(0)
    active = F.interpolate(torch.rand(24, 128, 5, 5, generator=draw), size=(14, 14)) > 0.9
    active[:, :2, 4:8, 4:8] = True
    large = F.interpolate((active[:, 0] | active[:, 1])[:, None].float(), size=(113, 113), mode="bilinear")
    return active, large[:, 0] > 0.5


def found(name: str) -> Run:
    active, masks = shown()
    return lambda: [FINDERS[name](active, masks)(active, (113, 113)).double().mean((1, 2))]


def one_by_one() -> Run:
    """Each unit of each picture enlarged by itself."""
    active, masks = shown()

    def run() -> list[Tensor]:
        best, least = None, -1.0
        for unit in range(active.shape[1]):
            on = torch.stack([F.interpolate(one[None, None].float(), size=(113, 113), mode="bilinear")[0, 0] > 0.5
                              for one in active[:, unit]])
            iou = float((on & masks).sum() / (on | masks).sum())
            if iou > least:
                best, least = on, iou
        return [best.double().mean((1, 2))]
    return run


def voted(filters: int | None) -> Run:
    active, masks = shown()
    return lambda: [plain_votes(active.float(), masks, active.float(), filters).double().mean((1, 2))]


ON, NORMAL = f"{NETWORK}, {COUNT} pictures", "the normal equations in plain torch"
CONCEPT, OF = "a concept, learnt and found", "128 units of 14×14, 24 masks of 113×113"
RACES = [
    *[Race((f"equivariance/{name}",), "a fit at fire5", ON, partial(fitted, name), NORMAL,
           partial(fitted_plainly, name)) for name in ("dense map", "map of neighbourhoods")],
    Race(("equivariance/least squares",), "a fit from fire2 to fire3", ON, stitched, NORMAL, stitched_plainly,
         same=False),
    Race(("equivariance/distilled",), f"{STEPS} steps on four pictures", NETWORK, trained, "plain torch",
         trained_plainly, same=False),
    Race(("equivariance/CKA",), "a number", "4000 samples of 128 and 96 channels", partial(alike, False),
         "NumPy, as its authors write it", partial(alike, True),
         why="NumPy takes half the time for XᵀX, which is symmetric; torch does not, but computes where features are"),
    Race(("dissection/one unit",), CONCEPT, OF, partial(found, "one unit"), "unit by unit", one_by_one),
    *[Race((f"dissection/{name}",), CONCEPT, OF, partial(found, name), "Net2Vec in plain torch", partial(voted, count))
      for name, count in (("three units", 3), ("all units", None))],
]
