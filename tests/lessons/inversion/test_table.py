"""The table of layers: when a search has run long enough, and what is written down of a picture."""

from __future__ import annotations

import pytest
import torch

from u3lab import images, inversion, nets
from u3lab.descent import Step, last
from u3lab.lessons.inversion import table
from u3lab.lessons.inversion.table import Run


@pytest.fixture(scope="module")
def net():
    return nets.load("squeezenet1_1", device="cpu")


def test_a_photo_is_its_own_perfect_inversion_and_a_moved_one_is_not(net):
    photo = images.load("coffee", size=64)
    itself, moved = (table.judge(net, "fire3", x, photo) for x in (photo, photo.roll(3, 3)))
    assert itself == (0, 0, 0)
    with torch.no_grad():
        codes = [inversion.code(net, "fire3", x) for x in (photo.roll(3, 3), photo)]
    assert moved[0] == pytest.approx(float(inversion.code_error(*codes))) and moved[2] > 0


def steps_of(losses):
    return [Step(k, loss, torch.tensor(float(k)), {}) for k, loss in enumerate(losses)]


def test_a_search_goes_on_while_it_pays_and_ends_when_it_does_not():
    falling = [0.5 ** (k / 50) for k in range(401)]
    assert last(table.enough(steps_of(falling), 100)).iteration == 400
    resting = falling[:100] + [falling[99]] * 900
    ended = last(table.enough(steps_of(resting), 100))
    assert 150 <= ended.iteration < 400 and ended.iteration % table.CHECKED == 0
    assert last(table.enough(steps_of([1.0] * 500), 250)).iteration == 250  # not before the least


def test_what_it_gives_is_the_best_step_so_far():
    losses = [3.0, 1.0, 2.0, 0.5, 4.0]
    found = list(table.enough(steps_of(losses), 100))
    assert [step.loss for step in found] == [3.0, 1.0, 1.0, 0.5, 0.5]
    assert [float(step.value) for step in found] == [0, 1, 1, 3, 3] and found[-1].iteration == 4


def test_every_layer_of_both_networks_has_every_prior_and_floor_for_every_photo():
    networks, judges = table.load_networks()
    runs = table.runs(networks)
    assert len(set(runs)) == len(runs) and set(judges) == set(table.NETWORKS)
    for net in networks:
        assert set(table.LAYERS[net.name]) <= {*net.layers, "logits"}
    for run in runs:
        assert run.prior in (*table.PRIORS, *table.FLOORS) and run.photo in table.PHOTOS
    layers = sum(len(names) for names in table.LAYERS.values())
    kinds = len(table.PHOTOS) * (len(table.PRIORS) + len(table.FLOORS) - 1) + len(table.SAME_CLASS)
    assert len(runs) == layers * kinds
    # and each photo's class is the first to both judges, as is said
    for name, label in table.PHOTOS.items():
        for judge in judges.values():
            assert judge.classes[int(judge.logits(table.photo_of(name)).argmax())] == label


def test_a_floor_knows_nothing_of_the_photo():
    run = Run("bison", "squeezenet1_1", "fire5", "grey")
    assert table.floor(run).unique().tolist() == [0.5]
    others = [table.floor(run._replace(prior=kind)) for kind in ("same class", "another photo")]
    for x in others:
        assert x.shape == (1, 3, table.SIDE, table.SIDE) and not torch.equal(x, table.photo_of("bison"))
    scores = nets.load("efficientnet_lite1", device="cpu").logits(others[0])
    assert int(scores.argmax()) == nets.load("efficientnet_lite1", device="cpu").class_index("bison")


def test_a_short_search_lowers_the_error(net):
    run = Run("dog", "squeezenet1_1", "conv1", "none")
    photo = table.photo_of("dog")
    few, more = (table.judge(net, "conv1", table.search(net, run, limit=n).value, photo)[0] for n in (1, 12))
    assert more < few
