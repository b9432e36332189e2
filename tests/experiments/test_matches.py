"""The table of matches on codes that are known: every landmark has its own number, and some pictures exchange two."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.experiments import planted
from tests.helpers import seeded
from u3lab.experiments import matches
from u3lab.worlds.faces import Faces

COUNT = 5


def faces(seed: int) -> Faces:
    """Pictures whose landmarks lie in the middle of cells of 2 pixels, no two in one."""
    cells = torch.stack([torch.randperm(1024, generator=seeded(seed + number))[:8] for number in range(COUNT)])
    points = 2.0 * torch.stack([cells % 32, cells // 32], -1) + 1
    images = torch.rand(COUNT, 3, 64, 64, generator=seeded(seed))
    nothing = torch.zeros(COUNT, 1)
    return Faces(images, nothing.bool(), points, nothing[:, 0].long(), nothing)


MADE = {"choose": faces(10), "judge": faces(20)}


def codes(images: Tensor, exchanged: bool) -> Tensor:
    """Landmark k has the code k; in pictures 1 and 3 the next one's, if they are exchanged."""
    maps = torch.zeros(len(images), 9, 32, 32)
    maps[:, 8] = 1
    for n, image in enumerate(images):
        made, number = next((made, number) for made in MADE.values() for number in range(COUNT)
                            if torch.equal(F.interpolate(made.images[number, None], size=image.shape[1:],
                                                         mode="bicubic").clamp(0, 1)[0], image))
        for k, (x, y) in enumerate((made.points[number] // 2).long().tolist()):
            maps[n, :, y, x] = torch.eye(9)[(k + 1) % 8 if exchanged and number in (1, 3) else k]
    return maps


def test_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(matches.trials, "marked", lambda kind, role: (None, MADE[role]))
    monkeypatch.setattr(matches.trials, "taught", lambda which: lambda images: 100 * codes(images, False))
    monkeypatch.setattr(matches, "squares", lambda images: codes(images, True))
    monkeypatch.setattr(matches.nets, "load", lambda name, device: name)
    monkeypatch.setattr(matches, "LAYERS", {"transformer": ("good", "bad"), "SqueezeNet": ("bad",)})
    monkeypatch.setattr(matches, "SIDES", {"transformer": (64,), "SqueezeNet": (96,)})
    monkeypatch.setattr(matches, "extract_features", lambda net, layers, images: {
        layer: 7 * codes(images, layer == "bad") for layer in layers})
    rows = planted.table(matches, tmp_path)

    def expected(role: str, exchanged: bool, found: bool = True) -> float:
        total, points = 0.0, MADE[role].points
        for n in range(COUNT):
            there, here = (n + 1) % COUNT, n
            step = exchanged * ((here in (1, 3)) - (there in (1, 3)))  # the code k is read, and found at k + step
            eyes = (points[there, 0] - points[there, 1]).norm()
            for k in range(8):
                place = points[there, (k + step) % 8] if found else points[here, k]
                total += float((place - points[there, k]).norm() / eyes)
        return 100 * total / COUNT / 8

    for run, (choose, error) in rows.items():
        bad = run[0] == "pixels" or run[1] == "bad"
        for role, got in (("choose", choose), ("judge", error[0])):
            assert got == pytest.approx(expected(role, bad, run[0] != matches.FLOOR), abs=0.01), run
    assert [tuple(run) for run in rows] == [
        ("the same place", "", 64), ("pixels", "", 64), ("chapter 3's labeller", "", 64), ("transformer", "good", 64),
        ("transformer", "bad", 64), ("SqueezeNet", "bad", 96)]
    assert "transformer, good, 64 px" in matches.summary(rows)


def test_squares_are_the_pixels_around():
    x = torch.rand(1, 3, 12, 12, generator=seeded(0))
    found = matches.squares(x)
    assert found.shape == (1, 243, 6, 6)
    around = F.pad(x, (4, 4, 4, 4))[0, :, 6:15, 8:17]  # of pixel (6, 8), nine a side
    code = (around - around.mean()).flatten()
    torch.testing.assert_close(found[0, :, 3, 4], code / code.norm())
