"""The network that colours grey pictures in notebook 02: about two minutes on a quiet core.

    python -m evidence colouring           # weights/colouring.safetensors

It learns from parts of the photos that are to learn from, and from made faces, a fifth of all.
"""

import math

import torch
from torch import Tensor
from tqdm.auto import tqdm

from evidence import _crops
from evidence._plan import Plan
from u3course.lessons.selfsup import colouring
from u3course.worlds import faces
from u3lab.selfsup import PretextSettings, encoder, head_of, pretrain

SIDE, CROPS, FACES = 64, 3200, 800
STEPS, BATCH, RATE = 600, 32, 0.003


def pictures(crops: int, made: int, seed: int) -> Tensor:
    """What is learnt from: (N,3,64,64)."""
    generator = torch.Generator().manual_seed(seed)
    whole = _crops.stock(0, seed).photos
    cut = [_crops.cut(whole[k % len(whole)], SIDE, _crops.AREA, generator) for k in range(crops)]
    return torch.cat([torch.stack(cut), faces.draw(made, split="train", seed=seed).images])


def make(plan: Plan) -> None:
    """Train the network and write its weights, with how well it does on pictures that it has not seen."""
    crops, made, steps = (8, 4, 3) if plan.short else (CROPS, FACES, STEPS)
    settings = PretextSettings(lr=RATE, steps=steps, batch_size=4 if plan.short else BATCH, seed=plan.seed)
    net = encoder(colouring.WIDTH, seed=plan.seed)
    heads = head_of(net, colouring.TASK, seed=plan.seed)
    for step in tqdm(pretrain(net, pictures(crops, made, plan.seed), colouring.TASK, head=heads,
                              settings=settings), total=steps + 1):
        settings.lr = max(RATE * (1 + math.cos(math.pi * step.iteration / steps)) / 2, 1e-5)
    unseen = _crops.held_out(SIDE, 4, plan.seed)
    ab, found = colouring.true_colours(unseen), colouring.guess(net, heads, unseen)
    score = float(colouring.TASK.score(found, ab))
    plan.weights(colouring.NAME, colouring.Learner(net, heads), eight_bits=True,
                 **{"score on unseen photos": f"{score:.3f}"})
