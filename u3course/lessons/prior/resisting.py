"""Chapter 4: what an untrained network takes up and what it resists, and when to stop. Live runs, and a shipped one.

The photos are every fourth of the everyday ones; seeds set the weights and the noise. In "channels apart" the pixels'
reds, greens and blues are put in three random orders, so that the colours no longer go together.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab import images, prior
from u3lab._system import paths
from u3lab.descent import Step

SIDE, SEEDS = 64, 3
PHOTOS = ("coffee", "rocket", "dog", "panda", "komodo_dragon", "clownfish", "arch", "screwdriver")
APART = "channels apart"
TARGETS = ("picture", "picture + noise", "shuffled pixels", APART, "white noise")
AT = (30, 100, 300, 1000, 5000)  # steps of the run that ships as a picture
FAULTS, LONG_PHOTOS, LONG_SIDE, NOISE = ("noise", "hole"), ("koala", "castle", "macaw"), 128, 0.12  # the noise's σ


def wanted(photo: str, seed: int) -> dict[str, Tensor]:
    """The five targets of a photo, (1,3,SIDE,SIDE) each."""
    x = images.load(photo, size=SIDE)
    made, generator = prior.targets(x, seed=seed), torch.Generator().manual_seed(seed + 1)
    orders = [torch.randperm(SIDE**2, generator=generator) for _ in range(3)]
    apart = torch.stack([channel[order] for channel, order in zip(x[0].flatten(1), orders, strict=True)])
    return {name: apart.view_as(x) if name == APART else made[name] for name in TARGETS}


def taking_up(target: Tensor, seed: int, steps: int) -> Iterator[Step]:
    """The run of a fresh network, without noise on its code."""
    return prior.fit(prior.generator(size=SIDE, seed=seed), target,
                     settings=prior.PriorSettings(steps=steps, noise=0.0, seed=seed))


def pictures() -> list[Tensor]:
    """The shipped run to the end, (1,3,SIDE,SIDE) each: what is drawn at AT, and the target, for three targets."""
    sheet = images.load(paths.data("results", "impedance.jpg"))
    return [part for row in sheet.split(SIDE, 2) for part in row.split(SIDE, 3)]
