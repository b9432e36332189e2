"""Chapter 6's tables: networks that see a red thing and a green cue, masks that are given; and what a row says."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from evidence import forgetting, hits, pointing_game, removal, variants
from evidence.removal import ASKED, Row, Run
from evidence.tests import planted
from tests.helpers import squeezenet
from u3course.lessons.saliency.things import BEHIND, Thing, cues, hardest, pasted, probability
from u3lab import results, saliency
from u3lab.datasets import photos
from u3lab.measures import rank_correlation

SIZE = 64
THING, CUE = (slice(8, 24), slice(8, 24)), (slice(40, 56), slice(40, 56))  # two squares, of one size
# The score of "thing" over "other" is a·red on the thing + b·green on the cue + c, and each network has its own
SEES = {"squeezenet1_1": (5.0, 3.0, -4.0), "efficientnet_lite0": (3.0, 5.0, -3.5)}


def painted(*squares: tuple) -> Tensor:
    """A dark picture with the red thing, the green cue, both or neither."""
    x = torch.full((1, 3, SIZE, SIZE), 0.1)
    for channel, square in enumerate((THING, CUE)):
        if square in squares:
            x[:, channel, square[0], square[1]] = 0.9
    return x


def where(square: tuple) -> Tensor:
    found = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    found[:, :, square[0], square[1]] = True
    return found


def says(name: str, x: Tensor) -> float:
    """Φ of "thing", by hand."""
    a, b, c = SEES[name]
    red, green = (x[:, channel, rows, columns].mean((1, 2)) for channel, (rows, columns) in enumerate((THING, CUE)))
    return float((a * red + b * green + c).sigmoid().mean())


@pytest.fixture
def planted_networks(monkeypatch: pytest.MonkeyPatch):
    def load(name: str):
        a, b, c = SEES[name]
        return planted.network(name, ("thing", "other"), (THING, CUE), [[a, 0, 0, 0, b, 0], [0] * 6], [c, 0], SIZE)

    for module in (removal, variants):
        monkeypatch.setattr(module.nets, "load", load)


def test_removal(planted_networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each column shows which part of which picture was replaced, and each method its own map."""
    x, mask = painted(THING, CUE), torch.zeros(1, 1, SIZE, SIZE)
    mask[..., THING[0], THING[1]], mask[..., CUE[0], CUE[1]] = 0.5, 1.0  # two thirds of it off the thing
    things = {"pasted": (Thing("b", "thing", x, where(THING), painted(CUE)),
                         Thing("a", "thing", 0.9 * x, where(THING), painted()),
                         Thing("unknown", "thing", painted(), where(THING), painted())),
              "outlined": (Thing("c", "thing", x, where(THING), None),)}
    for kind, some in things.items():
        monkeypatch.setitem(removal.KINDS, kind, lambda size, some=some: some)
    monkeypatch.setattr(removal, "smallest", lambda net, thing, steps: mask if steps == removal.STEPS else None)
    maps = {name: n / 100 * where(THING) + (1 - n / 100) * where(CUE) for n, name in enumerate(removal.ASKED)}
    monkeypatch.setattr(removal, "METHODS", {name: lambda *asked, heat=heat: heat for name, heat in maps.items()})

    table = planted.table(removal, tmp_path)
    assert list(table) == [(name, kind, picture) for name in SEES
                           for kind, picture in (("pasted", "a"), ("pasted", "b"), ("outlined", "c"))]
    others = torch.cat([photos.load(name, size=SIZE) for name in BEHIND])
    for (name, kind, picture), row in table.items():
        thing = next(one for one in things[kind] if one.name == picture)
        image, on, off = thing.image, mask * where(THING), mask * where(CUE)
        blurred = saliency.baseline_like(image)

        def replaced(m: Tensor, image: Tensor = image, by: Tensor = blurred) -> Tensor:
            return (1 - m.float()) * image + m.float() * by

        grey, noise = (saliency.baseline_like(image, generator=torch.Generator().manual_seed(0), settings=(
            saliency.MaskSettings(baseline=which))) for which in ("grey", "noise"))
        known = {"whole": image, "blur": replaced(where(THING)), "grey": replaced(where(THING), by=grey),
                 "noise": replaced(where(THING), by=noise), "mask": replaced(mask), "on": replaced(on),
                 "off": replaced(off), "elsewhere": off * image + (1 - off) * others, "nothing": others}
        for column, shown in known.items():
            assert getattr(row, column) == pytest.approx(says(name, shown), abs=2e-4), column
        assert row.exact == pytest.approx(says(name, thing.without) if thing.without is not None else float("nan"),
                                          abs=2e-4, nan_ok=True)
        assert (row.thing_area, row.mask_area, row.mask_share) == pytest.approx((1 / 16, 1.5 / 16, 1 / 3), abs=1e-4)
        assert row.shares == pytest.approx({name: n / 100 for n, name in enumerate(removal.ASKED)}, abs=1e-3)
    columns = [column for column in removal.Row._fields if column not in ("thing_area", "mask_area", "mask_share",
                                                                          "shares")]
    values = [getattr(table["squeezenet1_1", "pasted", "b"], column) for column in columns]
    assert len({round(value, 3) for value in values}) == len(values)  # so that no two of them could be exchanged


