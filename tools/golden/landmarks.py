"""Calls of warps, dense labelling, sparse landmarks, factorising, poses and keypoints."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, photo, squeezenet, uniform
from tools.site.lists import LEARNERS
from u3lab import landmarks, warps
from u3lab.landmarks import dense, places
from u3lab.landmarks.autoencoding import layer_errors
from u3lab.warps import splines

CODES, MOVED = uniform(2, 3, 6, 7), uniform(2, 3, 5, 4, seed=1)
POINTS, GONE = 2.4 * uniform(2, 9, 2) - 1.2, 2.4 * uniform(2, 9, 2, seed=1) - 1.2


@cache
def faces(size: int = 32) -> Tensor:
    return torch.cat([photo(name, size) for name in ("dog", "hens", "coffee", "macaw")])


def both() -> warps.Warp:
    return warps.thin_plate_spline(4, draw(), strength=0.08).after(warps.affine(4, draw(1)))


# Warps


@call("warps at random, undone, one after the other")
def _warps() -> object:
    u, found = 1.6 * uniform(4, 9, 2) - 0.8, []
    for w in (warps.affine(4, draw(), shift=0.2, scale=1.3, turn=30), warps.thin_plate_spline(4, draw(), points=3),
              both(), both().inverse()):
        found.append([w(u), w.jacobian(u), w.inverse(1e-5)(u), len(w)])
    return [found, warps.thin_plate_spline(2, draw(4)), warps.affine(2, draw(4)).matrix]


@call("a spline through points")
def _spline() -> object:
    controls = 2 * uniform(2, 6, 2) - 1
    spline = splines.solved(controls, controls + 0.1 * uniform(2, 6, 2, seed=1))
    return [spline, spline(controls), spline.jacobian(controls)]


@call("pictures and points warped")
def _warped() -> object:
    x, w = faces(), both()
    return [sealed([warps.warp(x, w), warps.warp(x, w, size=(20, 24), padding="border")]),
            warps.warp_points(POINTS.repeat(2, 1, 1), w), warps.grid(x, size=5), warps.warp(x, uniform(4, 6, 6, 2))]


# Dense labelling and landmarks


@call("dense labelling: the losses")
def _losses() -> object:
    found = []
    for through in (None, CODES.flip(0)):
        codes, moved = CODES.clone().requires_grad_(), MOVED.clone().requires_grad_()
        loss = landmarks.dense_labelling_loss(codes, moved, GONE, u=POINTS, gamma=0.7, through=through)
        found.append([loss, *torch.autograd.grad(loss, (codes, moved))])
    some = landmarks.dense_labelling_loss(CODES, MOVED, GONE, u=POINTS, at_once=7)
    return [found, some, landmarks.dense_labelling_loss(CODES, MOVED, uniform(2, 42, 2) - 0.5),
            landmarks.invariance_loss(CODES, MOVED, GONE, u=POINTS)]


@call("dense labelling: heat maps and matches")
def _matches() -> object:
    filters = uniform(5, 3, seed=2)
    return [landmarks.heat_map(filters, CODES), landmarks.match(CODES, MOVED, POINTS),
            landmarks.codes_at(CODES, POINTS), landmarks.virtual_landmarks(CODES, filters),
            landmarks.sphere(7, length=2.0),
            landmarks.exchange_descriptors(uniform(2, 5, 3), CODES), dense.queried(CODES, POINTS, GONE)]


@call("places in maps")
def _places() -> object:
    return [places.cells(CODES), places.centres(5, CODES), places.inside(POINTS)]


@call("sparse landmarks")
def _sparse() -> object:
    return [landmarks.soft_argmax(CODES), landmarks.diversity_loss(5 * CODES, window=2),
            landmarks.equivariance_loss(CODES, MOVED, GONE, u=POINTS)]


@call("errors of landmarks, and their regression")
def _measured() -> object:
    found, true = uniform(9, 3, 2), uniform(9, 3, 2, seed=1)
    fits = [landmarks.fit_landmarks(found, true), landmarks.fit_landmarks(found, true, ridge=0.3)]
    return [landmarks.landmark_error(found, true, (0, 1)), landmarks.share_within(found, true, (0, 2), part=0.5), fits,
            [fit.landmarks(found) for fit in fits]]


def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pictures, moved to the right, and all cells of the labeller's maps, half of them."""
    x = torch.rand(count, 3, 32, 32, generator=generator)
    points = places.cells(torch.zeros(16, 16)).expand(count, -1, -1)
    return x, x.roll(4, 3), points, points + torch.tensor([0.25, 0.0])


