"""Names that nobody gave: which way, motion and person each row is of, on planted errors; the rival, and lengths."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from evidence import _landmarked, few_marked, labellers, lengths, motions
from evidence._faces import people
from evidence.tests.planted import table
from u3course.lessons.landmarks import trials
from u3course.worlds import faces
from u3lab import landmarks, results
from u3lab.measures import Interval

Given = tuple[Path, Tensor, dict[object, float]]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Given:
    """Twelve faces with the eyes one apart, and networks that are numbers: by so much all is off that they find."""
    true = torch.rand(12, 8, 2, generator=torch.Generator().manual_seed(0)) / 4
    true[:, 0], true[:, 1] = torch.tensor([-0.5, 0.0]), torch.tensor([0.5, 0.0])
    made = SimpleNamespace(images=torch.zeros(12, 3, 64, 64), pose=torch.arange(24.0).view(12, 2))
    monkeypatch.setattr(_landmarked, "marked", lambda kind, role: (made, made) if role == "fresh" else None)
    nets = {"person": 0.01, "person-warps": 0.02, "labeller": 0.03, (labellers.TURNING, 2000): 0.04,
            ("labelling", motions.LONG): 0.05}
    monkeypatch.setattr(trials, "taught", nets.__getitem__)
    monkeypatch.setattr(landmarks, "labeller", lambda seed: nets["labeller"])
    monkeypatch.setattr(labellers, "learnt", lambda way, kind, seed, steps: (nets[way, steps], iter([None])))
    monkeypatch.setattr(trials, "codes", lambda net, images: torch.tensor(net).expand(12, 3, 32, 32))
    return tmp_path, true, nets


DIAGONAL = 100 * 2**0.5  # as much to the right as downwards


def test_each_way_to_find_landmarks_has_its_rows(planted: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fitted is off by the number of faces as well, and by the first of them: draws do not share any."""
    folder, true, _ = planted
    monkeypatch.setattr(few_marked, "points", lambda given: true)
    monkeypatch.setattr(few_marked, "LABELS", (1, 2))
    monkeypatch.setattr(few_marked, "EACH", 2)
    off = torch.arange(12.0)  # which marked face it is, as a part of its code
    monkeypatch.setattr(few_marked, "codes_at", lambda codes, at: off[:, None, None].expand(-1, 8, 3) / 10
                        + codes[0, 0, 0, 0])
    monkeypatch.setattr(landmarks, "virtual_landmarks", lambda codes, filters: (
        codes[:, :2, 0, 0][:, None].expand(-1, 48, -1) if len(filters) == 48 else true[:len(codes)] + filters[0, 0]))
    monkeypatch.setattr(few_marked, "regressed", lambda z, known, tested: true + tested.flatten()[-1] + len(z) / 100
                        if tested.shape[1] == 48 else true + (tested - true)[0, 0, 0] + len(z) / 100)
    monkeypatch.setattr(few_marked, "supervised", lambda images, known, draw, steps: lambda given: (
        true + draw + len(images) / 100))
    rows = table(few_marked, folder)
    draws = range(few_marked.DRAWS)
    assert {run: row.errors[0] for run, row in rows.items() if run.way != few_marked.MEAN} == {
        run: pytest.approx(DIAGONAL * away, abs=0.02) for run, away in {
            **{("random weights", draw, 2): 0.03 + 0.02 for draw in draws},
            **{("turning heads, looked for", draw, n): 0.01 + (2 * draw + (n - 1) / 2) / 10
               for draw in draws for n in (1, 2)},
            **{("turning heads, looked for, then linear map", draw, 2): 0.01 + (2 * draw + 0.5) / 10 + 0.02
               for draw in draws},
            **{("turning heads, 2000 steps", draw, 2): 0.04 + 0.02 for draw in draws},
            **{("turning heads", draw, 2): 0.01 + 0.02 for draw in draws},
            **{("warps of stills", draw, 2): 0.02 + 0.02 for draw in draws},
            ("supervised", 0, 2): 0.02}.items()}
    assert {run[1:] for run in rows if run.way == few_marked.MEAN} == {(draw, n) for draw in draws for n in (1, 2)}
    for draw in draws:
        apart = 100 * (true[2 * draw : 2 * draw + 2].mean(0) - true[0]).norm(dim=-1).mean()
        assert rows["mean shape", draw, 2].errors[0] == pytest.approx(float(apart), abs=0.01)


