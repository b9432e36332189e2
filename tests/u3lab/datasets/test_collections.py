"""The shipped collections: photos, things without background, patients' scans."""

import pytest
import torch

from tests.helpers import refuses
from u3lab import images, nets
from u3lab.datasets import cutouts, packed, photos, scans

BACKGROUNDS = ("mountain_meadow", "stream", "sunset", "mont_saint_michel")
TWIGS = ("tree", "plant")


def halves(found: list[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """What is in each split, from pairs of a split and anything."""
    return tuple({what for where, what in found if where == split} for split in packed.SPLITS)


# Photos

def test_a_photo_is_a_picture():
    assert photos.load("stream", size=64).shape == (1, 3, 64, 64)
    x = images.check(photos.load("swans"))
    assert max(x.shape) == 512


@pytest.mark.parametrize("group", photos.GROUPS)
def test_no_author_of_photos_is_in_both_splits(group):
    train, test = halves([(photos.about(name).split, photos.about(name).author) for name in photos.names(group)])
    assert train and test and not train & test
    assert sorted(sum((photos.names(group, split=split) for split in packed.SPLITS), [])) == sorted(photos.names(group))


# Things without background

def test_a_thing_is_on_white_paper_where_its_mask_is_not():
    small, opacity = cutouts.load("zebra", size=50)
    assert max(opacity.shape) == 50 and (small >= 1 - opacity - 1e-5).all()  # no fringe is darker than its mask allows
    picture, mask = cutouts.load("zebra")
    assert picture.shape[1:] == (3, *mask.shape[2:]) and mask.shape[:2] == (1, 1)
    assert max(mask.shape) == 200 and 0.2 < mask.mean() < 0.8
    assert (picture.masked_select(mask == 0) == 1).all()
    assert picture.masked_select(mask == 1).min() < 0.2  # a black stripe


def test_each_thing_has_a_plain_mask():
    """Cropped to it, neither nothing nor all; half transparent is the border only, but of what is all twigs."""
    for name in cutouts.names():
        picture, mask = cutouts.load(name)
        assert 0 <= picture.min() and picture.max() <= 1 and 20 <= max(mask.shape) <= 200, name
        between = ((mask > 0.1) & (mask < 0.9)).float().mean()
        assert 0.02 < mask.mean() < 0.98 and between < (0.5 if cutouts.about(name).kind in TWIGS else 0.2), name
        edges = mask[0, 0]
        assert all(side.max() > 0 for side in (edges[0], edges[-1], edges[:, 0], edges[:, -1])), name


def test_kinds_cover_everything_once():
    kinds = [kind for group in cutouts.KINDS.values() for kind in group]
    assert len(kinds) == len(set(kinds))
    assert sorted(name for kind in kinds for name in cutouts.names(kind)) == sorted(cutouts.names())
    assert set(cutouts.names("animal")) == {name for kind in cutouts.KINDS["animal"] for name in cutouts.names(kind)}


def test_no_series_of_things_is_in_both_splits():
    train, test = halves([(cutouts.about(name).split, cutouts.about(name).series) for name in cutouts.names()])
    assert len(train) > len(test) > 50 and not train & test
    assert cutouts.about("gnu").series == cutouts.about("gnu_calf").series


def test_paste_by_hand():
    background = torch.full((2, 3, 40, 60), 0.25)
    thing = cutouts.Cutout(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 10, 10),
                           torch.ones(1, 1, 10, 10))
    found, masks = cutouts.paste(thing, background, size=0.25, x=0.5, y=0.25)
    assert masks.shape == (2, 1, 40, 60) and masks.dtype == torch.bool
    wanted = torch.zeros(40, 60, dtype=torch.bool)
    wanted[5:15, 25:35] = True
    assert torch.equal(masks[1, 0], wanted)
    torch.testing.assert_close(found[0, 0], torch.where(wanted, 1.0, 0.25))
    torch.testing.assert_close(found[0, 1], torch.where(wanted, 0.0, 0.25))


def test_paste_blends_by_the_mask():
    """α·c + (1 − α)·b with colour c on white paper: a half transparent black thing."""
    thing = (torch.full((1, 3, 8, 8), 0.5), torch.full((1, 1, 8, 8), 0.5))
    found, masks = cutouts.paste(thing, torch.full((1, 3, 8, 8), 0.6), size=1.0)
    torch.testing.assert_close(found, torch.full((1, 3, 8, 8), 0.3))
    assert masks.all()


def test_paste_cuts_at_the_border_and_mirrors():
    background = photos.load("peaks", size=64)
    whole, mask = cutouts.paste("zebra", background, size=0.5)
    _, cut = cutouts.paste("zebra", background, size=0.5, x=0.0, y=1.0)
    assert whole.shape == background.shape and 0 < cut.sum() < mask.sum()
    assert torch.equal(whole.masked_select(~mask.expand_as(whole).logical_or(whole != background)),
                       background.masked_select(~mask.expand_as(whole).logical_or(whole != background)))
    _, mirrored = cutouts.paste("zebra", background, size=0.5, mirror=True)
    assert torch.equal(mirrored, mask.flip(-1))
    again, _ = cutouts.paste("zebra", background, size=0.5)
    assert torch.equal(whole, again)


@pytest.mark.parametrize("network", cutouts.NETWORKS)
def test_a_network_knows_the_things_as_the_index_says(network):
    """On a handful; the index was made on the same four backgrounds. One of them may differ by the rounding."""
    net = nets.load(network, device="cpu")
    scenes = images.resize(torch.cat([photos.load(name, size=227) for name in BACKGROUNDS]), net.size)
    for name in cutouts.names(known=True)[::7]:
        seen, _ = cutouts.paste(name, scenes, size=190 / 227)
        right = (net(seen).argmax(1) == net.class_index(cutouts.about(name).label)).sum()
        assert abs(int(right) - cutouts.about(name).named[network]) <= 1, name


def test_what_is_no_thing_is_not_pasted():
    refuses(cutouts.load, "zebr", says="did you mean 'zebra'")
    refuses(cutouts.names, "dinosaur", says="animal, food")
    background = torch.rand(1, 3, 20, 20)
    refuses(cutouts.paste, background, background, says="neither a name nor a pair")
    refuses(cutouts.paste, (background, background), background, says="mask has the shape")


# Scans

@pytest.mark.parametrize("name", scans.names())
def test_a_scan_has_slices_with_and_without_its_lesion(name):
    scan = scans.load(name)
    count, _, height, width = images.check(scan.images).shape
    assert scan.masks.shape == (count, 1, height, width) and scan.masks.dtype == torch.bool
    assert scan.values.shape == (count, height, width) and len(scan.slices) == count
    shown = scan.masks.flatten(1).any(1)
    assert shown.sum() >= 3 and (~shown).sum() >= 3
    assert max(height, width) <= 512 and all(step > 0 for step in scan.spacing)
    assert scan.masks[scan.largest].sum() == max(mask.sum() for mask in scan.masks)


def test_hounsfield_units_are_what_they_are_named_for():
    lung = scans.load("lung2")
    assert lung.values.min() == -1024 and lung.modality == "CT"
    tumour = lung.values.masked_select(lung.masks[:, 0])
    assert -100 < tumour.median() < 100  # soft tissue
    assert lung.values.eq(lung.values.round()).all()


def test_windows_are_level_and_width():
    lung = scans.load("lung1", window="soft")
    torch.testing.assert_close(lung.images[:, 0], ((lung.values + 160) / 400).clamp(0, 1))
    default = scans.load("lung1")
    torch.testing.assert_close(default.images[:, 2], ((default.values + 1350) / 1500).clamp(0, 1))


def test_a_brain_has_no_windows():
    refuses(scans.load, "brain1", window="lung", says="leave the window out")
