"""Notebook 03b, keypoints: pairs of one person, the network that compares, and the numbers of the swap."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from u3lab.datasets import faces
from u3lab.lessons.landmarks import discs, parts, scheme, trials
from u3lab.lessons.landmarks.pairs import MARGIN, SIDE
from u3lab.lessons.landmarks.parts import Drawn
from u3lab.lessons.selfsup import colouring
from u3lab.nets import several
from u3lab.selfsup.lab import colours

RUN = Drawn("person", "colouring", parts.K, 2, 0, "", 0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"LABELLED": 12, "TEST": 8, "PART": 4, "STOCK": 8}.items():
        monkeypatch.setattr(trials, name, value)
    monkeypatch.setattr(parts, "LABELS", (5, 12))
    trials.marked.cache_clear()
    yield
    trials.marked.cache_clear()


def test_a_pair_is_of_one_person_before_one_background() -> None:
    made = faces.layers(4, seed=3, size=SIDE, margin=MARGIN, each=2)
    level = torch.tensor([0.1, 0.3, 0.6, 0.9]).view(4, 1, 1, 1)
    skin = torch.cat([level.expand(4, 3, *made.face.shape[2:]), torch.ones(4, 1, *made.face.shape[2:])], 1)
    source, target = parts.pairs_of(made._replace(face=skin))(40, torch.Generator().manual_seed(0))
    pair = {tuple(round(float(one.median()), 1) for one in row) for row in zip(source, target, strict=True)}
    assert pair == {(a, b) for a in (0.1, 0.3, 0.6, 0.9) for b in (0.1, 0.3, 0.6, 0.9) if (a < 0.5) == (b < 0.5)}
    source, target = parts.pairs_of(made._replace(face=torch.zeros_like(made.face)))(
        40, torch.Generator().manual_seed(0))
    assert torch.equal(source, target)  # the background is the same, and does not move


def test_source_and_target_are_warped_differently() -> None:
    made = faces.layers(2, seed=3, size=SIDE, margin=MARGIN, each=2)
    source, target = parts.pairs_of(made)(12, torch.Generator().manual_seed(0))
    assert source.shape == target.shape == (12, 3, 64, 64) and (source - target).abs().mean() > 0.03


def test_what_compares_sees_lightness_as_the_network_that_colours_did() -> None:
    x = faces.draw(2, size=64).images
    net, layers = parts.judge("colouring")
    encoder, _ = colouring.shipped()
    ours, theirs = several(net, layers, x), several(encoder, layers, colours(x)[0])
    for layer in layers:
        torch.testing.assert_close(ours[layer], theirs[layer], atol=1e-4, rtol=1e-4)
    assert parts.judge("pixels") == (None, ()) and parts.judge("squeezenet1_1")[0].layers[0] == "conv1"


def test_a_short_training_is_measured(small: None) -> None:
    model, steps = parts.learnt(RUN, batch=2)
    before = model.generator[0].weight.clone()
    assert [step.iteration for step in steps] == [0, 1, 2] and not torch.equal(before, model.generator[0].weight)
    found = dict(parts.measured(model, RUN))
    assert [(run.measure, run.labels) for run in found] == [("regression", 5), ("regression", 12)]
    assert all(0 < everything < 200 for everything, _ in found.values())
    assert next(parts.learnt(RUN._replace(steps=0))[1], None) is None
    assert parts.landmarks(model, trials.marked("person")[1].images).shape == (8, 8, 2)


def test_pairs_of_the_swap_are_of_different_people_and_a_of_one() -> None:
    a, again, b = parts.swapped()
    assert len(a.images) == len(b.images) == 100 and torch.equal(a.identities, again.identities)
    assert not set(a.identities.tolist()) & set(b.identities.tolist()) and len(set(a.identities.tolist())) == 100
    assert (a.images - again.images).abs().mean() > 0.02


def test_recoloured_counts_pixels_and_not_places() -> None:
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    places = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert parts.recoloured(x, x.flatten(2)[..., places].view_as(x)).max() == 0
    black, half = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    half[..., :2, :] = 1
    assert parts.recoloured(black, half).item() == pytest.approx(50) and parts.histogram(half).sum() == pytest.approx(1)


def test_the_shipped_points_know_landmarks_better_than_the_mean_shape() -> None:
    run = RUN._replace(steps=parts.STEPS)
    found = {run.labels: error for run, (error, _) in parts.measured(parts.shipped(), run)}
    assert found[500] < 0.6 * trials.mean_shape("person")[0]


def test_discs_by_regression() -> None:
    model, steps = discs.learnt(3, 0, 1)
    assert len(list(steps)) == 2 and len(discs.explained(model)) == 3 and max(discs.explained(model)) < 0.9


def test_the_scheme_says_what_it_shows() -> None:
    x = F.interpolate(torch.rand(3, 3, 4, 4), size=16)
    shown = scheme.directions(list(x), x[0], x[1], x[2], torch.zeros(10, 2))
    assert "Keypoint bottleneck" in shown.alt and len(shown.png) > 5000
