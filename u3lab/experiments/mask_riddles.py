"""The Deep Quiz of chapter 6: what a mask took out of a photo. Which class is it?

    python -m u3lab.experiments mask_riddles    # data/quiz/6: six pictures and index.json
"""

from __future__ import annotations

import argparse

from u3lab import nets
from u3lab.experiments import _writing
from u3lab.lessons.saliency.riddles import LAM, RIDDLES, quiz
from u3lab.saliency.perturbation import MaskSettings


def main(arguments: list[str] | None = None) -> None:
    """Make the pictures and their index."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "quiz", "6")
    settings = MaskSettings(lam=LAM, seed=chosen.seed, steps=2 if chosen.short else MaskSettings().steps)
    riddles, index = RIDDLES[:2] if chosen.short else RIDDLES, []
    for riddle, jpeg, entry in quiz(nets.load(device="cpu"), seed=chosen.seed, riddles=riddles, settings=settings):
        _writing.write(chosen.out / entry["file"], jpeg, f"from {riddle.picture}")
        index.append(entry)
    _writing.write(chosen.out / "index.json", index)
