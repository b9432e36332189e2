"""The Deep Quiz of chapter 5: pictures that were made to excite one class. Which class is it?

    python -m u3lab.recipes.icons           # data/quiz/5: the pictures and index.json
    python -m u3lab.recipes.icons --one     # prints how a picture made for one network does with the other
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from u3lab import nets
from u3lab.lessons.inversion.icons import JUDGE, MAKERS, STEPS, iconic, places, quiz
from u3lab.lessons.inversion.riddles import RIDDLES, Riddle
from u3lab.recipes import _writing


def transfer(riddles: Sequence[Riddle], *, steps: int = STEPS) -> None:
    """Made for one network, judged by the other, both ways."""
    first, second = (nets.load(name, device="cpu") for name in MAKERS)
    for maker, judge in ((first, second), (second, first)):
        made = {riddle.name: iconic([maker], riddle.name, steps=steps) for riddle in riddles}
        found = {name: places(judge, image, [name])[0] for name, image in made.items()}
        print(f"made for {maker.name}, {judge.name} has {sum(place <= 5 for place in found.values())} of {len(found)} "
              f"in its first five: {found}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Make the pictures and their index."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--one", action="store_true", help="only measure pictures that were made for one network")
    chosen = _writing.options(parser, arguments, "quiz", "5")
    riddles, steps = (RIDDLES[:2], 2) if chosen.short else (RIDDLES, STEPS)
    if chosen.one:
        return transfer(riddles, steps=steps)
    makers, index = [nets.load(name, device="cpu") for name in MAKERS], []
    for riddle, jpeg, entry in quiz(makers, nets.load(JUDGE, device="cpu"), steps=steps, seed=chosen.seed,
                                    riddles=riddles):
        _writing.write(chosen.out / entry["file"], jpeg, f"{riddle.name}, place {entry['place']}")
        index.append(entry)
    _writing.write(chosen.out / "index.json", index)


if __name__ == "__main__":
    main()
