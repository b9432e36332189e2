"""Made clips: flow that is true, sound that its cause decides, bouncing balls that keep to their courses."""

import math

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import torch
import torch.nn.functional as F

from u3course.worlds import clips, scenery
from u3course.worlds.clips import RATE, G
from u3lab import images


@pytest.fixture(scope="module")
def moving() -> clips.Moving:
    return clips.moving(12, 5, seed=3)


def test_clips_flow_and_masks_have_their_forms(moving):
    assert moving.clips.shape == (12, 5, 3, 64, 64) and moving.flow.shape == (12, 4, 2, 64, 64)
    assert moving.masks.shape == (12, 5, 64, 64) and moving.masks.dtype == torch.int64
    images.check(moving.clips.flatten(0, 1))
    assert {int(mask.max()) for mask in moving.masks} <= {2, 3, 4} and moving.masks.min() == 0
    assert moving.flow.abs().max() <= 3 + 1e-5


def test_a_pixel_is_where_the_flow_says_in_the_next_frame(moving):
    """Frame t + 1, looked up at u + flow, is frame t, where the same thing is seen at both; without flow it is not."""
    places = torch.stack(torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="xy"))
    now, after = moving.clips[:, :-1].flatten(0, 1), moving.clips[:, 1:].flatten(0, 1)
    grid = ((places + moving.flow.flatten(0, 1) + 0.5) / 32 - 1).movedim(1, -1)
    back = F.grid_sample(after, grid, align_corners=False, padding_mode="border")
    ids = moving.masks[:, 1:].flatten(0, 1)[:, None].float()
    at = F.grid_sample(ids, grid, "nearest", "zeros", align_corners=False)[:, 0]
    seen = (at == moving.masks[:, :-1].flatten(0, 1)) & (grid.abs() < 1).all(-1)
    seen &= F.max_pool2d((~seen).float()[:, None], 5, 1, 2)[:, 0] == 0  # borders are half of one thing, half of another
    assert seen.float().mean() > 0.5
    things = seen & (moving.masks[:, :-1].flatten(0, 1) > 0)
    for where, factor in ((seen, 2), (things, 2)):
        warped, still = ((other - now).abs().mean(1)[where].mean() for other in (back, after))
        assert warped < 0.025 and factor * warped < still


def test_flow_is_the_same_all_over_a_thing_and_differs_between_things(moving):
    apart = []
    for flow, masks in zip(moving.flow[:, 0], moving.masks[:, 0], strict=True):
        velocities = [flow[:, masks == n] for n in masks.unique()]
        assert all((one == one[:, :1]).all() for one in velocities)
        first = torch.stack([one[:, 0] for one in velocities])
        apart.append(len(first) < 2 or float(torch.pdist(first).min()) > 0.74)
    assert sum(apart) >= 11  # a thing may turn back between the first two frames


def test_fold_goes_to_and_fro():
    wanted = torch.tensor([0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0])
    torch.testing.assert_close(scenery.fold(torch.arange(7.0), 2.0), wanted)
    torch.testing.assert_close(scenery.fold(-torch.arange(7.0), 2.0), wanted)


@pytest.mark.parametrize("make", [lambda n, **more: clips.moving(n, 3, size=32, **more),
                                  lambda n, **more: clips.bouncing(n, length=3, size=32, **more)])
def test_films_are_made_from_a_seed(make):
    a, b, longer, other = make(2), make(2), make(3), make(2, seed=1)
    assert all(torch.equal(x, y) and torch.equal(x, z[:2]) for x, y, z in zip(a, b, longer, strict=True))
    assert not torch.equal(a.clips, other.clips) and not torch.equal(a.clips, make(2, split="test").clips)


@pytest.fixture(scope="module")
def bouncing() -> clips.Bouncing:
    return clips.bouncing(60, seed=5)


def test_films_and_sounds_have_their_forms(bouncing):
    assert bouncing.clips.shape == (60, 16, 3, 64, 64) and bouncing.sounds.shape == (60, RATE)
    images.check(bouncing.clips.flatten(0, 1))
    assert bouncing.sounds.abs().max() < 1 and bouncing.sounds.abs().amax(1).min() > 0.1
    assert bouncing.material.unique().tolist() == [0, 1, 2, 3]
    assert bouncing.boxes.min() >= -1e-4 and bouncing.boxes.max() <= 64


