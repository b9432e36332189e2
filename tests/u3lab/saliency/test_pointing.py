"""The grid pointing game: its arithmetic on made heat, its mosaics, and players whose score is known."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses, squeezenet
from u3lab import images, nets
from u3lab.saliency import pointing
from u3lab.saliency.pointing import Mosaic, known_pictures, mosaics, pointing_game, target_shares, tile_shares

SIDE = 128


@cache
def known() -> dict[str, int]:
    return known_pictures(squeezenet(), size=SIDE)


@pytest.fixture(autouse=True)
def known_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call for mosaics would ask the network for each picture anew."""
    found = known()
    monkeypatch.setattr(pointing, "known_pictures", lambda net, size=SIDE: found)


@cache
def games() -> list[Mosaic]:
    return mosaics(squeezenet(), 3, size=SIDE, seed=0)


@pytest.mark.parametrize("height, width", [(2, 2), (14, 14), (13, 13), (7, 7), (13, 14), (3, 5)])
def test_the_middle_of_an_odd_grid_belongs_to_both_sides(height: int, width: int):
    heat = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(0))
    down = torch.tensor([min(1, max(0, height / 2 - i)) for i in range(height)])
    right = torch.tensor([min(1, max(0, width / 2 - j)) for j in range(width)])
    by_hand = [(heat[:, 0] * rows[:, None] * columns).sum((1, 2)) / heat.sum((1, 2, 3))
               for rows in (down, 1 - down) for columns in (right, 1 - right)]
    torch.testing.assert_close(tile_shares(heat), torch.stack(by_hand, 1))
    for value in (0.0, 1e-6, 1e6):  # no heat, or the same everywhere
        torch.testing.assert_close(tile_shares(0 * heat + value), torch.full((2, 4), 0.25))


def test_heat_that_is_none():
    refuses(tile_shares, torch.zeros(1, 3, 8, 8), says=("shape", "max_abs"))
    refuses(tile_shares, -torch.ones(1, 1, 8, 8), says=("0 or more", "positive"))


def test_tiles_are_where_they_should_be():
    for game in games():
        assert game.image.shape == (1, 3, 2 * SIDE, 2 * SIDE) and len(set(game.targets)) == 4
        for tile, (name, target) in enumerate(zip(game.names, game.targets, strict=True)):
            row, column = divmod(tile, 2)
            cut = game.image[..., row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
            assert torch.equal(cut, images.load(name, size=SIDE)) and known()[name] == target


def test_mosaics_repeat_by_their_seed():
    state = torch.get_rng_state()
    again, other = mosaics(squeezenet(), 3, size=SIDE, seed=0), mosaics(squeezenet(), 3, size=SIDE, seed=1)
    assert [game.names for game in again] == [game.names for game in games()] != [game.names for game in other]
    assert all(torch.equal(a.image, b.image) for a, b in zip(again, games(), strict=True))
    assert torch.equal(state, torch.get_rng_state())


def test_every_tile_shows_every_picture_now_and_then(monkeypatch: pytest.MonkeyPatch):
    """No picture may have a place of its own: a method that favours a corner would gain by it."""
    monkeypatch.setattr(images, "load", lambda name, size: torch.zeros(1, 3, 2, 2))
    many = mosaics(squeezenet(), 400, size=2, seed=0)
    for tile in range(4):
        seen = [game.names[tile] for game in many]
        assert set(seen) == set(known())
        assert max(map(seen.count, known())) < 2.5 * len(many) / len(known())


def oracle(right: bool):
    """A player who looks the answer up: all heat on the tile that is asked for, or all beside it."""
    def play(net: nets.Classifier, x: Tensor, targets: list[int]) -> Tensor:
        (game,) = (game for game in games() if torch.equal(game.image[0], x[0]))
        heat = torch.zeros(4, 1, 2, 2)
        for index, target in enumerate(targets):
            heat[index].view(4)[game.targets.index(target)] = 1
        return heat if right else 1 - heat
    return play


def test_pictures_are_drawn_and_not_games(monkeypatch: pytest.MonkeyPatch):
    """Of two pictures one is always found: however many games it is in, a draw may have it or not."""
    monkeypatch.setattr(pointing, "target_shares", lambda *given: {"always": [1.0] * 40, "never": [0.0] * 40})
    assert pointing_game(squeezenet(), games(), "gradient") == (0.5, 0, 1)


def test_a_perfect_player_scores_1_and_a_perverse_one_0():
    score = pointing_game(squeezenet(), games(), oracle(True))
    assert score == (1, 1, 1)
    score = pointing_game(squeezenet(), games(), oracle(False))
    assert score == (0, 0, 0)


def test_edges_score_a_quarter_exactly():
    """They are the same for each class, so that over four classes the four shares of one map are played: a sum of 1."""
    shares = target_shares(squeezenet(), games(), "edges (no network)")
    assert sum(map(len, shares.values())) == 12 and max(map(max, shares.values())) > 0.26
    score = pointing_game(squeezenet(), games(), "edges (no network)")
    assert score.value == pytest.approx(0.25, abs=1e-6) and score.low <= score.value <= score.high


def test_unknown_method_and_no_games():
    refuses(pointing_game, squeezenet(), games(), "gradcam", says=("no method 'gradcam'", "Grad-CAM"))
    refuses(pointing_game, squeezenet(), [], "gradient", says=("mosaics", "at least one"))
    one = torch.ones(1, 1, 4, 4)
    refuses(pointing_game, squeezenet(), games(), lambda net, x, k: one, says="1 maps for 4 pictures")


def test_a_network_that_knows_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pointing, "known_pictures", known_pictures)
    net = nets.Classifier(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000)).eval(),
                          classes=squeezenet().classes, name="novice")
    refuses(mosaics, net, 1, size=16, says=("novice is sure of only 0 shipped pictures", "trained"))
