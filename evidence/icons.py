"""The Deep Quiz of chapter 5b: pictures that were made to excite one class. Which class is it?

    python -m evidence icons       # quiz/5: the pictures and index.json

Each picture is the deep image prior's answer for SqueezeNet and EfficientNet-Lite0 at once. EfficientNet-Lite1, which
had no part in it, says what it takes it for; that stands in the explanations. Of 33 classes that were tried, it had 32
among its first five; 26 of these make the quiz, and the names of the other six were not kept. How pictures do that are
made for one network alone, and for classes that were drawn by chance: :mod:`~evidence.icon_table`.
"""

import json
import random
from collections.abc import Iterator, Sequence

from torch import Tensor

from evidence._plan import Plan
from evidence._riddles import Riddle, riddles_of
from u3course.lessons.inversion.icon_table import JUDGE, MAKERS, SIZE, places
from u3lab import images, nets, pixels
from u3lab.descent import last
from u3lab.inversion.maximising import MaximiseSettings, maximise
from u3lab.nets import Classifier

STEPS, QUALITY = 200, 80  # of the optimisation; of the JPEG
RIDDLES = riddles_of("5")


def make(plan: Plan) -> None:
    """Make the pictures and their index."""
    riddles, steps = (RIDDLES[:2], 2) if plan.short else (RIDDLES, STEPS)
    makers, index = [nets.load(name, device="cpu") for name in MAKERS], []
    for jpeg, entry in quiz(makers, nets.load(JUDGE, device="cpu"), steps=steps, seed=plan.seed, riddles=riddles):
        plan.write("quiz", "5", entry["file"], content=jpeg)
        index.append(entry)
    plan.write("quiz", "5", "index.json", content=(json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode())


def quiz(makers: Sequence[Classifier], judge: Classifier, *, steps: int = STEPS, seed: int = 0,
         riddles: Sequence[Riddle] = RIDDLES) -> Iterator[tuple[bytes, dict]]:
    """Each riddle's JPEG and its entry of index.json; ``seed`` shuffles the riddles and their options."""
    draw = random.Random(seed)
    for number, riddle in enumerate(draw.sample(riddles, len(riddles)), 1):
        jpeg = pixels.jpeg(iconic(makers, riddle.name, steps=steps, seed=seed), quality=QUALITY)
        options = [riddle.name, *riddle.wrong]
        found = places(judge, images.load(jpeg), options)
        why = [f"{riddle.truth} The third network has it at place {found[0]} of 1000.",
               *(f"{against} The third network has this class at place {place} of 1000."
                 for against, place in zip(riddle.wrong.values(), found[1:], strict=True))]
        order = draw.sample(range(len(options)), len(options))
        yield jpeg, {
            "file": f"{number}.jpg", "alt": f"A made picture: {riddle.sight}.", "options": [options[i] for i in order],
            "answer": order.index(0), "place": found[0], "why": [why[i] for i in order], "garish": riddle.garish}


def iconic(makers: Sequence[Classifier], name: str, *, steps: int = STEPS, seed: int = 0) -> Tensor:
    """The picture (1,3,160,160) that excites a class most in all of these networks."""
    settings = MaximiseSettings(steps=steps, seed=seed)
    return last(maximise(makers, "logits", name, size=SIZE, settings=settings)).value
