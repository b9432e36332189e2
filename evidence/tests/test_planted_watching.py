"""The table of walkers, of networks whose masks are known: who is judged by what, on which half, and of which seed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from evidence import walkers
from evidence._walkers import Film, Pasted
from evidence.tests import planted

ROWS = {method: n + 1 for n, method in enumerate(walkers.PUPILS)}


def rows(count: int, first: int = 0) -> Tensor:
    """Masks of 25 frames of 40×256 pixels, of so many rows."""
    found = torch.zeros(25, 40, 256, dtype=torch.bool)
    found[:, first : first + count] = True
    return found


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tensor]:
    """A truth of 20 rows: the first eight have moved, the last two stand. On the right there are ten rows alone."""
    truth = rows(20)
    truth[:, 10:, 128:] = False
    film = Film(torch.zeros(25, 3, 40, 256), rows(8).float(), truth)
    pasted = Pasted(torch.full((25, 3, 40, 256), 0.5), torch.full((25, 3, 40, 256), 0.7), rows(4))
    for name, stub in {"test": lambda: film, "elsewhere": lambda film: pasted, "standing": lambda film: rows(2, 18),
                       "lesson": lambda: film}.items():
        monkeypatch.setattr(walkers.walkers, name, stub)
    for cached in (walkers.pictures, walkers.pasted):
        cached.cache_clear()
    yield truth
    for cached in (walkers.pictures, walkers.pasted):
        cached.cache_clear()


def test_walkers(street: Tensor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A network says the rows of its method and seed; a piece of street is told by its brightness."""
    def learnt(method: str, seed: int, *, steps: int):
        assert steps == walkers.STEPS * (3 if method == walkers.LONGER else 1)
        net = torch.nn.Linear(1, 1)
        return type("Net", (), {"module": net, "count": ROWS[method] + seed})(), torch.nn.Linear(1, 1)

    def says(net, head, shown: Tensor) -> Tensor:
        return rows(0) if float(shown[0, 0, 0, 0]) > 0.6 else rows(net.count)

    monkeypatch.setattr(walkers, "learnt", learnt)
    monkeypatch.setattr(walkers, "says", says)
    monkeypatch.setattr(walkers, "rival", lambda method, shown: rows(walkers.RIVALS.index(method) + 10))
    table = planted.table(walkers, tmp_path)
    assert (tmp_path / "weights" / "walkers.safetensors").exists()
    assert {run.method for run in table} == {*walkers.PUPILS, *walkers.RIVALS}
    assert {(run.method, run.judged) for run in table} == {
        (method, judged) for method in (*walkers.PUPILS, *walkers.RIVALS) for judged in walkers.asked(method)}
    halves = {"left half": slice(0, 128), "right half": slice(128, 256)}
    truth = {walkers.STANDING: rows(2, 18), walkers.MISSED: street & ~rows(8), walkers.PASTED: rows(4),
             walkers.STREET: rows(4), walkers.MIRRORED: street.flip(2), walkers.OVER: street.flip(1)}
    for (method, judged, seed), row in table.items():
        said = rows(ROWS[method] + seed if method in ROWS else walkers.RIVALS.index(method) + 10)
        said = rows(0) if judged == walkers.STREET and method in ROWS else said
        said, wanted = (one[..., halves.get(judged, slice(None))] for one in (said, truth.get(judged, street)))
        value, overlap, both = row.found["594"], row.iou["594"], int((said & wanted).sum())
        assert value == pytest.approx(both / int(wanted.sum()), abs=1e-4)
        if judged in (walkers.STANDING, walkers.MISSED, walkers.STREET):
            assert overlap != overlap
        else:
            assert overlap == pytest.approx(both / int((said | wanted).sum()), abs=1e-4)


def test_who_watched_one_half_is_judged_on_the_other():
    for method, judged in walkers.SIDES.items():
        watched, left = walkers.HALVES[method], judged == "left half"
        assert (watched.start >= 128) == left


def test_an_interval_over_blocks_of_frames_and_seeds():
    """Seeds that agree and frames that agree have none; NaN is left out."""
    assert walkers.over_both(torch.full((25, 3), 0.4, dtype=torch.float64)) == pytest.approx((0.4, 0.4, 0.4))
    values = torch.full((25, 2), torch.nan, dtype=torch.float64)
    values[::5, 0], values[::5, 1] = 0.2, 0.6
    found = walkers.over_both(values)
    assert found == pytest.approx((0.4, 0.2, 0.6))  # two seeds, drawn whole
    values = torch.arange(25, dtype=torch.float64)[:, None] // 5
    assert walkers.over_both(values).low < 1.3 and walkers.over_both(values).high > 2.7


def test_the_best_threshold_is_that_of_the_largest_overlap():
    values = torch.rand(4, 50, 50, generator=torch.Generator().manual_seed(0))
    assert walkers.best(values, values > 0.9) == pytest.approx(0.9, abs=0.01)


def test_the_smaller_of_two_groups_is_what_moves():
    codes = torch.zeros(2, 16, 32)
    codes[0] = 1.0
    codes[:, 4:12, 4:12] = torch.tensor([0.0, 1.0]).view(2, 1, 1)
    wanted = torch.zeros(16, 32, dtype=torch.bool)
    wanted[4:12, 4:12] = True
    assert torch.equal(walkers.smaller(codes), wanted)


def test_crops_lie_around_pixels_that_moved_and_have_their_target(monkeypatch: pytest.MonkeyPatch):
    frames = torch.rand(3, 3, 192, 256, generator=torch.Generator().manual_seed(0))
    moved = torch.zeros(3, 192, 256)
    moved[1, 150, 40] = moved[1, 20, 200] = 1.0
    monkeypatch.setattr(walkers.walkers, "lesson", lambda: Film(frames, moved, moved > 0.5))
    for method, where in ((walkers.PUPIL, slice(0, 256)), ("watched the left half", slice(0, 128))):
        pictures, target = walkers.crops(method)(6, torch.Generator().manual_seed(1))
        assert pictures.shape == (6, 3, 96, 96) and target.shape == (6, 1, 96, 96)
        assert (target.sum((1, 2, 3)) == 1).all()
        for crop, one in zip(pictures, target, strict=True):
            y, x = one[0].nonzero()[0].tolist()
            assert any(torch.equal(crop[:, y, x], frames[1, :, v, u]) for v, u in ((150, 40), (20, 200))
                       if where.start <= u < where.stop)
