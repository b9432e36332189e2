"""Every loss and every distance of the registries keeps its word.

A new line in ``landmarks.LOSSES`` or ``landmarks.DISTANCES`` is tested here without a word more; that its numbers are
right, its oracle says.
"""

import pytest
import torch
from torch import Tensor

from u3lab.landmarks import DISTANCES, LOSSES, LabelSettings
from u3lab.landmarks.places import cells

EACH = pytest.mark.parametrize("name", LOSSES)
FAR = pytest.mark.parametrize("name", DISTANCES)
OTHER = {"gamma": 2.0, "lam": 7.0, "window": 2, "exchange": True}  # than the defaults


def maps(seed: int) -> Tensor:
    return torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def loss(name: str, codes: Tensor, moved: Tensor, **other: object) -> float:
    """The loss of codes, and of those of a picture that has moved a little."""
    here = cells(codes).expand(len(codes), -1, -1)
    there = here + torch.tensor([0.2, -0.1], dtype=torch.float64)
    return float(sum(LOSSES[name].terms(codes, moved, here, there, LabelSettings(**other)).values()))


@EACH
def test_it_reads_the_settings_that_it_names_and_no_others(name: str):
    plain = loss(name, maps(0), maps(1))
    changed = {field for field, value in OTHER.items() if loss(name, maps(0), maps(1), **{field: value}) != plain}
    assert changed == LOSSES[name].reads


@EACH
def test_it_says_whether_equal_codes_content_it(name: str):
    """They say nothing of where a thing is. Random ones are no good either: who prefers equal codes, collapses."""
    flat = torch.ones(3, 4, 6, 6, dtype=torch.float64)
    assert (loss(name, flat, flat) == 0) == LOSSES[name].constant


@EACH
def test_it_says_whether_it_wants_all_cells(name: str):
    """The loss of all points is the mean of that of both halves, unless the map is one probability over all of them."""
    here = cells(maps(0)).expand(3, -1, -1)
    first, second, whole = (float(sum(LOSSES[name].terms(maps(0), maps(1), points, points, LabelSettings(
        lam=0.0)).values())) for points in (here[:, :18], here[:, 18:], here))
    assert ((first + second) / 2 != pytest.approx(whole, rel=1e-6)) == LOSSES[name].cells


@EACH
def test_where_nothing_moves_a_place_in_the_picture_will_do(name: str):
    """The shortcut of a network that knows where the border is; where things move, it costs."""
    here, codes = cells(maps(0)).expand(3, -1, -1), places(LOSSES[name].cells)
    still, moved, drawn = (float(sum(LOSSES[name].terms(map, map, here, here + shift, LabelSettings(lam=0.0)).values()))
                           for map, shift in ((codes, 0), (codes, 0.5), (30 * maps(0).roll(1, 0), 0.5)))
    assert still < 0.1 * moved and still < 0.1 * drawn


def places(peaks: bool) -> Tensor:
    """Codes or maps (3,4,6,6) that say where in the picture a cell is, whatever is there: peaks, or cos and sin."""
    at = cells(maps(0)).reshape(6, 6, 2)
    if peaks:
        one = torch.zeros(4, 36, dtype=torch.float64)
        one[range(4), (7, 10, 25, 28)] = 30
        return one.view(4, 6, 6).expand(3, -1, -1, -1)
    return 30 * torch.stack([at[..., 0].cos(), at[..., 0].sin(), at[..., 1].cos(), at[..., 1].sin()]).expand(3, -1, -1,
                                                                                                           -1)


def pull(name: str, degrees: float) -> float:
    """How fast the distance from where it should be grows, for a turn in the plane that is wrong by so much."""
    a = torch.tensor(degrees, dtype=torch.float64).deg2rad().requires_grad_()
    turned = torch.stack([a.cos(), -a.sin(), a.sin(), a.cos()]).view(1, 2, 2)
    grows, = torch.autograd.grad(DISTANCES[name].between(turned, torch.eye(2, dtype=torch.float64)[None]), a)
    return float(grows)


@FAR
def test_it_is_0_where_both_are_one_and_grows_to_half_a_turn(name: str):
    found = torch.eye(3, dtype=torch.float64)[None]
    assert float(DISTANCES[name].between(found, found)) < 3e-6
    assert min(pull(name, degrees) for degrees in (5, 60, 120, 175)) > 0


@FAR
def test_it_says_where_its_pull_fades(name: str):
    assert (pull(name, 0.5) < 0.1 * pull(name, 60)) == DISTANCES[name].smooth
    assert (pull(name, 179.5) > 0.1 * pull(name, 60)) == DISTANCES[name].far
