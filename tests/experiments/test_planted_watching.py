"""The table of walkers, of networks whose masks are known: who is judged by what, on which half, and of which seed."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from u3lab.experiments import walkers
from u3lab.lessons.selfsup.walkers import Film, Pasted

ROWS = {method: n + 1 for n, method in enumerate(walkers.PUPILS)}


def rows(count: int, first: int = 0) -> Tensor:
    """Masks of 25 frames of 40×256 pixels, of so many rows."""
    found = torch.zeros(25, 40, 256, dtype=torch.bool)
    found[:, first : first + count] = True
    return found


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> None:
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
    yield
    for cached in (walkers.pictures, walkers.pasted):
        cached.cache_clear()


def test_walkers(street: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
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
    for run, row in table.items():
        said = ROWS[run.method] + run.seed if run.method in ROWS else walkers.RIVALS.index(run.method) + 10
        found, iou = {
            walkers.FILMED: (min(said, 10) * 256 + max(said - 10, 0) * 128, None),
            walkers.STANDING: (max(said - 18, 0), 2), walkers.MISSED: (max(said - 8, 0), None),
        }.get(run.judged, (None, None))
        value, overlap = row.found["594"], row.iou["594"]
        if run.judged == walkers.FILMED:
            union = max(said, 10) * 128 + max(said, 20) * 128
            assert overlap == pytest.approx(found / union, abs=1e-4) and value == pytest.approx(found / 3840, abs=1e-4)
        elif run.judged == walkers.STANDING:
            assert overlap != overlap and value == found / iou
        elif run.judged == walkers.MISSED:
            missed = min(max(said - 8, 0), 2) * 256 + max(said - 10, 0) * 128
            assert overlap != overlap and value == pytest.approx(missed / (2 * 256 + 10 * 128), abs=1e-4)
        elif run.judged == walkers.STREET:
            assert value == (0 if run.method in ROWS else 1)
        elif run.judged == "right half":  # what watched the left one
            assert overlap == pytest.approx(min(said, 10) / max(said, 10), abs=1e-4)
        elif run.judged == "left half":
            assert overlap == pytest.approx(min(said, 20) / max(said, 20), abs=1e-4)
        elif run.judged == walkers.PASTED:
            assert overlap == pytest.approx(min(said, 4) / max(said, 4), abs=1e-4)


def test_the_truth_turns_with_the_picture(street: None):
    for judged, axis in ((walkers.MIRRORED, 2), (walkers.OVER, 1)):
        assert torch.equal(walkers.pictures(judged)[1], walkers.pictures(walkers.FILMED)[1].flip(axis))


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
