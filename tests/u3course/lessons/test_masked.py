"""Things whose place is known, patients' squares, and what is measured on them."""

import pytest
import torch

from tests.helpers import squeezenet
from u3course.lessons import patients
from u3course.lessons.saliency import things
from u3lab.datasets import scans


def test_a_pasted_thing_can_be_taken_away_exactly():
    for thing in things.pasted(64)[:4]:
        changed = (thing.image - thing.without).abs().amax(1, keepdim=True) > 0.02
        assert thing.image.shape == thing.without.shape == (1, 3, 64, 64) and thing.where.dtype == torch.bool
        near = torch.nn.functional.max_pool2d(thing.where.float(), 7, 1, 3) > 0
        assert (changed & ~near).double().mean() < 0.01
        assert changed[thing.where].double().mean() > 0.8


def test_an_outlined_thing_is_where_the_outline_says():
    found = {thing.name: thing for thing in things.outlined(100)}
    assert set(found) == set(things.OUTLINED) and all(0.02 < one.where.float().mean() < 0.8 for one in found.values())
    y, x = found["goldfish"].where[0, 0].nonzero().double().mean(0)
    assert 20 < y < 80 and 20 < x < 80 and found["goldfish"].without is None


def test_known_things_are_those_that_the_network_is_sure_of():
    net, some = squeezenet(), things.pasted(96)[:6]
    sure = things.known(net, some, least=0.2)
    assert all(float(things.probability(net, one.image, one.label)) >= 0.2 for one in sure) and 0 < len(sure) < 6


@pytest.mark.parametrize("patient", ["brain2", "lung1"])
def test_squares_have_a_lesion_or_none(patient: str):
    some = patients.patches(patient, count=3)
    assert [one.lesion for one in some] == [False] * 3 + [True] * 3
    assert all(bool(one.where.any()) == one.lesion and one.image.shape == (1, 3, 227, 227) for one in some)
    assert {one.slice for one in some} <= set(scans.load(patient).slices)
    assert all(torch.equal(a.image, b.image) for a, b in zip(some, patients.patches(patient, count=3), strict=True))


def test_tissues_are_ranges_of_hounsfield_units():
    one, scan = patients.tissues("lung1", size=200), scans.load("lung1")
    assert one.names == ("lesion", "air", "lung", "bone") and one.masks.shape == (9, 4, 100, 100)
    share = ((scan.values > 300) & (scan.values <= 4000)).double().mean() * scan.values.shape[1] / scan.values.shape[2]
    assert float(one.masks[:, 3].double().mean()) == pytest.approx(float(share), rel=0.25)
    assert patients.tissues("brain1", size=100).names == ("lesion",)
    assert not (one.masks[:, 1] & one.masks[:, 3]).any()


def test_the_reader_learns_its_own_patients():
    reader = patients.reader(squeezenet(), ("lung1",))
    some = patients.patches("lung1")
    assert reader.classes == patients.CLASSES and reader.layers[0] == "conv1"
    right = (patients.scores(reader, some[::8]) > 0) == torch.tensor([one.lesion for one in some[::8]])
    assert right.double().mean() > 0.9


def test_the_reader_is_shown_patients_that_it_has_not_learnt_from(monkeypatch: pytest.MonkeyPatch):
    asked, drawn = [], patients.patches
    monkeypatch.setattr(patients, "patches", lambda patient: asked.append(patient) or drawn(patient, count=1))
    patients.reader(squeezenet())
    assert sorted([*asked, *patients.SHOWN]) == sorted(scans.names())
