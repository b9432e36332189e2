"""A sphere that becomes a dog, with the names of its points as colours; and a sphere whose hair is combed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.landmarks import sphere

# Where the dog sticks out: a direction (ahead, to its left, up), how far at most, and how narrow.
BUMPS = (((0.48, 0.26, -0.84), 0.72, 70.0), ((0.48, -0.26, -0.84), 0.72, 70.0),  # fore legs
         ((-0.50, 0.26, -0.83), 0.72, 70.0), ((-0.50, -0.26, -0.83), 0.72, 70.0),  # hind legs
         ((0.72, 0.0, 0.69), 0.75, 16.0), ((0.90, 0.0, 0.43), 0.62, 90.0),  # head, snout
         ((0.55, 0.20, 0.81), 0.50, 130.0), ((0.55, -0.20, 0.81), 0.50, 130.0),  # ears
         ((-0.80, 0.0, 0.60), 0.85, 130.0))  # tail
STRETCH = (1.3, 0.70, 0.92)  # of the dog's trunk, along its three axes
REACH, SAMPLES, HALVINGS = 2.5, 50, 6  # how far from the middle a ray is followed, in how many steps, and how finely
PAPER, LAMP = 0.93, (0.35, -0.55, 0.76)


def dog(share: float, turn: float = 0.0, *, size: int = 192) -> Tensor:
    """What a sphere is with ``share`` 0 and a dog with 1, turned by so many degrees: (1,3,size,1.25·size).

    Each point has the colour of the point of the sphere that it comes from: the direction n in which it lies from the
    middle, as 1/2 + n/2. So one colour is one part of every such surface.
    """
    origin, ray = _camera(turn, size, size + size // 4)
    steps = torch.linspace(-REACH, REACH, SAMPLES)
    outside = _beyond(origin[..., None, :] + steps[:, None] * ray, share)
    met = (outside < 0).any(-1)
    first = (outside < 0).int().argmax(-1).clamp(min=1)
    near, far = steps[first - 1], steps[first]
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        inside = _beyond(origin + middle[..., None] * ray, share) < 0
        near, far = torch.where(inside, near, middle), torch.where(inside, middle, far)
    p = origin + far[..., None] * ray
    names = 0.5 + 0.5 * _direction(p, share)
    shade = 0.45 + 0.55 * (_normal(p, share) @ F.normalize(torch.tensor(LAMP), dim=0)).clamp(min=0)
    return torch.where(met[..., None], names * shade[..., None], PAPER).permute(2, 0, 1)[None].clamp(0, 1)


def _camera(turn: float, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where each pixel's ray begins, (height,width,3), and the way that all of them go, in axes of the dog."""
    angle = torch.tensor(turn).deg2rad()
    right = torch.stack([angle.cos(), angle.sin(), torch.tensor(0.0)])
    away, up = torch.stack([-angle.sin(), angle.cos(), torch.tensor(-0.25)]), torch.tensor([0.0, 0.0, 1.0])
    away = F.normalize(away, dim=0)
    up = F.normalize(up - (up @ away) * away, dim=0)
    y, x = ((2 * torch.arange(side) + 1 - side) / height * 1.8 for side in (height, width))
    return x[None, :, None] * right - y[:, None, None] * up, away


def _stretch(share: float) -> Tensor:
    return 1 + share * (torch.tensor(STRETCH) - 1)


def _direction(p: Tensor, share: float) -> Tensor:
    """n, the point of the sphere that a point (…,3) lies over."""
    return F.normalize(p / _stretch(share), dim=-1)


def _beyond(p: Tensor, share: float) -> Tensor:
    """How far points (…,3) lie outside of the surface, below 0 inside: ‖p‖ − r(n), stretched; the surface is
    r(n) = 1 + share · Σ_k h_k exp(κ_k (⟨n, d_k⟩ − 1))."""
    q = p / _stretch(share)
    n = F.normalize(q, dim=-1)
    r = torch.ones(p.shape[:-1])
    for direction, height, narrow in BUMPS if share else ():
        d = F.normalize(torch.tensor(direction), dim=0)
        r += share * height * (narrow * (n @ d - 1)).exp()
    return q.norm(dim=-1) - r


def _normal(p: Tensor, share: float, step: float = 0.01) -> Tensor:
    """The way out of the surface at points (…,3), by differences."""
    sides = [_beyond(p + step * axis, share) - _beyond(p - step * axis, share) for axis in torch.eye(3)]
    return F.normalize(torch.stack(sides, -1), dim=-1)


def combed(axis: tuple[float, float, float], *, size: int = 192, hairs: int = 260) -> tuple[Tensor, float]:
    """A sphere seen from the front and from behind, (1,3,size,2·size), all of its hair combed along one axis; and the
    length of its shortest hair.

    The hair at n is what of the axis lies along the surface: v = a − ⟨a, n⟩ n.
    """
    a = F.normalize(torch.tensor(axis), dim=0)
    n = sphere(hairs)
    n = torch.cat([n, a[None], -a[None]])
    v = a - (n @ a)[:, None] * n
    along = ((2 * torch.arange(size) + 1) / size - 1) * 1.1
    x, y = along[None, :], along[:, None]
    inside = x.square() + y.square() < 1
    halves = []
    for side in (1.0, -1.0):
        picture = torch.where(inside, 0.80, PAPER).expand(3, size, size).clone()
        for root, hair in zip(n, v, strict=True):
            if side * root[2] <= 0.05:
                continue
            start, way = torch.stack([side * root[0], root[1]]), 0.17 * torch.stack([side * hair[0], hair[1]])
            t = (((x - start[0]) * way[0] + (y - start[1]) * way[1]) / way.square().sum().clamp(min=1e-9)).clamp(0, 1)
            apart = ((x - start[0] - t * way[0]).square() + (y - start[1] - t * way[1]).square()).sqrt()
            thick = 0.012 * (1 - 0.6 * t) if hair.norm() > 0.05 else torch.full_like(t, 0.045)
            colour = torch.tensor([0.25, 0.16, 0.10] if hair.norm() > 0.05 else [0.85, 0.1, 0.1])
            ink = ((thick - apart) / (2.2 / size) + 0.5).clamp(0, 1)
            picture = picture * (1 - ink) + colour[:, None, None] * ink
        halves.append(picture[None])
    return torch.cat(halves, -1), float(v.norm(dim=-1).min())

