"""The Deep Quiz of chapter 6: what a mask took out of a photo. Which class is it?

    python -m evidence mask_riddles    # quiz/6: six pictures and index.json

A riddle shows only what the meaningful perturbation m of a class took out of a photo, on grey:

    m ⊙ x + (1 − m) ⊙ ½

These are the parts that the class cannot do without. They need not be enough for it, as the numbers in the
explanations show: each option's probability for the whole photo and for the parts alone.
"""

import json
import random
from collections.abc import Iterator

import torch
from torch import Tensor

from evidence._plan import Plan
from evidence._riddles import Riddle, riddles_of
from u3lab import images, nets, pixels
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.saliency.perturbation import MaskSettings, baseline_like, meaningful_perturbation, perturb

LAM = 3.0  # a high price λ: only a few parts are left, and that makes it a riddle
SIZE, QUALITY = 227, 90  # pixels; of the JPEG
RIDDLES = riddles_of("6")


def make(plan: Plan) -> None:
    """Make the pictures and their index."""
    settings = MaskSettings(lam=LAM, seed=plan.seed, steps=plan.steps(MaskSettings().steps))
    net, index = nets.load(device="cpu"), []
    for jpeg, entry in quiz(net, seed=plan.seed, riddles=plan.few(RIDDLES, 2), settings=settings):
        plan.write("quiz", "6", entry["file"], content=jpeg)
        index.append(entry)
    plan.write("quiz", "6", "index.json", content=(json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode())


def iconic(image: Tensor, mask: Tensor) -> Tensor:
    """m ⊙ x + (1 − m) ⊙ ½: what a mask (1,1,h,w) took out of a picture (1,3,H,W), on mid-grey."""
    return perturb(image, 1 - mask, torch.full_like(image, 0.5))


def solve(net: Classifier, riddle: Riddle, *, settings: MaskSettings) -> tuple[Tensor, list[str]]:
    """The iconic picture (1,3,227,227) of a riddle, and why each option is right or wrong: the true class comes first.

    The explanations carry what ``net`` says, measured: probabilities for the whole photo, for the photo without the
    parts (as ``settings`` perturb them), and for the parts alone.
    """
    image, name = images.load(riddle.picture, size=SIZE), images.label(riddle.picture)
    mask = last(meaningful_perturbation(net, image, name, settings=settings)).value.cpu()
    parts = iconic(image, mask)
    with torch.no_grad():
        whole, without, alone = net(torch.cat([image, perturb(image, mask, baseline_like(image, settings=settings)),
                                               parts])
                                    ).softmax(1)
    k = net.class_index(name)
    why = [f"{_sentence(riddle.truth)} The network says {name} with {_percent(whole[k])} for the whole photo, "
           f"{_percent(without[k])} when these parts are blurred, and {_percent(alone[k])} for these parts alone."]
    for other, against in riddle.wrong.items():
        k = net.class_index(other)
        before, after = _percent(whole[k]), _percent(alone[k])
        numbers = (f"{before} for the whole photo and for these parts alone" if before == after else
                   f"{before} for the whole photo and {after} for these parts alone")
        why.append(f"{_sentence(against)} The network says {other} with {numbers}.")
    return parts, why


def quiz(net: Classifier, *, seed: int = 0, riddles: tuple[Riddle, ...] = RIDDLES,
         settings: MaskSettings) -> Iterator[tuple[bytes, dict]]:
    """Each riddle's JPEG and its entry of index.json; ``seed`` shuffles the riddles and their options."""
    draw = random.Random(seed)
    for number, riddle in enumerate(draw.sample(riddles, len(riddles)), 1):
        parts, why = solve(net, riddle, settings=settings)
        options = [images.label(riddle.picture), *riddle.wrong]
        order = draw.sample(range(len(options)), len(options))
        yield pixels.jpeg(parts, quality=QUALITY), {
            "file": f"{number}.jpg", "alt": f"Parts of a photo on grey: {riddle.sight}.",
            "options": [options[i] for i in order], "answer": order.index(0), "why": [why[i] for i in order]}


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _percent(probability: Tensor) -> str:
    value = 100 * probability.item()
    return "less than 1 %" if value < 1 else "over 99 %" if value > 99 else f"{value:.0f} %"
