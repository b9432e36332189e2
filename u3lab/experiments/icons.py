"""The Deep Quiz of chapter 5b: pictures that were made to excite one class. Which class is it?

    python -m u3lab.experiments icons       # data/quiz/5: the pictures and index.json

How pictures do that are made for one network alone, and for classes that were drawn by chance, is measured by
``python -m u3lab.experiments icon_table``.
"""

from __future__ import annotations

import argparse

from u3lab import nets
from u3lab.experiments import _writing
from u3lab.lessons.inversion.icons import JUDGE, MAKERS, STEPS, quiz
from u3lab.lessons.inversion.riddles import RIDDLES


def main(arguments: list[str] | None = None) -> None:
    """Make the pictures and their index."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments, "quiz", "5")
    riddles, steps = (RIDDLES[:2], 2) if chosen.short else (RIDDLES, STEPS)
    makers, index = [nets.load(name, device="cpu") for name in MAKERS], []
    for riddle, jpeg, entry in quiz(makers, nets.load(JUDGE, device="cpu"), steps=steps, seed=chosen.seed,
                                    riddles=riddles):
        _writing.write(chosen.out / entry["file"], jpeg, f"{riddle.name}, place {entry['place']}")
        index.append(entry)
    _writing.write(chosen.out / "index.json", index)
