"""The tables of chapter 1's second sitting: what is read of them, and what a score means."""

from __future__ import annotations

import pytest
import torch

from u3lab import nets, results
from u3lab.experiments.shrinkage import Run as Shrunk
from u3lab.lessons.universal import lesions, lighting, shrinking, solids, trials
from u3lab.worlds import rendered


def test_the_interval_is_students():
    found = shrinking.interval([1.0, 2.0, 3.0])
    assert found.value == pytest.approx(2) and found.high == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-4)


def test_a_gain_is_paired_with_the_same_run_without_a_price():
    rows = {Shrunk("digits", "fine-tuning", "source", 5, 0.0, 0): (0.1, 0.5),
            Shrunk("digits", "fine-tuning", "zero", 5, 1.0, 0): (0.1, 0.4),
            Shrunk("digits", "fine-tuning", "source", 5, 1.0, 0): (0.1, 0.7)}
    assert shrinking.gain(rows, "fine-tuning", "source", 5, 1.0) == pytest.approx([0.2])
    assert shrinking.gain(rows, "fine-tuning", "zero", 5, 1.0) == pytest.approx([-0.1])


RUNS = {Shrunk(domain, method, prior, 5, lam, seed): (val, val + 0.01 * seed)
        for domain, vals in (("digits", {0.0: 0.5, 0.1: 0.5, 1.0: 0.7}), ("animals", {0.0: 0.3, 0.1: 0.2, 1.0: 0.1}))
        for lam, val in vals.items() for seed in (0, 1) for method, prior in shrinking.WAYS.values()
        if lam or prior == "source"}


def test_a_price_counts_when_all_its_runs_are_there():
    assert shrinking.prices(RUNS, 5) == [0.1, 1.0] and shrinking.prices(RUNS, 100) == []
    for gone in (Shrunk("animals", "fine-tuning", "zero", 5, 1.0, 1),
                 Shrunk("digits", "parallel", "source", 5, 1.0, 0)):
        assert shrinking.prices({run: pair for run, pair in RUNS.items() if run != gone}, 5) == [0.1]


def test_validation_chooses_the_price_and_the_smallest_of_the_best():
    found = shrinking.chosen(RUNS, "fine-tuning, w₀ = 0", 5)
    assert found["digits"] == (1.0, pytest.approx([0.5, 0.51]), pytest.approx([0.7, 0.71]))
    assert found["animals"] == (0.0, pytest.approx([0.3, 0.31]), pytest.approx([0.3, 0.31]))
    without = {run: pair for run, pair in RUNS.items() if run.lam < 1}
    assert shrinking.chosen(without, "adapters, w₀ = source", 5)["digits"].lam == 0  # as good as 0.1


def test_centres_are_compared_at_the_same_price_seed_and_domain():
    rows = RUNS | {Shrunk("digits", "fine-tuning", "zero", 5, 1.0, 1): (0.9, 0.2)}
    assert sorted(shrinking.centres(rows, 5, 1.0)) == pytest.approx([0, 0, 0, 0.51])


def test_the_shipped_table_has_all_that_the_notebook_reads():
    rows = results.table("shrinkage")
    assert shrinking.prices(rows, 5) == [0.01, 0.1, 1, 10] and 1 in shrinking.prices(rows, 100)
    for labels in (5, 100):
        assert all(len(shrinking.gain(rows, *way, labels, 1.0)) == 9 for way in shrinking.WAYS.values())


def test_colours_of_the_legend_are_those_that_are_painted():
    for number, tile in enumerate(solids.legend("segments").values()):
        assert torch.equal(solids.painted("segments", torch.full((8, 64), number)), tile)
    for word, n in solids.DIRECTIONS.items():
        painted = solids.painted("normals", torch.tensor(n).view(3, 1, 1).expand(3, 8, 64))
        assert torch.equal(painted, solids.legend("normals")[word])
    there = solids.painted("boundaries", torch.ones(1, 8, 64))
    assert torch.equal(there, solids.legend("boundaries")["a boundary"])


def test_a_sphere_faces_where_the_legend_says():
    """At its right end a rendered sphere faces right, at its top up, in the colours of the legend."""
    scenes = rendered.scenes(20, seed=0)
    normals, kinds = scenes.labels["normals"], scenes.labels["segments"]
    n = int((kinds == rendered.KINDS.index("sphere")).sum((1, 2)).argmax())  # the largest
    y, x = (kinds[n] == rendered.KINDS.index("sphere")).nonzero().T
    words = list(solids.DIRECTIONS)
    tiles = torch.stack([tile[:, 0, 0] for tile in solids.legend("normals").values()])
    for place, word in ((x.argmax(), "right"), (y.argmin(), "up"), (x.argmin(), "left")):
        colour = solids.painted("normals", normals[n])[:, y[place], x[place]]
        assert words[int((tiles - colour).norm(dim=1).argmin())] == word


def test_scores_by_hand():
    truth = torch.tensor([[[0, 0], [1, 1]]])
    assert solids.score("segments", truth, truth) == pytest.approx(2 / 6)  # four kinds are not there and count nothing
    edges = torch.tensor([[[[1.0, 0], [0, 0]]]])
    assert solids.score("boundaries", edges * 0 + 1, edges) == pytest.approx(2 / 5)
    up, ahead = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.0, 1, 0], [0.0, 0, 1]))
    assert solids.score("normals", up, ahead) == pytest.approx(90, abs=1e-3)
    assert solids.score("label", torch.tensor([1, 2]), torch.tensor([1, 3])) == 0.5


def test_a_learnet_is_asked_of_48_close_ups():
    """Told of the light itself or of another: the same pictures, other answers; as the learnet's α gives them."""
    lamps, guess = lighting.shipped(nets.load("squeezenet1_1", device="cpu"))
    light, white = torch.tensor([1.0, 0.5, 0.3]), torch.ones(3)
    x, told, y = lighting.answers(lamps, guess, light, light)
    same, other, _ = lighting.answers(lamps, guess, light, white)
    assert x.shape == (48, 3, 32, 32) and torch.equal(x, same) and not torch.equal(told, other)
    lighting.predict(lamps, guess, lighting.shots(light, 0, close=True)[0])
    assert lighting.share_right(lamps, x, y) == pytest.approx((told == y).double().mean().item())


def test_sensitivity_is_of_lesions_and_specificity_of_healthy_squares(monkeypatch: pytest.MonkeyPatch):
    true, given = torch.tensor([1, 1, 1, 1, 0, 0]), torch.tensor([1, 1, 1, 0, 0, 1])
    monkeypatch.setattr(trials, "answers", lambda *_: (given, true))
    assert lesions.rates(None, "brain lesions", "test") == (0.75, 0.5)


def test_the_table_says_of_the_new_patient_what_the_notebook_does():
    table = results.table("sensitivity")
    assert max(table["chest lesions", "test", seed].sensitivity for seed in range(20)) < 0.5
