"""Deep image prior: seconds to a given likeness on one inpainting task, our generator against the published one.

The task: a cup of coffee at 192 px, half of its pixels and a block of 40×40 missing. For half of the pixels missing,
Ulyanov et al. publish five scales of 128 channels with 4 skip channels, bilinear upsampling, a code of 32 channels with
noise 0.03 on it, and a rate of 0.001; here it runs at 0.01, their rate for other tasks, with which it is faster.
Both are built by our code (channels last, one fused Adam), so what differs is the shape of the network.
"""

import time
from typing import Any

import torch

from evidence.bench import table
from u3lab import images, prior

SIDE, BLOCK, LEVELS = 192, 40, (18, 20, 22, 24)  # pixels, pixels, dB
SETTINGS = prior.PriorSettings(lr=0.01, noise=0.03, average=0.9, steps=20_000)
OURS = {"depth": 5, "skip": 0, "upsample": "nearest"}
PUBLISHED = {"depth": 5, "widths": (128,) * 5, "skip": 4, "channels": 32, "upsample": "bilinear"}


def task() -> tuple[torch.Tensor, torch.Tensor]:
    """The photo (1,3,192,192) and the mask (1,1,192,192) of what is known."""
    photo = images.load("coffee", size=SIDE)
    visible = (torch.rand(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    middle = slice((SIDE - BLOCK) // 2, (SIDE + BLOCK) // 2)
    visible[..., middle, middle] = 0
    return photo, visible


def run(name: str, shape: dict, budget: float) -> dict[str, Any]:
    """Draw for so many seconds; the likeness is measured off the clock. Seconds to each level, None if not reached."""
    photo, visible = task()
    psi, reached, spent = prior.generator(size=SIDE, **shape), dict.fromkeys(LEVELS), 0.0
    steps, begun = prior.fit(psi, photo * visible, task=prior.inpaint(visible), settings=SETTINGS), time.perf_counter()
    for step in steps:
        spent += time.perf_counter() - begun
        psnr = float(prior.psnr(step.value, photo))
        for level in LEVELS:
            if reached[level] is None and psnr >= level:
                reached[level] = spent
        if spent > budget:
            return {"generator": name, **{f"{level} dB, s": one for level, one in reached.items()},
                    "steps": step.iteration, "PSNR": psnr, "SSIM": prior.ssim(step.value, photo)}
        begun = time.perf_counter()
    raise AssertionError("the run ended before its budget")


def report(quick: bool) -> list[dict[str, Any]]:
    budget = 25.0 if quick else 180.0
    races = [run("ours", OURS, budget), run("published 128×5", PUBLISHED, budget)]
    table.show_all(races)
    return races
