"""A thing seen by a camera: which part each ray meets first, the light on it, its shadow on the table, its outline."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds.rendered import boundaries, through
from u3course.worlds.turntable.solids import Thing

FINE = 2  # times the picture's size
AWAY = 5.0  # of the camera from what it turns about, in radii of the thing
ROOM = 1.06  # how much more than the thing's sphere is seen
SLOPE = ROOM / math.sqrt(AWAY**2 - 1)  # tangent of half the camera's angle
AMBIENT, LAMP, INK, SHADOW = 0.5, 0.65, 0.45, 0.45
HIDDEN = 0.1  # a point that lies so many radii behind what is seen in its place is covered

Windows = dict[int, tuple[slice, slice]]  # number of a part → rows, columns


class Light(NamedTuple):
    """Where it comes from, a unit vector (3) in the axes of the room: right, up, to the viewer; and its colour (3)."""

    direction: Tensor
    colour: Tensor


class Seen(NamedTuple):
    """``colours`` (3,S,S) times ``cover`` (S,S), in [0,1]; ``table`` (S,S), how bright it is, below 1 in the shadow;
    ``points`` (K,2) in [−1,1], x and y, and which of them are ``visible`` (K)."""

    colours: Tensor
    cover: Tensor
    table: Tensor
    points: Tensor
    visible: Tensor


def seen(thing: Thing, tilt: Tensor, turn: Tensor, size: int, light: Light) -> Seen:
    """A thing turned by ``turn`` (3,3) about the vertical, looked at from above by ``tilt`` (3,3)."""
    rotation, side = tilt @ turn, size * FINE
    origin, lamp = thing.middle + thing.radius * AWAY * rotation[2], turn.T @ light.direction
    rays = through(side, SLOPE) @ rotation
    depth, normals, which = _met(thing, origin, rays, _windows(thing, _paper(thing, rotation, thing.corners)[0], side))
    hit = which >= 0
    colours = torch.zeros(side, side, 3)
    colours[hit] = _lit(thing, which[hit], normals[hit], origin + depth[hit, None] * rays[hit], rays[hit], lamp, light)
    skins = torch.cat([thing.skins, torch.tensor([-1])])[which]  # the last is what −1 stands for: no part
    lines = boundaries(skins, (normals @ rotation.T).permute(2, 0, 1))[0] * hit
    colours = colours * (1 - (1 - INK) * lines)[..., None]
    layers = F.avg_pool2d(torch.cat([colours.permute(2, 0, 1), hit.float()[None]])[None], FINE)[0]
    points, ahead = _paper(thing, rotation, thing.points)
    column, row = ((points + 1) / 2 * side).long().clamp(0, side - 1).T
    visible = depth[row, column] > ahead - HIDDEN * thing.radius
    return Seen(layers[:3], layers[3], _table(thing, origin, rotation, size, lamp), points, visible)


def _paper(thing: Thing, rotation: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Where points (n,3) are in the picture (n,2), and how far ahead of the camera (n)."""
    p = (points - thing.middle) @ rotation.T
    ahead = thing.radius * AWAY - p[:, 2]
    return torch.stack([p[:, 0], -p[:, 1]], 1) / (SLOPE * ahead[:, None]), ahead


def _windows(thing: Thing, corners: Tensor, side: int) -> Windows:
    """Which rows and columns may hold each part, given where its corners are in the picture (C,2)."""
    pixels = ((corners + 1) / 2 * side).numpy()
    low = np.floor(np.minimum.reduceat(pixels, thing.begins)).clip(0, side).astype(int)
    high = np.ceil(np.maximum.reduceat(pixels, thing.begins)).clip(0, side).astype(int)
    return {n: (slice(top, bottom), slice(left, right))
            for n, ((left, top), (right, bottom)) in enumerate(zip(low.tolist(), high.tolist(), strict=True))
            if top < bottom and left < right}


def _met(thing: Thing, origin: Tensor, rays: Tensor, windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
    """How far each ray (S,S,3) goes, in its own lengths, infinity where it meets nothing; the normal there (S,S,3); and
    which part it is (S,S), or −1. Rays begin in one place (3) or in many (S,S,3)."""
    far = torch.full(rays.shape[:2], math.inf)
    normals, which = torch.zeros_like(rays), torch.full(rays.shape[:2], -1)
    for n, window in windows.items():
        some, before = rays[window], far[window]
        begin = origin if origin.ndim == 1 else origin[window].reshape(-1, 3)
        t, normal = thing.parts[n].meets(begin, some.reshape(-1, 3))
        t = t.view(before.shape)
        closer = t < before
        before.copy_(torch.where(closer, t, before))
        normals[window].copy_(torch.where(closer[..., None], normal.view(some.shape), normals[window]))
        which[window].masked_fill_(closer, n)
    return far, normals, which


def _lit(thing: Thing, which: Tensor, normals: Tensor, places: Tensor, rays: Tensor, lamp: Tensor,
         light: Light) -> Tensor:
    """Colours (P,3): albedo times light from above and from the lamp (Lambert), and a highlight (Blinn)."""
    albedo = torch.tensor([part.colour for part in thing.parts])[which]
    for n, part in enumerate(thing.parts):
        if part.belt is not None:
            colour, low, high = part.belt
            bottom, top = part.corners[:, 1].min(), part.corners[:, 1].max()
            y = (places[:, 1] - bottom) / (top - bottom) * 2 - 1
            albedo[(which == n) & (y > low) & (y < high)] = torch.tensor(colour)
    sky, lit = 0.75 + 0.25 * normals[:, 1], (normals @ lamp).clamp_min(0)
    half = F.normalize(lamp - F.normalize(rays, dim=1), dim=1)
    shine = torch.tensor([part.gloss for part in thing.parts])[which] * (normals * half).sum(1).clamp_min(0) ** 40
    lit = AMBIENT * sky + LAMP * lit
    return (albedo * lit[:, None] * light.colour + 0.7 * shine[:, None]).clamp(0, 1)


def _table(thing: Thing, origin: Tensor, rotation: Tensor, size: int, lamp: Tensor) -> Tensor:
    """(S,S) how bright the table is: 1 − SHADOW where the thing keeps the lamp from it, softly; at half the size."""
    side = (size + 1) // 2
    rays = through(side, SLOPE) @ rotation
    t = torch.where(rays[..., 1] < -1e-3, -origin[1] / rays[..., 1], 0.0)  # above the horizon nothing is dark
    fallen = thing.corners - thing.corners[:, 1:2] / lamp[1] * lamp  # along the light, down to the table
    windows = {n: window for n, window in _windows(thing, _paper(thing, rotation, fallen)[0], side).items()
               if thing.parts[n].casts}
    dark = _met(thing, origin + t[..., None] * rays, lamp.expand(side, side, 3), windows)[0].isfinite()
    dark = F.avg_pool2d(F.pad(dark.float()[None, None], (1, 1, 1, 1), mode="replicate"), 3, 1)
    return 1 - SHADOW * F.interpolate(dark, (size, size), mode="bilinear", align_corners=False)[0, 0]
