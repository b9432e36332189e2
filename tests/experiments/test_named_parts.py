"""Names that nobody gave: which way, motion and person each row is of, on planted errors; the rival, and lengths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from u3lab import landmarks, results
from u3lab.experiments import _running, _table, labellers, named_parts
from u3lab.experiments._faces import people
from u3lab.lessons.landmarks import trials
from u3lab.measures import Interval
from u3lab.worlds import faces


def test_people_who_judge_had_no_part_before() -> None:
    roles = {role: set(people("test", seed, trials.TEST).tolist()) for role, seed in trials.TESTED.items()}
    assert not roles["fresh"] & (roles["choose"] | roles["judge"]) and len(roles["fresh"]) == trials.TEST


def test_each_way_has_its_row_in_each_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of 12 faces, with the eyes one apart: a way that is off by so much has that error, with its own network."""
    true = torch.rand(12, 8, 2, generator=torch.Generator().manual_seed(0)) / 4
    true[:, 0], true[:, 1] = torch.tensor([-0.5, 0.0]), torch.tensor([0.5, 0.0])
    made = SimpleNamespace(images=torch.zeros(12, 3, 64, 64), pose=torch.arange(24.0).view(12, 2))
    monkeypatch.setattr(trials, "marked", lambda kind, role: (made, made) if role == "fresh" else None)
    monkeypatch.setattr(named_parts, "points", lambda given: true)
    monkeypatch.setattr(named_parts, "LABELS", (1, 5, 10))
    nets = {"person": 0.01, "person-warps": 0.02, "labeller": 0.03, (labellers.TURNING, 2000): 0.04,
            ("labelling", named_parts.LONG): 0.05}
    monkeypatch.setattr(trials, "taught", nets.__getitem__)
    monkeypatch.setattr(landmarks, "labeller", lambda seed: nets["labeller"])
    monkeypatch.setattr(labellers, "learnt", lambda way, kind, seed, steps, state: (nets[way, steps], iter([None])))
    monkeypatch.setattr(trials, "codes", lambda net, images: torch.tensor(net).expand(12, 3, 32, 32))
    monkeypatch.setattr(trials, "regressed", lambda z, known, tested: true + tested[0, 0] + len(z) / 100)
    monkeypatch.setattr(landmarks, "virtual_landmarks", lambda codes, filters: (
        codes[:, :2, 0, 0][:, None].expand(-1, 48, -1) if len(filters) == 48 else true + filters[0, 0]))
    monkeypatch.setattr(trials, "matched", lambda found, tested: (true.roll(-1, 0) + found[0, 0, 0, 0],
                                                                  true.roll(-1, 0)))
    monkeypatch.setattr(named_parts, "supervised", lambda images, true, seed, steps: lambda given: (
        named_parts.points(None) + seed + len(images) / 100))
    monkeypatch.setattr(named_parts, "of_two", lambda plan, pair, steps: {
        named_parts.Carried(way, count, pair): named_parts.Missed((pair + n,), (0,)) for n, (way, count) in enumerate((
            (named_parts.SAME_OF_TWO, 0), (named_parts.ONE, steps), (named_parts.EACH, steps)))})
    monkeypatch.setattr(named_parts, "of_one", lambda plan, pair, steps: {
        named_parts.Carried(way, steps, pair): named_parts.Missed((pair + n,), (0,)) for n, way in enumerate((
            named_parts.ALONE_ONE, named_parts.ALONE_TWO))})
    monkeypatch.setattr(named_parts, "scored", lambda net: (
        {named_parts.Scored(score, question): torch.tensor([[0.0, 1], [2, 3]]) for score, question in [
            *((score, named_parts.FAR) for score in (named_parts.LENGTH, named_parts.PEAK, named_parts.RIM,
                                                     named_parts.FRONT, named_parts.MIDDLE)),
            *((score, named_parts.FACE) for score in (named_parts.LENGTH, named_parts.PEAK, named_parts.MIDDLE))]},
        {named_parts.FAR: torch.tensor([[False, True], [False, True]]),
         named_parts.FACE: torch.tensor([[True, False], [False, False]])}))
    _running.run(named_parts, ["--out", str(tmp_path)])
    few, motions, lengths = (results.rows(_table.read(tmp_path / "results" / f"{name}.json"))
                             for name in ("few_marked", "motions", "lengths"))
    diagonal = 100 * 2**0.5  # as much to the right as downwards
    assert {run: row.errors[0] for run, row in few.items() if run.way != named_parts.MEAN} == {
        run: pytest.approx(diagonal * away, abs=0.02) for run, away in {
            **{("random weights", 0, n): 0.03 + n / 100 for n in (5, 10)},
            **{("turning heads, looked for", 0, n): 0.01 for n in (1, 5, 10)},
            **{("turning heads", 0, n): 0.01 + n / 100 for n in (5, 10)},
            **{("warps of stills", 0, n): 0.02 + n / 100 for n in (5, 10)},
            **{("supervised", seed, n): seed + n / 100 for seed in range(named_parts.SEEDS) for n in (5, 10)}}.items()}
    assert {run.labels for run in few if run.way == named_parts.MEAN} == {1, 5, 10}
    assert {run: row.errors[0] for run, row in motions.items() if run.way != named_parts.SAME
            and run.way not in named_parts.OF_TWO} == {run: pytest.approx(diagonal * away, abs=0.02) for run, away in {
                ("random weights", 0, 0): 0.03, ("turning heads", 2000, 0): 0.04, ("warps of stills", 2000, 0): 0.02,
                **{run: 0.05 for run in motions if run.steps == named_parts.LONG},
                (labellers.SHARP, 32_000, 0): 0.01}.items()}
    assert motions["same place", 0, 0].apart == (2,) * 11 + (22,)
    assert lengths["length of the code", "found far off"].value == 0.75
    assert lengths["peak of p", "face or background"].value == 0


