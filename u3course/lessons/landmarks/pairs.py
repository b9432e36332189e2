"""Pairs of pictures for chapter 3: a made face in two warps, or two pictures between which its head has turned.

The background goes its own way, as in a film. If face and background moved alike, the place of *every* pixel relative
to the face could be told, and a labeller would be as sure of a wall as of an eye.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from u3course.worlds.faces import Layers
from u3course.worlds.faces.made import composite
from u3lab.landmarks import codes_at
from u3lab.warps import Affine, Warp, affine, grid, thin_plate_spline, warp

SIDE, MARGIN = 64, 24  # pixels: the pictures, and what their canvas has around them
CLOSER = Affine(torch.eye(2, 3)[None] * SIDE / (SIDE + 2 * MARGIN))  # the middle of the canvas
SHIFT, SCALE, TURN = 0.16, 1.13, 9  # of either view, in half canvases; times; degrees
BEND = 0.10  # half pictures: how far the control points of the second view's spline go
AWAY = 2.0  # a place outside of every picture
FACING = 0.25  # a cosine: what looks less at the viewer counts as hidden
CELL = 2  # pixels: a code's

Pairs = tuple[Tensor, Tensor, Tensor, Tensor]  # x, gx (B,3,64,64), and places u in x and gu in gx, (B,1024,2)


class View(NamedTuple):
    """How a picture was taken of a canvas: where it is looked up for the face and for the background, and both there.

    ``picture`` (B,3,64,64), ``face`` (B,1,64,64), the opacity of the face.
    """

    of_face: Warp
    of_background: Warp
    picture: Tensor
    face: Tensor


class Stock(NamedTuple):
    """Faces to learn from, two pictures of each person in a row: ``layers``, whose margin is ``MARGIN``, perhaps in
    bytes; and ``fronts`` (N,1024,3), as :func:`~u3course.worlds.faces.fronts` has them."""

    layers: Layers
    fronts: Tensor


def of_warps(stock: Stock, *, apart: bool = True) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs of one picture in two warps.

    Every cell of gx is asked for: where was it in x? What a face covers in x was nowhere. If not ``apart``, background
    and face move alike.
    """
    def pairs(count: int, generator: torch.Generator) -> Pairs:
        layers = layers_of(stock, torch.randint(len(stock.fronts), (count,), generator=generator))
        x, gx = (taken(*layers, generator, bend=bend, apart=apart) for bend in (0.0, BEND))
        return x.picture, gx.picture, *places(x, gx)
    return pairs


def of_turns(stock: Stock) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs of two pictures of one person, whose head has turned in between.

    Asked for are the places on the front of the head that are seen in both: what optical flow would tell in a film.
    """
    def pairs(count: int, generator: torch.Generator) -> Pairs:
        first = torch.randint(len(stock.fronts), (count,), generator=generator)
        views, found = [], []
        for chosen in (first, first ^ 1):  # the other picture of the same person
            views.append(taken(*layers_of(stock, chosen), generator, bend=0.0))
            pixels, facing = stock.fronts[chosen].split((2, 1), -1)
            there = views[-1].of_face.inverse()(2 * pixels / (SIDE + 2 * MARGIN) - 1)
            found.append(torch.where(facing > FACING, there, AWAY))
        return views[0].picture, views[1].picture, *found
    return pairs


def of_both(stock: Stock) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs, a quarter of them of warps, from which it learns what is background, and
    the others of turns."""
    kinds = of_warps(stock), of_turns(stock)

    def pairs(count: int, generator: torch.Generator) -> Pairs:
        of_warp = -(-count // 4)
        made = (kind(number, generator) for kind, number in zip(kinds, (of_warp, count - of_warp), strict=True))
        return tuple(torch.cat(parts) for parts in zip(*made, strict=True))
    return pairs


def layers_of(stock: Stock, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Faces (B,4,112,112) and backgrounds (B,3,112,112) of a stock."""
    return floating(stock.layers.face[chosen]), floating(stock.layers.background[chosen])


def floating(levels: Tensor) -> Tensor:
    """Bytes, as a large stock is kept in, as numbers in [0,1]; numbers as they are."""
    return levels.float() / 255 if levels.dtype == torch.uint8 else levels


def taken(face: Tensor, background: Tensor, generator: torch.Generator, *, bend: float, apart: bool = True) -> View:
    """A view of layers (B,4,112,112) and (B,3,112,112), each moved by a warp of its own."""
    of_face = drawn(len(face), generator, bend)
    of_background = drawn(len(face), generator, 0.0) if apart else of_face
    front, behind = warp(face, of_face, size=SIDE), warp(background, of_background, size=SIDE)
    return View(of_face, of_background, composite(front, behind), front[:, 3:].clamp(0, 1))


def drawn(count: int, generator: torch.Generator, bend: float, *, shift: float = SHIFT, scale: float = SCALE,
          turn: float = TURN) -> Warp:
    """A warp of a canvas that shows what is left of its middle.

    The view is bent, not the canvas: the cells of all views are the same, so that the spline has to know their
    distances from its control points only once.
    """
    moved = CLOSER.after(affine(count, generator, shift=shift, scale=scale, turn=turn))
    return thin_plate_spline(count, generator, strength=bend).after(moved) if bend else moved


def places(x: View, gx: View) -> tuple[Tensor, Tensor]:
    """The cells of gx, and where they were in x: u and gu, (B,1024,2) each."""
    cells = grid(gx.picture, size=SIDE // CELL)
    gu = cells.expand(len(gx.picture), -1, -1)
    u_face, u_behind = (there.inverse()(here(cells)) for there, here in
                        ((x.of_face, gx.of_face), (x.of_background, gx.of_background)))
    on_face = codes_at(gx.face, gu) > 0.5
    u_behind = torch.where(codes_at(x.face, u_behind) > 0.5, AWAY, u_behind)
    return torch.where(on_face, u_face, u_behind), gu
