"""The Deep Quiz of chapter 5b: a picture that was made to excite one class. Which class is it?

Each picture is the deep image prior's answer for SqueezeNet and EfficientNet-Lite0 at once. EfficientNet-Lite1, which
had no part in it, says what it takes it for; that stands in the explanations. Of 33 classes that were tried, it had 32
among its first five; 26 of these make the quiz, and the names of the other six were not kept.
``python -m u3lab.experiments icons`` makes the shipped ones, ``icon_table`` measures what that choice does.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence

import torch.nn.functional as F
from torch import Tensor

from u3lab import images, nets, pixels
from u3lab._system import paths
from u3lab.descent import last
from u3lab.inversion.maximising import MaximiseSettings, maximise
from u3lab.lessons.inversion.riddles import RIDDLES
from u3lab.lessons.riddles import Riddle
from u3lab.nets import Classifier, ready

MAKERS, JUDGE = nets.NAMES, "efficientnet_lite1"
SIZE, STEPS, QUALITY = 160, 200, 80  # pixels; of the optimisation; of the JPEG


def iconic(makers: Sequence[Classifier], name: str, *, steps: int = STEPS, seed: int = 0) -> Tensor:
    """The picture (1,3,160,160) that excites a class most in all of these networks."""
    settings = MaximiseSettings(steps=steps, seed=seed)
    return last(maximise(makers, "logits", name, size=SIZE, settings=settings)).value


def places(judge: Classifier, image: Tensor, names: Sequence[str]) -> list[int]:
    """At which place, from 1 to 1000, a network has each class when it sees a picture (1,3,H,W) at its own size."""
    judge = ready(judge)
    scores = judge.logits(F.interpolate(image, size=(judge.size,) * 2, mode="bilinear", align_corners=False))[0]
    return [int((scores > scores[judge.class_index(name)]).sum()) + 1 for name in names]


def quiz(makers: Sequence[Classifier], judge: Classifier, *, steps: int = STEPS, seed: int = 0,
         riddles: Sequence[Riddle] = RIDDLES) -> Iterator[tuple[Riddle, bytes, dict]]:
    """Each riddle with its JPEG and its entry of index.json; ``seed`` shuffles the riddles and their options."""
    draw = random.Random(seed)
    for number, riddle in enumerate(draw.sample(riddles, len(riddles)), 1):
        jpeg = pixels.jpeg(iconic(makers, riddle.name, steps=steps, seed=seed), quality=QUALITY)
        options = [riddle.name, *riddle.wrong]
        found = places(judge, images.load(jpeg), options)
        why = [f"{riddle.truth} The third network has it at place {found[0]} of 1000.",
               *(f"{against} The third network has this class at place {place} of 1000."
                 for against, place in zip(riddle.wrong.values(), found[1:], strict=True))]
        order = draw.sample(range(len(options)), len(options))
        yield riddle, jpeg, {
            "file": f"{number}.jpg", "alt": f"A made picture: {riddle.sight}.", "options": [options[i] for i in order],
            "answer": order.index(0), "place": found[0], "why": [why[i] for i in order], "garish": riddle.garish}


def shipped() -> list[tuple[Tensor, str]]:
    """The pictures (1,3,160,160) that come with the course, each with the class that it was made for."""
    index = json.loads(paths.data("quiz", "5", "index.json").read_text(encoding="utf-8"))
    return [(images.load(paths.data("quiz", "5", entry["file"])), entry["options"][entry["answer"]])
            for entry in index]
