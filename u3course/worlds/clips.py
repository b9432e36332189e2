"""Made clips, with what is true about them: things that glide over photos, things that bounce and are heard.

    clips.moving(8, 6).flow            # (8,5,2,64,64): things on photos, and where each pixel goes
    clips.bouncing(8).sounds           # (8,8000): bouncing things, and what is heard of them

A clip is a float tensor (T,3,H,W), RGB, in [0,1]. Each gliding thing has a velocity of its own, which is the true
optical flow. Of a bouncing thing one cause, what it is and how high it flies, is seen and heard, which makes the two a
joint p(x, y) that is known. Real films are in :mod:`u3lab.datasets.clips`.
"""

import colorsys
import functools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.worlds import scenery
from u3course.worlds.scenery import between, fold
from u3lab.checks import SIDE, one_of, room, whole
from u3lab.datasets import cutouts, packed

# ---- things that glide -----------------------------------------------------------------------------------------------

SLOWEST, FASTEST, GROUND = 0.5, 3.0, 1.5  # pixels a frame of a picture of 64: of things; of the ground, at most
APART = 0.75  # pixels a frame, at least, between any two velocities: else nothing could tell them apart
MARGIN = 0.12  # of the side: how far the ground can go to each side
LEAST = 0.25  # of a square round it that a thing covers: a sword would hardly be seen


class Moving(NamedTuple):
    """Clips and what is true about them.

    ``clips`` (N,T,3,S,S) in [0,1]. ``flow`` (N,T−1,2,S,S), in pixels, to the right and down: what is at pixel u of
    frame t is at u + flow of frame t + 1, unless something then hides it. ``masks`` (N,T,S,S) int64: 0 the ground, and
    1, 2, … the things from the rear one to the front one, where each covers half of a pixel or more.
    """

    clips: Tensor
    flow: Tensor
    masks: Tensor


def moving(count: int, length: int = 8, *, size: int = 64, split: str = "train", seed: int = 0) -> Moving:
    """Films of two to four photographed things that glide over a photo; in half of them the ground glides as well.

    Everything goes straight on with a constant velocity and turns back at the border; no two velocities are alike at
    the start. Things and photos are those of
    :mod:`~u3lab.datasets.cutouts` and :mod:`~u3lab.datasets.photos`; no series and no author is in both splits.

    Args:
        count, length: N films of T frames each, T from 2 on.
        size: S, pixels from 16 up. Velocities grow with it: up to 3 pixels a frame at 64.
        split: "train" or "test".
        seed: Of everything. The first films of a longer series are those of a shorter one.

    Raises:
        U3Error: An unknown split, a number out of its range, more frames than there is room for.
    """
    count, length = whole("count", count), whole("length", length, 2)
    size, draw = whole("size", size, 16, SIDE), packed.generator(seed, split)
    room(f"count = {count}, length = {length}", size, size, 3 * count * length)  # flow and masks as well
    return Moving(*map(torch.stack, zip(*(_glide(length, size, split, draw) for _ in range(count)), strict=True)))


