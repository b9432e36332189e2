"""The tables of crops and of kinds on planted answers: a swapped split, part, layer, C, seed or photograph shows."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _photographs, kinds
from evidence import crops as experiment
from evidence._plan import Plan
from evidence.tests import planted
from u3course.lessons.selfsup import crops
from u3lab import images
from u3lab.datasets import photos
from u3lab.errors import U3Error
from u3lab.selfsup import LAYERS

CODES = (experiment.FLOOR, experiment.DESCRIPTORS, *experiment.BATCH, experiment.CEILING)
CASES = [(split, part) for split in ("val", "test") for part in crops.EACH]
COUNT = {"val": 7, "test": len(experiment.PHOTOS)}
PROBED = 20  # numbers of a code before those that only the probe reads
BEST = {way: {code: 1 + (number + (way == "probe")) % 3 for number, code in enumerate(CODES)}
        for way in ("neighbour", "probe")}  # the layer that is best on validation; never the best of the test


def layers(code: str) -> tuple[str, ...]:
    return {experiment.DESCRIPTORS: experiment.DESCRIBED, experiment.CEILING: experiment.FIRES}.get(code, LAYERS)


def errors(way: str, split: str, code: str, layer: int, seed: int, photo: Tensor) -> Tensor:
    """Of the ten queries of a photo so many are answered wrongly."""
    if split == "val":
        return torch.full_like(photo, 1 + (layer != BEST[way][code]))
    rank = CODES.index(code) % 6
    return (photo % 2 + (rank if way == "probe" else 5 - rank) + layer + (seed == 2)).clamp(max=10)


def drawn(split: str, part: str, size: int) -> crops.Crops:
    """Pictures of one pixel that say what they are: photo, number of the crop, and case and size."""
    photo = torch.arange(COUNT[split]).repeat_interleave(crops.EACH[part])
    crop = torch.arange(crops.EACH[part]).repeat(COUNT[split])
    case = torch.full_like(photo, 1000 * CASES.index((split, part)) + size)
    return crops.Crops(torch.stack([photo, crop, case], 1)[:, :, None, None].float(), photo)


def code_of(code: str, seed: int, pictures: Tensor) -> dict[str, Tensor]:
    """What is answered by neighbour and by probe, as two columns."""
    photo, crop, case = pictures[:, :, 0, 0].long().unbind(1)
    split, part = CASES[int(case[0]) // 1000]
    assert int(case[0]) % 1000 == (128 if code == experiment.CEILING else 48)
    found = {}
    for n, layer in enumerate(layers(code)):
        wrong = [(crop < errors(way, split, code, n, seed, photo)) & (part == "query") for way in BEST]
        found[layer] = torch.stack([torch.where(one, (photo + 1) % COUNT[split], photo) for one in wrong], 1).float()
    return found


def stubbed(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    kept = []

    def probe(features: Tensor, labels: Tensor, *, C: float) -> SimpleNamespace:
        assert torch.equal(features[:, 1].long(), labels) and len(labels) == 20 * (int(labels.max()) + 1)
        spoilt = 0 if C == 0.01 else 1 + (C > 0.01)  # on validation 0.01 is best
        return SimpleNamespace(scores=lambda given: F.one_hot(torch.where(
            torch.arange(len(given)) % 10 == 9 - spoilt, given[:, 1].long() + 1, given[:, 1].long())
            if spoilt else given[:, 1].long(), 60).double())

    def nearest(queries: Tensor, gallery: Tensor) -> Tensor:
        return (queries[:, :1] == gallery[None, :, 0]).long().argmax(1, keepdim=True)

    monkeypatch.setattr(crops, "crops", drawn)
    monkeypatch.setattr(crops, "nearest", nearest)
    monkeypatch.setattr(experiment.measures, "probe", probe)
    monkeypatch.setattr(experiment, "learnt", lambda plan, task, seed: SimpleNamespace(
        what=(task, seed), module=(task, seed)))
    monkeypatch.setattr(experiment.nets, "load", lambda name, device: SimpleNamespace(what=(experiment.CEILING, 0)))
    monkeypatch.setattr(crops, "codes", lambda net, pictures, layers: {
        name: code for name, code in code_of(*net.what, pictures).items() if name in layers})
    monkeypatch.setattr(experiment, "described", lambda pictures: code_of(experiment.DESCRIPTORS, 0, pictures))
    monkeypatch.setattr(Plan, "weights", lambda self, name, net, **facts: kept.append((name, net)))
    return kept


def test_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    kept = stubbed(monkeypatch)
    table = planted.table(experiment, tmp_path)
    assert kept == [("contrast", ("contrast", 0))]
    for (code, layer, seed), row in table.items():
        n, photo = layers(code).index(layer), torch.arange(50)
        assert row.C == 0.01
        for way in BEST:
            assert getattr(row, f"{way}_val") == pytest.approx(0.9 - 0.1 * (n != BEST[way][code]), abs=1e-3)
            wanted = 1 - errors(way, "test", code, n, seed, photo) / 10
            assert list(getattr(row, way)) == experiment.PHOTOS
            assert list(getattr(row, way).values()) == pytest.approx(wanted.tolist(), abs=1e-3), (way, code, layer)


def test_the_summary_takes_the_layer_that_validation_chose_and_pairs_the_seeds(monkeypatch, tmp_path):
    stubbed(monkeypatch)
    table = planted.table(experiment, tmp_path)
    summary, photo = experiment.summary(table), torch.arange(50)
    assert summary["chance"] == {"nearest neighbour": 2, "linear probe": 2}
    for title, way in experiment.WAYS.items():
        def of(code: str, seed: int, way: str = way) -> Tensor:
            return 100 - 10 * errors(way, "test", code, BEST[way][code], seed, photo).double()

        for code in CODES:
            seeds = range(1) if code in (experiment.DESCRIPTORS, experiment.CEILING) else range(3)
            shares = torch.stack([of(code, seed) for seed in seeds])
            name = experiment.named(table, code)
            value, low, high = summary[name][title]
            assert value == pytest.approx(float(shares.mean())) and low < value < high
            if code == experiment.FLOOR:
                assert f"gain, {title}" not in summary[name]
                continue
            floors = torch.stack([of(experiment.FLOOR, seed) for seed in range(3)])
            gain = summary[name][f"gain, {title}"]
            assert gain.value == pytest.approx(float((shares.mean(0) - floors.mean(0)).mean()))
            assert len(shares) == 1 or gain == experiment.interval(shares - floors)
        for one, other in experiment.BEYOND:
            ours, theirs = (torch.stack([of(code, 0 if code == experiment.DESCRIPTORS else seed) for seed in range(3)])
                            for code in (one, other))
            assert summary[f"{one} less {experiment.named(table, other)}"][title] == experiment.interval(ours - theirs)


def test_an_interval_is_over_photographs_and_seeds():
    photographs, seeds = torch.zeros(3, 50), torch.zeros(3, 50)
    photographs[:, :25], seeds[0] = 1.0, 1.0
    for values, spread in ((photographs, 0.07), (seeds, 0.27)):  # of a mean: sqrt(p (1 - p) / n)
        value, low, high = experiment.interval(values.double())
        assert value == pytest.approx(float(values.mean()))
        assert 2.5 * spread < high - low < 4.5 * spread
    assert experiment.interval(torch.full((1, 4), 0.3).double())[1:] == pytest.approx((0.3, 0.3))


def test_what_is_learnt_from_looks_like_nothing_that_ships(tmp_path: Path):
    """Photos that ship are left out, whatever they are called, and so is a wallpaper of a collection that ships."""
    from torchvision.utils import save_image

    (tmp_path / "photos").mkdir()
    noise = F.interpolate(torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)), size=(64, 80))
    noise[0, 1:], noise[1, ::2] = 0, 0  # one is red, the other green
    shown = {"gcompris-qt-data-000": noise[0], "gcompris-qt-data-001": photos.load("petra")[0],
             "mate-backgrounds-000": images.load("coffee")[0], "lomiri-wallpapers-16.04-000": noise[1]}
    for name, picture in shown.items():
        save_image(picture, tmp_path / "photos" / f"{name}.png")
    squares = _photographs.squares(tmp_path, 8, 3)
    assert squares.shape == (1, 3, 3, 8, 8) and squares.dtype == torch.uint8
    assert (squares[:, :, 0] > 0).any() and not squares[:, :, 1:].any()
    (tmp_path / "none" / "photos").mkdir(parents=True)
    with pytest.raises(U3Error, match="training_photos"):
        _photographs.squares(tmp_path / "none", 8, 3)


def test_without_photographs_nothing_is_learnt():
    with pytest.raises(U3Error, match="--data FOLDER"):
        experiment.learnt(Plan("crops"), "contrast", 0)


def test_a_batch_has_a_square_each_of_different_photographs_and_half_of_them_are_grey():
    pool = torch.zeros(40, 2, 3, 4, 4, dtype=torch.uint8)
    pool[:, :, 0] = torch.arange(1, 41, dtype=torch.uint8)[:, None, None, None]
    pool[:, 1, 1] = 100
    x = experiment.drawn(pool, 2, 30, torch.Generator().manual_seed(0))
    assert x.shape == (30, 2, 3, 4, 4)
    coloured = x[~grey_of(x)]
    number = (255 * coloured[:, :, 0, 0, 0]).round()
    assert 8 < len(coloured) < 22 and len(number[:, 0].unique()) == len(coloured)
    assert torch.equal(number[:, 0], number[:, 1]), "both squares are of one photograph"
    second = (coloured[:, :, 1] > 0.3).flatten(2).all(2)
    assert 0 < (second[:, 0] != second[:, 1]).sum() < len(second)


def grey_of(x: Tensor) -> Tensor:
    """Which of the photographs (B,V,3,h,w) are grey in each square."""
    return (x == x[:, :, :1]).flatten(1).all(1)


def test_the_views_of_contrast_are_of_the_two_squares():
    squares = torch.zeros(16, 2, 3, 8, 8)
    squares[:, 1] = 0.5
    views, target = experiment.tasks()["contrast"].pose(squares, torch.Generator().manual_seed(0))[:2]
    assert views.shape == squares.shape and target.tolist() == list(range(16))
    assert not views[:, 0].any() and (views[:, 1] > 0.2).all() and views[:, 1].unique().numel() > 8


def test_a_contrast_that_has_learnt_begins_with_the_weights_of_the_floor(monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 1)
    floor, learnt = (experiment.learnt(Plan("crops", short=True), task, 1) for task in (experiment.FLOOR, "upright"))
    first = [next(net.parameters()) for net in (floor, learnt)]
    assert torch.allclose(*first, atol=0.02) and not torch.equal(*first)


def test_descriptors_see_grey_levels_and_edges():
    rows = torch.zeros(1, 3, 48, 48)
    rows[..., ::8, :] = 1.0
    columns = rows.transpose(2, 3)
    codes = [experiment.described(torch.cat([rows, columns]))[name] for name in experiment.DESCRIBED]
    assert torch.equal(*codes[0]) and [len(one[0]) for one in codes] == [16, 1152, 288, 304]
    assert all((a - b).abs().max() > 0.1 for a, b in codes[1:])
    assert torch.equal(codes[3], torch.cat([codes[0], codes[2]], 1))


def test_a_square_in_random_orientation_has_been_turned_before_it_is_asked_about(monkeypatch: pytest.MonkeyPatch):
    """Other tasks get squares as they are; colour gets all of them in colour, and contrast two of each photograph."""
    pool = torch.zeros(40, 2, 3, 4, 4, dtype=torch.uint8)
    pool[:, :, 0, 0, :] = 200  # a red bar on top
    as_they_are, fallen, coloured = (experiment.given(task, pool, 32, torch.Generator().manual_seed(0))
                                     for task in ("upright", experiment.FALLEN, "colour"))
    assert (as_they_are[:, 0, 0] > 0.2).all() and not as_they_are[:, :, 1:].any()
    sides = [(one[0, 0] > 0.2).all().item() for one in fallen]
    assert 2 <= sum(sides) <= 16 and torch.equal(fallen.flatten(1).sum(1), as_they_are.flatten(1).sum(1))
    assert grey_of(as_they_are[:, None]).any() and not grey_of(coloured[:, None]).any()
    assert experiment.given("contrast", pool, 8, torch.Generator()).shape == (8, 2, 3, 4, 4)
    tasks = experiment.tasks()
    assert list(tasks) == list(experiment.BATCH) and tasks[experiment.FALLEN] is tasks["upright"]


ODD = {code: 2 + n for n, code in enumerate((kinds.FLOOR, *kinds.AT, kinds.CONTRAST,
                                             kinds.CEILING))}  # code → the photo that looks like the other kind


def test_as_many_photographs_of_each_kind_judge():
    assert [photos.about(name).group for name in kinds.PHOTOS] == [
        kind for kind in kinds.KINDS for _ in range(kinds.COUNT)]
    assert set(kinds.PHOTOS) <= set(crops.names("test")) and kinds.COUNT > 2 * kinds.LABELLED


def test_the_table_of_kinds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A photo that looks like the other kind is wrong, all others are right; of random weights in one seed only."""
    def coded(code: str, seed: int) -> Tensor:
        side = 2.0 * kinds.LABELS - 1
        side[ODD[code]] *= -1.0 if seed == 0 else 1.0
        return torch.stack([side, torch.zeros_like(side)], 1)

    monkeypatch.setattr(kinds, "coded", coded)
    table = planted.table(kinds, tmp_path)
    assert list(table) == [(code, seed) for code in ODD for seed in range(3 if code == kinds.FLOOR else 1)]
    for (code, seed), row in table.items():
        assert [n for n, share in enumerate(row.right.values()) if share < 0.5] == [ODD[code]] * (seed == 0)
        assert sorted(row.right.values())[2] == 1
    summary, one = kinds.summary(table), 100 / len(kinds.PHOTOS)
    assert summary["chance"] == {"right": 50}
    assert summary[kinds.FLOOR]["right"].value == pytest.approx(100 - one / 3, abs=0.3)
    gain = summary[kinds.CONTRAST]["gain"]
    assert gain.value == pytest.approx(one / 3 - one, abs=0.3) and gain.low < gain.value < gain.high
    assert summary[kinds.CONTRAST][f"less {kinds.BOTH}"].value == pytest.approx(0, abs=0.3)


