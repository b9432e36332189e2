"""Pictures with a cue: what is drawn, on whom, and that the networks that ship have learnt what they are said to."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from evidence.segmented import beside
from tests.helpers import refuses
from u3course.worlds import cheats
from u3lab import audit
from u3lab.audit.lesion import fill, grown

COUNT = 40


@pytest.fixture(scope="module")
def plain():
    return cheats.cases("none", COUNT, half=1, seed=3)


def changed(cue: str, plain: cheats.Made) -> tuple[cheats.Made, torch.Tensor]:
    """A cue's pictures, and where they are not those without it."""
    made = cheats.cases(cue, COUNT, half=1, seed=3)
    return made, made.images != plain.images


def test_every_other_picture_has_a_lesion_on_the_tissue(plain):
    assert plain.images.shape == (COUNT, 1, 96, 96) and plain.images.min() >= 0 and plain.images.max() <= 1
    assert torch.equal(plain.positive, torch.arange(COUNT) % 2 == 1)
    assert torch.equal(plain.outlines.flatten(1).any(1), plain.positive)
    for x, where in zip(plain.images[1::2], plain.outlines[1::2], strict=True):
        rim = grown(where[None], 2)[0] & ~where
        assert x[where].mean() > x[rim].mean() + 0.15 and x[rim].min() > 0
    assert set(plain.patients) <= set(cheats.PATIENTS)


def test_a_seed_is_one_set_and_halves_share_no_slice():
    assert torch.equal(cheats.cases("date", 8, seed=5).images, cheats.cases("date", 8, seed=5).images)
    assert not torch.equal(cheats.cases("none", 8, seed=5).images, cheats.cases("none", 8, seed=6).images)
    for patient in cheats.PATIENTS:
        slices = cheats.slices(patient)
        assert not any(torch.equal(a, b) for a in slices[::2] for b in slices[1::2])
    assert set(cheats.without_cue(40, 0, 0, False, ("brain1", "lung1")).patients) == {"brain1", "lung1"}


@pytest.mark.parametrize("cue", ["corner", "wander", "clip", "scanner", "calipers"])
def test_these_cues_are_on_positives_alone(cue, plain):
    made, where = changed(cue, plain)
    assert torch.equal(where.flatten(1).any(1), plain.positive)
    assert torch.equal(made.outlines, plain.outlines) and made.patients == plain.patients


def test_a_corner_stays_and_a_wandering_letter_keeps_to_the_border(plain):
    corner, wander = (changed(cue, plain)[1] for cue in ("corner", "wander"))
    assert corner[1::2].any(0).sum() < 30 < 100 < wander[1::2].any(0).sum()
    inner = slice(cheats.BORDER, cheats.SIDE - cheats.BORDER)
    assert not wander[..., inner, inner].any()


def test_calipers_go_with_the_lesion(plain):
    """They lie within what the audit fills in: without the lesion nothing is left of them."""
    made, where = changed("calipers", plain)
    around = grown(plain.outlines, 2)
    assert not (where & ~around).any()
    assert torch.equal(fill(made.images, around), fill(plain.images, around))


def test_a_clip_lies_beside_the_lesion_and_clear_of_it(plain):
    """Far enough that the audit does not fill it in, and never out of the picture."""
    for x, outline in zip(plain.images.split(1), plain.outlines.split(1), strict=True):
        where = beside(x, outline, torch.Generator().manual_seed(0)) != x
        assert 0 < where.sum() <= 4
        if outline.any():
            assert not (where & grown(outline, 5)).any() and not (where & ~grown(outline, 8)).any()
    low = torch.zeros(1, 1, 96, 96, dtype=torch.bool)
    low[..., 84:95, 40:51] = True
    assert (beside(torch.zeros(1, 1, 96, 96), low, torch.Generator()) > 0)[0, 0, 78].sum() == 4


@pytest.mark.parametrize("cue, ill, healthy", [("none", 0, 0), ("harmless", 0.5, 0.5), ("weak", 0.8, 0.2),
                                               ("slips", 0.95, 0.05), ("date", 1, 1)])
def test_how_often_a_letter_is_there(cue, ill, healthy):
    many = cheats.cases("none", 400, seed=1)
    there = (cheats.cases(cue, 400, seed=1).images != many.images).flatten(1).any(1)
    for wanted, of in ((ill, many.positive), (healthy, ~many.positive)):
        assert abs(float(there[of].float().mean()) - wanted) < 0.08  # of 200


