"""The Deep Quizzes of chapters 5b and 6: one riddle made; what ships is looked at in tests/data."""

import pytest
import torch

from u3lab import images, nets
from u3lab.experiments import icons
from u3lab.experiments import mask_riddles as riddles
from u3lab.saliency.perturbation import MaskSettings


@pytest.fixture(scope="module")
def net():
    return nets.load("squeezenet1_1", device="cpu")


def test_a_riddle_of_a_mask(net):
    riddle = riddles.RIDDLES[0]
    settings = MaskSettings(lam=riddles.LAM, steps=2)
    first, again = ([*riddles.quiz(net, seed=3, riddles=(riddle,), settings=settings)] for _ in range(2))
    assert first == again
    [(jpeg, entry)] = first
    assert entry["file"] == "1.jpg"
    assert entry["options"][entry["answer"]] == images.label(riddle.picture)
    assert images.load(jpeg).shape == (1, 3, 227, 227)
    assert "98 % for the whole photo" in entry["why"][entry["answer"]]


def test_what_the_mask_took_is_shown_and_nothing_else():
    image = torch.rand(1, 3, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    shown = riddles.iconic(image, mask)
    assert torch.equal(shown[..., 2:5, 3:6], image[..., 2:5, 3:6])
    assert (shown * (1 - mask)).unique().tolist() == [0, 0.5]


@pytest.mark.parametrize(("value", "words"), [(0.0, "less than 1 %"), (0.005, "less than 1 %"), (0.014, "1 %"),
                                              (0.5, "50 %"), (0.98, "98 %"), (0.999, "over 99 %")])
def test_a_probability_in_words(value, words):
    assert riddles._percent(torch.tensor(value)) == words


def test_a_riddle_of_an_icon():
    makers, judge = [nets.load(name, device="cpu") for name in icons.MAKERS], nets.load(icons.JUDGE, device="cpu")
    made = [list(icons.quiz(makers, judge, steps=2, seed=3, riddles=icons.RIDDLES[:1])) for _ in range(2)]
    [(jpeg, entry)] = made[0]
    assert made[0] == made[1] and images.load(jpeg).shape == (1, 3, 160, 160)
    assert entry["options"][entry["answer"]] == icons.RIDDLES[0].name
    assert f"place {entry['place']} of" in entry["why"][entry["answer"]]
