"""The tables of notebook 02c: what the notebook says of them, and that a run is a function of its name."""

from __future__ import annotations

import statistics
from types import ModuleType

import pytest
import torch

from u3lab import results
from u3lab.experiments import clusters, naturals, segments
from u3lab.lessons.selfsup import clusters as mosaics
from u3lab.lessons.selfsup.naturals import KINDS, LABELS, RIVALS, SCAN, TESTS, TWO, Pictures, drawn
from u3lab.selfsup.matching import hungarian_accuracy


def test_textures_are_found_by_most_seeds_and_stripes_by_none():
    rows = {run: row for run, row in results.table("segments").items() if (run.data, run.seed) != mosaics.CHOOSING}
    found = [row for run, row in rows.items() if (run.data, run.way) == ("textures", mosaics.WAYS[0])]
    floor = [row for run, row in rows.items() if (run.data, run.way) == ("textures", mosaics.KMEANS)]
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