def test_the_box_is_round_what_moves(bouncing):
    """The median over a film is what stands still; what differs lies in the boxes, and in the shadow on the floor."""
    still = bouncing.clips.median(1, keepdim=True).values
    differs = ((bouncing.clips - still).abs().amax(2) > 0.15)[:, :, :54]
    y, x = torch.meshgrid(torch.arange(54) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    left, top, right, bottom = (one[..., None, None] for one in bouncing.boxes.unbind(-1))
    inside = (x > left - 1) & (x < right + 1) & (y > top - 1) & (y < bottom + 1)
    ever = inside.any(1, keepdim=True)
    assert differs.any() and not (differs & ~ever).any()
    assert (differs & inside).sum() > 0.8 * differs.sum()


def test_height_and_flight_follow_gravity():
    hits, lasts = clips.impacts(0.45, 0.25, 2.0)
    assert math.isclose(0.5 * G * (lasts / 2) ** 2, 0.45) and math.isclose(hits[0], -0.25 * lasts)
    np.testing.assert_allclose(np.diff(hits), lasts)
    assert hits[-1] < 2 <= hits[-1] + lasts
    time = torch.linspace(0, 0.6 * lasts, 200, dtype=torch.float64)
    path = clips.risen(hits, lasts, 0.45, time)
    speed = path.diff() / time.diff()
    torch.testing.assert_close(speed.diff() / time.diff()[1:], torch.full((198,), -G, dtype=torch.float64), rtol=1e-4,
                               atol=1e-4)
    assert math.isclose(float(path.max()), 0.45, rel_tol=1e-4)


def test_the_arrow_of_time_is_not_seen():
    """Backwards the sign of the difference of the last and the first height turns; nothing else."""
    boxes = clips.bouncing(250, size=16, seed=2).boxes[:, :, 3] / 16
    falls = (boxes[:, :3].mean(1) - boxes[:, -3:].mean(1)).numpy()
    assert scipy.stats.ks_2samp(falls, -falls).pvalue > 0.01


def test_another_materials_colours_change_nothing_else(bouncing):
    dressed = clips.bouncing(60, seed=5, colours="wood")
    for name in ("sounds", "material", "boxes"):
        assert torch.equal(getattr(dressed, name), getattr(bouncing, name))
    moved = (dressed.clips - bouncing.clips).abs().amax((1, 2, 3, 4))
    wood = bouncing.material == clips.MATERIALS.index("wood")
    assert moved[wood].max() == 0 and moved[~wood].min() > 0.05


def test_what_is_heard_is_what_the_material_and_the_size_decide(bouncing):
    """The strongest pitch of each film is one of the partials that the table gives for its cause."""
    spectrum = np.abs(np.fft.rfft(bouncing.sounds.numpy(), axis=1))  # one second: bins of 1 Hz
    for film in range(60):
        known, radius = clips.KNOWN[clips.MATERIALS[bouncing.material[film]]], float(sizes(bouncing)[film])
        partials = [ratio * known.pitch * 0.1 / radius for ratio, _ in known.partials]
        assert min(abs(spectrum[film].argmax() - one) for one in partials) < 6, (known, radius)


def sizes(films: clips.Bouncing) -> torch.Tensor:
    """Radii in metres."""
    return (films.boxes[:, 0, 2] - films.boxes[:, 0, 0]) / 2 / films.clips.shape[-1]


def test_it_is_heard_when_it_hits_the_floor_and_louder_from_higher():
    films = clips.bouncing(80, seed=1)
    loud = films.sounds.abs().view(80, 16, 500).amax(2)
    bottoms = films.boxes[:, :, 3]
    low = (bottoms[:, 1:-2] > bottoms[:, :-3]) & (bottoms[:, 2:-1] > bottoms[:, 3:])  # between frames n + 1 and n + 2
    assert low.sum() > 80 and torch.maximum(loud[:, 1:-2], loud[:, 2:-1])[low].min() > 0.1
    wood = films.material == 0
    assert scipy.stats.spearmanr(loud[wood].amax(1), -bottoms[wood].amin(1)).statistic > 0.8
    near, far = (clips._heard([0.0], h, "wood", 0.1, 16, torch.Generator().manual_seed(0)) for h in (0.1, 0.4))
    assert float(far.abs().max() / near.abs().max()) == pytest.approx(2, rel=0.05)  # as the speed, √(2 g h)


def test_causes_are_drawn_independently():
    films = clips.bouncing(400, length=8, size=16)
    for a, b in ((sizes(films), films.boxes[:, :, 3].amin(1)), (films.material.float(), sizes(films))):
        assert scipy.stats.spearmanr(a.numpy(), b.numpy()).pvalue > 0.01


def test_a_tone_by_hand():
    time = torch.tensor([-0.1, 0.0, 0.01, 0.05], dtype=torch.float64)
    found = clips.tone(time, 100.0, 0.1, ((1.0, 0.5), (2.5, 0.25), (60.0, 1.0)))  # the last is above 3600 Hz
    t = np.array([0.01, 0.05])
    wanted = (0.5 * np.sin(2 * np.pi * 100 * t) * np.exp(-t / 0.1)
              + 0.25 * np.sin(2 * np.pi * 250 * t) * np.exp(-2.5 * t / 0.1))
    assert found[:2].tolist() == [0, 0]
    np.testing.assert_allclose(found[2:], wanted, atol=1e-12)
