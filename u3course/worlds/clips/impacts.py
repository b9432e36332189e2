"""Made films with true sound: a thing bounces on a floor, and each impact is heard as its material and size decide.

One cause, what the thing is and how high it flies, is seen and heard. That makes them a joint p(x, y) that is known.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.worlds import scenery
from u3course.worlds.clips import materials
from u3course.worlds.clips.materials import FPS, RATE
from u3course.worlds.scenery import between, fold
from u3lab.checks import SIDE, number, one_of, room, whole
from u3lab.datasets import packed

G = 9.81  # metres a second²; the picture's side is one metre
FLOOR = 0.14  # metres, from the lower border
HEIGHTS = (0.2, 0.55)  # metres that a thing rises
RADII = materials.PITCHES[::2]
SIDEWAYS = 0.5  # metres a second, at most
REST = 0.004  # metres: what rises less lies still
LOUD, NOISE = 0.5, 0.002  # of the hardest impact, and of everything else


class Bouncing(NamedTuple):
    """Films, what is heard, and what is true about them.

    ``clips`` (N,T,3,S,S) in [0,1], 16 frames a second; ``sounds`` (N,RATE·T/16) in [−1,1]. ``material`` and ``shape``
    (N) int64 are numbers in MATERIALS and SHAPES; ``radius`` and ``height`` (N) in metres, the picture being one metre
    wide: how large the thing is, and how high it rises in the flight with which the film begins. ``boxes`` (N,T,4) in
    pixels: left, top, right, bottom. ``impacts`` (N,T) bool: whether the thing hits the floor between this frame and
    the next.
    """

    clips: Tensor
    sounds: Tensor
    material: Tensor
    shape: Tensor
    radius: Tensor
    height: Tensor
    boxes: Tensor
    impacts: Tensor


def bouncing(count: int, *, length: int = 16, size: int = 64, split: str = "train", seed: int = 0,
             damping: float = 0.0, colours: str | None = None) -> Bouncing:
    """Films of a ball or block of wood, metal, rubber or glass that bounces before a photo.

    A thing that meets the floor with speed s leaves it with (1 − damping) s. The strength of an impact's tone is in
    proportion to s, its pitch falls with the size, and pitch, colour of sound and decay are the material's. Material,
    shape, size and height are drawn independently. The impact right before the film is heard to die away.

    With damping 0 the arrow of time cannot be seen: film and reversed film have the same distribution, since phase and
    place at the start are uniform and left is as likely as right. (It can be heard: an impact is sudden, its end not.)

    Args:
        count, length: N films of T frames; 16 frames last a second.
        size: S, pixels from 16 up.
        split: "train" or "test": whose photos are behind; the test's are by other authors.
        seed: Of everything. The first films of a longer series are those of a shorter one.
        damping: Share of its speed that an impact takes, in [0, 0.9].
        colours: A material whose colours all things get, instead of those of their own; the grain, the shine and
            whatever else is seen and heard stay as they are. So it can be asked by what a network knows a material.

    Raises:
        U3Error: An unknown split or material, a number out of its range, more frames than there is room for.
    """
    count, length, size = whole("count", count), whole("length", length), whole("size", size, 16, SIDE)
    kept, draw = 1 - number("damping", damping, 0, 0.9), packed.generator(seed, split)
    colours = one_of("colours", colours, (None, *materials.MATERIALS))
    room(f"count = {count}, length = {length}", size, size, count * length)
    room(f"length = {length}", 1, round(RATE / FPS), count * length)
    return Bouncing(*map(torch.stack, zip(*(_film(length, size, split, kept, colours, draw) for _ in range(count)),
                                          strict=True)))


def _film(length: int, size: int, split: str, kept: float, colours: str | None,
          draw: torch.Generator) -> tuple[Tensor, ...]:
    kind, shape = int(torch.randint(4, (), generator=draw)), int(torch.randint(2, (), generator=draw))
    material = materials.MATERIALS[kind]
    radius, height, phase = between(draw, *RADII), between(draw, *HEIGHTS), between(draw, 0, 1)
    span = 1 - 2 * radius
    start, speed = between(draw, 0, 2 * span), between(draw, -SIDEWAYS, SIDEWAYS)
    flights = flown(height, phase, kept, length / FPS)
    time = torch.arange(length, dtype=torch.float64) / FPS
    x, above = radius + fold(start + speed * time, span), risen(flights, time)
    y = 1 - FLOOR - radius - above  # from the top, of the thing's middle
    wall = scenery.crop(size, split, draw)
    floor = between(draw, 0.25, 0.7) * (0.85 + 0.3 * torch.rand(3, generator=draw))  # a grey with a touch of something
    clip = _drawn(wall, floor, x, y, above, material, shape, radius, materials.look(colours or material, draw))
    boxes = size * torch.stack([x - radius, y - radius, x + radius, y + radius], 1)
    hits = torch.tensor([begins for begins, _, _ in flights], dtype=torch.float64)
    impacts = ((hits[:, None] >= time) & (hits[:, None] < time + 1 / FPS)).any(0)
    return (clip, _heard(flights, material, radius, length, draw), torch.tensor(kind), torch.tensor(shape),
            torch.tensor(radius), torch.tensor(height), boxes.float(), impacts)


Flight = tuple[float, float, float]  # when it begins and how long it lasts, in seconds; how high it rises, in metres


def flown(height: float, phase: float, kept: float, until: float) -> list[Flight]:
    """The flights from impact to impact up to a time; at time 0 the share ``phase`` of the first is over.

    A flight of height h lasts 2 √(2h/g). The next has the share ``kept`` of its speed, so of its duration, and kept² of
    its height.
    """
    lasts = 2 * math.sqrt(2 * height / G)
    begins, found = -phase * lasts, []
    while begins < until:
        found.append((begins, lasts, height))
        begins, lasts, height = begins + lasts, kept * lasts, kept**2 * height
        if height < REST:
            break
    return found


def risen(flights: list[Flight], time: Tensor) -> Tensor:
    """How high above the floor it is at each time: h (1 − (2s − 1)²), s the share of the flight that is over."""
    above = torch.zeros_like(time)
    for begins, lasts, height in flights:
        s = (time - begins) / lasts
        above = torch.where((s >= 0) & (s < 1), height * (1 - (2 * s - 1) ** 2), above)
    return above


def _heard(flights: list[Flight], material: str, radius: float, length: int, draw: torch.Generator) -> Tensor:
    """The tones of all impacts and a faint hiss, (S)."""
    time = torch.arange(round(RATE * length / FPS), dtype=torch.float64) / RATE
    known, sound = materials.KNOWN[material], torch.zeros_like(time)
    pitch = known.pitch * materials.PITCHES[1] / radius  # twice as large sounds an octave lower
    for begins, _, height in flights:  # the speed at its begin is √(2 g h)
        strength = LOUD * math.sqrt(height / HEIGHTS[1])
        sound += strength * materials.tone(time - begins, pitch, known.decay, known.partials)
    return (sound.float() + NOISE * torch.randn(len(time), generator=draw)).clamp(-1, 1)


def _drawn(wall: Tensor, floor: Tensor, x: Tensor, y: Tensor, above: Tensor, material: str, shape: int, radius: float,
           look: materials.Look) -> Tensor:
    """The frames (T,3,S,S): wall, floor, the thing's shadow on it, the thing. Places are in metres."""
    size, top = wall.shape[-1], int((1 - FLOOR) * wall.shape[-1])  # the first row that has some floor in it
    place = (torch.arange(size) + 0.5) / size
    rows = place[top:]
    on_floor = ((rows - 1 + FLOOR) * size + 0.5).clamp(0, 1)[:, None]
    ground = wall[:, top:] + on_floor * (floor.view(3, 1, 1) * (0.85 + 0.3 * rows[:, None]) - wall[:, top:])
    aside, deep = ((place - x[:, None].float()) / radius)[:, None], ((rows - 1 + FLOOR - 0.025) / 0.03)[:, None]
    shadow = (0.55 * torch.exp(-above.float() / 0.25)).view(-1, 1, 1) * torch.exp(-(aside**4) - deep**2)
    frames = wall.repeat(len(x), 1, 1, 1)
    frames[:, :, top:] = ground * (1 - (shadow * on_floor)[:, None])
    materials.paint(frames, material, shape, size * x, size * y, size * radius, look)
    return frames
