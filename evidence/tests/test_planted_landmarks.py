"""Chapter 3's tables on planted truths: networks that are numbers, and errors that tell who was taught, and on whom."""

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from evidence import _landmarked, labellers, poses, rabbits, registration, turned
from evidence.tests import planted
from u3course.lessons.landmarks import frames, marked, trials


class Net(nn.Module):
    """A network whose number says how it was taught."""

    def __init__(self, seed: int = 0, dimensions: int = 3, longest: float | None = 4.0) -> None:
        super().__init__()
        self.module, self.number, self.seed, self.dimensions = nn.Linear(1, 1), 0.0, seed, dimensions


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # a table is written anew with each of its rows


def steps() -> Iterator[None]:
    yield None


def shipped(folder: Path) -> dict[str, int]:
    """Name of the weights that were written → their steps."""
    found = {}
    for file in folder.glob("weights/*.safetensors"):
        with safe_open(file, "pt") as content:
            found[file.stem] = int(content.metadata().get("steps", 0))
    return found


def off(truth: Tensor, distances: list[float]) -> Tensor:
    """Points beside the true ones, so far to the right."""
    return truth + torch.stack([torch.tensor(distances), torch.zeros(len(distances))], -1).view_as(truth)


def test_registration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Taught on the first patient, tested on the second; the columns are median and share within 5 mm."""
    truth = {"brain1": torch.full((1, 5, 2), 50.0), "brain2": torch.zeros(1, 5, 2)}
    given = {name: marked.Moved(None, None, off(one, [1.0, 2, 6, 20, 30]), one, 1.0) for name, one in truth.items()}
    monkeypatch.setattr(marked, "canvas", lambda patient: (torch.full((2, 1), float(patient[-1])), 1.0))
    monkeypatch.setattr(marked, "asked", given.__getitem__)
    monkeypatch.setattr(marked, "pairs_of", lambda patient: patient)
    monkeypatch.setitem(registration.RIVALS, "optical flow", lambda asked: off(asked.moved, [1.0, 2, 3, 20, 30]))
    monkeypatch.setitem(registration.RIVALS, "affine registration", lambda asked: off(asked.moved, [1.0, 2, 4, 4, 30]))
    monkeypatch.setattr(registration, "labeller", Net)

    def label(net: Net, pairs: str, *, settings: object) -> Iterator[None]:
        assert (pairs, settings.steps, settings.seed) == ("brain1", 800, net.seed)
        net.number = 0.5 + net.seed
        return steps()

    monkeypatch.setattr(registration, "train_labeller", label)
    monkeypatch.setattr(marked, "carried", lambda net, asked: off(truth["brain2"], [0, 0, net.number, 4, 30]))
    assert planted.table(registration, tmp_path) == {
        ("nothing has moved", "", 0, 0): (6, 0.4), ("optical flow", "", 0, 0): (3, 0.6),
        ("affine registration", "", 0, 0): (4, 0.8),
        **{("labelling", "brain1", 800, seed): (0.5 + seed, 0.8) for seed in range(3)}}
    assert shipped(tmp_path) == {"labeller-brain": 800}


def test_rabbits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each labeller is taught by frames so far apart; points are compared with those of the later frame."""
    later = torch.full((1, 5, 2), 10.0)
    shown = torch.zeros(3, 1, 2, 2)  # of two pixels, so that a distance is one in pixels
    monkeypatch.setattr(marked, "frames", lambda: shown)
    monkeypatch.setattr(rabbits.clips, "rabbit", lambda: SimpleNamespace(frames=shown, numbers=torch.tensor([0, 2]),
                                                                        points=torch.zeros(2, 3, 2)))
    monkeypatch.setattr(marked, "between", lambda: (None, None, off(later, [1.0, 2, 6, 20, 30]), later))
    monkeypatch.setattr(rabbits, "NEAR", 2.0)  # of a side of two pixels: 4
    monkeypatch.setitem(rabbits.RIVALS, "flow, frame by frame", lambda: off(later, [1.0, 2, 3, 20, 30]))
    monkeypatch.setitem(rabbits.RIVALS, "the animal's middle", lambda: off(later, [1.0, 3, 5, 6, 6]))
    monkeypatch.setattr(rabbits, "labeller", Net)
    monkeypatch.setattr(rabbits, "of_film", lambda delta, first: (delta, first))

    def label(net: Net, pairs: tuple, *, settings: object) -> Iterator[None]:
        delta, some = pairs
        assert some is None and settings.seed == net.seed
        net.number = 5 + delta + net.seed / 4 + settings.steps / 100
        return steps()

    monkeypatch.setattr(rabbits, "train_labeller", label)
    monkeypatch.setattr(marked, "matched", lambda net: off(later, [1.0, 2, net.number, 99, 99]))
    rows = [(delta, 1000, seed) for delta in (1, 6, 25) for seed in range(3)] + [(25, 3000, 0)]
    assert planted.table(rabbits, tmp_path) == {
        ("nothing has moved", 0, 0, 0): (6, 0.4), ("flow, frame by frame", 0, 0, 0): (3, 0.6),
        ("the animal's middle", 0, 0, 0): (5, 0.4),
        **{("labelling", delta, count, seed): (5 + delta + seed / 4 + count / 100, 0.4) for delta, count, seed in rows}}
    assert shipped(tmp_path) == {"labeller-rabbit-1": 1000, "labeller-rabbit-6": 1000, "labeller-rabbit-25": 3000}