def _glide(length: int, size: int, split: str, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    time, margin = torch.arange(length, dtype=torch.float64), math.ceil(MARGIN * size)
    velocities = _velocities(2 + int(torch.randint(3, (), generator=draw)), size / 64, draw)
    ground = scenery.crop(size + 2 * margin, split, draw)
    path = _path(velocities[0], 2.0 * margin, time, draw) - margin  # of the ground: −margin … margin
    middle = torch.tensor([ground.shape[1] / 2] * 2, dtype=torch.float64)
    clip, _ = _placed(torch.cat([ground, torch.ones_like(ground[:1])]), middle, path + size / 2, size)
    masks, paths = torch.zeros(length, size, size, dtype=torch.long), [path]
    for n, velocity in enumerate(velocities[1:], 1):
        sprite = _sprite(split, round(size * between(draw, 0.3, 0.55)), draw)
        path = 0.15 * size + _path(velocity, 0.7 * size, time, draw)
        middle = torch.tensor([sprite.shape[2] / 2, sprite.shape[1] / 2], dtype=torch.float64)
        colour, opacity = _placed(sprite, middle, path, size)
        clip = colour + (1 - opacity) * clip
        masks[opacity[:, 0] >= 0.5] = n
        paths.append(path)
    steps = torch.stack(paths).diff(dim=1).float()  # (things, T − 1, 2)
    flow = steps[masks[:-1], torch.arange(length - 1).view(-1, 1, 1)]
    return clip.clamp(0, 1), flow.movedim(-1, 1).contiguous(), masks


def _velocities(things: int, scale: float, draw: torch.Generator) -> Tensor:
    """Of the ground and of the things (1 + things, 2), no two alike."""
    while True:
        speed = SLOWEST + (FASTEST - SLOWEST) * torch.rand(things + 1, generator=draw, dtype=torch.float64)
        speed[0] = max(0.0, between(draw, -GROUND, GROUND))
        angle = 2 * math.pi * torch.rand(things + 1, generator=draw, dtype=torch.float64)
        found = speed[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        if torch.pdist(found).min() >= APART:
            return scale * found


def _path(velocity: Tensor, span: float, time: Tensor, draw: torch.Generator) -> Tensor:
    """Places (T,2) in [0,span]², from a start where any is as likely as any other."""
    return fold(span * torch.rand(2, generator=draw, dtype=torch.float64) + time[:, None] * velocity, span)


def _placed(sprite: Tensor, middle: Tensor, path: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """A sprite (4,h,w), its colours times its opacity, with its middle at each place of a path: the same, (T,3,S,S),
    and the opacity (T,1,S,S)."""
    height, width = sprite.shape[1:]
    pixels = torch.arange(size, dtype=torch.float64) + 0.5
    x, y = (pixels - path[:, axis, None] + middle[axis] for axis in (0, 1))  # where each pixel is on the sprite
    grid = torch.stack([(2 * x / width - 1)[:, None].expand(-1, size, -1),
                        (2 * y / height - 1)[:, :, None].expand(-1, -1, size)], -1)
    found = F.grid_sample(sprite.expand(len(path), -1, -1, -1), grid.to(sprite), align_corners=False)
    return found[:, :3], found[:, 3:]


def _sprite(split: str, longest: int, draw: torch.Generator) -> Tensor:
    """A thing, (4,h,w): colours times opacity, and opacity; half of them mirrored."""
    names = cutouts.names(split=split)
    while True:
        thing = _thing(names[int(torch.randint(len(names), (), generator=draw))])
        height, width = thing.shape[1:]
        if thing[3].sum() >= LEAST * max(height, width) ** 2:
            break
    shape = [max(1, round(longest * side / max(height, width))) for side in (height, width)]
    small = F.interpolate(thing[None], size=shape, mode="bilinear", antialias=True, align_corners=False)[0]
    return small.flip(-1) if between(draw, 0, 1) < 0.5 else small


@functools.lru_cache(maxsize=1024)
def _thing(name: str) -> Tensor:
    image, mask = cutouts.load(name)
    return torch.cat([image - (1 - mask), mask], 1)[0]  # off the white paper


# ---- things that bounce ----------------------------------------------------------------------------------------------

FPS, RATE = 16, 8000  # frames of a film, samples of a sound, a second
G = 9.81  # metres a second²; the picture's side is one metre
FLOOR = 0.14  # metres, from the lower border
HEIGHTS = (0.2, 0.55)  # metres that a thing rises
RADII, TABLE_RADIUS = (0.06, 0.15), 0.10  # metres; and that of a thing with the pitches below
SIDEWAYS = 0.5  # metres a second, at most
LOUD, NOISE = 0.5, 0.002  # of the hardest impact, and of everything else
RISE = 0.002  # seconds that an impact takes to be loudest
SHAPES = (2.0, 7.0)  # p of |u|ᵖ + |v|ᵖ ≤ 1: a ball, and a block with round corners
LIGHT = F.normalize(torch.tensor([-0.5, -0.65, 0.6]), dim=0)  # from the left, above, in front


class Material(NamedTuple):
    """``pitch`` in hertz of a thing of 10 cm radius, ``decay`` in seconds, ``partials`` as in :func:`tone`; and ranges
    of hue, saturation and value of its colour, in [0,1]."""

    pitch: float
    decay: float
    partials: tuple[tuple[float, float], ...]
    colours: tuple[tuple[float, float], ...]


# A bar's partials are at 1, 2.76, 5.40; a membrane's at 1, 1.59, 2.14; a glass bowl's at about 1, 2.32, 4.25.
KNOWN = {
    "wood": Material(420.0, 0.06, ((1.0, 0.6), (2.76, 0.3), (5.40, 0.1)), ((0.06, 0.10), (0.45, 0.7), (0.45, 0.8))),
    "metal": Material(760.0, 0.45, ((1.0, 0.4), (2.76, 0.4), (5.40, 0.2)), ((0.5, 0.65), (0.02, 0.12), (0.75, 0.95))),
    "rubber": Material(130.0, 0.05, ((1.0, 0.7), (1.59, 0.2), (2.14, 0.1)), ((0.0, 1.0), (0.75, 0.95), (0.6, 0.9))),
    "glass": Material(1250.0, 0.22, ((1.0, 0.6), (2.32, 0.3), (4.25, 0.1)), ((0.4, 0.58), (0.1, 0.35), (0.9, 1.0)))}
MATERIALS = tuple(KNOWN)


class Bouncing(NamedTuple):
    """Films, what is heard, and what is true about them.

    ``clips`` (N,T,3,S,S) in [0,1], 16 frames a second; ``sounds`` (N,RATE·T/16) in [−1,1]. ``material`` (N) int64 is a
    number in MATERIALS. ``boxes`` (N,T,4) in pixels: left, top, right, bottom; the picture is one metre wide.
    """

    clips: Tensor
    sounds: Tensor
    material: Tensor
    boxes: Tensor


def bouncing(count: int, *, length: int = 16, size: int = 64, split: str = "train", seed: int = 0,
             colours: str | None = None) -> Bouncing:
    """Films of a ball or block of wood, metal, rubber or glass that bounces before a photo.

    A thing leaves the floor as fast as it meets it. The strength of an impact's tone is in proportion to that speed,
    its pitch falls with the size, and pitch, colour of sound and decay are the material's. Material, shape, size and
    height are drawn independently. The impact right before the film is heard to die away.

    The arrow of time cannot be seen: film and reversed film have the same distribution, since phase and place at the
    start are uniform and left is as likely as right. (It can be heard: an impact is sudden, its end not.)

    Args:
        count, length: N films of T frames; 16 frames last a second.
        size: S, pixels from 16 up.
        split: "train" or "test": whose photos are behind; the test's are by other authors.
        seed: Of everything. The first films of a longer series are those of a shorter one.
        colours: A material whose colours all things get, instead of those of their own; the grain, the shine and
            whatever else is seen and heard stay as they are. So it can be asked by what a network knows a material.

    Raises:
        U3Error: An unknown split or material, a number out of its range, more frames than there is room for.
    """
    count, length, size = whole("count", count), whole("length", length), whole("size", size, 16, SIDE)
    draw, colours = packed.generator(seed, split), one_of("colours", colours, (None, *MATERIALS))
    room(f"count = {count}, length = {length}", size, size, count * length)
    room(f"length = {length}", 1, round(RATE / FPS), count * length)
    films = [_bounce(length, size, split, colours, draw) for _ in range(count)]
    return Bouncing(*map(torch.stack, zip(*films, strict=True)))


def _bounce(length: int, size: int, split: str, colours: str | None, draw: torch.Generator) -> tuple[Tensor, ...]:
    kind, shape = (int(torch.randint(len(known), (), generator=draw)) for known in (MATERIALS, SHAPES))
    material = MATERIALS[kind]
    radius, height, phase = between(draw, *RADII), between(draw, *HEIGHTS), between(draw, 0, 1)
    span = 1 - 2 * radius
    start, speed = between(draw, 0, 2 * span), between(draw, -SIDEWAYS, SIDEWAYS)
    hits, lasts = impacts(height, phase, length / FPS)
    time = torch.arange(length, dtype=torch.float64) / FPS
    x, above = radius + fold(start + speed * time, span), risen(hits, lasts, height, time)
    y = 1 - FLOOR - radius - above  # from the top, of the thing's middle
    wall = scenery.crop(size, split, draw)
    floor = between(draw, 0.25, 0.7) * (0.85 + 0.3 * torch.rand(3, generator=draw))  # a grey with a touch of something
    frames = _before_a_wall(wall, floor, x, above, radius)
    paint(frames, material, SHAPES[shape], size * x, size * y, size * radius, *look(colours or material, draw))
    boxes = size * torch.stack([x - radius, y - radius, x + radius, y + radius], 1)
    return frames, _heard(hits, height, material, radius, length, draw), torch.tensor(kind), boxes.float()


def impacts(height: float, phase: float, until: float) -> tuple[list[float], float]:
    """When it hits the floor up to a time, and how long it flies in between: 2 √(2h/g), for a flight of height h.

    At time 0 the share ``phase`` of the flight after the first impact is over.
    """
    lasts = 2 * math.sqrt(2 * height / G)
    found = [-phase * lasts]
    while found[-1] + lasts < until:
        found.append(found[-1] + lasts)
    return found, lasts


def risen(hits: list[float], lasts: float, height: float, time: Tensor) -> Tensor:
    """How high above the floor it is at each time: h (1 − (2s − 1)²), s the share of the flight that is over."""
    above = torch.zeros_like(time)
    for begins in hits:
        s = (time - begins) / lasts
        above = torch.where((s >= 0) & (s < 1), height * (1 - (2 * s - 1) ** 2), above)
    return above


def _heard(hits: list[float], height: float, material: str, radius: float, length: int,
           draw: torch.Generator) -> Tensor:
    """The tones of all impacts and a faint hiss, (S)."""
    known, time = KNOWN[material], torch.arange(round(RATE * length / FPS), dtype=torch.float64) / RATE
    pitch = known.pitch * TABLE_RADIUS / radius  # twice as large sounds an octave lower
    strength = LOUD * math.sqrt(height / HEIGHTS[1])  # the speed of an impact is √(2 g h)
    sound = sum(strength * tone(time - begins, pitch, known.decay, known.partials) for begins in hits)
    return (sound.float() + NOISE * torch.randn(len(time), generator=draw)).clamp(-1, 1)


def tone(time: Tensor, pitch: float, decay: float, partials: tuple[tuple[float, float], ...]) -> Tensor:
    """What is heard of an impact at time 0: Σᵢ aᵢ sin(2π rᵢ f t) · exp(−rᵢ t/τ), at times in seconds.

    ``pitch`` is f in hertz, ``decay`` τ in seconds. ``partials`` are pairs (rᵢ, aᵢ): each partial's pitch as a multiple
    of f, and its strength. High ones die sooner; above nine tenths of what RATE can tell they are left out.
    """
    since = time.clamp_min(0)
    found = torch.zeros_like(since)
    for ratio, strength in partials:
        if ratio * pitch < 0.45 * RATE:
            found += strength * torch.sin(2 * math.pi * ratio * pitch * since) * torch.exp(-ratio * since / decay)
    return found * (since / RISE).clamp_max(1)


def _before_a_wall(wall: Tensor, floor: Tensor, x: Tensor, above: Tensor, radius: float) -> Tensor:
    """The frames (T,3,S,S) before the thing is in them: wall, floor, and its shadow on it. Places are in metres."""
    size, top = wall.shape[-1], int((1 - FLOOR) * wall.shape[-1])  # the first row that has some floor in it
    place = (torch.arange(size) + 0.5) / size
    rows = place[top:]
    on_floor = ((rows - 1 + FLOOR) * size + 0.5).clamp(0, 1)[:, None]
    ground = wall[:, top:] + on_floor * (floor.view(3, 1, 1) * (0.85 + 0.3 * rows[:, None]) - wall[:, top:])
    aside, deep = ((place - x[:, None].float()) / radius)[:, None], ((rows - 1 + FLOOR - 0.025) / 0.03)[:, None]
    shadow = (0.55 * torch.exp(-above.float() / 0.25)).view(-1, 1, 1) * torch.exp(-(aside**4) - deep**2)
    frames = wall.repeat(len(x), 1, 1, 1)
    frames[:, :, top:] = ground * (1 - (shadow * on_floor)[:, None])
    return frames


def look(material: str, draw: torch.Generator) -> tuple[Tensor, float]:
    """A colour (3) that the material can have, and the direction of its grain."""
    hue, saturation, value = (between(draw, *reach) for reach in KNOWN[material].colours)
    return torch.tensor(colorsys.hsv_to_rgb(hue, saturation, value)), between(draw, 0, math.pi)


def paint(frames: Tensor, material: str, power: float, x: Tensor, y: Tensor, radius: float, own: Tensor,
          angle: float) -> None:
    """Draw the thing into the frames (T,3,S,S) with its middle at x, y (T); those and the radius are in pixels.

    A pixel at the rim is covered in part. The surface is lit as a sphere's, or as that of a block with soft edges.
    """
    size, side = frames.shape[-1], min(frames.shape[-1], math.ceil(2 * radius) + 3)  # the square round it
    left, top = ((at - side / 2).round().clamp(0, size - side).long() for at in (x, y))
    columns, rows = (first[:, None] + torch.arange(side) for first in (left, top))
    where = (torch.arange(len(frames)).view(-1, 1, 1), slice(None), rows[:, :, None], columns[:, None, :])
    u = ((columns + 0.5 - x[:, None]) / radius).to(frames)[:, None, :].expand(-1, side, -1)  # 1 at its rim
    v = ((rows + 0.5 - y[:, None]) / radius).to(frames)[:, :, None].expand(-1, -1, side)
    far = (u.abs() ** power + v.abs() ** power) ** (1 / power)
    covered = ((1 - far) * radius + 0.5).clamp(0, 1)[:, None]
    slope = torch.stack([u.sign() * u.abs() ** (power - 1), v.sign() * v.abs() ** (power - 1)], 1).clamp(-1, 1)
    normal = F.normalize(torch.cat([slope, (1 - far**2).clamp_min(0.02).sqrt()[:, None]], 1), dim=1)
    lit = (normal * LIGHT.view(3, 1, 1)).sum(1, keepdim=True).clamp_min(0)
    along, across = (one[:, None] for one in (u * math.cos(angle) + v * math.sin(angle),
                                              v * math.cos(angle) - u * math.sin(angle)))
    colour, opaque = _surface(material, own.view(3, 1, 1), lit, normal, along, across)
    ground = frames[where].permute(0, 3, 1, 2)
    seen = (ground + opaque * (colour - ground)).clamp(0, 1)
    frames[where] = (ground + covered * (seen - ground)).permute(0, 2, 3, 1)


def _surface(material: str, colour: Tensor, lit: Tensor, normal: Tensor, along: Tensor,
             across: Tensor) -> tuple[Tensor, Tensor | float]:
    """The colour of each pixel, and how much of what is behind it hides."""
    if material == "wood":  # dull, with bent year rings
        rings = 0.5 + 0.5 * torch.sin(9 * across + 1.6 * torch.sin(2.5 * along))
        return colour * (0.55 + 0.45 * rings) * (0.45 + 0.7 * lit), 1.0
    if material == "metal":  # a mirror of a bright sky and a dark ground, with a small strong highlight
        sky = torch.sigmoid(-9 * (normal[:, 1:2] + 0.1)) + 0.5 * torch.sigmoid(14 * (normal[:, 1:2] - 0.65))
        return colour * (0.18 + 0.72 * sky) + 0.9 * lit**40, 1.0
    if material == "rubber":  # matt and gaudy, with a pale band
        band = torch.sigmoid(30 * (0.22 - across.abs()))
        return (colour + band * (0.9 - colour)) * (0.5 + 0.6 * lit), 1.0
    rim = (1 - normal[:, 2:]) ** 1.5  # glass: see-through inside, bright at its rim and where the lamp is mirrored
    glint = lit**25 + 0.5 * (normal * -LIGHT.view(3, 1, 1) * torch.tensor([1.0, 1.0, -1.0]).view(3, 1, 1)).sum(
        1, keepdim=True).clamp_min(0) ** 20
    return colour * (0.55 + 0.45 * rim) + glint, (0.3 + 0.65 * rim + glint).clamp(0, 1)
