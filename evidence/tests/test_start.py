"""The tables of notebook 00: what is placed and pointed at, and all three on planted truths."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import start, start_landmarks
from evidence.tests import planted
from tests.helpers import squeezenet
from u3course.lessons.start import probing, seeing
from u3course.worlds.faces import Faces
from u3lab import nets
from u3lab.datasets import cutouts

SIZE = 227
CORNER, ALL = (slice(20, 90), slice(20, 90)), (slice(None), slice(None))


@pytest.fixture
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures and no things but those of a test; probes are not asked for by most."""
    monkeypatch.setattr(start, "placed", lambda network, draws: {})
    monkeypatch.setattr(start.nets, "load", lambda name: name)


def test_probes(nothing_else, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each code reads its own channel, which lies in its own test pictures, others for each question."""

    def load(name: str, split: str, each: int) -> SimpleNamespace:
        question = [*probing.DOMAINS.values()].index(name)
        labels = torch.arange(2).repeat_interleave(each)
        scale = {"train": 1.0, "val": 2.0, "test": 3.0}[split]
        shown = scale * (2 * labels - 1).view(-1, 1, 1, 1).repeat(1, 3, 2, 2)
        for channel in range(3) if split == "test" else ():
            shown[lies(channel, question), channel] *= -1
        return SimpleNamespace(images=shown, labels=labels)

    def lies(channel: int, question: int) -> Tensor:
        return torch.arange(2 * probing.TEST) % (5 + channel) == question

    def best_probe(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> SimpleNamespace:
        for scale, count, (seen, labels) in ((1, 2 * probing.LABELS, train), (2, 2 * probing.CHOICE, val)):
            assert torch.equal(seen[:, 0], scale * (2.0 * labels - 1)) and len(seen) == count
        return SimpleNamespace(scores=lambda seen: torch.cat([-seen, seen], 1) * (seen.abs() == 3))

    monkeypatch.setattr(start.decathlon, "load", load)
    monkeypatch.setattr(start, "best_probe", best_probe)
    monkeypatch.setattr(start, "code_of", lambda net, how: lambda x: x[:, start.CODES.index(how)].mean((1, 2))[:, None])
    asked = *(f"code={code}" for code in start.CODES), "thing=none"
    table = planted.tables(start, tmp_path, "--only", *asked)["start_probes"]
    assert list(table) == [(code, question, draw) for code in start.CODES for question in start.QUESTIONS
                           for draw in range(3)]
    for (code, question, _), row in table.items():
        wrong = lies(start.CODES.index(code), [*probing.DOMAINS].index(question))
        assert row.right == "".join("0" if one else "1" for one in wrong.tolist()), (code, question)


def test_a_code_is_that_of_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(start.nets, "untrained", lambda net, seed: f"untrained {net}")
    monkeypatch.setattr(probing, "code_of", lambda net: f"code of {net}")
    assert [start.code_of("net", how) for how in start.CODES] == [start.pixels, "code of untrained net", "code of net"]
    x = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert start.pixels(x).shape == (3, 507) and torch.allclose(start.pixels(x).mean(), x.mean(), atol=0.01)


def test_squares(nothing_else, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A network that sees the corner alone; on one picture the thing is there, on the other its edges are elsewhere."""
    where = {name: torch.zeros(SIZE, SIZE, dtype=torch.bool) for name in ("corner", "middle")}
    where["corner"][CORNER], where["middle"][100:220, 100:220] = True, True
    chequered = torch.zeros(1, 3, SIZE, SIZE)
    chequered[..., 150:215, 150:215] = (torch.arange(65)[:, None] // 4 + torch.arange(65) // 4).remainder(2).float()
    chequered[:, 0, CORNER[0], CORNER[1]] = 1.0
    net = planted.network("planted", ("thing", "other"), (CORNER,), [[5, 0, 0], [0, 0, 0]], [0, 1], SIZE)
    monkeypatch.setattr(start.nets, "load", lambda name: net)
    monkeypatch.setattr(start, "placed", lambda network, draws: {
        start.Shown(name, draw): start.Placed("thing", chequered, mask)
        for draw, (name, mask) in enumerate(where.items())})
    table = planted.tables(start, tmp_path, "--only", "thing=corner", "thing=middle", "code=none")["start_squares"]
    assert {tuple(run): tuple(row.hits.values()) for run, row in table.items()} == {
        ("corner", 0): (1, 0, 0, pytest.approx(70**2 / SIZE**2, abs=1e-4)),
        ("middle", 1): (0, 1, 1, pytest.approx(120**2 / SIZE**2, abs=1e-4))}
    assert [*table["corner", 0].hits] == [start.HIDDEN, start.EDGES, start.MIDDLE, start.RANDOM]


def test_grounds(nothing_else, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Animals are red, what is made is blue: the log-odds of a picture are known by its mean colour."""
    net = planted.network("planted", ("made", "animal", "another"), (ALL,), [[0, 0, 7], [9, 0, 0], [9, 0, 0]],
                          [0, 0.5, 0.5], 64)
    names = ("zebra", "teapot")
    behind = {group: torch.rand(1 if group == "white paper" else 2, 3, 64, 64,
                                generator=torch.Generator().manual_seed(n)) for n, group in enumerate(start.GROUPS)}
    monkeypatch.setattr(start.nets, "load", lambda name: net)
    monkeypatch.setattr(seeing, "things", lambda: seeing.Things(
        names, ("animal", "made"), ["a", "b"], torch.tensor([True, False])))
    monkeypatch.setattr(seeing, "grounds", lambda: behind)
    asked = *(f"thing={name}" for name in names), "code=none"
    table = planted.tables(start, tmp_path, "--only", *asked)["start_grounds"]
    assert list(table) == [(name, group) for name in names for group in start.GROUPS]
    for (name, group), row in table.items():
        colours = cutouts.paste(name, behind[group], size=seeing.SHARE).images.mean((2, 3))
        assert row.odds == pytest.approx((9 * colours[:, 0] + 0.5 - 7 * colours[:, 2]).tolist(), abs=2e-3)


def test_what_is_placed_is_named_and_off_the_middle():
    net, some = nets.load("squeezenet1_1", device="cpu"), start.placed("squeezenet1_1", range(1))
    assert 10 < len(some) <= len(cutouts.names(known=True))
    for one in [*some.values()][:5]:
        assert net.top(one.image, 1)[0][0] == one.label and one.where.any()
        y, x = one.where.nonzero().double().mean(0) / len(one.where)
        assert abs(x - 0.5) > 0.05 and abs(y - 0.5) > 0.05


def test_landmarks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The turning codes are right, warps half way to the border of what counts, templates and the rest beside it."""
    people = SimpleNamespace(images=torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    true = torch.rand(4, 8, 2, generator=torch.Generator().manual_seed(1))
    eyes = (true[:, 1] - true[:, 0]).norm(dim=1)
    away = {"person": 0.0, "person-warps": 0.2, "untaught": 0.3}  # of the distance between the eyes of that face
    asked = []

    def beside(share: float) -> Tensor:
        moved = true.roll(-1, 0).clone()
        moved[..., 0] += share * eyes.roll(-1, 0)[:, None]
        return moved

    def by_pixels(made: SimpleNamespace, points: Tensor, side: int) -> Tensor:
        asked.append(side)
        return torch.where(torch.arange(8)[:, None] < side - 5, beside(0.0), beside(9.0))

    monkeypatch.setattr(start_landmarks._landmarked, "marked", lambda kind, role="judge": (
        None, people if role == "judge" else SimpleNamespace(images=1 - people.images)))
    monkeypatch.setattr(start_landmarks.trials, "points", lambda made: true)
    monkeypatch.setattr(start_landmarks.trials, "taught", lambda which: which)
    monkeypatch.setattr(start_landmarks.landmarks, "labeller", lambda seed: "untaught")
    monkeypatch.setattr(start_landmarks.trials, "codes", lambda net, images: net)
    monkeypatch.setattr(start_landmarks.trials, "matched", lambda found, made: (beside(away[found]), true.roll(-1, 0)))
    monkeypatch.setattr(start_landmarks, "matched_by_pixels", by_pixels)
    rows = planted.table(start_landmarks, tmp_path)
    assert {way: set(row.hits) for (way,), row in rows.items() if way != start_landmarks.SAME_PLACE} == {
        start_landmarks.TURNING: {8}, start_landmarks.WARPS: {8}, start_landmarks.UNTAUGHT: {0},
        **{way: {side - 5} for way, side in start_landmarks.TEMPLATES.items()}} and asked == [5, 7, 9, 13]
    apart = (true - true.roll(-1, 0)).norm(dim=2) / eyes.roll(-1, 0)[:, None]
    assert rows[start_landmarks.SAME_PLACE,].hits == tuple((apart <= 0.25).sum(1).tolist())
    summary = start_landmarks.by_way(rows)
    assert summary["templates of 13×13 pixels"]["turning heads less this"].value == 0
    assert summary["templates of 9×9 pixels"]["turning heads less this"].value == 0.5
    assert summary["templates of 9×9 pixels"]["warps less this"].value == 0.5
    assert [*summary[start_landmarks.TURNING]] == ["found"]
    assert summary[start_landmarks.WARPS].keys() == {"found", "turning heads less this"}


def test_a_template_of_pixels_finds_its_own_face():
    face = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    where = 2 * torch.tensor([[[20.5, 30.5], [40.5, 11.5]]]) / 64 - 1
    made = Faces(face, *[None] * (len(Faces._fields) - 1))  # the next of one face is itself
    for side in (5, 9):
        assert torch.allclose(start_landmarks.matched_by_pixels(made, where, side=side), where, atol=1e-6)


def test_the_score_falls_where_the_thing_is():
    net = squeezenet()
    behind = torch.full((1, 3, net.size, net.size), 0.5)
    image, mask = cutouts.paste("zebra", behind, size=0.6, x=0.3, y=0.3)
    falls, at = start.falls(net, image, "zebra"), start.middles(net.size).long()
    assert falls.shape == (start.CELLS, start.CELLS)
    assert mask[0, 0, at[int(falls.argmax()) // start.CELLS], at[int(falls.argmax()) % start.CELLS]]
    assert falls[-1, -1].abs() < 1e-4  # grey hidden by grey


def test_a_probe_of_colours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probing, "LABELS", 5)
    monkeypatch.setattr(probing, "POOL", 10)
    found = start.answered(lambda: start.pixels, "pixels", "body parts")
    assert len(found) == probing.SEEDS and all(len(one.right) == 5 * probing.TEST for one in found.values())
    assert all(one.right.count("1") > 0.2 * len(one.right) for one in found.values())  # a guess
