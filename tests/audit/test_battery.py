"""The audit's five numbers, on networks whose behaviour is known because they are written down here."""

import math
from itertools import product

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from u3lab import audit, nets
from u3lab.audit.cases import body
from u3lab.audit.flips import changes
from u3lab.audit.lesion import elsewhere, fill
from u3lab.audit.looking import strength
from u3lab.audit.transplant import grid
from u3lab.errors import U3Error

SIDE, N = 32, 24


def made(volumes: bool = False) -> audit.Cases:
    """Grey discs as bodies, in every other one a bright square somewhere; positives have a mark in the corner too."""
    draw = torch.Generator().manual_seed(0)
    sides = (8, SIDE, SIDE) if volumes else (SIDE, SIDE)
    down, right = torch.meshgrid(torch.arange(SIDE) - 15.5, torch.arange(SIDE) - 15.5, indexing="ij")
    x = 0.3 * (down.square() + right.square() < 13**2).float().expand(N, 1, *sides).clone()
    outlines, positive = torch.zeros(N, 1, *sides, dtype=torch.bool), torch.arange(N) % 2 == 1
    for n in positive.nonzero()[:, 0].tolist():
        top, left = (9 + torch.randint(0, 9, (2,), generator=draw)).tolist()
        outlines[n, ..., top : top + 5, left : left + 5] = True
        x[n][outlines[n]] = 0.9
        x[n, ..., :3, :3] = 1.0
    return audit.Cases(x, positive, outlines)


