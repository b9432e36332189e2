"""The Deep Quiz of chapter 6: what a mask took out of a photo. Which class is it?

    python -m u3lab.experiments mask_riddles    # data/quiz/6: six pictures and index.json

A riddle shows only what the meaningful perturbation m of a class took out of a photo, on grey:

    m ⊙ x + (1 − m) ⊙ ½

These are the parts that the class cannot do without. They need not be enough for it, as the numbers in the
explanations show: each option's probability for the whole photo and for the parts alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from u3lab import images, nets, pixels
from u3lab.descent import last
from u3lab.experiments._plan import Plan
from u3lab.nets import Classifier
from u3lab.saliency.perturbation import MaskSettings, baseline_like, meaningful_perturbation, perturb

LAM = 3.0  # a high price λ: only a few parts are left, and that makes it a riddle
SIZE, QUALITY = 227, 90  # pixels; of the JPEG


@dataclass(frozen=True)
class Riddle:
    """A shipped picture whose class the network knows. No text but ``truth`` may give the class away."""

    picture: str
    sight: str
    """What one sees in the riddle, for the alt text."""
    truth: str
    """What the parts are."""
    wrong: dict[str, str]
    """Three classes that the network or the eye may take it for, and what speaks against each."""


RIDDLES = (
    Riddle("coffee", "a white arc round something orange, a shining red piece and a shining brown ball below it",
           "the orange is the foam of the coffee, the arc the rim of its cup, and a spoon lies beside the handle",
           {"consomme": "a clear soup has no foam", "eggnog": "that is pale, and is served in a glass",
            "soup bowl": "a bowl has no handle, and this one has, in red"}),
    Riddle("dog", "at the right edge two pointed brown ears, a pink tongue below a dark nose, and darker fur behind",
           "large upright ears, tan cheeks round a black muzzle, and the beginning of a black saddle",
           {"malinois": "it has such ears and such a muzzle, but its neck and back are not black",
            "red wolf": "a wolf is pale round the mouth", "dhole": "a dhole is red all over and its ears are round"}),
    Riddle("goldfish", "a black dot in a yellow ring at the lower right, and flecks of orange",
           "the eye in its golden ring, and flecks of the tail and the fins",
           {"tench": "a tench is green, with a small red eye",
            "water snake": "the orange flecks are of fins, not scales",
            "anemone fish": "that one is orange and white, in clear bands"}),
    Riddle("aqueduct", "a row of small round openings over larger ones, in light stone",
           "rows of stone arches, one upon the other: the Pont du Gard (ImageNet knows no aqueducts)",
           {"monastery": "a cloister has arches, but not one storey of them on another with open air behind",
            "steel arch bridge": "these arches are of stone",
            "triumphal arch": "such a monument has one arch or three, not a row of them"}),
    Riddle("hammer", "pieces of brown wood in a line, and a bent blue-grey hook at their right end",
           "the claw at the end of a wooden handle",
           {"hatchet": "its blade would be broad and straight, this piece is bent like a beak",
            "nail": "a nail is metal from end to end, and here is wood",
            "letter opener": "that is straight to its tip"}),
    Riddle("screwdriver", "a black piece with a red ring at the top; below, a second red ring and a thin dark rod",
           "the two ends of a handle, and the shank",
           {"syringe": "one would see through its barrel", "ballpoint": "the rod is long and bare, a pen hides its own",
            "spatula": "that ends in a broad blade, this rod stays thin"}),
)


def make(plan: Plan) -> None:
    """Make the pictures and their index."""
    settings = MaskSettings(lam=LAM, seed=plan.seed, steps=2 if plan.short else MaskSettings().steps)
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