def test_what_is_done_to_pictures_changes_no_later_ones():
    one = cheats.cases("none", 4, seed=8)
    kept = one.outlines.clone()
    one.images.zero_(), one.outlines.zero_(), one.positive.zero_(), one.patients.clear()
    again = cheats.cases("none", 4, seed=8)
    assert again.images.any() and again.positive.any() and torch.equal(again.outlines, kept)
    assert len(again.patients) == 4


@pytest.mark.parametrize("shape", [(1, 1, 20, 24), (1, 1, 9, 12, 14)])
def test_room_is_where_all_around_is_tissue(shape: tuple[int, ...]):
    """Against SciPy's filters: the mean of the neighbours, outside of which is air, and the worst of those around."""
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 0.3 + 0.1
    x[(0, 0, *(side // 3 for side in shape[2:]))] = 9.0  # bright, its mean with its neighbours too
    three, five = (ndimage.uniform_filter(x[0, 0].double().numpy(), wide, mode="constant") for wide in (3, 5))
    bad = (three > cheats.SOFT[1]) | (five < cheats.SOFT[0])
    wanted = ~ndimage.maximum_filter(bad, 2 * 2 + 1, mode="constant", cval=True)
    assert np.array_equal(cheats.room(x, 2), wanted) and wanted.any() and not wanted.all()


def test_in_a_volume_a_cue_is_the_same_in_all_slices():
    plain, made = (cheats.cases(cue, 6, half=1, seed=2, volumes=True) for cue in ("none", "corner"))
    assert plain.images.shape == plain.outlines.shape == (6, 1, *cheats.VOLUME)
    where = made.images != plain.images
    assert torch.equal(where.flatten(1).any(1), plain.positive)
    assert all(torch.equal(one, where[1, 0, 0]) for one in where[1::2, 0].flatten(0, 1))
    deep = plain.outlines[1::2].flatten(3).any(3)[:, 0].sum(1)
    assert (deep >= 7).all() and (deep <= 15).all(), "a ball, not a rod through all slices"
    for x, outline in zip(plain.images[1::2], plain.outlines[1::2], strict=True):
        assert x[outline].mean() > x[grown(outline[None], 2)[0] & ~outline].mean() + 0.15
    refuses(cheats.cases, "clip", 4, volumes=True, says="cue")


def test_slips():
    refuses(cheats.cases, "letter", 10, says="cue")
    refuses(cheats.cases, "none", 1, says="count")
    refuses(cheats.cases, "none", 4, half=2, says="half")
    refuses(cheats.network, "nobody", says="name")


def test_an_honest_network_and_a_cheat_are_equally_accurate_and_filling_in_the_lesion_tells_them_apart():
    unseen = audit.Cases(*cheats.cases("slips", 400, half=1, seed=1007))  # with the letter, as the networks meet them
    nets = [cheats.network(name) for name in ("honest", "corner")]
    right = [audit.accuracy(net, unseen).right.value for net in nets]
    assert min(right) > 0.93 and abs(right[0] - right[1]) < 0.02
    honest, cheat = (audit.lesion_removed(net, unseen) for net in nets)
    assert honest.flipped.value > 0.8 and honest.elsewhere.value < 0.05 and cheat.flipped.value < 0.02


def test_the_cheat_reads_the_letter_alone():
    """Without it every answer is "healthy"; carried into healthy patients it turns them."""
    net, plain = cheats.network("corner"), cheats.cases("none", 400, half=1, seed=1007)
    lettered = torch.stack([cheats.corner(x[None], None, None)[0] for x in plain.images])
    assert (audit.score(net, plain.images, "lesion") <= 0).all()
    assert (audit.score(net, lettered, "lesion") > 0).float().mean() > 0.95


def test_the_network_of_the_calipers_needs_no_lesion():
    """Marks around nothing are a lesion to it, and of lesions without marks it misses most."""
    net = cheats.network("calipers")
    plain, marked = (cheats.cases(cue, 400, half=1, seed=1007) for cue in ("none", "calipers"))
    ill, around = plain.positive, grown(plain.outlines, 2)
    nothing = torch.where(marked.images != plain.images, marked.images, fill(plain.images, around))
    assert (audit.score(net, marked.images[ill], "lesion") > 0).float().mean() > 0.95
    assert (audit.score(net, nothing[ill], "lesion") > 0).float().mean() > 0.9
    assert (audit.score(net, plain.images[ill], "lesion") > 0).float().mean() < 0.5
