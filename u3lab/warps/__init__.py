"""Warps of pictures and of the points on them: drawn at random, through given points, undone, one after the other.

    w = thin_plate_spline(len(x), generator, strength=0.1).after(affine(len(x), generator))
    y = warp(x, w)                     # the pictures, (B,3,H,W)
    q = warp_points(p, w)              # points on x (B,N,2) → the same points on y
    w(q)                               # back again: where on x the points of y come from

Files: ``maps`` (what a warp is, affine maps, inverses; pictures and points moved), ``splines``, ``random_warps``.
"""

from u3lab.warps.maps import Affine, Warp, grid, warp, warp_points
from u3lab.warps.random_warps import affine, thin_plate_spline
from u3lab.warps.splines import Spline
