"""A training that goes on from a file goes on with the same data, or says that they are others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.helpers import refuses
from tests.hostile import wrong
from u3lab import landmarks, selfsup, universal
from u3lab.training import loop

STEPS = {"steps": 2, "batch_size": 2}


def x(seed: int = 0, count: int = 4) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def turns(seed: int) -> Tensor:
    return landmarks.as_rotation(torch.rand(4, 6, generator=torch.Generator().manual_seed(seed)) - 0.5)


def domain(images: Tensor, labels: Tensor, path: Path) -> Iterator:
    net = universal.adapt(wrong.net()).add_domain("new", ["p", "q"])
    return universal.train_domain(net, "new", images, labels, checkpoint=path,
                                  settings=universal.UniversalSettings(**STEPS))


def pretext(raw: object, task: str, path: Path) -> Iterator:
    return selfsup.pretrain(selfsup.encoder(2), raw, task, checkpoint=path, settings=selfsup.PretextSettings(**STEPS))


def cluster(images: Tensor, path: Path) -> Iterator:
    return selfsup.cluster(selfsup.digit_encoder(2), images, 3, checkpoint=path,
                           settings=selfsup.ClusterSettings(heads=1, **STEPS))


def segment(images: Tensor, path: Path) -> Iterator:
    return selfsup.segment(selfsup.pixel_encoder(2), images, 3, checkpoint=path,
                           settings=selfsup.SegmentSettings(heads=1, reach=1, **STEPS))


def pose(pairs: tuple[Tensor, ...], path: Path) -> Iterator:
    return landmarks.learn_pose(landmarks.pose_encoder(2), pairs, checkpoint=path,
                                settings=landmarks.PoseSettings(**STEPS))


def points(pairs: tuple[Tensor, ...], path: Path) -> Iterator:
    return landmarks.autoencode(landmarks.KeypointAutoencoder(3, width=2), pairs, checkpoint=path,
                                settings=landmarks.AutoencodeSettings(**STEPS))


LABELS = torch.tensor([0, 1, 0, 1])
SOUNDS = torch.rand(4, 400, generator=torch.Generator().manual_seed(0))
# A training of data and a checkpoint; the data, and others of the same form.
TRAININGS: dict[str, tuple[Callable[..., Iterator], tuple, dict[str, tuple]]] = {
    "a domain": (domain, (x(), LABELS), {"pictures": (x(1), LABELS), "labels": (x(), 1 - LABELS),
                                         "in another order": (x().flip(0), LABELS)}),
    "upright": (pretext, (x(), "upright"), {"pictures": (x(1), "upright"), "more": (x(count=5), "upright")}),
    "films": (pretext, ((x(), SOUNDS), "correspondence"), {"sounds": ((x(), SOUNDS.flip(0)), "correspondence")}),
    "clusters": (cluster, (x(),), {"pictures": (x(1),), "one pixel": (x().index_fill(3, torch.tensor(5), 0.5),)}),
    "segments": (segment, (x(),), {"pictures": (x(1),)}),
    "poses": (pose, ((x(), x(1), turns(0)),), {"turns": ((x(), x(1), turns(1)),), "moved": ((x(), x(2), turns(0)),)}),
    "keypoints": (points, ((x(), x(1)),), {"targets": ((x(), x(2)),)})}


@pytest.mark.parametrize("name, other", [(name, other) for name, (_, _, others) in TRAININGS.items()
                                         for other in others])
def test_other_data_get_one_sentence(name, other, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 1)
    train, data, others = TRAININGS[name]
    list(train(*data, tmp_path / "state"))
    kept = (tmp_path / "state").read_bytes()
    refuses(lambda: list(train(*others[other], tmp_path / "state")),
            says=("state is of another run", "its (data|pictures) is", "give another file, or delete it"))
    assert (tmp_path / "state").read_bytes() == kept
    assert [step.iteration for step in train(*data, tmp_path / "state")] == [2]


def test_without_a_checkpoint_nobody_reads_all_data(monkeypatch):
    monkeypatch.setattr(loop.Checkpoint, "at", lambda path: None)
    for module in ("learning", "batches"):
        monkeypatch.setattr(f"u3lab.training.{module}.fingerprint", lambda data: pytest.fail("all data were read"))
    list(pretext(x(), "upright", None))


def test_a_file_from_before_that_knows_no_data(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "EVERY", 1)
    list(pretext(x(), "upright", tmp_path / "state"))
    state = torch.load(tmp_path / "state", weights_only=True)
    del state["facts"]["data"]
    torch.save(state, tmp_path / "state")
    refuses(lambda: list(pretext(x(), "upright", tmp_path / "state")), says=("of another run", "delete it"))
