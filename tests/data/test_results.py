"""What shipped results say, and what notebooks say of them: data are checked here, not code."""

import pytest
import torch

from evidence import five_priors
from evidence.detection import FEATURES
from tests.helpers import squeezenet
from u3course.lessons.adversarial.attacking import photos
from u3course.lessons.inversion import table
from u3lab import nets, results
from u3lab.adversarial.patch import shipped_patch, success_rate


def test_detection_far_better_than_chance_until_the_attacker_knows():
    shipped = results.table("detection")
    for name in nets.NAMES:
        rows = {run.features: row for run, row in shipped.items() if run.network == name}
        assert set(rows) == set(FEATURES)
        strength = rows["strength at every layer"]
        assert strength.auc[1] > 0.7 and strength.adaptive[2] < 0.5 and strength.still_fool > 0.7
        assert strength.auc[0] > max(rows[other].auc[0] for other in ("map of 14×14", "score alone"))
        plain, taught = strength.past[:4], strength.past[4:]
        for honest, knows, early, on in (plain, taught):
            assert knows[1] > on[2] and knows[2] > honest[0]  # the guard does not stop who knows it
            assert early[0] > on[0]
        assert taught[2][0] < plain[2][0] and taught[1][0] > 0.7  # taught, it stops some who stop early, few who know
        assert rows["activation at every layer"].auc[2] > strength.auc[1]  # undecided between these


def test_the_patch_works_on_photos_that_it_never_saw():
    """At a third of the picture, anywhere, at any angle; without it no photo is a bubble."""
    net, patch = squeezenet(), shipped_patch()
    _, test = photos()
    with torch.no_grad():
        assert net.class_index("bubble") not in net(test[:6]).argmax(1)
    assert success_rate(net, test[:6], "bubble", patch, scale=0.33, turn=180, trials=6) >= 5 / 6


def test_the_patch_works_by_turn_and_size_and_its_shuffled_pixels_do_not():
    shipped = results.table("adversarial_patch")
    ours, other = ({run[1:]: row.rate for run, row in shipped.items() if run.network == name} for name in nets.NAMES)
    assert min(rate for (varied, _), rate in ours.items() if varied == "angle") > 0.8 and ours["size", 0.3] > 0.8
    assert ours["pixels shuffled", 45] < 0.05 and other["pixels shuffled", 45] < other["angle", 45]


@pytest.mark.parametrize("name", nets.NAMES)
def test_the_inversion_table_says_what_the_figure_shows(name):
    found = results.table("inversion")
    # The JPEG keeps half of the colours' resolution, so noise in colour is smaller in what ships than in the numbers.
    for photo in table.PHOTOS:
        truth = table.photo_of(photo)
        for kind, row in table.pictures(name, photo).items():
            for layer, x in zip(table.LAYERS[name], row, strict=True):
                wanted = found[photo, name, layer, kind].pixels
                assert 0.15 * wanted - 0.002 < float((x - truth).square().mean()) < wanted + 0.002


def test_what_priors_say_that_one_cannot_have_from_them():
    """``cannot`` of three of ``inversion.PRIORS``; that of the deep image prior needs seeds: notebook 05 draws them.

    And what notebook 05 says of the code errors when moved.
    """
    found, made = results.table("inversion"), results.table("priors")

    def moved(kind: str, layer: str) -> float:
        return table.over_photos(found, "squeezenet1_1", layer, kind, "moved").value

    def named(kind: str, layer: str) -> int:
        return sum(found[photo, "squeezenet1_1", layer, kind].place <= 5 for photo in table.PHOTOS)

    for layer in ("fire5", "fire7", "fire9"):
        assert moved("deep image prior", layer) < min(moved("total variation", layer), moved("another photo", layer))
    late = table.LAYERS["squeezenet1_1"][3:]
    assert late[:2] == ("fire7", "fire9") and all(moved("none", one) > 0.95 * moved("grey", one) for one in late[:2])
    assert max(named("total variation", layer) for layer in late) <= 1 < named("total variation", "fire5")
    assert five_priors.LAYER == "fire9" and all(
        made[photo, "trained generator"].moved > made[photo, "deep image prior"].moved for photo in table.UNSEEN)


def test_as_many_photos_are_read_off_as_judge():
    photos = results.facts("readouts")["uses"]["judge"]["photos"]
    assert all(len(read.colour) == len(read.layout) == len(photos) for read in results.table("readouts").values())


@pytest.mark.parametrize("name", ["detection", "pointing_game"])
def test_a_chart_has_the_chance_that_its_file_names(name: str, monkeypatch: pytest.MonkeyPatch):
    drawn = {}
    monkeypatch.setattr(results.figures, "bars", lambda *given, **more: drawn.update(more))
    results.chart(name)
    assert drawn["chance"] == results.facts(name)["chart"]["chance"]
