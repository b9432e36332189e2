"""The tables of chapter 4: what ships, what is measured for it, and both on planted truths."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from evidence import _sheets, impedance, invented, restoring, stopping
from evidence._plan import Plan
from evidence.tests import planted
from u3course.lessons.prior.restoring import PHOTOS, RIVALS, SHAPES, mask, patient, photo, pictures
from u3lab import images, nets, prior, results

NET = nets.load("squeezenet1_1", device="cpu")


def by_hand(x: torch.Tensor, truth: torch.Tensor, where: np.ndarray) -> float:
    """Place by place; the weight of a place is the part of its window in ``where``."""
    layers = []
    for layer in NET.layers[:-1]:
        a, b = (NET.features(one, layer)[0].numpy().astype(float) for one in (x, truth))
        total = weights = 0.0
        for i in range(a.shape[1]):
            for j in range(a.shape[2]):
                u, v = a[:, i, j], b[:, i, j]
                u, v = u / max(np.linalg.norm(u), 1e-12), v / max(np.linalg.norm(v), 1e-12)
                rows, columns = (slice(n * size // of, -(-(n + 1) * size // of)) for n, size, of in (
                    (i, where.shape[0], a.shape[1]), (j, where.shape[1], a.shape[2])))
                part = where[rows, columns].mean()
                total, weights = total + part * ((u - v) ** 2).sum(), weights + part
        layers.append(total / weights)
    return float(np.mean(layers))


def test_the_perceptual_distance_is_that_of_loops():
    x, truth = images.load("coffee", size=64), images.load("koala", size=64)
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 10:40, 20:50] = 1
    with torch.no_grad():
        for where in (torch.ones_like(hole), hole):
            wanted = by_hand(x, truth, where[0, 0].numpy())
            assert restoring.perceptual_distance(NET, x, truth, where=where) == pytest.approx(wanted, rel=1e-4)
    assert restoring.perceptual_distance(NET, x, x, where=hole) == 0


def test_shapes_are_at_equal_fit_and_rivals_leave_what_is_known():
    for run, row in results.table("restoring").items():
        assert run.method not in SHAPES or row.visible < 2 * restoring.FIT or row.steps == restoring.MOST
        assert (row.visible == 0) == (run.method in RIVALS)


def test_what_is_shown_is_what_was_measured():
    """The pictures are JPEGs, so the errors agree but for a little."""
    table = results.table("restoring")
    for task in PHOTOS:
        for run, shown in pictures(task).items():
            x, hidden = photo(run.photo), (1 - mask(task, run.photo)).bool()
            error = float((shown - x)[hidden.expand_as(x)].square().mean())
            assert error == pytest.approx(10 ** (-table[run].psnr / 10), rel=0.1, abs=2e-4)


def test_a_run_ends_when_the_visible_pixels_are_fitted():
    x, m = images.load("coffee", size=64), torch.ones(1, 1, 64, 64)
    m[..., 20:40, 20:40] = 0
    settings = prior.PriorSettings(steps=300, noise=0.0)
    early, late = (restoring.drawn(x, m, {"depth": 2}, settings, fit=fit) for fit in (0.02, 0.005))
    assert 0 < early.iteration < late.iteration < 300 and late.loss < early.loss


def test_a_curve_begins_as_a_new_run_does():
    run, curve = next(iter(results.table("impedance").items()))
    assert impedance.measured(impedance.Run(*run), 5).missing == pytest.approx(
        curve.missing[: len(impedance.marks(5))], rel=0.02)


def test_one_step_draws_a_slice_in_grey():
    assert invented.drawn("brain1", 0, 1).shape == (1, 1, *patient("brain1")[0].shape[2:])


def test_restoring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each way misses what is hidden by an amount of its own, each shape what is visible by another."""
    monkeypatch.setattr(restoring, "PHOTOS", {task: names if task == "shapes" else names[-1:]
                                              for task, names in PHOTOS.items()})
    level = {name: number / 100 for number, name in enumerate(sorted({n for of in PHOTOS.values() for n in of}), 10)}
    off = {name: number / 50 for number, name in enumerate(dict.fromkeys(
        name for names in restoring.METHODS.values() for name in names), 1)}
    shape = {repr(of): name for name, of in {**SHAPES, "narrow": restoring.NARROW, "broad": restoring.BROAD}.items()}

    def hidden(task: str, name: str) -> Tensor:
        m = torch.ones(1, 1, 8, 8)
        m[..., : 1 + list(PHOTOS).index(task), 0] = 0
        return m

    def drawn(x: Tensor, m: Tensor, of: dict, settings: prior.PriorSettings, *, fit: float = 0.0) -> SimpleNamespace:
        name = shape[repr(of)]
        assert (name == "broad") == (float((1 - m).sum()) == 5 and x.shape[-1] == 8) or name not in ("narrow", "broad")
        assert (fit, settings.noise) == ((restoring.FIT, 0.0) if name in SHAPES else (0.0, prior.PriorSettings().noise))
        far = off[name if name in SHAPES else "deep image prior"] + settings.seed / 7
        return SimpleNamespace(iteration=settings.steps, value=torch.where(m.bool(), x + 0.3, x + far))

    monkeypatch.setattr(_sheets, "folder", lambda plan: tmp_path / "kept")
    monkeypatch.setattr(restoring, "photo", lambda name, side=8: torch.full((1, 3, side, side), level[name]))
    monkeypatch.setattr(restoring, "mask", hidden)
    monkeypatch.setattr(restoring, "LARGE", 16)
    monkeypatch.setattr(restoring, "drawn", drawn)
    monkeypatch.setattr(restoring, "RIVALS", {name: lambda x, m, name=name: torch.where(
        m.bool(), x, x.amax() + off[name]) for name in RIVALS})
    monkeypatch.setattr(restoring.nets, "load", lambda name, device: name)
    monkeypatch.setattr(restoring, "perceptual_distance", lambda net, made, truth, where: float(
        (made - truth).abs().sum() / 3 / where.sum() + truth.mean()))
    table = planted.table(restoring, tmp_path)
    assert list(table) == restoring.runs() and len(table) == 57
    for run, row in table.items():
        far = off[run.method] + run.seed / 7
        assert row.psnr == pytest.approx(-20 * math.log10(far), abs=1e-3)
        assert row.visible == pytest.approx(0 if run.method in RIVALS else 0.09, abs=1e-4)
        assert row.perceptual == pytest.approx(far + level[run.photo], abs=1e-4)
        assert row.steps == (0 if run.method in RIVALS else restoring.MOST if run.method in SHAPES else
                             restoring.STEPS[run.task])
    assert images.load(tmp_path / "results" / "restoring-text.jpg").shape == (1, 3, 8, 40)


