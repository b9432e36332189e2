"""The tables of chapter 6: what a row says, what is read of the shipped ones, and that they agree with the code."""

from __future__ import annotations

import math

import pytest
import torch

from tests.helpers import squeezenet
from u3lab import results, saliency
from u3lab.experiments import forgetting, removal, variants
from u3lab.experiments.removal import ASKED, Reached, Run
from u3lab.lessons.masked import pasted, probability
from u3lab.lessons.saliency.removal import cues
from u3lab.measures import rank_correlation


def test_a_row_of_removal_is_what_it_says():
    net, thing = squeezenet(), pasted(64)[9]
    row = removal.measured(net, thing, steps=2)
    assert row.whole == pytest.approx(float(probability(net, thing.image, thing.label)), rel=1e-3)
    assert row.exact == pytest.approx(float(probability(net, thing.without, thing.label)), rel=1e-3)
    assert row.thing_area == pytest.approx(float(thing.where.double().mean())) and 0 < row.mask_share < 1
    assert list(row.shares) == list(ASKED)
    edges = saliency.METHODS["edges (no network)"](net, thing.image, thing.label)
    assert row.shares["edges (no network)"] == pytest.approx(float((edges * thing.where).sum() / edges.sum()), rel=1e-4)
    baseline = saliency.baseline_like(thing.image)
    blurred = torch.where(thing.where, baseline, thing.image)
    assert row.blur == pytest.approx(float(probability(net, blurred, thing.label)), abs=1e-5)


def test_a_cue_lies_off_the_thing_and_matters():
    row = Reached(0.9, 0.0, *(0.0,) * 3, 0.0, 0.8, 0.4, 0.0, 0.0, 0.3, 0.2, 0.4, {})
    rows = {Run("net", "pasted", "cue"): row, Run("net", "pasted", "on the thing"): row._replace(mask_share=0.6),
            Run("net", "pasted", "idle"): row._replace(off=0.8)}
    assert [run.picture for run in cues(rows)] == ["cue"]


def test_the_shipped_table_of_removal_holds_what_the_notebook_reads():
    rows = results.table("removal")
    kinds = {(run.network, run.kind) for run in rows}
    assert len(kinds) == 4 and all(sum((run.network, run.kind) == one for run in rows) >= 19 for one in kinds)
    assert all(math.isnan(row.exact) == (run.kind == "outlined") for run, row in rows.items())
    assert all(row.whole >= 0.5 and list(row.shares) == list(ASKED) for row in rows.values())


def test_a_variant_changes_one_factor():
    assert variants.VARIANTS["all of them"] == {}
    single = {name: changed for name, changed in variants.VARIANTS.items() if "none" not in name and "only" not in name}
    assert all(len(changed) <= 1 for changed in single.values())
    net, thing = squeezenet(), pasted(64)[9]
    coarse, fine = (variants.measured(net, thing, name, steps=2) for name in ("all of them", "a cell for each pixel"))
    assert coarse.whole == fine.whole and coarse.rough < fine.rough + 0.05 and 0 < coarse.area < 1
    assert {run.variant for run in results.table("variants")} == set(variants.VARIANTS)


def test_a_network_that_forgets_is_compared_picture_by_picture():
    net = squeezenet()
    pictures, labels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)), [3, 5]
    found = dict(forgetting.forgotten(net, pictures, labels, ("gradient", "edges (no network)"), stops=(1, 26)))
    assert set(found) == {1, 26} and found[26]["edges (no network)"] == pytest.approx([1, 1])
    count, broken = next(saliency.randomise_downwards(net))
    maps = [saliency.METHODS["gradient"](one, pictures[1:], 5) for one in (net, broken)]
    assert found[1]["gradient"][1] == pytest.approx(rank_correlation(*maps), abs=1e-6)


def test_the_shipped_curves_are_of_all_banks():
    rows = results.table("forgetting")
    assert len(rows) == 12 * 8 * 3 and all(len(values) == 26 for (values,) in rows.values())
