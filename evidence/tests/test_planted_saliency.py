"""Chapter 6's tables: networks that see a red thing and a green cue, masks that are given; and what a row says."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from evidence import forgetting, hits, pointing_game, variants
from evidence.tests import planted
from tests.helpers import squeezenet
from u3course.lessons.saliency.things import Thing, hardest
from u3lab import images, results, saliency
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

    for module in (hits, variants):
        monkeypatch.setattr(module.nets, "load", load)


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


def test_a_part_is_moved_on_the_object_and_off_itself():
    hard, on = torch.zeros(2, 1, 1, 40, 40)
    hard[..., 5:10, 5:10] = on[..., 4:30, 4:30] = 1.0
    for one in variants.elsewhere(hard[None], on[None], torch.Generator().manual_seed(0)):
        assert one.sum() == 25 and (one * on * (1 - hard)).sum() >= 22.5


def test_the_hardest_pixels_are_as_many_as_wanted_and_the_middle_of_a_flat_blob():
    heat = torch.zeros(1, 1, 40, 40)
    heat[..., 5:35, 5:35] = 1.0
    hard = hardest(heat, 0.1)
    assert hard.sum() == 160 and hard[..., 15:25, 15:25].mean() > 0.9 and hard[..., :8, :].sum() == 0


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
        blurred = {name: float(hits.hits(images.blur(planted_map(hits.MAPS.index(sharp)), 16.0), where(THING)))
                   for name, sharp in hits.BLURRED.items()}
        assert row.hits == pytest.approx({name: n / 16 for n, name in enumerate(hits.MAPS)} | blurred | {
            hits.DISC: float(where(THING).flatten()[nearest].float().mean())}, abs=0.01)
