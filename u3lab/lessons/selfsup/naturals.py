"""Trials of notebook 02c on natural pictures: things cut out of photos, on other photos, sorted without labels.

``python -m u3lab.experiments naturals`` makes the table, the notebook reads it and draws some clusters of its own.

The five kinds were fixed before anything was trained: of each group of ``cutouts.KINDS`` the kind with most things to
learn from. Of the test pictures no thing, none of its series and no photo is among those to learn from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images
from u3lab.datasets import cutouts, photos
from u3lab.descent import Step, last
from u3lab.lessons import results
from u3lab.lessons.selfsup.clusters import of_heads
from u3lab.nets import Classifier
from u3lab.selfsup import (
    LAYERS,
    ClusterSettings,
    Posed,
    PretextSettings,
    Task,
    clustering,
    encoder,
    head_of,
    iic_loss,
    mutual_information,
    pooled,
    shares,
    sub_heads,
)
from u3lab.selfsup.matching import contingency, hungarian_accuracy
from u3lab.selfsup.views import crop, grey_some, recolour
from u3lab.training.learning import learn
from u3lab.training.loop import annealed
from u3lab.training.tasks import Joined
from u3lab.worlds.pieces import uniform

KINDS = ("bird", "fruit", "flower", "tool", "vehicle")
SIDE, EACH = 48, {"train": 300, "test": 60}  # pixels; pictures of each kind
ONE, TWO, LABELS = "IIC", "IIC, each thing on two photos", "the same network, with labels"
RIVALS = ("k-means on the mean colour", "k-means on pixels", "k-means on random features", "k-means on edges")
WAYS = (ONE, TWO, *RIVALS, LABELS)
SETTINGS = {"steps": 240, "batch_size": 150, "heads": 5, "over": 25, "lr": 0.003}
WIDTH = 16
LEAST = 0.4  # share of a picture that is left in a view
AGAIN, TESTS = 500, 1000  # added to a seed: the same things on other photos, and the test pictures


class Natural(NamedTuple):
    """One run: which way, which seed."""

    way: str
    seed: int


class Pictures(NamedTuple):
    """``images`` (N,3,48,48) in [0,1]; their ``kinds`` (N), numbers of ``KINDS``; numbers of thing and photo (N)."""

    images: Tensor
    kinds: Tensor
    things: Tensor
    photos: Tensor


class Found(NamedTuple):
    """What a run found: the accuracies of the sub-head that the loss chose and of the best, on 300 test pictures.

    ``clusters`` has a digit for each of them.
    """

    accuracy: float
    best: float
    clusters: str


Rows = dict[Natural, Found]


def shipped() -> Rows:
    """The shipped table."""
    return {run: Found(*row) for run, row in results.table("naturals", Natural).items()}


def numbers(found: Found) -> Tensor:
    """The cluster (N) of each test picture."""
    return torch.tensor([int(one) for one in found.clusters])


@cache
def drawn(split: str, seed: int) -> Pictures:
    """Things of the five kinds, each kind as often and in it each thing, on parts of photos without animals.

    Row n shows the same thing for every seed; photo, size, place and side are drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    names = [name for group in ("place", "nature") for name in photos.names(group, split=split)]
    grounds = torch.cat([photos.load(name, size=2 * SIDE) for name in names])
    every = [(kind, name) for kind, word in enumerate(KINDS) for name in cutouts.names(word, split=split)]
    made, rows = [], []
    for kind in range(len(KINDS)):
        own = [number for number, (of, _) in enumerate(every) if of == kind]
        things = [cutouts.load(every[number][1]) for number in own]
        where = torch.randint(len(grounds), (EACH[split],), generator=generator)
        below = images.resize(crop(grounds[where], generator, least=0.25), SIDE)
        for n, ground in enumerate(below.split(1)):
            x, y = uniform(generator, 0.4, 0.6), uniform(generator, 0.4, 0.6)
            made.append(cutouts.paste(things[n % len(things)], ground, size=uniform(generator, 0.65, 0.9), x=x, y=y,
                                      mirror=uniform(generator, 0, 1) < 0.5).images)
            rows.append((kind, own[n % len(own)], int(where[n])))
    return Pictures(torch.cat(made), *torch.tensor(rows).unbind(1))


def views(images: Tensor, generator: torch.Generator) -> Tensor:
    """A part of each picture (B,3,H,W), half of them mirrored; other colours, for one in five none."""
    return grey_some(recolour(crop(images, generator, least=LEAST), generator), generator)


def reached(run: Natural, steps: int | None = None, *, half: bool = True) -> Found:
    """What a run finds on the test pictures; with labels nothing is matched, since a class has its name.

    It is trained in bfloat16 if ``half``, as for the table.
    """
    kinds, chosen = drawn("test", TESTS + run.seed).kinds, 0
    if run.way in (ONE, TWO):
        net, head, chosen = learnt(run.way, run.seed, steps=steps, half=half)
        found = shares(net, head, drawn("test", TESTS + run.seed).images)
    else:
        found = (taught(run.seed, steps, half) if run.way == LABELS else by_kmeans(run))[None]
    clusters = found[chosen].argmax(1)
    right = 2 * (float((clusters == kinds).double().mean()),) if run.way == LABELS else of_heads(found, kinds, chosen)
    return Found(*(round(one, 4) for one in right), "".join(map(str, clusters.tolist())))