def test_paired_gains_are_less_and_more_than_what_they_are_named_after() -> None:
    rows = {named_parts.Marked(way, seed, 5): named_parts.Errors((10.0 + away, 20.0 + away)) for way, seed, away in (
        (named_parts.MEAN, 0, 30), (named_parts.TURNS, 0, 0), (named_parts.SUPERVISED, 0, 4),
        (named_parts.SUPERVISED, 1, 6))}
    found = named_parts.by_labels(rows)["5"]
    assert found[named_parts.SUPERVISED].value == 20 and found["supervised: gain"].value == 25
    assert found["turning heads less supervised"].value == -5
    rows = {named_parts.Carried(way, steps, 0): named_parts.Missed((5.0 + away, 7.0 + away), (3, 40))
            for way, steps, away in ((named_parts.TURNS, 2000, 0), (named_parts.STILLS, 2000, 8))}
    found = named_parts.by_motion(rows)["warps of stills, 2000 steps"]
    assert found["more than turning heads"] == (8, 8, 8)
    assert (found["yaw differs by 0 to 12°"].value, found["yaw differs by 30 to 71°"].value) == (13, 15)


def test_the_supervised_rival_starts_at_the_mean_shape_and_gets_better() -> None:
    made = faces.draw(40, seed=3, each=1, yaw=trials.YAW)
    true, shape = trials.points(made), trials.points(made)[8:].mean(0)
    begun, taught = (named_parts.supervised(made.images, true, 0, steps)(made.images) for steps in (0, 60))
    assert (begun - shape).abs().max() < 1e-4
    assert (taught - true).norm(dim=-1).mean() < 0.95 * (begun - true).norm(dim=-1).mean()


class Same(nn.Module):
    """Codes of 1 everywhere."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.ones(len(images), 3, 32, 32)


def test_scores_of_even_codes_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "TEST", 10)
    named_parts.turned.cache_clear()
    scores, marks = named_parts.scored(Same())
    named_parts.turned.cache_clear()
    for score in (named_parts.LENGTH, named_parts.PEAK):
        assert torch.allclose(scores[score, named_parts.FACE], scores[score, named_parts.FACE][0, 0].expand(4, 40))
    assert scores[named_parts.PEAK, named_parts.FAR].allclose(torch.tensor(1 / 1024))
    assert scores[named_parts.RIM, named_parts.FAR].min() > 0.5
    assert scores[named_parts.FRONT, named_parts.FAR].min() > 0.25
    assert marks[named_parts.FACE].shape == (4, 40) and 0.1 < marks[named_parts.FACE].double().mean() < 0.9
    assert marks[named_parts.FAR].double().mean() < 0.5  # all of them are found in the first cell


def steps(*_: object, **__: object) -> Iterator[None]:
    yield None


def test_a_network_for_each_learns_from_its_own_person(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, set[int]]] = []
    monkeypatch.setattr(named_parts, "KEPT", 4)
    monkeypatch.setattr(landmarks, "train_labeller", lambda net, pairs, settings: seen.append(
        (settings.seed, set(pairs.layers.identities.tolist()))) or steps())
    monkeypatch.setattr(named_parts, "of_both", lambda stock: stock)
    rows = named_parts.of_two(SimpleNamespace(short=True), 1, 2)
    one, other = (people("train", named_parts.FIRST + 2 + n, 1).item() for n in (0, 1))
    assert seen == [(1, {one, other}), (1, {one}), (1 + named_parts.PAIRS, {other})]
    assert list(rows) == [("two people, same place", 0, 1), ("two people, one network", 2, 1),
                          ("two people, a network for each", 2, 1)]
    assert all(len(row.errors) == len(row.apart) == 4 for row in rows.values())


def test_the_control_has_one_person_and_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a second network's codes are those of the first, it finds what the first finds."""
    seen: list[tuple[int, set[int]]] = []
    monkeypatch.setattr(named_parts, "KEPT", 4)
    monkeypatch.setattr(landmarks, "train_labeller", lambda net, pairs, settings: seen.append(
        (settings.seed, set(pairs.layers.identities.tolist()))) or steps())
    monkeypatch.setattr(named_parts, "of_both", lambda stock: stock)
    monkeypatch.setattr(landmarks, "labeller", lambda seed: seed)
    monkeypatch.setattr(trials, "codes", lambda net, images: torch.rand(
        4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    one, two = named_parts.of_one(SimpleNamespace(short=True), 1, 2).values()
    assert one == two and len(one.errors) == len(one.apart) == 4
    person = people("train", named_parts.FIRST + 2, 1).item()
    assert seen == [(1, {person}), (1 + named_parts.PAIRS, {person})]


def test_what_ships() -> None:
    few, motions = (results.facts(name)["evidence"]["summary"] for name in ("few_marked", "motions"))
    assert all(few[n]["turning heads, 32000 steps"][2] < few[n]["mean shape"][1] for n in ("5", "20", "100", "500"))
    assert all(few[n]["supervised"][0] < few[n]["mean shape"][0] for n in ("20", "100", "500"))
    assert motions["warps of stills, 2000 steps"]["more than turning heads"][1] > 0
    for pair in (1, 2):
        one, each, same, again = (motions[f"{way}, 600 steps, pair {pair}"]["all"] for way in (
            named_parts.ONE, named_parts.EACH, named_parts.ALONE_ONE, named_parts.ALONE_TWO))
        assert one[2] < 0.5 * each[1] and same[2] < 0.5 * again[1]
    assert all(isinstance(row, Interval) for row in results.table("lengths").values())