def test_variants(planted_networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each mask is that of its own settings, a band whose row tells which; and each column has its filling or place."""
    rows = {repr(changed): 8 * n for n, changed in enumerate(variants.MASKS.values())}
    x = painted(THING, CUE)

    def given(net, thing, *, steps: int, **changed: object) -> Tensor:
        mask = torch.zeros(1, 1, SIZE, SIZE)
        mask[..., rows[repr(changed)] : rows[repr(changed)] + 8, :] = 1.0
        return mask

    monkeypatch.setattr(variants, "smallest", given)
    monkeypatch.setitem(saliency.METHODS, "Grad-CAM", lambda net, x, label: where(CUE).float())
    monkeypatch.setattr(variants, "outlined", lambda size: (Thing("a", "thing", x, where(THING), None),))
    table = planted.table(variants, tmp_path)
    assert list(table) == [(name, method, "a") for name in SEES for method in (*variants.MASKS, *variants.RIVALS)]
    fills = {kind: saliency.baseline_like(x, generator=torch.Generator().manual_seed(0), settings=(
        saliency.MaskSettings(baseline=kind))) for kind in variants.FILLS}
    for name in SEES:
        for method, changed in variants.MASKS.items():
            row, hard = table[name, method, "a"], hardest(given(None, None, steps=0, **changed), 0.1)
            assert row.whole == pytest.approx(says(name, x), abs=2e-4) and row.area == pytest.approx(1 / 8)
            for kind, fill in fills.items():
                assert getattr(row, kind)["10 %"] == pytest.approx(says(name, (1 - hard) * x + hard * fill), abs=2e-4)
            aside = [says(name, (1 - one) * x + one * fills["blur"]) for one in (
                hard.roll(by, (-2, -1)) for by in ((8, 0), (-8, 0), (0, 8), (0, -8)))]
            assert row.aside["10 %"] == pytest.approx(sum(aside) / 4, abs=2e-4)
        assert table[name, "mask", "a"].blur["25 %"] < table[name, "mask", "a"].blur["1 %"]


def test_the_hardest_pixels_are_as_many_as_wanted_and_the_middle_of_a_flat_blob():
    heat = torch.zeros(1, 1, 40, 40)
    heat[..., 5:35, 5:35] = 1.0
    hard = hardest(heat, 0.1)
    assert hard.sum() == 160 and hard[..., 15:25, 15:25].mean() > 0.9 and hard[..., :8, :].sum() == 0


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
    row = Row(0.9, 0.0, *(0.0,) * 3, 0.0, 0.8, 0.4, 0.0, 0.0, 0.3, 0.2, 0.4, {})
    rows = {Run("net", "pasted", "cue"): row, Run("net", "pasted", "on the thing"): row._replace(mask_share=0.6),
            Run("net", "pasted", "idle"): row._replace(off=0.8)}
    assert [run.picture for run in cues(rows)] == ["cue"]


def test_a_variant_changes_one_factor():
    assert variants.MASKS["mask"] == {}
    assert all(len(changed) <= 1 for name, changed in variants.MASKS.items() if "none" not in name)
    assert {run.method for run in results.table("variants")} == {*variants.MASKS, *variants.RIVALS}


def test_a_network_that_forgets_is_compared_picture_by_picture():
    net = squeezenet()
    pictures, labels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)), [3, 5]
    found = dict(forgetting.forgotten(net, pictures, labels, ("gradient", "edges (no network)"), stops=(1, 26)))
    assert set(found) == {1, 26} and found[26]["edges (no network)"] == pytest.approx([1, 1])
    count, broken = next(saliency.randomise_downwards(net))
    maps = [saliency.METHODS["gradient"](one, pictures[1:], 5) for one in (net, broken)]
    assert found[1]["gradient"][1] == pytest.approx(rank_correlation(*maps), abs=1e-6)


def test_games_are_counted_by_tiles(monkeypatch: pytest.MonkeyPatch):
    """Four of a mosaic; an optimisation plays a third of them."""
    monkeypatch.setattr(pointing_game, "pointing_game", lambda net, played, method, seed: (0.5, 0.4, 0.6))
    assert [pointing_game.measured(None, [None] * 24, method, 0).games for method in ("gradient", "mask")] == [96, 32]


def test_hits(planted_networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each place has its own things, each map its own share, the disc the pixels nearest to the middle."""
    count = int(where(THING).sum())
    one, other, unknown = (Thing(name, "thing", image, where(THING), None) for name, image in (
        ("a", painted(THING, CUE)), ("b", 0.9 * painted(THING, CUE)), ("unknown", painted())))
    monkeypatch.setattr(hits, "placed", lambda place, size: (
        (one, unknown) if place == hits.MIDDLE else (other,) if place == "top left" else (one, other)))

    def planted_map(n: int) -> Tensor:  # n/16 of the strongest pixels on the thing, the others on the cue
        heat = 0.5 * where(CUE).float()
        heat[:, :, THING[0].start : THING[0].start + n, THING[1]] = 1.0
        return heat

    monkeypatch.setattr(hits, "METHODS", {name: lambda *asked, n=n: planted_map(n) for n, name in enumerate(hits.MAPS)})
    table = planted.table(hits, tmp_path)
    assert {(place, thing) for name, place, thing in table if name == "squeezenet1_1"} == {
        (hits.MIDDLE, "a"), ("top left", "b"),
        *((place, thing) for place in list(hits.PLACES)[2:] for thing in ("a", "b"))}
    rows, columns = torch.meshgrid(torch.arange(SIZE) - 31.5, torch.arange(SIZE) - 31.5, indexing="ij")
    nearest = (rows**2 + columns**2).flatten().argsort(stable=True)[:count]
    for row in table.values():
        assert row.area == pytest.approx(count / SIZE**2, abs=1e-3)
        assert row.hits == pytest.approx({name: n / 16 for n, name in enumerate(hits.MAPS[:-1])} | {
            hits.MAPS[-1]: float(where(THING).flatten()[nearest].float().mean())}, abs=0.01)
