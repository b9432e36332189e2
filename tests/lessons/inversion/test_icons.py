"""Chapter 5's Deep Quiz: places, and the recipe on one riddle; what ships is looked at in tests/data."""

from __future__ import annotations

import pytest
import torch

from u3lab import images, nets
from u3lab.lessons.inversion import icons
from u3lab.lessons.inversion.riddles import RIDDLES


@pytest.fixture(scope="module")
def makers():
    return [nets.load(name, device="cpu") for name in icons.MAKERS]


@pytest.fixture(scope="module")
def judge():
    return nets.load(icons.JUDGE, device="cpu")


def test_places_count_from_one(judge):
    x = images.load("coffee", size=160)
    with torch.no_grad():
        scores = judge(torch.nn.functional.interpolate(x, size=(240, 240), mode="bilinear"))[0]
    best, worst = (judge.classes[k] for k in (int(scores.argmax()), int(scores.argmin())))
    assert icons.places(judge, x, [best, worst]) == [1, 1000]


def test_the_recipe_on_one_riddle(makers, judge):
    made = [list(icons.quiz(makers, judge, steps=2, seed=3, riddles=RIDDLES[:1])) for _ in range(2)]
    [(riddle, jpeg, entry)] = made[0]
    assert made[0] == made[1] and riddle is RIDDLES[0] and images.load(jpeg).shape == (1, 3, 160, 160)
    assert entry["options"][entry["answer"]] == riddle.name and f"place {entry['place']} of" in entry["why"][
        entry["answer"]]
