"""The toys of notebook 02b: closed forms against numbers, networks against closed forms, and the figure."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from u3course.lessons.selfsup import arrow, cures, mixtures, toys
from u3course.lessons.selfsup import figures as sheet
from u3lab.selfsup import marginal_loss, projected_loss

TOYS = {toy.name: toy for toy in toys.toys()}
each = pytest.mark.parametrize("name", TOYS)


def expected(loss, found: Tensor, name: str, p: float) -> float:
    """The expected loss of an answer (K,…), by all kinds and outcomes."""
    y = TOYS[name].y
    return float((1 - p) * loss(found, y[:, 0]).mean() + p * loss(found, y[:, 1]).mean())


@each
def test_x_tells_the_kind_and_nothing_of_the_outcome(name: str) -> None:
    toy = TOYS[name]
    assert toy.other(toy.y[:, 0]) == pytest.approx(toy.y[:, 1]) and toy.other(toy.y[:, 1]) == pytest.approx(toy.y[:, 0])
    assert toy.project(toy.y[:, 0]) == pytest.approx(toy.project(toy.y[:, 1]), abs=1e-6)
    assert (toy.y[:, 0] - toy.y[:, 1]).abs().amax() > 0.5
    for one, two in itertools.combinations(range(4), 2):
        assert not torch.equal(toy.x[one], toy.x[two])
        assert (toy.project(toy.y[one:one + 1, 0]) - toy.project(toy.y[two:two + 1, 0])).abs().max() > 0.05
    if name == "colour":
        assert toy.y.mean(2, keepdim=True) == pytest.approx(toy.x[:, None].expand(-1, 2, -1, -1, -1), abs=1e-6)


@each
@pytest.mark.parametrize("p", [0.5, 0.2])
@pytest.mark.parametrize("cure", ["L2", "projection", "marginalisation", "distribution"])
def test_nothing_near_is_better_than_the_closed_form(name: str, p: float, cure: str) -> None:
    toy = TOYS[name]
    best = cures.closed(toy, cure, p)
    if cure == "distribution":
        def loss(found: Tensor, y: Tensor) -> Tensor:
            if name == "sound":
                return -torch.distributions.Normal(found[:, :1], found[:, 1:].clamp(min=cures.LEAST)).log_prob(
                    y).flatten(1).sum(1)
            chance = found.clamp(1e-6, 1)
            if name == "colour":
                chance = (chance / chance.sum(1, keepdim=True)).gather(1, cures._colours(y)[:, None])
            else:
                chance = torch.where(y > 0.5, chance, (1 - found).clamp(1e-6, 1))
            return -chance.log().flatten(1).sum(1)
    else:
        loss = {"L2": lambda found, y: (found - y).square().flatten(1).sum(1),
                "projection": lambda found, y: projected_loss(found, y, toy.project),
                "marginalisation": lambda found, y: marginal_loss(found, y, [lambda x: x, toy.other])}[cure]
    least = expected(loss, best, name, p)
    for seed in range(5):
        noise = torch.randn(best.shape, generator=torch.Generator().manual_seed(seed))
        for size in (0.01, 0.1):
            assert expected(loss, (best + size * noise).clamp(0, 1) if cure == "distribution" and name != "sound"
                            else best + size * noise, name, p) > least
    if cure == "marginalisation":
        assert least == 0 and expected(loss, toy.y[:, 1], name, p) < 1e-10


@pytest.mark.parametrize("name, cure", [(name, cure) for name in TOYS for cure in cures.CURES
                                        if name != "colour" or cure in ("constrained", "correspondence")])  # the slow
def test_a_network_comes_near_the_closed_form(name: str, cure: str) -> None:
    p = 0.3
    found = cures.learnt(TOYS[name], cure, p)
    assert found.shape == cures.closed(TOYS[name], cure, p).shape
    assert cures.distance(TOYS[name], cure, found, p) < 0.2
    wrong = cures.closed(TOYS[name], cure, p).flip(0)  # of another kind
    assert cures.distance(TOYS[name], cure, wrong, p) > 0.2 or cure == "constrained"


@each
def test_the_switch_of_a_toy(name: str) -> None:
    found = cures.closed(TOYS[name], "correspondence", 0.3)
    wanted = torch.eye(4)[:, :, None].expand(-1, -1, 2) * 0.8
    assert found == pytest.approx(wanted)


def test_samples_of_independent_pixels_mix_the_outcomes() -> None:
    for name, toy in TOYS.items():
        family = cures.FAMILIES[name]
        drawn = family.sample(cures.closed(toy, "distribution", 0.5), torch.Generator().manual_seed(0))
        away = (drawn[:, None] - toy.y).abs().flatten(2).amax(2)
        assert drawn.shape == toy.y[:, 0].shape and away.min() > 0.5  # far from both outcomes


def test_colours_are_the_nearest_of_the_palette() -> None:
    drawn = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    near = [[[min(range(3), key=lambda k: float((one[:, i, j] - cures.PALETTE[k]).square().sum())) for j in range(4)]
             for i in range(5)] for one in drawn]
    assert cures._colours(drawn).tolist() == near


@pytest.mark.parametrize("name", ["next frame", "sound"])  # colour is slow
def test_a_mixture_draws_what_can_happen_as_often_as_it_happens(name: str) -> None:
    toy, p, draw = TOYS[name], 0.3, torch.Generator().manual_seed(0)
    for found in (mixtures.closed(toy, p), mixtures.learnt(toy, p)):
        assert found.chances.sum(1) == pytest.approx(torch.ones(4))
        made = [mixtures.off(toy, mixtures.sample(toy, found, draw)) for _ in range(300)]
        away, which = (torch.stack(one).double() for one in zip(*made, strict=True))
        assert away.mean() < 0.06 and which.mean(0) == pytest.approx([p] * 4, abs=0.1)
        assert found.chances.amin(1) == pytest.approx([p] * 4, abs=0.08)
    alone = cures.FAMILIES[name].sample(cures.closed(toy, "distribution", p), draw)
    assert mixtures.off(toy, alone)[0].min() > 0.3


def test_how_far_off() -> None:
    toy = TOYS["colour"]
    away, which = mixtures.off(toy, 0.3 * toy.y[:, 0] + 0.7 * toy.y[:, 1])
    assert away == pytest.approx(torch.full((4,), 0.3)) and which.tolist() == [1] * 4


def test_the_arrow_of_time() -> None:
    assert arrow.bayes(1.0) == 0.5
    for r in (1.0, 0.94):
        assert arrow.learnt(r) == pytest.approx(arrow.bayes(r), abs=0.03)
        u, forwards = arrow.peaks(40_000, r, torch.Generator().manual_seed(5))
        line = (u * arrow.steps()).sum(1) < 0  # the observer who fits a line
        assert float((line == forwards).float().mean()) == pytest.approx(arrow.bayes(r), abs=0.01)
        peer = LogisticRegression().fit(u[:20_000], forwards[:20_000]).score(u[20_000:], forwards[20_000:])
        assert peer < arrow.bayes(r) + 0.01


def test_the_sheet() -> None:
    answers = sheet.closed(list(TOYS.values()), 0.5)
    first = sheet.picture(answers, 0.5)
    assert first.shape[:2] == (1, 3) and first.min() >= 0 and first.max() <= 1
    assert not torch.equal(first, sheet.picture(sheet.closed(list(TOYS.values()), 0.9), 0.9))
    assert not torch.equal(first, sheet.picture(answers, 0.5, kind=2))
    assert torch.equal(first, sheet.picture(answers, 0.5))
    stripes = first[..., sheet.HEAD - 7:, :].split(sheet.LINE, 2)  # from rule to rule
    for number, (name, *_) in enumerate(sheet.ROWS[1:], 1):
        both = sheet.picture(answers, 0.5, row=name)[..., sheet.HEAD - 7:, :].split(sheet.LINE, 2)
        assert torch.equal(both[0], stripes[0]) and torch.equal(both[1], stripes[number])
    drawn = sheet.table(list(TOYS.values()), {"x": [toy.x for toy in TOYS.values()],
                                              "y": [toy.y[:, 0] for toy in TOYS.values()]}, alt="Kinds.")
    assert drawn.alt == "Kinds." and drawn.data


@pytest.mark.parametrize("p, never", [(0.0, 1), (0.5, None), (1.0, 0)])
def test_what_does_not_occur_is_a_grey_panel(p: float, never: int | None) -> None:
    grey = np.asarray(sheet.never())
    for toy, of in sheet.closed(list(TOYS.values()), p):
        switch = sheet.cure_panels(toy, "correspondence", of, 0, p)
        for panels in (sheet.truth_panels(toy, 0, p)[1:], switch[:2]):
            assert [np.array_equal(np.asarray(panel), grey) for panel, _ in panels] == [never == 0, never == 1]
        assert not any("nan" in words for _, words in switch) and switch[2][1] == "same? 0.00"


def test_a_sound_and_its_negative_look_different() -> None:
    one, other = (np.asarray(sheet.waves([y[0]])).astype(int) for y in TOYS["sound"].y[0])
    assert abs(one - other).mean() > 5 and abs(one - other[::-1]).mean() > 5  # nor is it the same upside down
