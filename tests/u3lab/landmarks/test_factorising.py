"""Factorisation: its loss, its freedom h and its error, against SciPy's rotations and complex numbers."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from tests.helpers import refuses
from u3lab import landmarks


def drawn(count: int, seed: int = 0) -> Tensor:
    """Rotations in space, (N,3,3), float64."""
    return torch.from_numpy(Rotation.random(count, random_state=seed).as_matrix())


def plane(degrees: Tensor) -> Tensor:
    """Rotations in the plane, (N,2,2)."""
    a = degrees.double().deg2rad()
    return torch.stack([a.cos(), -a.sin(), a.sin(), a.cos()], 1).view(-1, 2, 2)


def angles(count: int, seed: int = 0) -> Tensor:
    return 360 * torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def both() -> list[tuple[Tensor, Tensor, Tensor]]:
    """Φ(x), Φ(g x) and g that do not fit each other, in the plane and in space."""
    return [tuple(plane(angles(20, seed)) for seed in range(3)), tuple(drawn(20, seed) for seed in range(3))]


def test_six_numbers_are_made_upright_as_qr_does_it():
    code = torch.randn(30, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = landmarks.as_rotation(code)
    for numbers, R in zip(code.numpy(), found.numpy(), strict=True):
        Q, upper = np.linalg.qr(numbers.reshape(2, 3).T)
        Q = Q * np.sign(np.diag(upper))
        np.testing.assert_allclose(R[:, :2], Q, atol=1e-12)
        assert abs(np.linalg.det(R) - 1) < 1e-12


def test_two_numbers_are_a_complex_number_of_length_1():
    code = torch.tensor([[3.0, 4.0], [-0.1, 0.0], [0.0, 2.0]], dtype=torch.float64)
    vector = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for (a, b), R in zip(code.tolist(), landmarks.as_rotation(code), strict=True):
        turned = complex(a, b) / abs(complex(a, b)) * complex(1, 2)
        assert (R @ vector).tolist() == pytest.approx([turned.real, turned.imag])


@pytest.mark.oracle("SciPy's rotations", landmarks=["chordal", "geodesic"])
def test_distances_are_those_of_scipy():
    for found, moved, g in both():
        if g.shape[1] == 3:
            first, second, known = map(Rotation.from_matrix, (found, moved, g))
            off = (known * first * second.inv()).magnitude()
        else:
            turn = [torch.atan2(one[:, 1, 0], one[:, 0, 0]) for one in (found, moved, g)]
            off = np.abs(np.angle(np.exp(1j * (turn[1] - turn[0] - turn[2]).numpy())))
        assert landmarks.factorise(found, moved, g, distance="geodesic").item() == pytest.approx(off.mean(), abs=1e-9)
        assert landmarks.factorise(found, moved, g).item() == pytest.approx((8 * np.sin(off / 2) ** 2).mean(), abs=1e-9)
        errors = landmarks.pose_error(moved @ found.mT, g)
        np.testing.assert_allclose(errors, np.degrees(off), atol=1e-4)


def test_what_solves_it_solves_it_after_any_common_turn():
    for R, _, g in both():
        h = R[3]
        for distance in ("chordal", "geodesic"):
            assert landmarks.factorise(R @ h, g @ R @ h, g, distance=distance) < 3e-6
            before = landmarks.factorise(R, R.roll(1, 0), g, distance=distance)
            torch.testing.assert_close(landmarks.factorise(R @ h, R.roll(1, 0) @ h, g, distance=distance), before)
        assert landmarks.factorise(R, R @ g, g) > 0.1 or g.shape[1] == 2  # on the wrong side it is no turn of the thing


@pytest.mark.parametrize("distance", ["chordal", "geodesic"])
@pytest.mark.parametrize("numbers", [2, 6])
def test_gradients(numbers: int, distance: str):
    draw = torch.Generator().manual_seed(1)
    codes = torch.randn(2, 4, numbers, generator=draw, dtype=torch.float64, requires_grad=True)
    g = drawn(4) if numbers == 6 else plane(angles(4))

    def loss(codes: Tensor) -> Tensor:
        return landmarks.factorise(*map(landmarks.as_rotation, codes), g, distance=distance)

    assert torch.autograd.gradcheck(loss, codes)


@pytest.mark.parametrize("off", [0.0, math.pi])
def test_the_gradient_is_finite_where_the_angle_is_0_or_half_a_turn(off: float):
    code = torch.tensor([[math.cos(off), math.sin(off)]], requires_grad=True)
    one = torch.eye(2)[None]
    loss = landmarks.factorise(one, landmarks.as_rotation(code), one, distance="geodesic")
    assert loss.item() == pytest.approx(off, abs=1e-3)
    assert torch.autograd.grad(loss, code)[0].isfinite().all()


def test_the_common_turn_in_space_is_scipys():
    true, h = drawn(40, 1), drawn(1, 9)[0]
    noise = torch.from_numpy(Rotation.from_rotvec(0.3 * np.random.default_rng(0).normal(size=(40, 3))).as_matrix())
    found = noise @ true @ h.T
    ours = landmarks.align(found, true)
    theirs, _ = Rotation.align_vectors(true.reshape(-1, 3).numpy(), found.reshape(-1, 3).numpy())  # their rows
    np.testing.assert_allclose(ours.T, theirs.as_matrix(), atol=1e-9)
    assert landmarks.pose_error(ours[None], h[None]) < 10
    assert landmarks.pose_error(found, true, ours).median() < 40 < landmarks.pose_error(found, true).median()


def test_the_common_turn_in_the_plane_is_the_angle_of_a_sum():
    found, true = angles(30, 1), angles(30, 2)
    h = np.angle(np.exp(1j * np.radians((true - found).numpy())).sum())
    ours = landmarks.align(plane(found), plane(true))
    np.testing.assert_allclose(ours, [[np.cos(h), -np.sin(h)], [np.sin(h), np.cos(h)]], atol=1e-9)


def test_a_turn_is_found_again_and_never_a_mirror():
    true = drawn(1, 1).repeat(2, 1, 1)
    for found in (true, true @ drawn(1, 5)[0], true @ torch.diag(torch.tensor([-1.0, -1, 1])).double()):
        h = landmarks.align(found, true)
        assert torch.linalg.det(h) > 0.999 and landmarks.pose_error(found, true, h).max() < 1e-3
    for seed in (1, 7, 11):
        found, true = drawn(3, seed), drawn(3, seed + 100)
        U, _, Vt = torch.linalg.svd((found.mT @ true).sum(0))
        assert torch.linalg.det(U @ Vt).sign() == (1 if seed == 1 else -1)  # a mirror would fit the others better
        assert torch.linalg.det(landmarks.align(found, true)).item() == pytest.approx(1)


def test_slips():
    R = drawn(3)
    refuses(landmarks.factorise, R, R, -R, says="no rotations")  # a mirror
    refuses(landmarks.pose_error, R, 2 * R, says="no rotations")
    refuses(landmarks.factorise, R, R, plane(angles(3)), says="D = 3")
    refuses(landmarks.as_rotation, torch.ones(3, 4), says="for turns in the plane")