for name, loss in landmarks.LOSSES.items():
    @call(f"dense labelling: training, {name}")
    def _label(name: str = name) -> object:
        made = []
        for exchange in (False, True):
            net = landmarks.labeller(2, dimensions=4 if name == "landmarks" else 3, seed=1)
            settings = landmarks.LabelSettings(steps=2, batch_size=3, exchange=exchange, queries=256, window=2)
            made.append([list(landmarks.train_labeller(net, pairs, loss=name, settings=settings)), sealed(net)])
        loss = landmarks.LOSSES[name]
        return [made, loss.reads, loss.constant, loss.cells]


call("dense labelling: the labeller")(lambda: [[sealed(net), sealed(net(faces(64)))] for net in (
    landmarks.labeller(2), landmarks.labeller(3, dimensions=5, longest=None, seed=2))])


# Poses


def turns(seed: int = 0, n: int = 6) -> Tensor:
    return landmarks.as_rotation(uniform(4, n, seed=seed) - 0.5)


@call("turns found from turns between pictures")
def _factorised() -> object:
    found, moved, g = (turns(seed) for seed in range(3))
    h = landmarks.align(found, moved)
    return [turns(n=2), found, [(name, landmarks.factorise(found, moved, g, distance=name)) for name in
                                landmarks.DISTANCES], h, landmarks.pose_error(found, moved),
            landmarks.pose_error(found, moved, h), landmarks.align(turns(n=2), turns(1, 2)),
            [(name, one.smooth, one.far) for name, one in landmarks.DISTANCES.items()]]


@call("pairs of views and of turned pictures")
def _pairs() -> object:
    x = faces()
    of_views = landmarks.pairs_of(x, turns(), torch.tensor([0, 0, 1, 1]))
    return sealed([of_views(5, draw()), landmarks.rotated_pairs(x)(5, draw()),
                   landmarks.rotated(x, torch.tensor([10.0, 90.0, -30.0, 200.0]))])


@call("poses: training")
def _posed() -> object:
    made, x = [], faces(64)
    for dimensions, distance, given in (("2d", "chordal", landmarks.rotated_pairs(x)),
                                        ("3d", "geodesic", (x, x.flip(3), turns()))):
        net = landmarks.pose_encoder(2, dimensions, seed=1)
        settings = landmarks.PoseSettings(steps=2, batch_size=4, distance=distance)
        made.append([list(landmarks.learn_pose(net, given, settings=settings)), sealed(net),
                     landmarks.poses(net, x)])
    return made


# Keypoints


@call("keypoints: maps and their middles")
def _maps() -> object:
    points = landmarks.marginal_soft_argmax(5 * CODES)
    return [points, landmarks.gaussian_maps(points, (6, 5), sigma=0.2)]


@call("keypoints: training")
def _keypoints() -> object:
    x, target = faces(32), faces(32).roll(3, 3)
    made = []
    for more in ({}, {"net": squeezenet(), "layers": ["conv1", "fire2"]}):
        model = landmarks.KeypointAutoencoder(3, width=2, sigma=0.2, seed=1)
        settings = landmarks.AutoencodeSettings(steps=2, batch_size=2)
        steps = list(landmarks.autoencode(model, (x, target), settings=settings, **more))
        points = model.keypoints(x)
        made.append([steps, sealed(model), points, sealed([
            model.reconstruct(x, target), model.draw(x, points), model.draw(model.appearance(x), points.flip(0))])])
    return [made, layer_errors(squeezenet(), ["conv1", "fire2"], x, target)]


call("learners of chapter 3b")(lambda: [
    (name, one.turns, one.numbers, sealed(one.fresh(seed=0))) for name, one in LEARNERS.items()])
