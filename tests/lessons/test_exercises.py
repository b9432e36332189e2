"""Every exercise: the reference passes, the stub is not tried, and mutants made by other code are recognised."""

from __future__ import annotations

import ast
import inspect

import pytest
import torch

from tests.lessons import answers_adversarial as answers_6b
from tests.lessons import answers_ambiguity as answers_2b
from tests.lessons import answers_audit as answers_8
from tests.lessons import answers_dissection as answers_7
from tests.lessons import answers_information as answers_2c
from tests.lessons import answers_inversion as answers_5
from tests.lessons import answers_keypoints as answers_3c
from tests.lessons import answers_labelling as answers_3
from tests.lessons import answers_loops as loops
from tests.lessons import answers_pretexts as answers_2
from tests.lessons import answers_prior as answers_4
from tests.lessons import answers_start as answers_0
from tests.lessons import answers_turning as answers_3b
from tests.lessons import answers_universal as answers_1
from u3lab import course
from u3lab.course import catalogue
from u3lab.course.definitions import LEVELS
from u3lab.course.edits import one_slip

ALL = {task.id: task for chapter in catalogue.CHAPTERS for task in catalogue.exercises(chapter)}


@pytest.mark.parametrize("name", ALL)
def test_the_reference_passes(name: str):
    report = course.check(name, ALL[name].reference)
    assert report.passed and report.state == "passed" and report.points == ALL[name].points > 0, report


@pytest.mark.parametrize("name", ALL)
def test_the_stub_is_not_tried(name: str):
    report = course.check(name, ...)
    assert (report.state, report.points, report.passed) == ("not tried yet", 0, False)
    assert name in repr(report) and f'course.hint("{name}")' in report.message


@pytest.mark.parametrize("name", ALL)
def test_both_kinds_of_stub(name: str):
    def stub(*_):
        return ...

    def raising(*_):
        raise NotImplementedError

    assert course.check(name, stub).state == course.check(name, raising).state == "not tried yet"


@pytest.mark.parametrize("name", ALL)
def test_what_is_written_about_it(name: str):
    task = ALL[name]
    assert 1 <= len(task.hints) <= 4 and task.difficulty in LEVELS and 1 <= task.minutes <= 60
    if name in ALL:  # the signature is code that can be copied; its arguments are those that the reference needs
        head = ast.parse(task.signature.replace(":   #", ": ...   #")).body[0]
        needed = [p for p in inspect.signature(task.reference).parameters.values() if p.default is p.empty]
        assert len(head.args.args) == len(needed)


def mistakes(name: str):
    cells = inspect.getclosurevars(ALL[name].judge).nonlocals
    return cells["mistakes"] if "mistakes" in cells else inspect.getclosurevars(cells["judge"]).nonlocals["mistakes"]


@pytest.mark.parametrize("name", ALL)
def test_at_most_five_mistakes_are_named(name: str):
    """Those that students of this formula make; the others are found by the course."""
    named = [mistake.message for mistake in mistakes(name)]
    assert 1 <= len(named) <= 5 and len(set(named)) == len(named)


@pytest.mark.parametrize("name", ALL)
def test_each_named_mistake_gets_its_own_message(name: str):
    """No mistake hides behind another, and none is right by accident."""
    for function, message in one_slip(ALL[name].reference, mistakes(name)):
        report = course.check(name, function)
        assert report.state == "not yet" and report.message == message


def normed(x, axes):
    total = x.sum(axes, keepdim=True)
    return x / total


def tiles(heat):
    h, w = heat.shape[-2] // 2, heat.shape[-1] // 2
    return heat[..., :h, :w], heat[..., :h, w:], heat[..., h:, :w], heat[..., h:, w:]


def guarded(parts):
    total = parts.sum(1, keepdim=True)
    return torch.where(total == 0, torch.ones_like(parts) / 4, parts / total)


def stays(k, count):
    """The neighbour of the last cell is that cell itself, so that the difference is 0."""
    return min(k + 1, count - 1)


