"""Notebook 02c's tables: of one training, of stripes, of students, on planted truths; and that a run is of its name."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _mosaics as mosaics
from evidence import clusters, naturals, segments, sorting, stripes, students, textures
from evidence._naturals import KINDS, LABELS, RIVALS, SCAN, TESTS, TWO, Pictures, drawn
from evidence.tests import planted
from evidence.tests.test_planted_clusters import wrong
from u3lab import results, selfsup
from u3lab.selfsup.matching import hungarian_accuracy


def test_sorting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each step keeps its own state of the head that the loss chooses in the end, in all of the digits."""
    digits, labels = torch.rand(400, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(400) % 10

    def cluster(net, images, k, *, head, settings) -> Iterator[SimpleNamespace]:
        assert images is digits and (k, net.seed, settings.seed, settings.steps) == (10, 0, 0, 900)
        for n in range(settings.steps + 1):
            net.step = n
            yield SimpleNamespace(iteration=n)

    def shares(net, head, pictures) -> Tensor:
        view = int((pictures - digits).mean().round())
        return torch.stack([F.one_hot(wrong(labels, errors(net.step, one, view)), 10) for one in range(3)]).float()

    def errors(step: int, head: int, view: int) -> int:
        return 18 - sorting.STEPS.index(step) + 30 * head + 100 * view

    moved = iter([1, 2] * len(sorting.STEPS))
    for name, stub in {"cluster": cluster, "cluster_probabilities": shares, "best_head": lambda *given: 1,
                       "digit_encoder": lambda seed: SimpleNamespace(seed=seed),
                       "sub_heads": lambda *given, **how: "head",
                       "digit_views": lambda x, draw: x + next(moved)}.items():
        monkeypatch.setattr(sorting.selfsup, name, stub)
    monkeypatch.setattr(sorting.handwritten, "load", lambda: (digits, labels))
    table = planted.table(sorting, tmp_path)
    assert [run.step for run in table] == list(sorting.STEPS)
    for (step,), row in table.items():
        boxes = wrong(labels, errors(step, 1, 0))
        assert row.accuracy == pytest.approx(1 - errors(step, 1, 0) / 400)
        assert row.boxes == "".join(map(str, boxes[:200].tolist()))
        one, other = (F.one_hot(wrong(labels, errors(step, 1, view)), 10).double() for view in (1, 2))
        P = (one.T @ other + other.T @ one) / 800
        assert torch.allclose(torch.tensor(row.joint).view(10, 10).double(), 1e4 * P, atol=0.6)
        assert row.information == pytest.approx(float(selfsup.mutual_information(P)), abs=1e-3)


def test_stripes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """All four runs of a network and a seed go on from the same ten classes, each with its own loss and reach."""
    def textures(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
        assert count == (24 if seed >= 1000 else 160)
        return torch.full((count, 3, 16, 16), float(seed)), (torch.arange(256 * count) % 3).view(count, 16, 16)

    def encoder(seed: int) -> SimpleNamespace:
        return SimpleNamespace(module=nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), seed=seed, learnt=[])

    def learnt(net, images, k, network, given, steps, seed) -> tuple[tuple, int]:
        assert float(images[0, 0, 0, 0]) == seed == net.seed and steps is None
        assert net.module.padding_mode == ("zeros" if network == stripes.KNOWS else "reflect")
        assert len(net.learnt) == (k == 3) and (given is stripes.TEN) == (k == 10)
        net.learnt.append(k)
        return (network, given.get("pooled"), given["reach"], seed), 1

    def errors(network: str, pooled: bool, reach: int, seed: int, head: int) -> int:
        return seed + 4 * pooled + 8 * reach + 40 * (network == stripes.KNOWS) + 80 * head

    def segments(net, head, test) -> Tensor:
        assert net.learnt == [10, 3] and float(test[0, 0, 0, 0]) == 1000 + head[-1]
        labels = textures(24, seed=1000)[1]
        return torch.stack([F.one_hot(wrong(labels, errors(*head, one)), 3).movedim(-1, 1) for one in (0, 1)]).float()

    def loss(z, moved, *, reach, pooled) -> Tensor:
        assert z is moved and z.shape == (24, 3, 2, 2)
        return -z[:, 0].sum() - 100 * reach - 1000 * pooled

    for name, stub in {"texture_encoder": encoder, "segments": segments, "segmentation_loss": loss}.items():
        monkeypatch.setattr(stripes.selfsup, name, stub)
    monkeypatch.setattr(stripes, "learnt", learnt)
    monkeypatch.setattr(stripes.mosaics, "textures", textures)
    monkeypatch.setattr(stripes, "sameness", lambda maps: float(maps.double().sum()))
    table = planted.table(stripes, tmp_path)
    labels = textures(24, seed=1000)[1]
    for (network, way, reach, seed), row in table.items():
        pooled = way == "pooled joint"
        count = errors(network, pooled, reach, seed, 1)
        maps = wrong(labels, count)
        assert row.accuracy == pytest.approx(1 - count / labels.numel(), abs=1e-4)
        assert row.sameness == float(maps.sum())
        for found, of in ((row.found, maps), (row.truth, labels)):
            assert found == float((of[:, 4::8, 4::8] == 0).sum()) + 100 * reach + 1000 * pooled


def test_views_that_are_not_turned_keep_each_place():
    raw = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    posed = stripes.unturned(raw, torch.Generator().manual_seed(1))
    assert posed.views.shape == (3, 2, 3, 8, 8) and not posed.more[0].any()
    for view in posed.views.unbind(1):
        order, same = (one.flatten(1).argsort(1)[:, 40:150] for one in (raw, view))  # between black and white
        assert (order == same).double().mean() > 0.9 and not torch.equal(raw, view)


@pytest.mark.parametrize("network", [stripes.BLIND, stripes.KNOWS])
def test_a_run_of_stripes_is_a_function_of_its_name(network: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stripes, "TRAIN", 30)
    runs = [stripes.Run(network, "pooled joint", 1, 1)]
    (_, found), = stripes.measured(runs, steps=1)
    (_, again), = stripes.measured(runs, steps=1)
    assert again == found and 0.2 < found.accuracy <= 1 and found.truth > 0.2 > found.found - 1


def test_textures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The head that the loss chooses draws its maps of the mosaics that judge, with the classes named by the truth."""
    labels = torch.arange(24 * 64).view(24, 8, 8) * 5 % 7 % 3

    def made(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
        assert (count, seed) in ((160, 5), (24, 1005))
        return torch.full((count, 3, 8, 8), float(seed)), labels

    def learnt(train, k, way, seed, *, steps) -> tuple[str, str, str]:
        assert (float(train[0, 0, 0, 0]), k, way, seed, steps) == (5, 3, "IIC, ten classes first", 5, None)
        return "net", "head", "settings"

    def segments(net, head, test) -> Tensor:
        assert (net, head, float(test[0, 0, 0, 0])) == ("net", "head", 1005)
        return torch.stack([F.one_hot((wrong(labels, count) + 1) % 3, 3).movedim(-1, 1) for count in (9, 70)]).float()

    monkeypatch.setattr(textures.mosaics, "textures", made)
    monkeypatch.setattr(textures, "learnt", learnt)
    monkeypatch.setattr(textures, "segments", segments)
    monkeypatch.setattr(textures, "best_dense_head", lambda net, head, train, *, settings: int(train[0, 0, 0, 0] == 5))
    table, maps = planted.table(textures, tmp_path), wrong(labels, 70)
    assert [run.mosaic for run in table] == list(range(8))
    assert [row.accuracy for row in table.values()] == pytest.approx([0, 1 - 6 / 64, *6 * [1]], abs=1e-4)
    for (mosaic,), row in table.items():
        assert row.places == "".join(map(str, maps[mosaic, ::2, ::2].flatten().tolist()))


def test_the_training_whose_maps_are_kept_is_the_middle_one():
    runs = {run.seed: row.accuracy for run, row in results.table("segments").items()
            if run.data == "textures" and run.way == mosaics.WAYS[0] and run.seed != mosaics.CHOOSING[1]}
    assert runs[textures.SEED] == statistics.median(runs.values())


def test_students(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each student learns its own clusters of the digits that are seen, and the others are sorted."""
    digits = torch.rand(4100, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(4100) % 10
    own, pixels = (labels[:2000] + 3) % 10, (labels[:2000] + 5) % 10
    before: list[int] = []

    def encoder(width: int = 24, *, seed: int) -> SimpleNamespace:
        return SimpleNamespace(width=width, seed=seed, way=students.NEW)

    def cluster(net, seen, k, *, settings) -> Iterator[str]:
        assert torch.equal(seen, digits[:2000]) and (k, settings.steps, settings.batch_size) == (10, 300, 250)
        assert (net.width, net.seed) == (24, settings.seed)
        net.way = students.TEACHER
        yield "step"

    def pseudo_labels(net, layer, pictures, k, *, seed) -> Tensor:
        assert (layer, k) == ("conv3", 10)
        if torch.equal(pictures, digits[:2000]):
            assert net.way == students.TEACHER
            return own
        assert torch.equal(pictures, digits[2000:4000])
        return wrong(labels[2000:4000], errors(net.way, seed))

    def errors(way: str, seed: int) -> int:
        return 1 + seed + 5 * students.WAYS.index(way)

    def taught(net, seen, found, k, *, settings) -> Iterator[str]:
        assert torch.equal(seen, digits[:2000]) and (k, settings.steps) == (10, 60)
        assert (net.width, net.seed, net.way) == (12, 100 + settings.seed, students.NEW)
        even = found.bincount().tolist() == own.bincount().tolist()
        known = {students.STUDENT: own, students.OF_PIXELS: pixels}
        net.way = next((way for way, of in known.items() if torch.equal(found, of)), students.SHUFFLED)
        assert even and (net.way != students.SHUFFLED or 0.05 < (found == own).double().mean() < 0.15)
        before.append(settings.seed)
        yield "step"

    def by_kmeans(things, of, k, seed) -> tuple[float, float]:
        assert torch.equal(things, digits[2000:4000, :1]) and torch.equal(of, labels[2000:4000])
        return 2 * (1 - errors(students.PIXELS, seed) / 2000,)

    for name, stub in {"digit_encoder": encoder, "cluster": cluster, "pseudo_labels": pseudo_labels}.items():
        monkeypatch.setattr(students.selfsup, name, stub)
    for name, stub in {"taught": taught, "by_kmeans": by_kmeans,
                       "sorted_pixels": lambda seen, seed: pixels[: len(seen)]}.items():
        monkeypatch.setattr(students, name, stub)
    monkeypatch.setattr(students.handwritten, "load", lambda: (digits, labels))
    table = planted.table(students, tmp_path)
    assert list(table) == [(way, seed) for seed in range(3) for way in students.WAYS] and len(before) == 9
    for (way, seed), (accuracy,) in table.items():
        assert accuracy == pytest.approx(1 - errors(way, seed) / 2000)
    gains = students.summary(table)
    assert gains[students.NEW]["gain of the teacher's student"][0] == pytest.approx(
        5 * (students.WAYS.index(students.NEW) - 1) / 2000)
    assert "gain of the teacher's student" not in gains[students.STUDENT]


def test_pixels_are_sorted_into_as_many_clusters_as_kinds():
    digits = torch.zeros(40, 3, 4, 4)
    digits[torch.arange(40), :, torch.arange(40) % 10 // 4, torch.arange(40) % 10 % 4] = 1
    assert hungarian_accuracy(students.sorted_pixels(digits, 0), torch.arange(40) % 10) == 1


def test_textures_are_found_by_most_seeds_and_stripes_by_none():
    rows = {run: row for run, row in results.table("segments").items() if (run.data, run.seed) != mosaics.CHOOSING}
    found = [row for run, row in rows.items() if (run.data, run.way) == ("textures", mosaics.WAYS[0])]
    floor = [row for run, row in rows.items() if (run.data, run.way) == ("textures", segments.KMEANS)]
    assert statistics.median(row.accuracy for row in found) > max(row.accuracy for row in floor)
    alike = [row.accuracy for row in found if row.sameness > 0.9]  # one map for all pictures
    assert len(alike) <= 1 and all(one > 0.42 for one in alike)  # no stripes, which have 0.36, but all in one class


@pytest.mark.parametrize("experiment", [segments, naturals])
def test_the_seed_by_which_settings_were_chosen_has_no_part_in_the_summary(experiment: ModuleType):
    rows = results.table(experiment.TABLE.name)
    chose = {run for run in rows if experiment.CHOOSING in (run.seed, (run[0], run.seed))}
    assert {run.seed for run in chose} == {0} and len(chose) == len({run.way for run in rows})

    def summary(spoilt: set) -> dict:
        return experiment.TABLE.summary({run: row._replace(accuracy=0.0) if run in spoilt else row
                                         for run, row in rows.items()})

    assert summary(chose) == summary(set()) and all(summary({run}) != summary(set()) for run in rows.keys() - chose
                                                    if run.seed == 1)


def test_the_accuracy_of_things_on_photos_is_that_of_the_shipped_clusters():
    for run, found in results.table("naturals").items():
        kinds, sorted_in = drawn("test", TESTS + run.seed).kinds, torch.tensor([*map(int, found.clusters)])
        right = (sorted_in == kinds).double().mean() if run.way == LABELS else hungarian_accuracy(sorted_in, kinds)
        assert found.accuracy == pytest.approx(float(right), abs=1e-4) and found.accuracy <= found.best_head <= 1


@pytest.mark.parametrize(("data", "way"), [("textures", mosaics.WAYS[0]), ("satellite", mosaics.WAYS[2])])
def test_a_segmentation_is_a_function_of_its_name(data: str, way: str):
    found = segments.measured(data, way, 1, steps=1)
    assert segments.measured(data, way, 1, steps=1) == found
    assert 0.2 < found.accuracy <= found.best_head <= 1 and 0 < found.sameness <= 1


def test_pictures_and_things_at_random_are_the_floors_that_the_evidence_names():
    test, draw = drawn("test", TESTS), torch.Generator().manual_seed(0)
    pictures, things = (torch.tensor([hungarian_accuracy(torch.randint(len(KINDS), (count,), generator=draw)[which],
                                                         test.kinds) for _ in range(1000)]).sort().values
                        for count, which in ((300, torch.arange(300)), (31, test.things)))
    said = results.evidence("naturals").words["floor"]
    assert f"Pictures at random have {pictures.mean():.2f} on average" in said
    assert f"have {things.mean():.2f}, and {things[950]:.2f} or more in one draw of twenty" in said


@pytest.mark.parametrize("way", [TWO, RIVALS[3], LABELS, SCAN])
def test_things_are_sorted_as_the_name_of_the_run_says(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(naturals.SETTINGS, "batch_size", 10)
    found = naturals.measured(way, 1, steps=1)
    assert naturals.measured(way, 1, steps=1) == found
    assert 0.1 < found.accuracy <= found.best_head <= 1 and len(found.clusters) == 300


def test_a_rival_looks_at_what_its_name_says():
    x = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    mean, pixels, features, edges = (naturals.seen(way, x, 0) for way in RIVALS)
    assert torch.equal(mean, x.mean((2, 3))) and torch.equal(pixels, x.flatten(1))
    assert not torch.equal(features, naturals.seen(RIVALS[2], x, 1))  # of other random weights
    assert torch.allclose(edges, naturals.seen(RIVALS[3], 0.5 * x, 1), atol=1e-3)


def test_the_loss_chooses_and_labels_only_tell_what_was_possible():
    labels = torch.arange(12) % 3
    good, bad = torch.eye(3)[labels], torch.eye(3)[torch.zeros(12).long()]
    assert clusters.of_heads(torch.stack([bad, good]), labels, 0) == (pytest.approx(1 / 3), 1.0)


def test_neighbours_in_a_code_that_knows_kinds_are_mostly_sorted_by_kind(monkeypatch: pytest.MonkeyPatch):
    kinds = torch.arange(200) % 5
    noise = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    code = torch.cat([4.0 * torch.nn.functional.one_hot(kinds, 5), 0.3 * noise], 1)
    monkeypatch.setattr(naturals.naturals, "drawn", lambda split, seed: Pictures(code, kinds, kinds, kinds))
    monkeypatch.setattr(naturals, "seen", lambda way, pictures, seed: pictures)
    every, chosen = naturals.by_neighbours(1, code, steps=400)
    assert every.shape == (5, 200, 5) and torch.allclose(every.sum(2), torch.ones(5, 200))
    assert hungarian_accuracy(every[chosen].argmax(1), kinds) > 0.7  # two kinds may share a cluster; chance has 0.3