def test_who_is_labelled_is_not_asked_about():
    """A code that names each photo alone tells nothing of the others."""
    codes = torch.eye(len(kinds.PHOTOS))
    shares = kinds.found(lambda code, seed: codes, "", 0, range(20)).right.values()
    assert sum(shares) / len(shares) <= 0.5


def test_a_photograph_is_coded_by_its_own_crops(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crops, "crops", drawn)
    number = kinds.pictures.__wrapped__(48)[:, 0, 0, 0].view(len(kinds.PHOTOS), -1)
    every = crops.names("test")
    assert [set(row.tolist()) for row in number] == [{float(every.index(name))} for name in kinds.PHOTOS]
    assert number.shape[1] == sum(crops.EACH.values())


def test_gains_are_taken_photograph_by_photograph():
    """Each photo is found a tenth more often: however hard photos are, nothing of the gain is uncertain."""
    hard = torch.linspace(0, 0.8, len(kinds.PHOTOS)).tolist()
    rows = {kinds.Run(code, 0): kinds.Row({name: share + more for name, share in zip(kinds.PHOTOS, hard, strict=True)})
            for code, more in ((kinds.FLOOR, 0.0), (kinds.CONTRAST, 0.1))}
    assert kinds.summary(rows)[kinds.CONTRAST]["gain"] == pytest.approx((10, 10, 10))
