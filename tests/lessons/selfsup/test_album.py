"""Pictures beside each other: where a click was, which crops are marked, who is like whom."""

from __future__ import annotations

import pytest
import torch

from u3lab.lessons.selfsup import album
from u3lab.selfsup.scrambling import DIRECTIONS

BLUE, RED = (tuple(int(colour[n:n + 2], 16) for n in (1, 3, 5)) for _, colour in album.MARKS.values())


def levels(picture: torch.Tensor) -> torch.Tensor:
    return (255 * picture[0]).round().int().permute(1, 2, 0)


@pytest.mark.parametrize("shape", [(90, 240), (240, 90)])
def test_a_click_is_where_it_lies_on_the_photo(shape: tuple[int, int]):
    photo = torch.rand(1, 3, *shape)
    width, height = album.fitted(photo)
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.02)
    assert width <= album.PANEL and height <= album.HEIGHT
    click = 0.5 * width / album.PANEL, 0.25 * height / album.HEIGHT
    assert album.within(photo, click) == pytest.approx((0.5, 0.25))
    assert album.within(photo, (1.0, 1.0)) == (1.0, 1.0)


def test_right_crops_have_blue_frames_and_the_square_is_drawn_where_it_is():
    photo, crop = torch.full((1, 3, 100, 120), 0.5), torch.zeros(3, 8, 8)
    page = levels(album.neighbours(photo, (20, 70, 40), {
        name: ([crop] * 5, [n == row for n in range(5)]) for row, name in enumerate("abc")}))
    assert page.shape[:2] == (album.HEIGHT, 2 * album.PANEL)
    for row in range(3):
        at = row * (album.LINE + album.TILE + 3 * album.GAP) + album.LINE + album.TILE + 7
        for n in range(5):
            x = album.PANEL + n * (album.TILE + 2 * album.GAP) + album.TILE // 2
            assert tuple(page[at, x].tolist()) == (BLUE if n == row else RED)
    scale = album.fitted(photo)[0] / 120
    assert page[round(40 * scale), round(70 * scale) + 1].tolist() == [255] * 3
    assert page[round(40 * scale), 10, 0] < 0.6 * page[round(90 * scale), album.fitted(photo)[0] - 5, 0]


def test_cosines_are_grey_levels_and_the_largest_of_a_row_is_marked():
    cosines = torch.tensor([[1.0, -1.0], [0.5, 0.0]])
    page = levels(album.similarity(torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8), cosines))
    step = album.CELL + 4
    corners = [[page[(row + 1) * step + 6, (column + 1) * step + 6, 0].item() for column in (0, 1)] for row in (0, 1)]
    assert corners == [[255, 0], [pytest.approx(191, abs=1), pytest.approx(128, abs=1)]]
    dots = [tuple(page[(row + 1) * step + 4 + 20, step + 4 + 28].tolist()) for row in (0, 1)]
    assert dots == [BLUE, RED], "the first finds itself, the second its rival"


def test_the_second_tile_lies_in_its_direction():
    for k, (down, right) in enumerate(DIRECTIONS):
        sheet = album.laid(torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)]), k)
        assert sheet.shape == (3, 12, 12) and not sheet[:, 4:8, 4:8].any()
        assert (sheet == 1).nonzero()[:, 1:].float().mean(0).tolist() == [5.5 + 4 * down, 5.5 + 4 * right]


def test_the_pictures_shown_are_those_of_the_answers_in_their_frames(monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(album, "answered", lambda *given, **said: drawn.append((*given, said)))
    found = torch.tensor([True, False, False, False, True, True])
    _, line = album.framed("asked", [1, 2], {"said": ([3, 4, 5], found), "other": ([6, 7, 8], ~found)}, step=2)
    assert drawn == [([1, 2, 3, 4, 6, 7], [None, None, True, False, False, True],
                      {"rows": ["asked", "said", "other"], "width": 860})]
    assert line == "said 50%, other 50%"
