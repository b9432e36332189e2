"""Warps drawn at random. They are drawn and kept on the CPU, so that every device gets the same."""

import math

import torch
from torch import Generator, Tensor

from u3lab.checks import is_a, number, whole
from u3lab.errors import U3Error
from u3lab.images.cropping import GENERATOR
from u3lab.warps.maps import Affine
from u3lab.warps.splines import LEAST, Spline, least_determinant, solved

MOST = 4096  # warps at a time
ROUNDS = 20  # in which splines that fold are drawn again


def thin_plate_spline(count: int, generator: Generator, *, strength: float = 0.1, points: int = 4) -> Spline:
    """Random thin-plate splines that do not fold.

    Args:
        count: How many warps, up to 4096.
        generator: Where the random numbers come from, such as ``torch.Generator().manual_seed(0)``, on the CPU.
        strength: How far each control point is moved at most, right or left and up or down, in units of half a picture;
            from 0 to 0.5. All distances up to it are as likely.
        points: Control points on each side of a square grid over the picture, its border included; from 2 to 12.

    Raises:
        U3Error: No such numbers; or so much strength for the distance between control points that most warps fold. A
            few that do are drawn again.

    Examples:
        >>> w = warps.thin_plate_spline(2, torch.Generator().manual_seed(0))
        >>> warps.warp(torch.rand(2, 3, 64, 64), w).shape
        torch.Size([2, 3, 64, 64])
    """
    count, points = whole("count", count, 1, MOST), whole("points", points, 2, 12)
    strength = number("strength", strength, 0, 0.5)
    along = torch.linspace(-1, 1, points, dtype=torch.float64)
    controls = torch.cartesian_prod(along, along)[None]
    sources = controls.repeat(count, 1, 1)
    left = torch.arange(count)
    for _ in range(ROUNDS):
        sources[left] = controls + strength * _uniform(generator, len(left), points**2, 2)
        left = left[least_determinant(solved(controls, sources[left])) < LEAST]
        if not len(left):
            return solved(controls, sources)
    raise U3Error(f"strength = {strength:g} folds most warps of {points}×{points} control points, which are "
                  f"{2 / (points - 1):.2g} apart; give at most a third of that, or fewer points")


def affine(count: int, generator: Generator, *, shift: float = 0.1, scale: float = 1.1, turn: float = 10) -> Affine:
    """Random similarities: g turns and scales the picture about its centre, then shifts it.

    Args:
        count, generator: As for :func:`thin_plate_spline`.
        shift: How far it goes at most in x and in y, in units of half a picture; from 0 to 1.
        scale: How many times larger or smaller it gets at most, from 1 to 4; the logarithm of the factor is uniform.
        turn: By how many degrees it turns at most, one way or the other; from 0 to 180. A picture that is not square is
            sheared as it turns, since half its width is not half its height.
    """
    count, shift = whole("count", count, 1, MOST), number("shift", shift, 0, 1)
    scale, turn = number("scale", scale, 1, 4), number("turn", turn, 0, 180)
    drawn = _uniform(generator, count, 4)
    size, angle = (math.log(scale) * drawn[:, 0]).exp(), math.radians(turn) * drawn[:, 1]
    c, s = size * angle.cos(), size * angle.sin()
    A = torch.stack([torch.stack([c, s], -1), torch.stack([-s, c], -1)], -2)  # anticlockwise, with y down
    return Affine(torch.cat([A, shift * drawn[:, 2:, None]], -1)).inverse()  # of g, what a warp keeps is g⁻¹


def _uniform(generator: Generator, *shape: int) -> Tensor:
    """From −1 to 1, of float64."""
    is_a("generator", generator, Generator, GENERATOR)
    if generator.device.type != "cpu":
        raise U3Error(f"generator is on {generator.device}; {GENERATOR}, on the CPU, so that every device draws alike")
    return 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1
