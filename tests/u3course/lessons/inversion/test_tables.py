"""Chapter 5: how an inversion is judged, slices without their lesion; icons: goals, priors, crops, places."""

import pytest
import torch

from tests.helpers import squeezenet
from u3course.lessons.inversion import coded_lesions, icon_table, table
from u3course.lessons.inversion.icon_table import GOALS, priced
from u3lab import images, inversion, nets
from u3lab.descent import last
from u3lab.inversion import MaximiseSettings


def test_a_photo_is_its_own_perfect_inversion_and_a_moved_one_is_not():
    net, photo = squeezenet(), images.load("coffee", size=64)
    itself, moved = (table.judge(net, "fire3", x, photo) for x in (photo, photo.roll(3, 3)))
    assert itself == (0, 0, 0)
    with torch.no_grad():
        codes = [inversion.code(net, "fire3", x) for x in (photo.roll(3, 3), photo)]
    assert moved[0] == pytest.approx(float(inversion.code_error(*codes))) and moved[2] > 0


@pytest.mark.parametrize("patient", coded_lesions.PATIENTS)
def test_a_slice_with_its_lesion_painted_over_is_the_same_elsewhere(patient):
    given = coded_lesions.pair(patient)
    far = torch.nn.functional.max_pool2d(given.where, 9, 1, 4) == 0
    assert given.ill.shape == given.painted.shape == (1, 3, 128, 128)
    assert 50 < given.where.sum() < 3000
    change = (given.ill - given.painted).abs().mean(1, keepdim=True)
    assert change[far].max() == 0 and change[given.where > 0].mean() > 0.05


def test_the_goal_logit_is_that_of_the_library(net):
    ours = icon_table.climb([net], "zebra", prior=priced(3), seed=1, side=64, steps=3)
    theirs = last(inversion.maximise(net, "logits", "zebra", size=64, settings=MaximiseSettings(steps=3, seed=1))).value
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("goal", GOALS)
def test_a_goal_grows_when_it_is_climbed(net, goal):
    x = icon_table.climb([net], "zebra", goal=goal, prior="none, still", side=64, steps=12)
    start = icon_table.climb([net], "zebra", goal=goal, prior="none, still", side=64, steps=1)
    k = net.class_index("zebra")
    assert GOALS[goal](net.logits(x), k) > GOALS[goal](net.logits(start), k)


def test_the_goals_are_what_they_say():
    y = torch.tensor([[1.0, 2.0, 4.0]])
    p = y.exp() / y.exp().sum()
    assert [float(goal(y, 1)) for goal in GOALS.values()] == pytest.approx([2.0, float(p[0, 1].log()), float(p[0, 1])])


def test_the_best_real_picture_is_the_one_with_the_largest_logit(net):
    x = [images.load(name, size=64) for name in ("coffee", "dog", "brick")]
    found = icon_table.best_real(net, ("espresso", "stone wall"), iter(x))
    for name, best in found.items():
        logits = [float(net.logits(one)[0, net.class_index(name)]) for one in x]
        assert torch.equal(best, x[logits.index(max(logits))])


def test_the_strongest_part_lies_within_the_picture(net):
    x = images.load("coffee", size=128)
    part = icon_table.strongest_part(net, x, "espresso", 48)
    places = x.unfold(2, 48, 1).unfold(3, 48, 1).permute(0, 2, 3, 1, 4, 5)[0]
    assert part.shape == (1, 3, 48, 48) and (places == part).flatten(2).all(2).any()


def test_crops_are_of_photos_and_of_cut_outs():
    crops, origins = icon_table.stock(each=2)
    assert crops.shape[1:] == (3, 96, 96) and 0 <= crops.min() and crops.max() <= 1
    assert len(origins.unique()) > 300 and set(origins.bincount().tolist()) == {1, 2}
    assert torch.equal(crops, icon_table.stock(each=2)[0])
    assert not torch.equal(crops, icon_table.stock(each=2, seed=1)[0])
    assert len(icon_table.stock()[0]) >= 1000


def test_the_best_crops_are_of_several_pictures():
    excited, origins = torch.tensor([5.0, 9.0, 8.0, 1.0, 7.0]), torch.tensor([0, 1, 1, 2, 0])
    assert icon_table.best_crops(excited, origins, 3).tolist() == [1, 4, 3]
    assert icon_table.best_crops(excited, origins, 9).tolist() == [1, 4, 3]


def test_places_count_from_one():
    judge, x = nets.load(icon_table.JUDGE, device="cpu"), images.load("coffee", size=160)
    with torch.no_grad():
        scores = judge(torch.nn.functional.interpolate(x, size=(240, 240), mode="bilinear"))[0]
    best, worst = (judge.classes[k] for k in (int(scores.argmax()), int(scores.argmin())))
    assert icon_table.places(judge, x, [best, worst]) == [1, 1000]


def test_a_mean_over_classes_counts_runs_and_draws_classes():
    found = icon_table.over_classes({("a", 0): 1.0, ("a", 1): 1.0, ("b", 0): 0.0, ("b", 1): 0.0})
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)
