"""Rendered scenes: labels that agree with the geometry and with each other."""

import math

import pytest
import torch
import torch.nn.functional as F

from u3course.worlds import rendered
from u3course.worlds.rendered import MEETS, SOLIDS, Solid, scenes

MADE = scenes(12, size=48)
ONE = Solid("sphere", 0.0, 0.0, 0.5, 0.8, 0.3, torch.ones(3))


def test_form():
    images, labels = MADE
    assert images.shape == (12, 3, 48, 48) and images.min() >= 0 and images.max() <= 1
    assert labels["segments"].shape == (12, 48, 48) and labels["boundaries"].shape == (12, 1, 48, 48)
    assert labels["normals"].shape == (12, 3, 48, 48) and labels["label"].shape == (12,)
    assert labels["segments"].unique().tolist() == list(range(6))
    assert torch.allclose(labels["normals"].norm(dim=1), torch.ones(12, 48, 48), atol=1e-5)


def placed(monkeypatch, *solids: Solid) -> dict[str, torch.Tensor]:
    """The labels of a scene of these solids."""
    monkeypatch.setattr(rendered, "_placed", lambda draw: list(solids))
    return {name: one[0] for name, one in scenes(1, size=48).labels.items()}


def test_the_label_is_that_of_the_solid_with_most_pixels(monkeypatch):
    """Of one solid, and not of a kind: two small boxes together have more than the cone."""
    cone = Solid("cone", -0.5, 0.0, 0.45, 1.0, 0.0, torch.ones(3))
    boxes = [Solid("box", x, 0.3, 0.33, 0.6, 0.3, torch.ones(3)) for x in (0.4, 1.1)]
    for solids in ((cone, *boxes), (*boxes, cone)):
        labels = placed(monkeypatch, *solids)
        boxed, coned = ((labels["segments"] == kind).sum() for kind in (3, 5))
        assert coned < boxed < 2 * coned and SOLIDS[labels["label"]] == "cone"


def test_boundaries_lie_where_surfaces_end_or_bend(monkeypatch):
    """Segments end where surfaces do; so may one box before another, and a box bends where its faces meet."""
    segments, edges = MADE.labels["segments"], MADE.labels["boundaries"][:, 0]
    changes = segments[:, 1:] != segments[:, :-1]
    assert edges[:, 1:][changes].min() == 1 and edges[:, :-1][changes].min() == 1
    assert set(edges.unique().tolist()) == {0.0, 1.0} and edges.mean() < 0.25
    ahead = torch.tensor([0.0, 0, 1])[:, None, None].expand(3, 4, 4)
    assert rendered.boundaries(torch.tensor([[2, 2, 3, 3]] * 4), ahead)[0].tolist() == [[0, 1, 1, 0]] * 4
    labels = placed(monkeypatch, Solid("box", 0.0, 0.0, 0.5, 1.0, math.pi / 4, torch.ones(3)))
    box, found, normals = labels["segments"] == 3, labels["boundaries"][0], labels["normals"]
    inside = box[:, 1:] & box[:, :-1]
    bends = inside & ((normals[:, :, 1:] * normals[:, :, :-1]).sum(0) < 0.9)
    assert bends.sum() > 5 and found[:, 1:][bends].min() == 1 and found[:, :-1][bends].min() == 1
    assert found[box].mean() < 0.7  # its faces are none
    front, behind = (Solid("box", 0.0, z, half, height, 0.0, torch.ones(3)) for z, half, height in (
        (0.4, 0.3, 1.0), (-0.8, 0.9, 1.5)))
    alone = placed(monkeypatch, front)["segments"] == 3
    labels = placed(monkeypatch, behind, front)
    box, found, normals = labels["segments"] == 3, labels["boundaries"][0], labels["normals"]
    ends = (alone[:, 1:] != alone[:, :-1]) & box[:, 1:] & box[:, :-1]
    ends &= (normals[:, :, 1:] * normals[:, :, :-1]).sum(0) > 0.99  # both face us: neither kind nor bend tells
    assert ends.sum() > 5 and found[:, 1:][ends].min() == 1 and found[:, :-1][ends].min() == 1


@pytest.mark.parametrize("kind", SOLIDS)
def test_a_ray_meets_each_solid_on_its_surface(kind: str):
    """Points on the surface fulfil its equation; normals are those of its finite differences, and of length 1."""
    draw = torch.Generator().manual_seed(0)
    origin = torch.tensor([0.3, 1.2, 3.0])
    aims = torch.tensor([0.0, 0.4, 0.0]) + 0.5 * (torch.rand(4000, 3, generator=draw) - 0.5)
    rays = F.normalize(aims - origin, dim=1)
    far, normal = MEETS[kind](origin, rays, ONE._replace(kind=kind))
    hit = far.isfinite()
    p, n = (origin + far[:, None] * rays)[hit], normal[hit]
    assert hit.sum() > 500 and torch.allclose(n.norm(dim=1), torch.ones(len(n)), atol=1e-4)
    assert ((n * rays[hit]).sum(1) < 1e-4).all()  # what is met first is a front
    inside = {"sphere": lambda p: 0.5 - (p - torch.tensor([0, 0.5, 0])).norm(dim=1),
              "cylinder": lambda p: torch.minimum(0.5 - p[:, [0, 2]].norm(dim=1), 0.8 - p[:, 1]),
              "cone": lambda p: 0.5 * (1 - p[:, 1] / 0.8) - p[:, [0, 2]].norm(dim=1), "box": _in_box}[kind]
    assert inside(p).abs().max() < 1e-3
    assert (inside(p + 0.01 * n) < 0).all() and (inside(p - 0.01 * n) > 0).double().mean() > 0.98


def _in_box(p: torch.Tensor) -> torch.Tensor:
    cos, sin = math.cos(0.3), math.sin(0.3)
    q = torch.stack([cos * p[:, 0] + sin * p[:, 2], p[:, 1] - 0.4, -sin * p[:, 0] + cos * p[:, 2]], 1).abs()
    return (torch.tensor([0.4, 0.4, 0.4]) - q).amin(1)


def test_the_light_side_is_the_bright_one():
    """Lambert: on a sphere the brightness follows the cosine, so that its upper half is brighter."""
    images, labels = scenes(30, size=48, seed=3)
    spheres = labels["segments"] == 2
    up = labels["normals"][:, 1]
    grey = images.mean(1)
    assert grey[spheres & (up > 0.6)].mean() > 1.3 * grey[spheres & (up < -0.2)].mean()
