"""Kinds, silenced units and words of chapters 7 and 7b; adapters that are switched on layer by layer."""

import pytest
import torch

from evidence.adapted_units import beside_adapter
from tests.helpers import squeezenet, uniform
from u3course.lessons.dissection import kinds, words
from u3course.lessons.dissection.adapted import LAYERS, alike, maps, switched
from u3course.worlds import concepts
from u3course.worlds.concepts import sources
from u3lab import dissection, nets
from u3lab.datasets.labelled import LabelledPictures
from u3lab.errors import U3Error
from u3lab.images import sources as shipped_photos
from u3lab.universal import adapt


def test_nearness_in_the_tree():
    assert kinds.near("horse", "sheep") == "two hoofed animals" and kinds.near("horse", "cat") == "two other mammals"
    assert kinds.near("bird", "cat") == "two other animals" and kinds.near("bird", "tool") == kinds.FAR
    assert kinds.near("tool", "ball") == "two things"


def test_pasted_kinds_have_one_thing_each():
    made = kinds.pasted("test", each=1)
    assert made.names == tuple(kinds.KINDS) and len(made) == len(kinds.KINDS)
    areas = made.masks.double().mean((2, 3))
    assert (areas.argmax(1) == torch.arange(len(made))).all() and (areas > 0).sum() == len(made)


def test_a_share_of_units_is_chance_for_units_that_know_nothing():
    masks = torch.eye(4).view(4, 4, 1, 1).expand(4, 4, 6, 6) > 0.5
    pictures = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    data = LabelledPictures(("bird", "fish", "tool", "ball"), pictures, masks)
    found = dissection.dissect(dissection_net(), "0", data, share=0.2)
    lift = kinds.shared(found, found)
    assert {kinds.near(*pair) for pair in lift} == {"two other animals", "two things", kinds.FAR}
    assert all(value >= 0 for value in lift.values())
    best = found.iou.topk(kinds.BEST, 0).indices[:, 0]
    assert lift["bird", "fish"] == pytest.approx(float(found.iou[best, 1].mean() / found.iou[:, 1].mean()))


def dissection_net():
    from u3lab import nets

    torch.manual_seed(0)
    return nets.Classifier(torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1)), size=6).eval()


def test_units_are_ranked_on_one_source_and_silenced_for_another(monkeypatch):
    """Each source has pictures, a loudest unit and a ranking of its own, by which it is told."""
    monkeypatch.setattr(words, "sources", lambda label: [words.Shown(torch.full((2, 3, 1, 1), n / 4), None)
                                                         for n in (1, 2)])
    monkeypatch.setattr(words, "features", lambda net, x: torch.eye(4)[(4 * x[:, 0, 0, 0]).long()][..., None, None])
    monkeypatch.setattr(words, "_weights", lambda one, label: torch.arange(4))
    monkeypatch.setattr(words, "ablation_curve", lambda net, layer, code, labels, k, order, counts: (
        int(order[0]), code[:, :, 0, 0].argmax(1).tolist(), labels.tolist(), k))
    rankings = {(label, n): torch.tensor([10 + 2 * k + n]) for k, label in enumerate(words.TWICE) for n in (0, 1)}
    another = torch.eye(4)[3:, :, None, None], torch.tensor([5])
    one = words.Patient(None, (*words.TWICE, "another"), None, *another, rankings)
    for label, unlike in words.UNLIKE.items():
        k = list(words.TWICE).index(label)
        for ranked, judged in ((0, 1), (1, 0), (0, 0)):
            found = words.curves(one, label, ranked, judged)
            assert all(rest == [[1 + judged] * 2 + [3], [k, k, 5], k] for _, *rest in found.values())
            assert {title: order for title, (order, *_) in found.items() if title != "random"} == {
                "its own units (IoU)": int(rankings[label, ranked]), "most active": 1 + ranked, "weights |w|": 0,
                "units of an unlike class": int(rankings[unlike, ranked])}


def test_a_koala_is_lost_without_its_own_units():
    one = words.patient(squeezenet())
    assert one.classes[:5] == tuple(words.TWICE) and len(one.others) == len(one.code) == len(one.labels)
    assert all(sorted(order.tolist()) == list(range(512)) for order in one.rankings.values())
    found = words.curves(one, "koala", 0, 1)
    assert all(values[0] == found["random"][0] > 0.9 for values in found.values())
    assert found["its own units (IoU)"][-1] < found["random"][-1]


