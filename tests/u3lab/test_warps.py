"""Warps: splines against scipy, pictures against scipy's sampling, points against pictures, inverses against warps."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates
from torch import Tensor
from torch.autograd import gradcheck

from tests.helpers import refuses, seeded
from u3lab import warps
from u3lab.equivariance import rotation
from u3lab.warps import maps, splines
from u3lab.warps.splines import least_determinant, solved

DTYPES = [torch.float32, torch.float64]


def noise(*shape: int, seed: int = 0) -> Tensor:
    """From −1 to 1."""
    return 2 * torch.rand(shape, generator=seeded(seed), dtype=torch.float64) - 1


def smooth(count: int, height: int, width: int) -> Tensor:
    """Pictures (count,3,height,width) of a few waves."""
    u = warps.grid(torch.ones(1, 1, height, width, dtype=torch.float64))
    frequency, phase = 4 * noise(count, 2, 3, seed=1), noise(count, 1, 3, seed=2)
    return (0.5 + 0.5 * (u @ frequency + phase).sin()).mT.unflatten(2, (height, width))


def spline(count: int = 2, strength: float = 0.15, points: int = 4, seed: int = 0) -> warps.Spline:
    return warps.thin_plate_spline(count, seeded(seed), strength=strength, points=points)


def both(count: int = 2, seed: int = 0) -> warps.Warp:
    """Turned and shifted, then bent."""
    return spline(count, seed=seed).after(warps.affine(count, seeded(seed + 1), shift=0.2, scale=1.2, turn=15))


KINDS: dict[str, Callable[[], warps.Warp]] = {
    "affine": lambda: warps.affine(2, seeded(), shift=0.2, scale=1.3, turn=30), "spline": spline,
    "chain": both, "undone": lambda: both().inverse()}
every_kind = pytest.mark.parametrize("w", [pytest.param(make(), id=name) for name, make in KINDS.items()])


# Splines

@pytest.mark.parametrize("points, seed", [(3, 0), (4, 1), (12, 2), (60, 3)])
def test_a_spline_as_scipy_has_it(points: int, seed: int):
    controls, sources = noise(2, points, 2, seed=seed), noise(2, points, 2, seed=seed + 9)
    where = 3 * noise(1, 40, 2, seed=seed + 20)  # inside and far outside
    found = solved(controls, sources)(where)
    for n in range(2):
        scipys = RBFInterpolator(controls[n], sources[n], kernel="thin_plate_spline", degree=1)(where[0])
        assert found[n].numpy() == pytest.approx(scipys, abs=1e-10)


def test_a_drawn_spline_goes_through_its_sources():
    w = spline(3, strength=0.2, points=5)
    where, sources = noise(3, 50, 2, seed=5), w(w.controls)
    assert 0.19 < (sources - w.controls).abs().max() <= 0.2  # 150 numbers from −0.2 to 0.2
    torch.testing.assert_close(w(where), solved(w.controls, sources)(where), atol=1e-10, rtol=0)


def test_points_move_to_where_they_are_sent():
    p = torch.tensor([[[-0.4, -0.2], [0.4, -0.2], [0.0, 0.1], [-0.3, 0.5], [0.3, 0.5]]])
    q = p + 0.1 * noise(3, 5, 2).float()
    w = solved(q, p)
    torch.testing.assert_close(warps.warp_points(p, w), q, atol=1e-5, rtol=0)
    torch.testing.assert_close(w(q), p.expand(3, -1, -1), atol=1e-6, rtol=0)


def test_the_side_conditions_hold_and_what_is_affine_is_not_bent():
    w = spline(4)
    assert w.weights.abs().max() > 0.1
    assert w.weights.sum(1).abs().max() < 1e-12
    assert (w.controls.mT @ w.weights).abs().max() < 1e-12
    a = warps.affine(2, seeded(), turn=40)
    c, u = noise(1, 9, 2), noise(2, 30, 2, seed=1)
    bent = solved(c, a(c))
    assert bent.weights.abs().max() < 1e-12
    torch.testing.assert_close(bent(u), a(u))


@every_kind
def test_the_jacobian_is_the_derivative(w: warps.Warp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maps, "TOLERANCE", 1e-10)
    u = noise(2, 7, 2, seed=4)
    u[0, 0] = -1  # a control point
    u.requires_grad_()
    J = w._jacobian(u)
    rows = [torch.autograd.grad(w(u)[..., n].sum(), u)[0] for n in range(2)]
    torch.testing.assert_close(J, torch.stack(rows, 2), atol=1e-8, rtol=1e-8)


# Affine maps

def test_an_affine_map_as_torch_has_it():
    w = KINDS["affine"]()
    x = torch.ones(2, 1, 5, 8, dtype=torch.float64)
    expected = F.affine_grid(w.matrix, [2, 1, 5, 8], align_corners=False)
    torch.testing.assert_close(w(warps.grid(x)).view(2, 5, 8, 2), expected)


def test_drawn_affine_maps_turn_scale_and_shift_within_their_ranges():
    forth = warps.affine(2000, seeded(), shift=0.3, scale=1.5, turn=20).inverse().matrix
    A, b = forth[..., :2], forth[..., 2]
    size, angle = torch.linalg.det(A).sqrt(), torch.atan2(A[:, 0, 1], A[:, 0, 0]).rad2deg()
    torch.testing.assert_close(A @ A.mT, size.square()[:, None, None] * torch.eye(2, dtype=torch.float64))
    for value, most in ((b, 0.3), (size.log() / np.log(1.5), 1), (angle, 20)):
        assert 0.98 * most < value.max() <= most and -most <= value.min() < -0.98 * most  # all of the range
        assert value.abs().mean() == pytest.approx(most / 2, rel=0.05)  # all of it as likely
    drawn = torch.stack([size.log(), angle, *b.T])
    assert (torch.corrcoef(drawn) - torch.eye(4)).abs().max() < 0.1  # each by itself


def test_it_turns_anticlockwise_for_who_looks_at_it():
    for seed in range(2):
        forth = warps.affine(1, seeded(seed), shift=0, scale=1, turn=90).inverse().matrix[0]
        angle = float(torch.atan2(forth[0, 1], forth[0, 0]).rad2deg())
        x = smooth(1, 40, 40)
        turned = warps.warp(x, warps.Affine(forth[None]).inverse())
        disc = warps.grid(x).square().sum(-1).view(40, 40) < 0.8
        torch.testing.assert_close(turned[..., disc], rotation(angle)(x)[..., disc])


# Pictures

@every_kind
@pytest.mark.parametrize("padding, scipys", [("reflection", "reflect"), ("border", "nearest"),
                                             ("zeros", "grid-constant")])
@pytest.mark.parametrize("size", [None, (9, 30)])
def test_pictures_are_sampled_as_scipy_does(w: warps.Warp, padding: str, scipys: str, size: tuple[int, int] | None):
    x = noise(2, 2, 17, 12)
    height, width = size or (17, 12)
    ours = warps.warp(x, w, padding=padding, size=size)
    rows, columns = np.mgrid[:height, :width]
    u = np.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], -1).reshape(1, -1, 2)
    source = w(torch.from_numpy(u)).numpy()
    at = [((source[..., k] + 1) * n - 1) / 2 for k, n in ((1, 17), (0, 12))]
    for b in range(2):
        for c in range(2):
            theirs = map_coordinates(x[b, c].numpy(), [one[b] for one in at], order=1, mode=scipys)
            assert ours[b, c].flatten().numpy() == pytest.approx(theirs, abs=1e-9)


def test_a_grid_does_as_well_as_a_warp():
    x, w = noise(2, 3, 10, 14), spline()
    where = w(warps.grid(x, size=(6, 7))).view(2, 6, 7, 2)
    assert torch.equal(warps.warp(x, where), warps.warp(x, w, size=(6, 7)))
    assert torch.equal(warps.warp(x[:1], where[1:]), warps.warp(x[:1], w, size=(6, 7))[1:])


@pytest.mark.parametrize("strength, points", [(0.22, 4), (0.06, 10)])
def test_a_single_pixel_is_brightest_where_its_point_goes(strength: float, points: int):
    """However much a warp bends: that may move the middle of a dot, not the summit of one bright pixel."""
    rows, columns = torch.randint(8, 56, (2, 20), generator=seeded())
    x = torch.zeros(1, 20, 64, 64, dtype=torch.float64)
    x[0, range(20), rows, columns] = 1
    p = (2 * torch.stack([columns, rows], -1)[None] + 1) / 64 - 1
    w = spline(4, strength, points)
    fine = warps.warp(x, w, size=512, padding="zeros")
    summit = warps.grid(fine)[0, fine.flatten(2).argmax(2)]
    q = warps.warp_points(p.double(), w)
    inside = (q.abs() < 1).all(-1)
    assert ((summit - q) * 32).norm(dim=-1)[inside].max() < 0.25  # pixels


# Inverses, one after the other

@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("strength, points", [(0.1, 4), (0.22, 4), (0.5, 2), (0.06, 10), (0.05, 12)])
def test_a_spline_is_undone(strength: float, points: int, dtype: torch.dtype):
    w = spline(8, strength, points)
    p = noise(8, 100, 2, seed=3).to(dtype)
    u = w.inverse()(p)
    assert u.dtype == dtype
    assert (w(u) - p).abs().max() <= maps.TOLERANCE
    assert (u - p).abs().max() > strength / 4
    v = p * 0.9
    least = least_determinant(w).min().item()
    assert (w.inverse()(w(v)) - v).abs().max() <= 5 * maps.TOLERANCE / least


def test_affine_maps_are_undone_exactly_and_twice_is_not_at_all():
    w, u = KINDS["affine"](), noise(2, 9, 2)
    assert isinstance(w.inverse(), warps.Affine)
    torch.testing.assert_close(w.inverse()(w(u)), u, atol=1e-14, rtol=0)
    bent = spline()
    assert bent.inverse().inverse() is bent
    mirror = warps.Affine(torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]]))
    assert torch.equal(mirror.inverse().matrix, mirror.matrix)


def test_one_after_the_other():
    a, b = KINDS["affine"](), spline(seed=3)
    p = noise(2, 30, 2)
    once = warps.warp_points(p, b.after(a))
    torch.testing.assert_close(once, warps.warp_points(warps.warp_points(p, a), b), atol=1e-4, rtol=0)
    assert (once - warps.warp_points(p, a.after(b))).abs().max() > 0.02  # the order matters
    torch.testing.assert_close(b.after(a)(once), p, atol=1e-4, rtol=0)
    c = spline(seed=4)
    torch.testing.assert_close(c.after(b).after(a)(p), c.after(b.after(a))(p))
    x = smooth(2, 80, 80)
    twice, at_once = warps.warp(warps.warp(x, a), b), warps.warp(x, b.after(a))
    assert (twice - at_once)[..., 20:60, 20:60].abs().max() < 0.01
    assert (twice - x).abs()[..., 20:60, 20:60].max() > 0.1


def test_a_warp_that_folds_has_no_inverse():
    controls = spline().controls
    folded = solved(controls, controls + 0.9 * noise(1, 16, 2))
    assert least_determinant(folded) < 0
    refuses(warps.warp_points, noise(1, 2000, 2), folded, says=("have no way back within 0.0001", "less strength"))


# Gradients

@pytest.mark.parametrize("back", [False, True])
def test_gradients_by_places_control_points_and_sources(back: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maps, "TOLERANCE", 1e-9)
    controls = spline().controls[:, ::3].clone()  # six of them
    sources = controls + 0.08 * noise(2, 6, 2)
    u = 0.8 * noise(2, 4, 2, seed=2)
    u[0, 0] = controls[0, 2] if not back else u[0, 0]  # just on a control point

    def moved(c: Tensor, s: Tensor, u: Tensor) -> Tensor:
        w = solved(c, s)
        return (w.inverse() if back else w)(u)

    given = tuple(value.requires_grad_() for value in (controls, sources, u))
    assert gradcheck(moved, given, atol=1e-6)


# Drawing

def test_what_is_drawn_does_not_fold_and_what_folds_is_drawn_again():
    strength = 0.26
    first = 2 * torch.rand(200, 16, 2, generator=seeded(), dtype=torch.float64) - 1
    w = spline(200, strength)
    kept = (w(w.controls) - w.controls - strength * first).abs().amax((1, 2)) < 1e-9
    folded = least_determinant(solved(w.controls, w.controls + strength * first)) < splines.LEAST
    assert torch.equal(kept, ~folded) and 2 <= folded.sum() <= 40
    along = torch.linspace(-1.5, 1.5, 151, dtype=torch.float64)
    fine = torch.cartesian_prod(along, along)[None]
    for n in range(0, 200, 20):
        some = warps.Spline(w.controls, w.weights[n : n + 20], w.plane[n : n + 20])
        assert torch.linalg.det(some._jacobian(fine[:, n::20])).min() > 0


@pytest.mark.parametrize("strength, points", [(0.5, 4), (0.3, 8), (0.1, 12)])
def test_too_much_strength_is_refused(strength: float, points: int):
    refuses(spline, 2, strength, points, says=("folds most warps", f"{points}×{points}", "at most a third"))


def test_what_folds_beside_the_picture_alone_is_seen():
    corners = torch.tensor([[[-1.0, -1], [-1, 1], [1, -1], [1, 1]]])
    sources = torch.tensor([[[-1.54, -1.82], [-0.38, 1.54], [1.42, -0.12], [1.42, 0.26]]])
    near = torch.cartesian_prod(*[torch.linspace(-1, 1, 49, dtype=torch.float64)] * 2)[None]
    w = solved(corners, sources)
    assert torch.linalg.det(w._jacobian(near)).min() > splines.LEAST > least_determinant(w)


def test_the_same_seed_gives_the_same_warps_in_each_precision():
    x = noise(2, 1, 6, 6)
    one, other = (both(seed=3) for _ in range(2))
    assert torch.equal(one(warps.grid(x)), other(warps.grid(x)))
    assert not torch.equal(one(warps.grid(x)), both(seed=5)(warps.grid(x)))
    narrow = warps.warp(x.float(), one)
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow.double(), warps.warp(x, one), atol=1e-5, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_another_device_warps_alike():
    x, p = smooth(2, 16, 16), noise(2, 9, 2)
    for w in (both(), KINDS["affine"](), both().inverse()):
        torch.testing.assert_close(warps.warp(x.cuda(), w).cpu(), warps.warp(x, w))
        torch.testing.assert_close(warps.warp_points(p.cuda(), w).cpu(), warps.warp_points(p, w))


# Batches and parts

@every_kind
def test_one_goes_with_many(w: warps.Warp):
    p, x = noise(1, 5, 2), noise(1, 2, 6, 7)
    assert torch.equal(w(p), w(p.expand(2, -1, -1)))
    torch.testing.assert_close(warps.warp_points(p, w), warps.warp_points(p.expand(2, -1, -1), w))
    torch.testing.assert_close(warps.warp(x, w), warps.warp(x.expand(2, -1, -1, -1), w))
    single = spline(1)
    assert len(w) == 2 and single(p.expand(3, -1, -1)).shape == (3, 5, 2)
    assert len(w.after(single)) == len(single.after(w)) == 2


@every_kind
def test_what_is_done_in_parts_is_the_same_and_small(w: warps.Warp, monkeypatch: pytest.MonkeyPatch):
    p, sizes = noise(2, 100, 2), []
    whole = w(p)
    log = splines._log
    monkeypatch.setattr(splines, "_log", lambda r2: sizes.append(r2.numel()) or log(r2))
    monkeypatch.setattr(maps, "CELLS", 640)
    torch.testing.assert_close(w(p), whole)
    assert max(sizes, default=0) <= 640


# Slips

@pytest.mark.parametrize("call, words", [
    (lambda: spline()(noise(3, 4, 2)), ("are 2 and 3", "one for all")),
    (lambda: spline()(noise(2, 4, 2).long()), ("points", "int64", "float32")),
    (lambda: warps.warp_points(30 * noise(2, 4, 2), spline()), ("not in pixels", "±1")),
    (lambda: warps.warp(noise(3, 1, 4, 4), spline()), ("pictures and warps are 3 and 2",)),
    (lambda: warps.warp(noise(2, 1, 4, 4), noise(2, 4, 4, 2), size=3), ("leave size out",)),
    (lambda: warps.warp(noise(2, 1, 4, 4), noise(2, 4, 4, 3)), ("w has the shape",)),
    (lambda: warps.Affine(torch.ones(1, 2, 3)), ("determinant", "other than 0")),
    (lambda: solved(noise(1, 4, 2), noise(1, 5, 2)), ("4 controls and 5 sources",)),
    (lambda: solved(noise(1, 5, 1).expand(1, 5, 2), noise(1, 5, 2)), ("line",)),
    (lambda: solved(noise(1, 5, 2)[:, [0, 1, 2, 3, 3]], noise(1, 5, 2)), ("same place",)),
    (lambda: warps.Spline(noise(2, 4, 2), noise(3, 4, 2), noise(3, 3, 2)), ("2 splines and weights for 3",))])
def test_slips_are_told(call: Callable[[], object], words: tuple[str, ...]):
    refuses(call, says=(word.replace("(", r"\(").replace(")", r"\)") for word in words))
