"""Bars for frames, as long as their shares, in order, within the picture; and the scale of a map's colours."""

import pytest
import torch
from PIL import ImageDraw

from tests.helpers import refuses
from u3lab import figures, images, pixels
from u3lab.figures.canvas import COLOURS

BLUE = torch.tensor([int(COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]) / 255


def lengths(picture):
    """The longest run of the bars' colour in each row of names."""
    blue = (picture[0] - BLUE.view(3, 1, 1)).abs().amax(0) < 1e-3
    return [int(blue[8 + 34 * row + 22].sum()) for row in range((picture.shape[-2] - 8) // 34)]


@pytest.fixture
def words(monkeypatch):
    """What is written, from the top down and from left to right: (y, word)."""
    written, text = [], ImageDraw.ImageDraw.text

    def noted(draw, at, word, *args, **more):
        written.append((at[1], word))
        return text(draw, at, word, *args, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    return written


def test_bars_are_as_long_as_their_shares_and_stand_beside_their_names(words):
    picture = images.check(figures.frame_bars({"hen": 1.0, "cock": 0.5, "egg": 0.0}, 120, width=216))
    assert picture.shape == (1, 3, 120, 216)
    assert lengths(picture) == [201, 101, 1]  # of 200 pixels, with both ends
    assert words == [(8, "hen"), (8, "100%"), (42, "cock"), (42, "50%"), (76, "egg"), (76, "0%")]


def test_what_does_not_fit_is_left_out_and_long_names_are_cut():
    many = {f"{'a very long name ' * 5}{k}": 0.1 for k in range(20)}
    picture = figures.frame_bars(many, 227)
    assert picture.shape == (1, 3, 227, 200) and len(lengths(picture)) == 6
    assert torch.equal(picture[..., -8:, :], picture[..., -1:, -1:].expand(-1, -1, 8, 200))


@pytest.mark.parametrize(("shares", "height", "width", "words"), [
    ({"a": 1.5}, 100, 200, "from 0 to 1"), ({"a": -0.1}, 100, 200, "from 0 to 1"),
    ({"a": float("nan")}, 100, 200, "from 0 to 1"), ({"a": 1}, 20, 200, "too few"), ({"a": 1}, 100, 20, "too few")])
def test_slips(shares, height, width, words):
    refuses(figures.frame_bars, shares, height, width=width, says=words)
    refuses(figures.scale_bar, 0, 160, says="scale = 0")
    refuses(figures.scale_bar, 0.1, 40, says="too few")


@pytest.mark.parametrize("signed", [False, True])
def test_a_scale_has_the_colours_of_the_map_from_the_largest_down_with_their_numbers(signed, words):
    picture = images.check(figures.scale_bar(0.2, 160, signed=signed))
    low = -0.2 if signed else 0.0
    ends = pixels.heat(torch.tensor([[0.2, low]]), signed=signed, scale=0.2)[0]
    for row, end in ((16, 0), (160 - 17, 1)):
        torch.testing.assert_close(picture[0, :, row, 12], ends[:, 0, end], rtol=0, atol=0.01)
    assert picture.shape == (1, 3, 160, 76) and (picture[..., 34:] < 0.5).any()  # numbers stand beside it
    assert words == [(16, "0.2"), (80, "0" if signed else "0.1"), (143, "-0.2" if signed else "0")]
