"""The audit's five numbers, on networks whose behaviour is known because they are written down here."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from tests.helpers import normal, one_sentence, seeded, uniform
from u3audit.markers import moved_by_markers
from u3lab import audit, nets
from u3lab.audit.cases import body
from u3lab.audit.flips import changes
from u3lab.audit.lesion import elsewhere, fill
from u3lab.audit.looking import located, strength
from u3lab.audit.transplant import grid

SIDE, N = 32, 24


def made(volumes: bool = False) -> audit.Cases:
    """Grey discs as bodies, in every other one a bright square somewhere; positives have a mark in the corner too."""
    draw = seeded()
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
    honest, cheat = (audit.where_it_looks(net, cases, windows=4 if volumes else 8, most=3) for net in (HONEST, CHEAT))
    assert cheat.outside.value > 0.8 > 0.3 > honest.outside.value
    assert honest.lesion.value > 3 > 1 > cheat.lesion.value
    assert honest.edges_lesion == cheat.edges_lesion and honest.maps.shape == (3, *cases.images.shape[1:])


def test_flips_are_counted_by_class_and_direction():
    found = audit.flips(CHEAT, made())
    assert found["mirror"].positives.value == 1 and found["mirror"].negatives.value == 0
    assert found["noise"] == ((0, 0, 0), (0, 0, 0)) and list(found) == ["mirror", "shift", "blur", "noise", "window"]
    assert audit.flips(HONEST, made())["mirror"].positives.value == 0


def test_flips_are_asked_of_right_answers_alone():
    cases = made()
    cases.positive[0] = True  # without a mark: the cheat has never found it, so it cannot turn
    assert audit.flips(CHEAT, cases)["mirror"].positives == (1, 1, 1)


def test_markers_are_pasted_on_negatives_that_are_right():
    cases = made()
    cases.positive[1] = False  # with a mark: the cheat calls it positive
    found = moved_by_markers(CHEAT, cases, most=N)
    assert sorted(found.which.tolist()) == list(range(0, N, 2))


def test_a_map_that_is_alike_everywhere_lies_once_on_each_lesion_of_whatever_size():
    cases = made()
    cases.outlines[1, ..., :16, :] = True
    _, lesion = located(torch.ones_like(cases.images), cases, torch.arange(N))
    assert lesion == pytest.approx((1, 1, 1))


def test_the_distance_between_the_classes_is_one_of_medians():
    cases = made()
    cases.images[1, ..., :3, :3] = 0.7  # a faint mark, found all the same
    assert audit.fixed_place(CHEAT, cases, pairs=N).moved[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 1.0, 1.0)])
def test_the_blur_is_as_wide_across_slices(spacing: tuple):
    x = uniform(2, 1, 6, 9, 9, dtype=torch.float32)
    across, reach = 0.6 / spacing[0], math.ceil(1.8 / spacing[0])
    theirs = gaussian_filter(x.numpy(), (0, 0, across, 0.6, 0.6), mode="nearest", radius=[0, 0, reach, 2, 2])
    torch.testing.assert_close(changes(torch.Generator(), spacing)["blur"](x), torch.from_numpy(theirs))


def test_accuracy_draws_whole_patients():
    cases = replace(made(), patients=["a"] * 12 + ["b"] * 12)
    cases.positive[[13, 15, 17]] = False  # of b; the network still finds them
    found = audit.accuracy(HONEST, cases)
    assert found.by_patient == {"a": (12, 12), "b": (9, 12)} and found.right == (21 / 24, 0.75, 1)
    assert (found.sensitivity, found.specificity) == (1, pytest.approx(12 / 15))


def test_what_is_drawn_goes_by_the_seed():
    cases = made()
    for drawn in (lambda seed: audit.lesion_removed(HONEST, cases, seed=seed).beside,
                  lambda seed: audit.fixed_place(HONEST, cases, cells=2, pairs=3, seed=seed).pairs,
                  lambda seed: audit.where_it_looks(HONEST, cases, windows=2, most=3, seed=seed).which):
        assert torch.equal(drawn(1), drawn(1)) and not torch.equal(drawn(1), drawn(2))


# ---- oracles


@pytest.mark.parametrize("sides", [(9, 8), (5, 6, 7)])
def test_filled_in_pixels_are_the_means_of_their_neighbours(sides: tuple[int, ...]):
    """Against plain relaxation, one pixel after the other, with a hole that reaches the border as well."""
    x, where = uniform(2, 3, *sides), uniform(2, 1, *sides, seed=3) < 0.4
    done = fill(x, where)
    assert torch.equal(done[~where.expand_as(x)], x[~where.expand_as(x)])
    for n, _, *place in where.nonzero().tolist():
        near = [done[n, :, *one] for one in product(*map(range, sides)) if math.dist(one, place) == 1]
        torch.testing.assert_close(done[n, :, *place], torch.stack(near).mean(0))
    assert done.min() >= x.min() and done.max() <= x.max()


def test_the_log_odds_are_those_of_the_softmax():
    x = normal(50, 1, 2, 2, dtype=torch.float32)
    p = x.flatten(1).softmax(1)[:, 2]
    torch.testing.assert_close(audit.score(nn.Flatten().eval(), x, 2), (p / (1 - p)).log(), atol=1e-4, rtol=1e-4)


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
    window, at = ((8, 8), (13, 17)) if spacing is None else ((2, 8, 8), (5, 13, 17))
    away = torch.from_numpy(gaussian_filter(some.numpy(), [0, 0, *(n / 2 for n in window)], mode="nearest", radius=[
        0, 0, *(math.ceil(1.5 * n) for n in window)]))
    before, changes = audit.score(HONEST, some, 1), []
    for corner in product(*(range(0, side - n + 1, n // 2) for side, n in zip(some.shape[2:], window, strict=True))):
        if all(c <= place < c + n for c, place, n in zip(corner, at, window, strict=True)):
            x, where = some.clone(), (..., *(slice(c, c + n) for c, n in zip(corner, window, strict=True)))
            x[where] = away[where]
            changes.append(before - audit.score(HONEST, x, 1))
    assert len(changes) == 2 ** len(at)
    torch.testing.assert_close(heat[:, 0][:, *at], torch.stack(changes).mean(0).abs(), rtol=1e-3, atol=1e-4)


def test_a_shape_is_moved_clear_of_its_place_anywhere_on_the_body():
    cases = made()
    where, on = cases.outlines[cases.positive], body(cases.images[cases.positive])
    moved = elsewhere(where, on, seeded())
    assert not (moved & where).any() and torch.equal(moved.flatten(1).sum(1), where.flatten(1).sum(1))
    assert ((moved & on).flatten(1).sum(1) / where.flatten(1).sum(1) >= 0.9).all()
    assert not on[0, 0, 0, 0] and on[0, 0, 15, 15]
    where, draw = torch.zeros(1, 1, 3, 3, dtype=torch.bool), seeded()
    where[..., 1, 1] = True
    found = {tuple(elsewhere(where, torch.ones_like(where), draw)[0, 0].nonzero()[0].tolist()) for _ in range(200)}
    assert (2, 2) in found and (1, 1) not in found  # the last row and column, too


# ---- what a user gets wrong


SLIPS = {
    "one label a picture": lambda c: audit.Cases(c.images, c.positive[1:]),
    "one for each picture": lambda c: audit.Cases(c.images, c.positive, patients=["a", "b"]),
    "give outlines=": lambda c: audit.lesion_removed(HONEST, audit.Cases(c.images, c.positive)),
    "finds no positive": lambda c: audit.where_it_looks(CHEAT, replace(c, images=c.images * 0)),
    "finds none of the positives": lambda c: audit.lesion_removed(HONEST, replace(c, images=c.images * 0)),
    "training mode": lambda c: audit.flips(Reads("corner").train(), c),
    "positive = 'ill'": lambda c: audit.score(HONEST, c.images, "ill"),
}


@pytest.mark.parametrize("says", SLIPS)
def test_a_slip_gets_one_sentence(says: str):
    one_sentence(says, SLIPS[says], made())