class Reads(nn.Module):
    """Scores (B,2): by how much a part of the picture is brighter than a half, in all its pixels."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = {"corner": x[..., :3, :3], "middle": x[..., 6:26, 6:26]}[self.part]
        s = (seen - 0.5).clamp(min=0).flatten(1).sum(1) - 1
        return torch.stack([-s / 2, s / 2], 1)


HONEST, CHEAT = Reads("middle").eval(), Reads("corner").eval()


@pytest.mark.parametrize("volumes", [False, True])
def test_an_honest_answer_goes_with_its_lesion_and_a_cheats_does_not(volumes: bool):
    cases = made(volumes)
    honest, cheat = (audit.lesion_removed(net, cases) for net in (HONEST, CHEAT))
    assert honest.flipped == (1, 1, 1) and honest.elsewhere.value == 0 and len(honest.which) == N // 2
    assert cheat.flipped == (0, 0, 0)
    assert (honest.before > 0).all() and (honest.after < 0).all()
    for images, where in zip((honest.filled, honest.beside), honest.where, strict=True):
        assert torch.equal((images != cases.images[honest.which]) & ~where, torch.zeros_like(where))
    assert not (honest.where[0] & honest.where[1]).any()
    assert torch.equal(*(where.flatten(1).sum(1) for where in honest.where))


def test_a_letter_is_carried_from_patient_to_patient_and_a_lesion_is_not():
    cases = made()
    cheat, honest = audit.fixed_place(CHEAT, cases), audit.fixed_place(HONEST, cases)
    assert cheat.moved[0, 0] == pytest.approx(1) and cheat.moved.flatten()[1:].abs().max() == 0
    assert cheat.cell == (slice(0, 4), slice(0, 4)) and cheat.best.value == pytest.approx(1)
    assert honest.best.value < 0.3
    torch.testing.assert_close(cheat.by, torch.ones(len(cheat.pairs), 2))
    for found in (cheat, honest):
        assert found.by.median(0).values.min().item() == pytest.approx(found.best.value)
    right = cases.positive[cheat.pairs]
    assert not right[:, 0].any() and right[:, 1].all()


@pytest.mark.parametrize("volumes", [False, True])
def test_what_lies_outside_the_body_is_told_from_the_lesion(volumes: bool):
    cases = made(volumes)
    few = {"windows": 4 if volumes else 8, "most": 3}
    honest, cheat = (audit.where_it_looks(net, cases, **few) for net in (HONEST, CHEAT))
    assert cheat.outside.value > 0.8 > 0.3 > honest.outside.value
    assert honest.lesion.value > 3 > 1 > cheat.lesion.value
    assert honest.edges_lesion == cheat.edges_lesion and honest.maps.shape == (3, *cases.images.shape[1:])


def test_flips_are_counted_by_class_and_direction():
    found = audit.flips(CHEAT, made())
    assert found["mirror"].positives.value == 1 and found["mirror"].negatives.value == 0
    assert found["noise"] == ((0, 0, 0), (0, 0, 0)) and list(found) == ["mirror", "shift", "blur", "noise", "window"]
    assert audit.flips(HONEST, made())["mirror"].positives.value == 0


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 1.0, 1.0)])
def test_the_blur_is_as_wide_across_slices(spacing: tuple):
    x = torch.rand(2, 1, 6, 9, 9, generator=torch.Generator().manual_seed(0))
    across, reach = 0.6 / spacing[0], math.ceil(1.8 / spacing[0])
    theirs = gaussian_filter(x.numpy(), (0, 0, across, 0.6, 0.6), mode="nearest", radius=[0, 0, reach, 2, 2])
    torch.testing.assert_close(changes(torch.Generator(), spacing)["blur"](x), torch.from_numpy(theirs))


def test_accuracy_draws_whole_patients():
    cases = made()
    whose = ["a"] * 12 + ["b"] * 12
    wrong = audit.Cases(cases.images, torch.cat([cases.positive[:12], ~cases.positive[12:]]), patients=whose)
    found = audit.accuracy(HONEST, wrong)
    assert found.by_patient == {"a": (12, 12), "b": (0, 12)} and found.right == (0.5, 0, 1)
    assert found.sensitivity == found.specificity == 0.5


# ---- oracles


@pytest.mark.parametrize("sides", [(9, 8), (5, 6, 7)])
def test_filled_in_pixels_are_the_means_of_their_neighbours(sides: tuple[int, ...]):
    """Against plain relaxation, one pixel after the other, with a hole that reaches the border as well."""
    draw = torch.Generator().manual_seed(3)
    x = torch.rand(2, 3, *sides, generator=draw, dtype=torch.float64)
    where = torch.rand(2, 1, *sides, generator=draw) < 0.4
    done = fill(x, where)
    assert torch.equal(done[~where.expand_as(x)], x[~where.expand_as(x)])
    ways = [(axis, step) for axis in range(len(sides)) for step in (-1, 1)]
    for at in where.nonzero().tolist():
        n, _, *place = at
        near = [[c + step * (axis == k) for k, c in enumerate(place)] for axis, step in ways]
        near = [one for one in near if all(0 <= c < side for c, side in zip(one, sides, strict=True))]
        mean = torch.stack([done[(n, slice(None), *one)] for one in near]).mean(0)
        torch.testing.assert_close(done[(n, slice(None), *place)], mean)
    assert done.min() >= x.min() and done.max() <= x.max()


def test_the_log_odds_are_those_of_the_softmax():
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, 0, :4].flatten(1)

    x = torch.randn(50, 1, 4, 4)
    p = Fixed()(x).softmax(1)[:, 2]
    torch.testing.assert_close(audit.score(Fixed().eval(), x, 2), (p / (1 - p)).log(), atol=1e-4, rtol=1e-4)


def test_cells_tile_the_picture_once():
    for sides in ((32, 30), (8, 9, 10)):
        times = torch.zeros(sides)
        for place in grid(sides, 4):
            times[place] += 1
        assert (times == 1).all()


@pytest.mark.parametrize("spacing", [None, (4.0, 1.0, 1.0)])
def test_occlusion_is_the_change_by_each_window(spacing: tuple | None):
    """Against a plain loop that asks for one pixel's windows, of 8 pixels or 8 mm, and SciPy's blur."""
    some = made(spacing is not None).images[:2]
    heat = strength(nets.Classifier(HONEST, channels=1, pictures=False, spacing=spacing), some, windows=4)
    window = (8, 8) if spacing is None else (2, 8, 8)
    away = torch.from_numpy(gaussian_filter(some.numpy(), [0, 0, *(n / 2 for n in window)], mode="nearest", radius=[
        0, 0, *(math.ceil(1.5 * n) for n in window)]))
    at = (13, 17) if spacing is None else (5, 13, 17)
    before, changes = audit.score(HONEST, some, 1), []
    for corner in product(*(range(0, side - n + 1, n // 2) for side, n in zip(some.shape[2:], window, strict=True))):
        if all(c <= place < c + n for c, place, n in zip(corner, at, window, strict=True)):
            x, where = some.clone(), (..., *(slice(c, c + n) for c, n in zip(corner, window, strict=True)))
            x[where] = away[where]
            changes.append(before - audit.score(HONEST, x, 1))
    assert len(changes) == 2 ** len(at)
    torch.testing.assert_close(heat[:, 0][:, *at], torch.stack(changes).mean(0).abs(), rtol=1e-3, atol=1e-4)


def test_the_last_row_and_column_may_be_drawn():
    where, draw = torch.zeros(1, 1, 3, 3, dtype=torch.bool), torch.Generator().manual_seed(0)
    where[..., 1, 1] = True
    found = {tuple(elsewhere(where, torch.ones_like(where), draw)[0, 0].nonzero()[0].tolist()) for _ in range(200)}
    assert (2, 2) in found and (1, 1) not in found


def test_a_shape_is_moved_clear_of_its_place_and_stays_on_the_body():
    cases = made()
    where = cases.outlines[cases.positive]
    on = body(cases.images[cases.positive])
    moved = elsewhere(where, on, torch.Generator().manual_seed(0))
    assert not (moved & where).any() and torch.equal(moved.flatten(1).sum(1), where.flatten(1).sum(1))
    assert ((moved & on).flatten(1).sum(1) / where.flatten(1).sum(1) >= 0.9).all()
    assert not body(cases.images)[0, 0, 0, 0] and body(cases.images)[0, 0, 15, 15]


# ---- what a user gets wrong


SLIPS = {
    "one label a picture": lambda c: audit.Cases(c.images, c.positive[1:]),
    "all 24 pictures are negative": lambda c: audit.Cases(c.images, c.positive & False),
    "as large as the pictures": lambda c: audit.Cases(c.images, c.positive, c.outlines[..., 1:]),
    "NaN": lambda c: audit.Cases(c.images * torch.nan, c.positive),
    "one for each picture": lambda c: audit.Cases(c.images, c.positive, patients=["a", "b"]),
    "give outlines=": lambda c: audit.lesion_removed(HONEST, audit.Cases(c.images, c.positive)),
    "finds no positive": lambda c: audit.where_it_looks(Reads("corner").eval(), audit.Cases(
        c.images * 0, c.positive, c.outlines)),
    "finds none of the positives": lambda c: audit.lesion_removed(HONEST, audit.Cases(
        c.images * 0, c.positive, c.outlines)),
    "training mode": lambda c: audit.flips(Reads("corner").train(), c),
    "positive = 'ill'": lambda c: audit.score(HONEST, c.images, "ill"),
}


@pytest.mark.parametrize("says", SLIPS)
def test_a_slip_gets_one_sentence(says: str):
    with pytest.raises(U3Error) as told:
        SLIPS[says](made())
    assert says in str(told.value) and "\n" not in str(told.value)