def test_no_source_of_a_word_is_on_both_sides():
    learn, ask = (words.pictures(held_out=held_out, each=1) for held_out in (False, True))
    assert not set(learn.sources) & set(ask.sources) and len(set(ask.sources)) >= 30
    assert all((one.labels == k).any() for one in (learn, ask) for k in range(len(words.WORDS)))
    assert len(ask.images) == len(ask.labels) == len(ask.sources)


def test_what_was_counted_beforehand():
    counted = kinds.shipped()
    assert tuple(counted) == kinds.LAYERS
    for one in counted.values():
        values, pictures = one.tops
        assert one.iou.shape == (len(values), len(one.concepts)) and 0 < one.iou.max() < 1
        assert (values.diff(dim=1) <= 0).all() and (pictures >= 0).all() and (pictures < kinds.PICTURES).all()
        assert torch.equal(one.upper(), one.thresholds[0]) and (values[:, 0] >= one.upper()).all()  # on where strongest
        assert (one.upper(0.001) >= one.upper()).all() and (one.upper() >= one.upper(0.1)).all()
        assert torch.equal(one.upper(0.0102), one.upper(0.01)) and not torch.equal(one.upper(0.02), one.upper(0.01))


def test_sources_are_counted_by_photo_and_series():
    train, test = (sources(split) for split in ("train", "validation"))
    assert train["cat"] == 1 and train["bird"] > 10 and test["bird"] >= 3 and train["animal"] > train["mammal"]
    assert all(concepts.CATEGORY[name] in ("object", "part", "material") for name in train)
    with pytest.raises(U3Error):
        sources("all")


@pytest.fixture(scope="module")
def digits():
    """SqueezeNet with large adapters that nobody has trained."""
    net = adapt(nets.load("squeezenet1_1", device="cpu")).add_domain("digits", 10)
    draw = torch.Generator().manual_seed(0)
    for adapter in net.domain("digits").adapters():
        weight = adapter.alpha.weight
        weight.data = 0.3 * torch.randn(weight.shape, generator=draw) / weight.shape[1] ** 0.5
    return net


@pytest.mark.parametrize("layer", ["conv1", "fire4", "fire9"])
def test_only_the_adapters_that_are_on_change_what_a_layer_gives(layer, digits):
    x = uniform(2, 3, 64, 64).float()
    at, before = LAYERS.index(layer), maps(digits, layer, x)
    with digits.using("digits"):
        every = maps(digits, layer, x)
    own, others, none, above, all_on = (maps(switched(digits, "digits", on), layer, x) for on in (
        [layer], [one for one in LAYERS if one != layer], [], LAYERS[at + 1:], LAYERS))
    assert torch.equal(none, before) and torch.equal(above, before) and torch.equal(all_on, every)
    assert not torch.allclose(own, every) or layer == "conv1"
    ours = len(before) - len(beside_adapter(before, layer))
    assert ours == (0 if layer == "conv1" else len(before) // 2)
    assert torch.equal(own[:ours], before[:ours]) and not torch.allclose(own[ours:], before[ours:])
    assert torch.equal(others, before) == (layer == "conv1")
    assert torch.equal(maps(digits, layer, x), before)  # what was given stays as it was
    for state in (own, others, every, before):
        assert state.shape == before.shape and state.shape[1] == 2


def test_alike_is_the_correlation_of_each_unit():
    a, b = uniform(5, 3, 4, 4).float() + 100, uniform(5, 3, 4, 4, seed=1).float()
    b[1], b[2], b[3] = 2 * a[1] + 3, -a[2], 0.5
    found = alike(a, b)
    wanted = torch.corrcoef(torch.stack([a[0].flatten(), b[0].flatten()]).double())[0, 1]
    torch.testing.assert_close(found[[0, 1, 2]], torch.stack([wanted, wanted * 0 + 1, wanted * 0 - 1]),
                               atol=1e-6, rtol=0)
    assert found[3].isnan() and found.dtype == torch.float64


def test_shipped_photos_are_learnt_from_or_asked_about_as_everywhere():
    for held_out in (False, True):
        names = {name for some in words.sources_of(held_out=held_out).values() for name in some if ": " not in name}
        assert names and names <= set(shipped_photos()[held_out])