def test_a_sheet_has_the_kept_pictures_in_their_places(tmp_path: Path):
    plan = Plan("restoring", short=True, out=tmp_path)
    level = {("a", 0): 0.1, ("a", 1): 0.3, ("b", 0): 0.7, ("b", 1): 0.5}  # the last is not kept, and is grey
    for run, value in list(level.items())[:3]:
        _sheets.keep(torch.full((1, 3, 16, 16), value), run, plan)
    _sheets.write(plan, "sheet.jpg", [[("a", 0), ("a", 1)], [("b", 0), ("b", 1)]], 16, 90)
    whole = images.load(tmp_path / "results" / "sheet.jpg")
    tiles = [float(x.mean()) for row in whole.split(16, 2) for x in row.split(16, 3)]
    assert tiles == pytest.approx(list(level.values()), abs=0.02)


def test_impedance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A drawing that misses a share of its target that tells photo, target, seed and step."""
    for constant, less in (("STEPS", 40), ("END", 100), ("PHOTOS", impedance.PHOTOS[:2])):
        monkeypatch.setattr(impedance, constant, less)

    def wanted(name: str, seed: int) -> dict[str, Tensor]:
        return {target: torch.full((1, 3, 2, 2), impedance.PHOTOS.index(name) + 10.0 * n + 100 * seed)
                for n, target in enumerate(impedance.TARGETS)}

    monkeypatch.setattr(impedance, "wanted", wanted)
    monkeypatch.setattr(impedance, "taking_up", lambda target, seed, steps: (
        SimpleNamespace(iteration=k, value=target + k + 1000 * seed) for k in range(steps + 1)))
    monkeypatch.setattr(impedance.prior, "unexplained_variance",
                        lambda x, target: (x - target).mean() + target.mean() / 1e3)
    for (name, target, seed), row in planted.table(impedance, tmp_path).items():
        own = impedance.PHOTOS.index(name) + 10 * impedance.TARGETS.index(target) + 100 * seed
        assert row.missing == pytest.approx([k + 1000 * seed + own / 1e3 for k in impedance.marks(40)])
    assert results.facts("impedance")["marks"] == impedance.marks(500)


def test_stopping(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A drawing whose error in the hole differs from that outside, and grows."""
    monkeypatch.setattr(stopping, "STEPS", 50)
    monkeypatch.setattr(stopping.images, "load", lambda name, size: torch.full((1, 3, size, size), len(name) / 20))
    monkeypatch.setattr(stopping.prior, "generator", lambda size: size)
    monkeypatch.setattr(stopping.prior, "inpaint", lambda visible: visible)

    def fit(psi: int, given: Tensor, task: Tensor, settings: prior.PriorSettings):
        noisy = float(given.std()) > 0.05 and bool(task.all())
        truth = given.mean() if noisy else given.amax()  # the mean of many noisy pixels is their photo's
        for k in range(settings.steps + 1):
            yield SimpleNamespace(iteration=k, loss=k / 1e3 + noisy, value=torch.where(
                task.bool(), truth + 0.1, truth + 0.2 + k / 100).expand_as(given))

    monkeypatch.setattr(stopping.prior, "fit", fit)
    for run, row in planted.table(stopping, tmp_path).items():
        marks = stopping.marks(50)
        assert row.loss == pytest.approx([k / 1e3 + (run.fault == "noise") for k in marks], abs=1e-6)
        wanted = [0.1 if run.fault == "noise" else 0.2 + k / 100 for k in marks]
        assert row.psnr == pytest.approx([-20 * math.log10(one) for one in wanted], abs=0.2)