def slow_price(m, lam, tv, beta, size=lambda m: m.abs().mean(), norm=lambda dy, dx: (dy * dy + dx * dx) ** 0.5,
               after=stays, short=0, mean=torch.mean):
    """The price cell by cell."""
    h, w = m.shape[-2:]
    m = m[0, 0]
    cells = [norm(m[after(y, h), x] - m[y, x], m[y, after(x, w)] - m[y, x]) ** beta
             for y in range(h - short) for x in range(w - short)]
    return lam * size(m), tv * mean(torch.stack(cells))


def einsum(a, p):
    return torch.einsum("bchw,bchw->bhw", a, p)[:, None]


def weights(p):
    return p.flatten(2).mean(-1)[:, :, None, None]


MUTANTS = [
    ("6-guided", lambda p, through: torch.relu(p), "deconvnet"),
    ("6-guided", lambda p, through: p * through(torch.ones_like(p)).clamp(min=0), "clipped the forward activation"),
    ("6-guided", lambda p, through: -torch.relu(-through(p)), "negative part of the signal"),
    ("6-guided", lambda p, through: through(torch.sqrt(p * p)), "absolute value"),
    ("6-guided", lambda p, through: (p > 0) & (through(p) != 0), "the mask, true or false"),
    ("6-guided", lambda p, through: torch.sign(torch.relu(through(p))), "the sign of `p` in its place"),
    ("6-guided", lambda p, through: through(p.clamp_(min=0)), "changes its input `p` in place"),
    ("6-guided", lambda p, through: through(p.relu()).float(), "float32, and float64 is wanted"),
    ("6-guided", lambda p, through: through(p.relu())[0], "has the shape"),
    ("6-guided", lambda p, through: 0.5 * through(p.relu()), "right values"),
    ("6-modulated-gradient", lambda a, p: torch.einsum("bchw->bhw", p)[:, None], "`activation` = 1: `activation` is"),
    ("6-modulated-gradient", lambda a, p: torch.relu(einsum(a, p)), "the right one with all that is negative clipped"),
    ("6-modulated-gradient", lambda a, p: torch.maximum(einsum(a, p), -einsum(a, p)), "absolute value"),
    ("6-modulated-gradient", lambda a, p: einsum(a, weights(p).expand_as(a)), "averaged the gradient over space first"),
    ("6-modulated-gradient", lambda a, p: torch.relu(einsum(a, weights(p).expand_as(a))), "that is Grad-CAM"),
    ("6-modulated-gradient", lambda a, p: torch.einsum("bchw,bchw->chw", a, p)[None], "axis 0, the pictures"),
    ("6-modulated-gradient", lambda a, p: einsum(a, p)[:, 0], "keepdim=True"),
    ("6-modulated-gradient", lambda a, p: einsum(a, p) / a.shape[1], "too small by the number of values: a mean over"),
    ("6-modulated-gradient", lambda a, p: torch.mul(p, a), "not summed over axis 1 yet"),
    ("6-modulated-gradient", lambda a, p: 2 * einsum(a, p), "right values"),
    ("6-grad-cam", lambda a, p: einsum(a, weights(p).expand_as(a)), "maximum with 0 is missing"),
    ("6-grad-cam", lambda a, p: torch.relu(a * weights(p)).sum(1)[:, None], "before the sum"),
    ("6-grad-cam", lambda a, p: torch.relu(einsum(a, weights(p).expand_as(a)) / a.shape[1]),
     "too small by the number of values: a mean over axis 1 of"),
    ("6-grad-cam", lambda a, p: torch.relu(einsum(a, p)), "weights are not averaged"),
    ("6-grad-cam", lambda a, p: torch.relu(einsum(a, weights(p).expand_as(a)))[:, 0], "right, but axis 1 is gone: it"),
    ("6-grad-cam", lambda a, p: torch.relu(einsum(weights(a).expand_as(p), p)), "`activation` and `gradient` in each"),
    ("6-pointing", lambda heat: torch.cat([t.flatten(1).sum(1, keepdim=True) for t in tiles(heat)], 1), "are sums"),
    ("6-pointing", lambda heat: torch.stack([t.mean((1, 2, 3)) for t in tiles(heat)], 1),
     "these are sums or means of the tiles"),
    ("6-pointing", lambda heat: guarded(torch.stack([t.sum((1, 2, 3)) for t in map(tiles(heat).__getitem__, (
        0, 2, 1, 3))], 1)), "`heat` transposed: its last two axes have changed places"),
    ("6-pointing", lambda heat: normed(torch.stack([t.sum((1, 2, 3)) for t in tiles(heat)], 1), 1), "gives nan"),
    ("6-pointing", lambda heat: normed(torch.stack([t.sum((1, 2, 3)) for t in tiles(heat)], 1), 1).nan_to_num(0),
     "gives 0 on each tile"),
    ("6-pointing", lambda heat: guarded(torch.stack([t.amax((1, 2, 3)) for t in tiles(heat)], 1)), "maximum"),
    ("6-pointing", lambda heat: normed(torch.stack([t.sum((1, 2, 3)) for t in tiles(heat)], 1), (0, 1)), "whole batch"),
    ("6-pointing", lambda heat: normed(torch.stack([t.sum((1, 2, 3)) for t in tiles(heat)], 1), 0),
     "you divided by the sum over the whole batch"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, size=torch.sum, mean=torch.sum),
     "too large by the number of values: a sum over axes 2, 3 of"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, size=torch.sum),
     "too large by the number of values: a sum over axes 2, 3 of"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, mean=torch.sum),
     "too large by the number of values: a sum over axes 2, 3 of"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, norm=lambda y, x: abs(y) + abs(x)),
     "added |dy| and |dx|"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, after=lambda k, count: (k + 1) % count),
     "wrap around"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, norm=lambda y, x: y**2 + x**2),
     "twice `beta` in its place"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, short=1), "fewer cells"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta)[::-1], "in the other order"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, 1, 1, beta), "prices are missing"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, tv, lam, beta), "`lam` and `tv` in each other's place"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta, size=lambda m: (m * m).mean()), "m²"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, tv, beta)[0],
     "one tensor, but 2 tensors, as in `return a, b`"),
    ("6-mask-energy", lambda m, lam, tv, beta: slow_price(m, lam, 2 * tv, beta), "part 1 of the answer is right, but"),
    *answers_1.MUTANTS, *answers_2.MUTANTS, *answers_2b.MUTANTS, *answers_2c.MUTANTS, *answers_3.MUTANTS,
    *answers_3b.MUTANTS, *answers_3c.MUTANTS, *answers_0.MUTANTS, *answers_4.MUTANTS, *answers_5.MUTANTS,
    *answers_6b.MUTANTS, *answers_7.MUTANTS, *answers_8.MUTANTS, *loops.MUTANTS,
]