def told(clusters: Tensor, things: Tensor) -> float:
    """What clusters (N) tell about anything else with a number for each picture (N): I, in nats."""
    return float(mutual_information(contingency(clusters, things).double() / len(clusters)))


def learnt(way: str, seed: int, *, steps: int | None = None, half: bool = True,
           settings: ClusterSettings | None = None) -> tuple[Classifier, nn.Module, int]:
    """A network, its sub-heads and the number of the one with the lowest loss, learnt from pictures alone."""
    settings = settings or ClusterSettings(**{**SETTINGS, "seed": seed, **({"steps": steps} if steps else {})})
    net = encoder(WIDTH, seed=seed)
    head = sub_heads(net, len(KINDS), settings=settings)
    first = drawn("train", seed).images
    pairs = torch.stack([first, drawn("train", seed + AGAIN).images if way == TWO else first], 1)
    last(_paired(net, pairs, head, settings, half), total=settings.steps + 1, title=way)
    generator = torch.Generator().manual_seed(seed)
    both = [shares(net, head, views(pairs[:, n], generator)) for n in range(2)]
    return net, head, int(torch.stack([iic_loss(*pair) for pair in zip(*both, strict=True)]).argmin())


def _paired(net: Classifier, pairs: Tensor, head: nn.Module, settings: ClusterSettings, half: bool) -> Iterator[Step]:
    """As ``selfsup.cluster``, but each view is of a picture of its own: pairs (N,2,3,H,W)."""
    def pose(raw: Tensor, generator: torch.Generator) -> Posed:
        return Posed(torch.stack([views(one, generator) for one in raw.unbind(1)], 1), torch.zeros(len(raw)))

    task = replace(clustering(len(KINDS), settings=settings), pose=pose, raw="clips")
    return learn(net, pairs, task, head=head, rate=annealed(settings), half=half, settings=settings)


def taught(seed: int, steps: int | None = None, half: bool = True) -> Tensor:
    """The ceiling: what the same network says of the test pictures, taught with all labels, as one-hot (N,5)."""
    made, steps = drawn("train", seed), steps or SETTINGS["steps"]
    task = Task(lambda given, g: Posed(views(given[0], g)[:, None], given[1][:, 0].long()),
                lambda channels: Joined(channels, 1, len(KINDS)), raw="labelled")
    settings = PretextSettings(lr=SETTINGS["lr"], steps=steps, batch_size=SETTINGS["batch_size"], seed=seed)
    net = encoder(WIDTH, seed=seed)
    head = head_of(net, task, seed=seed)
    last(learn(net, (made.images, made.kinds[:, None].float()), task, head=head, rate=annealed(settings), half=half,
               settings=settings))
    with torch.no_grad():
        maps = net.run(net.normalise(drawn("test", TESTS + seed).images))
        return F.one_hot(head(maps[:, None]).argmax(1), len(KINDS))


def by_kmeans(run: Natural) -> Tensor:
    """A rival: k-means of what it looks at, on the pictures to learn from; the test pictures' clusters, one-hot (N,5).

    Each number is brought to mean 0 and spread 1 first.
    """
    from sklearn.cluster import KMeans

    train, test = (seen(run.way, drawn(split, seed).images, run.seed)
                   for split, seed in (("train", run.seed), ("test", TESTS + run.seed)))
    mean, spread = train.mean(0), train.std(0).clamp_min(1e-6)
    kmeans = KMeans(len(KINDS), n_init=4, random_state=run.seed).fit(((train - mean) / spread).numpy())
    return F.one_hot(torch.from_numpy(kmeans.predict(((test - mean) / spread).numpy())).long(), len(KINDS))


def seen(way: str, pictures: Tensor, seed: int) -> Tensor:
    """What a rival looks at: pictures (N,3,H,W) → numbers (N,U)."""
    if way == RIVALS[0]:
        return pictures.mean((2, 3))
    if way == RIVALS[1]:
        return pictures.flatten(1)
    if way == RIVALS[2]:
        return pooled(encoder(WIDTH, seed=seed), pictures, LAYERS[-1])[LAYERS[-1]]
    from skimage.feature import hog

    return torch.from_numpy(np.stack([hog(one.numpy(), orientations=8, channel_axis=0) for one in pictures])).float()


def by_chance(*, draws: int = 200, seed: int = 0) -> Tensor:
    """The floor: each thing with all its test pictures into a cluster at random.

    Accuracies and nats told of the kind, (2,draws), each sorted.
    """
    test, generator = drawn("test", TESTS), torch.Generator().manual_seed(seed)
    found = [torch.randint(len(KINDS), (int(test.things.max()) + 1,), generator=generator)[test.things]
             for _ in range(draws)]
    return torch.tensor([[ask(one, test.kinds) for one in found] for ask in (hungarian_accuracy, told)]).sort().values