def test_each_motion_has_its_row(planted: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, true, _ = planted
    monkeypatch.setattr(motions, "points", lambda given: true)
    monkeypatch.setattr(trials, "matched", lambda found, tested: (true.roll(-1, 0) + found[0, 0, 0, 0],
                                                                  true.roll(-1, 0)))
    monkeypatch.setattr(motions, "of_two", lambda plan, pair, steps: {
        motions.Carried(way, count, pair): motions.Missed((pair + n,), (0,)) for n, (way, count) in enumerate((
            (motions.SAME_OF_TWO, 0), (motions.ONE, steps), (motions.EACH, steps)))})
    monkeypatch.setattr(motions, "of_one", lambda plan, pair, steps: {
        motions.Carried(way, steps, pair): motions.Missed((pair + n,), (0,)) for n, way in enumerate((
            motions.ALONE_ONE, motions.ALONE_TWO))})
    rows = table(motions, folder)
    assert {run: row.errors[0] for run, row in rows.items() if run.way != motions.SAME
            and run.way not in motions.OF_TWO} == {run: pytest.approx(DIAGONAL * away, abs=0.02) for run, away in {
                ("random weights", 0, 0): 0.03, ("turning heads", 2000, 0): 0.04, ("warps of stills", 2000, 0): 0.02,
                ("warps of stills", motions.LONG, 0): 0.05, (labellers.SHARP, 32_000, 0): 0.01}.items()}
    assert rows["same place", 0, 0].apart == (2,) * 11 + (22,)


def test_each_score_has_its_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trials, "taught", lambda which: None)
    monkeypatch.setattr(lengths, "scored", lambda net: (
        {lengths.Scored(score, question): torch.tensor([[0.0, 1], [2, 3]]) for score, question in [
            *((score, lengths.FAR) for score in (lengths.LENGTH, lengths.PEAK, lengths.RIM, lengths.FRONT,
                                                 lengths.MIDDLE)),
            *((score, lengths.FACE) for score in (lengths.LENGTH, lengths.PEAK, lengths.MIDDLE))]},
        {lengths.FAR: torch.tensor([[False, True], [False, True]]),
         lengths.FACE: torch.tensor([[True, False], [False, False]])}))
    rows = table(lengths, tmp_path)
    assert rows["length of the code", "found far off"].value == 0.75
    assert rows["peak of p", "face or background"].value == 0


def test_paired_gains_are_less_and_more_than_what_they_are_named_after() -> None:
    """They compare the draws that both have: the second draw of the mean shape has nothing to do with supervised."""
    rows = {few_marked.Marked(way, draw, 5): few_marked.Errors((10.0 + away, 20.0 + away)) for way, draw, away in (
        (few_marked.MEAN, 0, 30), (few_marked.MEAN, 1, 90), (few_marked.TURNS, 0, 0), (few_marked.TURNS, 1, 2),
        (few_marked.LOOKED_FOR, 0, 1), (few_marked.LOOKED_FOR, 1, 7), (few_marked.SUPERVISED, 0, 5))}
    found = few_marked.by_labels(rows)["5"]
    assert found[few_marked.SUPERVISED].value == 20 and found["supervised: gain"].value == 25
    assert found["turning heads less supervised"].value == -5
    assert found["turning heads, 32000 steps: linear map: gain"].value == 59
    assert found["looked for, mean of each draw"] == (19, 16, 22)
    rows = {motions.Carried(way, steps, 0): motions.Missed((5.0 + away, 7.0 + away), (3, 40))
            for way, steps, away in ((motions.TURNS, 2000, 0), (motions.STILLS, 2000, 8))}
    found = motions.by_motion(rows)["warps of stills, 2000 steps"]
    assert found["more than turning heads"] == (8, 8, 8)
    assert (found["yaw differs by 0 to 12°"].value, found["yaw differs by 30 to 71°"].value) == (13, 15)


def test_the_supervised_rival_starts_at_the_mean_shape_and_gets_better() -> None:
    made = faces.draw(40, seed=3, each=1, yaw=trials.YAW)
    true, shape = trials.points(made), trials.points(made)[8:].mean(0)
    begun, taught = (few_marked.supervised(made.images, true, 0, steps)(made.images) for steps in (0, 60))
    assert (begun - shape).abs().max() < 1e-4
    assert (taught - true).norm(dim=-1).mean() < 0.95 * (begun - true).norm(dim=-1).mean()