def test_poses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each is taught what its name says, on as many things; h comes from known things, others judge."""
    monkeypatch.setattr(poses, "views", lambda things, seed, most: SimpleNamespace(
        images=(things, seed), rotations=most, instances=None))
    monkeypatch.setattr(poses, "pairs_of", lambda images, rotations, instances: (*images, False, rotations))
    monkeypatch.setattr(frames, "varied", lambda pairs: (*pairs[:2], True, pairs[3]))
    monkeypatch.setattr(poses, "pose_encoder", Net)

    def learn(net: Net, pairs: tuple, *, settings: object) -> Iterator[None]:
        things, seed, varied, most = pairs
        assert seed == settings.seed == net.seed and settings.steps == 1000 and most == 4800
        net.number = things + varied / 2 + seed / 10
        return steps()

    def told(net: Net, made: SimpleNamespace, settings: object) -> Iterator[None]:
        assert made.images == (300, net.seed) and settings.steps == 1000 and settings.seed == net.seed
        net.number = 77 + net.seed / 10
        return steps()

    def draw(kind: str, count: int, *, each: int, things: int, split: str, seed: int) -> str:
        assert (kind, count, each, seed, things) == ("chair", 400, 1, 999, {"train": 22, "test": 40}[split])
        return split

    monkeypatch.setattr(poses, "learn_pose", learn)
    monkeypatch.setattr(poses, "learn_told", told)
    monkeypatch.setattr(frames.turntable, "draw", draw)
    monkeypatch.setattr(poses, "errors", lambda net, known, made: poses.Row(
        [net.number] * 400, [1.0 + (known, made).index("test")] * 400, [3.0] * 400))
    frames.tests.cache_clear()
    table = planted.table(poses, tmp_path)
    frames.tests.cache_clear()
    taught = {poses.TURNS: 300.5, poses.POSES: 77, poses.RANDOM: 0}
    assert set(table) == {(way, seed) for way in taught for seed in range(3)}
    for (way, seed), row in table.items():
        assert row.one == pytest.approx([taught[way] + (way != poses.RANDOM) * seed / 10] * 400)
        assert list(row.own) == [2] * 400 and list(row.turns) == [3] * 400
    assert shipped(tmp_path) == {"pose-chair": 0}
    found = poses.summary(table)
    assert found[poses.TURNS]["pose"].value == pytest.approx(300.6, abs=0.05)
    assert found[poses.TURNS][f"more than {poses.POSES}"].value == pytest.approx(223.5, abs=0.05)
    assert found[poses.HEIGHT] == {"pose": 90}


def test_turned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A picture tells whose it is and which way it was turned; a network adds what it has learnt from."""
    monkeypatch.setattr(turned, "digits", lambda kind: kind + torch.arange(500.0).view(500, 1, 1, 1) / 1000)
    monkeypatch.setattr(frames, "slices", lambda name: torch.full((10, 1, 1, 1), 10.0 * int(name[-1])))
    monkeypatch.setattr(turned, "rotated_pairs", lambda images: ("apart", images))
    monkeypatch.setattr(turned, "across", lambda images: ("across", images))
    monkeypatch.setattr(frames, "varied", lambda pairs, mirrored: pairs if not mirrored else None)
    monkeypatch.setattr(turned, "pose_encoder", lambda width, dimensions, seed: Net(seed=seed))

    def learn(net: Net, pairs: tuple, *, settings: object) -> Iterator[None]:
        assert (settings.steps, settings.batch_size, settings.seed) == (frames.STEPS, frames.BATCH, net.seed)
        net.way, net.learnt = pairs[0], pairs[1].unique().tolist()
        return steps()

    def views(net: Net, pictures: Tensor) -> tuple[Tensor, Tensor]:
        angles = 30.0 * torch.arange(len(pictures) * turned.EACH)
        off = {6: 20, 7: 25, 9: 70, 10: 40, 20: 60}[int(pictures[0])] + 10 * (net.way == "across") + net.seed
        return frames.plane(angles + off), frames.plane(angles)

    monkeypatch.setattr(turned, "learn_pose", learn)
    monkeypatch.setattr(turned, "turned", views)
    table = planted.table(turned, tmp_path)
    off = {turned.SEVENS: 0, turned.NINES: 50, **dict.fromkeys(turned.HEADS, 20)}
    assert set(table) == {(task, way, seed) for task in off for way in turned.WAYS for seed in range(5)}
    for (task, _, _), row in table.items():
        assert row.angles == pytest.approx([off[task]] * len(row.angles), abs=0.1) and max(row.turns) < 0.1
        assert len(row.angles) == turned.EACH * (10 if task in turned.HEADS else 100)