@pytest.mark.parametrize("name, mutant, message", MUTANTS)
def test_mutants(name: str, mutant, message: str):
    report = course.check(name, mutant)
    assert report.state == "not yet" and report.points == 0
    assert message in report.message


def test_there_are_enough_mutants():
    for name in ALL:
        assert sum(mutant[0] == name for mutant in MUTANTS) >= 3


OTHERS = [("6-guided", lambda p, through: torch.where(p > 0, through(p), torch.zeros_like(p))),
          ("6-modulated-gradient", einsum), ("6-mask-energy", slow_price),
          ("6-pointing", lambda heat: guarded(torch.stack([t.sum((1, 2, 3)) for t in tiles(heat)], 1))),
          ("6-grad-cam", lambda a, p: torch.relu(einsum(a, weights(p).expand_as(a)))), *answers_1.RIGHT,
          *answers_2.RIGHT, *answers_2b.RIGHT, *answers_2c.RIGHT, *answers_3.RIGHT, *answers_3b.RIGHT,
          *answers_3c.RIGHT, *answers_0.RIGHT, *answers_4.RIGHT, *answers_5.RIGHT, *answers_6b.RIGHT, *answers_7.RIGHT,
          *answers_8.RIGHT, *loops.RIGHT]


@pytest.mark.parametrize("name, answer", OTHERS)
def test_another_right_way_passes(name: str, answer):
    """Among them a price with the plain root, without the small constant of the library."""
    assert course.check(name, answer).passed