def test_the_supervised_rival_does_not_learn_from_the_faces_by_which_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    made, learnt_from = faces.draw(10, seed=3, each=1, yaw=trials.YAW), []
    monkeypatch.setattr(few_marked, "warp", lambda images, w: learnt_from.append(images) or images)
    few_marked.supervised(made.images, trials.points(made), 0, 2)
    known = (torch.cat(learnt_from)[:, None] == made.images).flatten(2).all(2).any(0)
    assert known.tolist() == [False] * 2 + [True] * 8


class Same(nn.Module):
    """Codes of 1 everywhere."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.ones(len(images), 3, 32, 32)


def test_scores_of_even_codes_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_landmarked, "TEST", 10)
    lengths.turned.cache_clear()
    scores, marks = lengths.scored(Same())
    lengths.turned.cache_clear()
    for score in (lengths.LENGTH, lengths.PEAK):
        assert torch.allclose(scores[score, lengths.FACE], scores[score, lengths.FACE][0, 0].expand(4, 40))
    assert scores[lengths.PEAK, lengths.FAR].allclose(torch.tensor(1 / 1024))
    assert scores[lengths.RIM, lengths.FAR].min() > 0.5
    assert scores[lengths.FRONT, lengths.FAR].min() > 0.25
    assert marks[lengths.FACE].shape == (4, 40) and 0.1 < marks[lengths.FACE].double().mean() < 0.9
    assert marks[lengths.FAR].double().mean() < 0.5  # all of them are found in the first cell


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, set[int]]]:
    """The seed and the people of each training of two or one; nothing is learnt."""
    trained: list[tuple[int, set[int]]] = []
    monkeypatch.setattr(motions, "KEPT", 4)
    monkeypatch.setattr(landmarks, "train_labeller", lambda net, pairs, settings: trained.append(
        (settings.seed, set(pairs.layers.identities.tolist()))) or iter([None]))
    monkeypatch.setattr(motions, "of_both", lambda stock: stock)
    return trained


def test_a_network_for_each_learns_from_its_own_person(seen: list) -> None:
    rows = motions.of_two(SimpleNamespace(short=True), 1, 2)
    one, other = (people("train", motions.FIRST + 2 + n, 1).item() for n in (0, 1))
    assert seen == [(1, {one, other}), (1, {one}), (1 + motions.PAIRS, {other})]
    assert list(rows) == [("two people, same place", 0, 1), ("two people, one network", 2, 1),
                          ("two people, a network for each", 2, 1)]
    assert all(len(row.errors) == len(row.apart) == 4 for row in rows.values())


def test_the_control_has_one_person_and_another_seed(seen: list, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a second network's codes are those of the first, it finds what the first finds."""
    monkeypatch.setattr(landmarks, "labeller", lambda seed: seed)
    monkeypatch.setattr(trials, "codes", lambda net, images: torch.rand(
        4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    one, two = motions.of_one(SimpleNamespace(short=True), 1, 2).values()
    assert one == two and len(one.errors) == len(one.apart) == 4
    person = people("train", motions.FIRST + 2, 1).item()
    assert seen == [(1, {person}), (1 + motions.PAIRS, {person})]


def test_what_ships() -> None:
    few, moved = (results.facts(name)["evidence"]["summary"] for name in ("few_marked", "motions"))
    long, early, stills = map(few_marked.LONG_NAMES.get, (few_marked.TURNS, few_marked.EARLY, few_marked.STILLS))
    for n in ("5", "20", "100", "500"):
        assert few[n][long][0] < few[n][early][0] and few[n][early][2] < few[n][stills][1] < few[n]["mean shape"][1]
    assert all(few[n][long][2] < few[n][early][1] for n in ("20", "100", "500"))
    assert all(few[n]["supervised"][0] < few[n]["mean shape"][0] for n in ("20", "100", "500"))
    assert moved["warps of stills, 2000 steps"]["more than turning heads"][1] > 0
    for pair in (1, 2):
        one, each, same, again = (moved[f"{way}, 600 steps, pair {pair}"]["all"] for way in (
            motions.ONE, motions.EACH, motions.ALONE_ONE, motions.ALONE_TWO))
        assert one[2] < 0.5 * each[1] and same[2] < 0.5 * again[1]
    assert all(isinstance(row, Interval) for row in results.table("lengths").values())
