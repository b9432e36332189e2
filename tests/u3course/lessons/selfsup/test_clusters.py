"""Notebook 02c: digits and a rival that knows of writing, places, natural pictures, tissues of a brain."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from evidence import _mosaics
from evidence import _naturals as naturals
from evidence import tissues as sorting
from u3course.lessons.selfsup import clusters, tissues
from u3lab.datasets import cutouts, photos
from u3lab.selfsup.matching import hungarian_accuracy


def test_a_sheared_digit_is_brought_upright_and_to_the_middle():
    upright = torch.zeros(1, 1, 28, 28)
    upright[..., 4:24, 13:15] = 1
    leaning = torch.zeros_like(upright)
    for row in range(4, 24):
        leaning[..., row, 3 + row // 2:5 + row // 2] = 1
    found = _mosaics.deskewed(torch.cat([upright, leaning]))
    assert torch.allclose(found[0], upright[0], atol=0.02)
    columns = found[1, 0].sum(0)
    assert float(columns[12:16].sum() / columns.sum()) > 0.95  # nearly all ink in four columns


def test_a_digit_is_in_its_box_and_the_largest_number_is_white():
    digits = torch.stack([torch.full((3, 28, 28), 0.2), *torch.full((40, 3, 28, 28), 0.6)])
    shown = clusters.sorted_into_boxes(torch.eye(10) / 10, digits, torch.tensor([7] + 40 * [0]))
    box, edge = (5 * 28 + 8, 6 * 28 + 8), 2 * (5 * 28 + 8)
    assert shown.shape == (1, 3, edge, edge + 5 * box[1])
    matrix, first = shown[0, 0, 4:-4, 4:edge - 4], shown[0, 0, :box[0], edge:edge + box[1]]
    assert matrix[5, 5] == 1 and matrix[5, -5] == 0 and (first[4:-4, 4:-4] == 0.6).all()  # thirty of forty
    eighth = shown[0, 0, box[0]:, edge + 2 * box[1]:edge + 3 * box[1]]
    assert (eighth[4:32, 4:32] == 0.2).all() and (eighth[4:32, 33:60] == 0).all() and (eighth[:4] == 1).all()


def test_one_map_for_all_is_the_same_and_each_its_own_is_not():
    stripes = (torch.arange(9) % 3).expand(5, 9, 9)
    assert _mosaics.sameness(stripes) == 1
    assert _mosaics.sameness(torch.arange(4).view(4, 1, 1).expand(4, 6, 6)) == pytest.approx(0.25)


def test_the_floor_sorts_colours():
    labels = (torch.arange(8) % 2).expand(2, 8, 8)
    pictures = (0.2 + 0.5 * labels)[:, None].expand(-1, 3, -1, -1)
    assert hungarian_accuracy(_mosaics.by_pixel(pictures, 2, 0).flatten(), labels.flatten()) == 1


def test_surroundings_tell_contrast_and_with_edges_direction():
    x = torch.arange(64)
    stripes = (x % 4 < 2).float().expand(64, 64)
    pictures = torch.stack([stripes, stripes.T, 0.5 + 0.1 * (stripes - 0.5)])[:, None].expand(-1, 3, -1, -1)
    contrast, edges = (_mosaics.around(pictures, edges=more)[..., 16:48, 16:48].mean((2, 3)) for more in (False, True))
    assert contrast.shape == (3, 1) and edges.shape == (3, 5)
    assert torch.allclose(contrast[0], contrast[1], atol=1e-3) and contrast[0] > contrast[2] + 1
    assert edges[0, 1] > edges[0, 3] + 1 and edges[1, 3] > edges[1, 1] + 1  # across, and down


def test_each_kind_is_the_largest_of_its_group():
    for kind, group in zip(naturals.KINDS, ("animal", "food", "plant life", "thing", "transport"), strict=True):
        assert kind == max(cutouts.KINDS[group], key=lambda one: len(cutouts.names(one, split="train")))


def test_pictures_are_even_and_rows_keep_their_thing_but_not_their_photo():
    one, other = naturals.drawn("test", 3), naturals.drawn("test", 4)
    assert one.images.shape == (300, 3, 48, 48) and one.images.min() >= 0 and one.images.max() <= 1
    assert one.kinds.bincount().tolist() == [60] * 5
    assert torch.equal(one.things, other.things) and (one.photos != other.photos).double().mean() > 0.5
    names = [name for kind in naturals.KINDS for name in cutouts.names(kind, split="test")]
    assert [cutouts.about(names[n]).kind for n in one.things] == [naturals.KINDS[kind] for kind in one.kinds]


def test_no_thing_and_no_photo_of_the_test_is_learnt_from(monkeypatch: pytest.MonkeyPatch):
    seen: dict[str, set[str]] = {"train": set(), "test": set()}
    monkeypatch.setattr(naturals, "EACH", {"train": 1, "test": 1})  # all are loaded, whichever is drawn
    for split, some in seen.items():
        for module in (cutouts, photos):
            def load(name: str, some: set[str] = some, load: Callable = module.load, **how: object) -> object:
                some.add(name)
                return load(name, **how)
            monkeypatch.setattr(naturals, module.__name__.rpartition(".")[2], SimpleNamespace(
                **{**vars(module), "load": load}))
        naturals.drawn.__wrapped__(split, 7)
        monkeypatch.undo()
        monkeypatch.setattr(naturals, "EACH", {"train": 1, "test": 1})
    assert not seen["train"] & seen["test"] and set(naturals.behind("test")) <= seen["test"]
    assert all(len(some) > 30 for some in seen.values())


def test_patches_are_of_the_slices_that_are_learnt_from():
    found, (made, _) = sorting.patches(), tissues.slices()
    assert found.shape == (sorting.PATCHES, 3, sorting.SIDE, sorting.SIDE)
    assert ((found[:, 0] > 0).double().mean((1, 2)) > sorting.BRAIN).all()
    windows = [one[0].unfold(0, sorting.SIDE, 1).unfold(1, sorting.SIDE, 1) for one in made]
    assert [n for n, of in enumerate(windows) if (of == found[0, 0]).all(-1).all(-1).any()][0] in sorting.LEARNT_FROM


def test_no_slice_that_is_held_out_is_learnt_from(monkeypatch: pytest.MonkeyPatch):
    """Each slice has one grey value, its own."""
    made = torch.arange(1.0, 7).view(6, 1, 1, 1).expand(6, 3, 60, 50)
    monkeypatch.setattr(tissues, "slices", lambda: (made, made[:, 0].long()))
    learnt, held = sorting.patches.__wrapped__().unique(), tissues.spoilt(0.0, 7).unique()
    assert sorted({*learnt.tolist(), *held.tolist()}) == [1, 2, 3, 4, 5, 6] and len(learnt) + len(held) == 6


@pytest.mark.parametrize("way", sorting.LIGHTS)
def test_a_field_differs_from_place_to_place_and_another_light_does_not(way: str):
    seen = sorting.LIGHTS[way](torch.full((4, 3, 40, 40), 0.5), torch.Generator().manual_seed(0))
    assert (seen.flatten(1).std(1).max() > 1e-3) == (way == "IIC, views with fields") and (seen - 0.5).abs().max() > 0


def test_the_truth_is_right_and_all_grey_matter_is_not():
    true = tissues.slices()[1][[*tissues.HELD]]
    assert tissues.accuracy((true.clamp_min(0) + 1) % 3) == 1  # under other names
    assert tissues.accuracy(torch.zeros_like(true)) == pytest.approx(float((true[true >= 0] == 0).double().mean()))


def test_a_field_darkens_and_none_leaves_the_slices():
    plain = tissues.slices()[0][[*tissues.HELD]]
    assert torch.equal(tissues.spoilt(0.0, 7), plain)
    assert (tissues.spoilt(0.4, 7) <= plain + 1e-6).all() and not torch.equal(tissues.spoilt(0.4, 7), plain)
    assert sorting.conditions()[:2] == [(0.0, 7), (0.2, 7)] and len(sorting.conditions()) == 13


def test_slices_have_three_tissues_and_an_outside():
    slices, tissue = tissues.slices()
    assert slices.shape == (6, 3, 233, 197) and tissue.shape == (6, 233, 197)
    assert set(tissue.unique().tolist()) == {-1, 0, 1, 2} and (slices[:, 0][tissue < 0] == 0).all()
    inside = tissue >= 0
    bright = (slices[:, 0] > 0.82).long()[inside]  # white matter is brighter than grey
    assert hungarian_accuracy(bright, tissue[inside]) > 0.7


def test_a_field_spoils_grey_values_and_hardly_what_is_flattened():
    clean, spoilt = (tissues.spoilt(b, 7) for b in (0.0, 0.6))
    grey = [tissues.accuracy(tissues.by_grey(given)) for given in (clean, spoilt)]
    flat = [tissues.accuracy(tissues.by_grey(tissues.flattened(given))) for given in (clean, spoilt)]
    assert grey[0] > flat[0] > 0.8 and flat[1] > grey[1] + 0.2
    assert ((tissues.by_grey(clean) >= 0) == (tissues.slices()[1][[*tissues.HELD]] >= 0)).all()