KNOWN, TESTED, CHOSE = 0.125, 0.25, 0.5  # what stands for faces to fit to, to judge on, and those that chose
LESSONS = {  # way → its number, and pairs, whether backgrounds go their own way, loss, γ, dimensions, exchange
    labellers.TURNING: (1, "of_both", None, "labelling", 0.5, 3, False),
    labellers.SHARP: (2, "of_both", None, "labelling", 0.25, 3, False),
    "turning heads, γ = 1": (3, "of_both", None, "labelling", 1.0, 3, False),
    "turning heads, γ = 2": (4, "of_both", None, "labelling", 2.0, 3, False),
    labellers.MANY: (5, "of_both", None, "labelling", 0.5, 16, False),
    labellers.EXCHANGED: (6, "of_both", None, "labelling", 0.5, 16, True),
    "labelling": (7, "of_warps", True, "labelling", 0.5, 3, False),
    labellers.TOGETHER: (8, "of_warps", False, "labelling", 0.5, 3, False),
    "invariance": (9, "of_warps", True, "invariance", 0.5, 3, False)}


def test_labellers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A code is the number of its network and of its faces; what is made of codes says how many it was fitted to."""
    kinds, roles = {"person": 0.0, "cat": 32.0}, {"judge": TESTED, "choose": CHOSE}
    known = {kind: SimpleNamespace(images=torch.full((500, 1), KNOWN + start)) for kind, start in kinds.items()}
    tested = {(kind, role): SimpleNamespace(images=torch.full((300, 1), tag + start))
              for kind, start in kinds.items() for role, tag in roles.items()}
    hard, taught = torch.arange(300) < 10, []

    def errors(made: Tensor, of: SimpleNamespace, those: Tensor) -> tuple[float, float]:
        """Of one face told by the number that it is off, of all faces and of hard ones; and who they are."""
        assert those is hard and any(of is one for one in tested.values())
        number = float(made.double().mean()) + 0.001 * float(of.images[0, 0])
        return number, number + 0.5

    def regressed(z: Tensor, true: Tensor, tested: Tensor) -> Tensor:
        assert len(z) == len(true) and true.unique() % 32 == KNOWN
        return 1000 * tested[:1] + len(z) + z[:1] + 0.5

    def codes_at(found: Tensor, at: Tensor) -> Tensor:
        assert len(found) == len(at) and at.unique() % 32 == KNOWN
        return found + len(found)

    def matched(found: Tensor, made: object) -> tuple[Tensor, Tensor]:
        assert any(made is one for one in tested.values())
        return found + 0.001 * float(made.images[0, 0]), found

    def pretrain(net: Net, moved: object, task: object, *, settings: object) -> Iterator[None]:
        shown, at = moved(4, torch.Generator())
        assert (shown == KNOWN).all() and (at == KNOWN).all() and (settings.steps, settings.seed) == (1000, net.seed)
        net.number = 100.0 * inspect.getclosurevars(moved).nonlocals["count"]
        return steps()

    def label(net: Net, pairs: object, *, loss: str, settings: object) -> Iterator[None]:
        seen = inspect.getclosurevars(pairs).nonlocals
        kind, seed, count = (seen if "stock" in seen else inspect.getclosurevars(seen["kinds"][0]).nonlocals)["stock"]
        lesson = (pairs.__qualname__.partition(".")[0], seen.get("apart"), loss, settings.gamma, net.dimensions,
                  settings.exchange)
        way = next(way for way, (_, *known) in LESSONS.items() if known == list(lesson))
        assert seed == settings.seed == net.seed and count == 4000
        net.number = float(LESSONS[way][0])
        taught.append((kind, way, settings.steps, seed))
        return steps()

    for name, stub in {
            "labeller": Net, "train_labeller": label, "codes": lambda net, images: net.number + net.seed / 16 + images,
            "points": lambda made: made.images, "codes_at": codes_at, "errors": errors, "pretrain": pretrain,
            "virtual_landmarks": lambda found, wanted: found if wanted.ndim == 2 else 1000 * found[:1] + wanted,
            "sphere": lambda count, length: torch.ones(1, 3), "soft_argmax": lambda maps: maps,
            "within": lambda found, true: float(found.mean()) + len(found), "regressed": regressed,
            "warp": lambda images, w: images, "warp_points": lambda at, w: at,
            "falling": lambda some, settings: some}.items():
        monkeypatch.setattr(labellers if hasattr(labellers, name) else labellers.landmarks, name, stub)
    for name, stub in {
            "marked": lambda kind, role="judge": (known[kind], tested[kind, role]), "stock": lambda *which: which,
            "matched": matched,
            "before_photos": lambda kind, role: (torch.full((1, 1), kinds[kind] + roles[role]),),
            "told_apart": lambda score, kind, role: float(score) + 7 * (kind == "cat") + 3 * (role == "judge")}.items():
        monkeypatch.setattr(_landmarked if hasattr(_landmarked, name) else trials, name, stub)
    monkeypatch.setattr(_landmarked, "LABELS", (1, 20))  # fewer rows
    monkeypatch.setattr(labellers.faces, "hard_examples", lambda made, kind: hard)
    table = planted.table(labellers, tmp_path)
    assert len(taught) == len(set(taught)) and {run[:4] for run in table if run.way in LESSONS} == set(taught)
    of = {role: [run._replace(role="") for run in table if run.role == role] for role in roles}
    assert (len(of["choose"]), len(of["judge"])) == (130, 77) and {run.kind for run in of["choose"]} == {"person"}
    assert {run for run in of["judge"] if run.kind == "person"} < set(of["choose"])
    for run, row in table.items():
        base = LESSONS.get(run.way, (0,))[0] + run.seed / 16 + kinds[run.kind]
        code, of_known, who = base + roles[run.role], base + KNOWN, 0.001 * (roles[run.role] + kinds[run.kind])
        wanted, more = {"transfer": (1000 * code + of_known + run.labels, 0.5),
                        "certainty": (code + 7 * (run.kind == "cat") + 3 * (run.role == "judge"), 0),
                        "regression": (1000 * code + of_known + run.labels + 0.5, 0.5),
                        "matching": (code + 300, -289)}[run.measure]  # of 300 pairs, eleven have a hard face
        if run.way in ("mean shape", "supervised"):
            wanted = of_known if run.way == "mean shape" else 100 * run.labels + code
        wanted += who * (run.measure != "certainty")
        assert row == pytest.approx((wanted, wanted + more), abs=0.01), run
    assert shipped(tmp_path) == {"labeller-person": 32000, "labeller-person-warps": 2000, "labeller-cat": 2000}
