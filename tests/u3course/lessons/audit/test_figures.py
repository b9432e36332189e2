"""Notebook 08: walls of slices, planes of volumes, what a click means."""

import io

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from PIL import Image

from evidence import audited
from u3course.lessons.audit import exercises, figures
from u3lab import results
from u3lab.audit import lesion
from u3lab.figures.charts import FRAMES


def test_a_wall_shows_each_slice_in_the_frame_of_its_answer():
    slices = torch.linspace(0.1, 0.9, 7)[:, None, None, None].expand(-1, 1, 96, 96)
    right = torch.tensor([True, False, True, True, False, True, True])
    wall = figures.wall({"first": (slices, right), "second": (slices[:2], right[:2])})
    assert wall.shape == (1, 3, 2 * figures.STRIP + 3 * figures.SIDE, figures.WIDTH)
    for n, (ok, slice_) in enumerate(zip(right.tolist(), slices, strict=True)):
        row, column = divmod(n, figures.COLUMNS)
        top, left = figures.STRIP + row * figures.SIDE, column * figures.SIDE
        assert wall[0, :, top + 1, left + 1].tolist() == pytest.approx(FRAMES[ok])
        middle = wall[0, :, top + figures.SIDE // 2, left + figures.SIDE // 2]
        assert middle.tolist() == pytest.approx([float(slice_.max())] * 3, abs=1e-4)


def test_a_cross_hides_no_letter_and_a_picture_stands_upright():
    """Neither that in its corner, nor the mirrored one."""
    slices = torch.linspace(0.2, 0.8, 96)[:, None].expand(1, 1, 96, 96)  # brighter at the bottom
    wrong, right = (figures.wall({"one": (slices, torch.tensor([ok]))})[0, :, figures.STRIP :, : figures.SIDE]
                    for ok in (False, True))
    inner = slice(figures.FRAME, figures.SIDE - figures.FRAME)
    differs = ((wrong - right).abs() > 0.01).any(0)[inner, inner].nonzero()
    assert len(differs) and differs.min() > figures.SIDE // 2, "the lower right quarter alone"
    assert wrong[0, 10, figures.SIDE // 2] < 0.3 < 0.7 < wrong[0, figures.SIDE - 10, figures.SIDE // 2]


def test_the_chart_of_kinds_has_the_tables_numbers():
    """Of all kinds of slices that were judged, and the threshold."""
    assert tuple(figures.KINDS) == ("none", "harmless", *audited.JUDGING["2-D"][2:])
    assert [name.startswith("honest") for name in figures.KINDS.values()] == [
        cue in audited.HONEST for cue in figures.KINDS]
    summary, alt = results.facts("audited")["evidence"]["summary"], figures.kinds().alt
    assert f"threshold of {summary['threshold']['lesion removed']:.3f}" in alt
    for cue, name in figures.KINDS.items():
        assert f"{name} {summary[cue]['lesion filled in'][0]:.2f}" in alt


def test_a_threshold_is_drawn_where_it_lies():
    """Equal steps of it are equal steps to the right, of a dark line that nothing hides."""
    found = {"honest: one": (0.9, 0.8, 1.0), "other": (0.1, 0.1, 0.1)}
    drawn = [np.asarray(Image.open(io.BytesIO(figures.against(found, limit, "share").data)).convert("L")).astype(int)
             for limit in (0.2, 0.4, 0.6, 1.0)]
    dark = [(drawn[-1] - one > 60).sum(0) for one in drawn[:-1]]  # pixels in each column that the last has lighter
    at = [float(np.flatnonzero(one > one.max() / 2).mean()) for one in dark]
    assert at[1] - at[0] > 40 and at[1] - at[0] == pytest.approx(at[2] - at[1], abs=1)
    assert min(one.max() for one in dark) > 30, "across both bars"


def test_a_click_on_the_letter_is_a_place_in_its_slice():
    assert figures.within(figures.CORNER, 2) == pytest.approx([at / 96 for at in figures.LETTER])
    below = (figures.CORNER[0] + 2 * figures.SIDE / figures.WIDTH, figures.CORNER[1] + 0.5)  # third slice, lower group
    assert figures.within(below, 2) == pytest.approx([at / 96 for at in figures.LETTER])
    assert figures.within((0.5, 0.0), 2)[1] == 0.0  # on the strip of words


def test_a_cell_comes_from_the_other_slice():
    cell = (slice(24, 36), slice(0, 12))
    shown = figures.boxed(torch.zeros(1, 1, 96, 96), cell, torch.ones(1, 1, 96, 96))
    line = (shown == figures.BOX[:, None, None]).all(1)[0]
    edge = torch.zeros(96, 96, dtype=torch.bool)
    edge[23:37, :13], edge[24:36, 1:12] = True, False  # around the cell, and on it where the picture ends
    assert shown.shape == (1, 3, 96, 96) and line.equal(edge)
    assert (shown[..., 24:36, 1:12] == 1).all() and (shown == 1).sum() == 3 * 12 * 11


@pytest.mark.parametrize("panel, axes", [(0, (1, 2)), (1, (0, 2)), (2, (0, 1))])
def test_a_click_finds_the_voxel_that_is_drawn_there(panel: int, axes: tuple[int, int]):
    spacing, shape, found = (6.5, 2.0, 2.0), (10, 96, 96), (3, 20, 70)
    volume = torch.zeros(shape)
    volume[found] = 1.0
    at = list(found)
    for axis in axes:
        at[axis] = 0  # lines lie elsewhere
    drawn = figures.planes(volume, torch.zeros(shape), tuple(at), spacing)
    square = drawn[0, :, :, panel * figures.PLANE : (panel + 1) * figures.PLANE]
    white = (square.amin(0) > 0.99).nonzero().double().mean(0) + 0.5
    click = ((panel + float(white[1]) / figures.PLANE) / 3, float(white[0]) / figures.PLANE)
    assert figures.voxel(click, tuple(at), shape, spacing) == found


def test_after_many_steps_a_hole_is_filled_as_the_audit_fills_it():
    draw = torch.Generator().manual_seed(0)
    x, where = torch.rand(2, 1, 20, 24, generator=draw), torch.zeros(2, 1, 20, 24, dtype=torch.bool)
    where[0, :, 5:11, 4:12] = where[1, :, :6, 17:] = True  # one of them lies at the border
    torch.testing.assert_close(exercises.filled(x, where, 400), lesion.fill(x, where), atol=1e-5, rtol=0)
    assert (exercises.filled(x, where, 3) - lesion.fill(x, where)).abs().max() > 0.05


def test_whiskers_reach_from_the_least_to_the_largest(monkeypatch: pytest.MonkeyPatch):
    barh, reach = Axes.barh, []
    monkeypatch.setattr(Axes, "barh", lambda axes, *given, **how: (
        reach.append(how["xerr"]) or barh(axes, *given, **how)))
    figures.against({"corner": (0.5, 0.1, 0.6)}, 0.9, "share")
    np.testing.assert_allclose(reach[0], [[0.4], [0.1]])
