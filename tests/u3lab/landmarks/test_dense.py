"""Dense labelling: the loss is the double sum of the paper, in parts or at once, and a heat map says where."""

import math
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor

from tests.helpers import normal, refuses
from u3lab import landmarks
from u3lab.landmarks.places import cells


def spot(i: int, j: int, height: int, width: int) -> tuple[float, float]:
    """The centre of the cell in row i, column j."""
    return (2 * j + 1) / width - 1, (2 * i + 1) / height - 1


def by_hand(codes: Tensor, moved: Tensor, gone: Tensor, gamma: float) -> float:
    """L by the definition: every cell of x against every cell of gx, one by one."""
    (B, _, h, w), (_, _, h2, w2) = codes.shape, moved.shape
    losses = []
    for b, i, j in product(range(B), range(h), range(w)):
        gu = gone[b, i * w + j]
        if gu.abs().max() <= 1:
            S = {(k, m): float(codes[b, :, i, j] @ moved[b, :, k, m]) for k in range(h2) for m in range(w2)}
            total = sum(math.exp(s) for s in S.values())
            losses.append(sum(math.dist(spot(*cell, h2, w2), gu.tolist()) ** gamma * math.exp(s) / total
                              for cell, s in S.items()))
    return sum(losses) / len(losses)


@pytest.mark.oracle("the double sum", landmarks=["labelling"])
@pytest.mark.parametrize("gamma, fine", [(0.5, (4, 4)), (1.0, (4, 4)), (2.0, (3, 5))])
def test_the_loss_is_the_double_sum(gamma: float, fine: tuple[int, int]) -> None:
    codes, moved, gone = 2 * normal(2, 3, 4, 4), 2 * normal(2, 3, *fine, seed=1), 0.7 * normal(2, 16, 2, seed=2)
    assert (gone.abs() > 1).any()  # some leave the picture and must not count
    for at_once in (10**6, 7):
        found = landmarks.dense_labelling_loss(codes, moved, gone, gamma=gamma, at_once=at_once)
        assert float(found) == pytest.approx(by_hand(codes, moved, gone, gamma), abs=1e-6)


def test_in_parts_it_has_the_same_value_and_the_same_gradients() -> None:
    sizes = ((12, 12), (9, 12), (8, 8))
    given = [normal(2, 3, *size, seed=seed, dtype=torch.float32) for seed, size in enumerate(sizes)]
    for one in given:
        one.requires_grad_()
    gone = 0.5 * normal(2, 144, 2, seed=3, dtype=torch.float32)
    for through in (None, given[2]):
        inputs = given if through is not None else given[:2]
        found = []
        for at_once in (10**7, 2000):
            loss = landmarks.dense_labelling_loss(*given[:2], gone, through=through, at_once=at_once)
            found.append([loss, *torch.autograd.grad(loss, inputs)])
        for whole, parted in zip(*found, strict=True):
            assert float((whole - parted).detach().abs().max()) < 1e-6


class Held:
    """A tensor that autograd keeps for the way back, counted while it does."""

    now = most = 0

    def __init__(self, kept: Tensor) -> None:
        self.kept = kept
        Held.now += kept.numel()
        Held.most = max(Held.most, Held.now)

    def __del__(self) -> None:
        Held.now -= self.kept.numel()


def test_in_parts_only_one_part_is_kept_for_the_way_back() -> None:
    """The full matrix has 48⁴ numbers of p, and as many distances; in parts there are 2²⁰ of each."""
    codes, moved = (normal(1, 3, 48, 48, seed=seed, dtype=torch.float32).requires_grad_() for seed in (0, 1))
    gone, most = cells(codes.detach())[None], []
    with torch.autograd.graph.saved_tensors_hooks(Held, lambda held: held.kept):
        for at_once in (2**20, 10**9):
            Held.most = Held.now = 0
            torch.autograd.grad(landmarks.dense_labelling_loss(codes, moved, gone, at_once=at_once), (codes, moved))
            most.append(Held.most)
    assert most[1] > 2 * 48**4 and most[0] < 4 * 2**20


def test_its_gradient() -> None:
    codes, moved, other = (normal(1, 2, 2, 3, seed=seed).requires_grad_() for seed in range(3))
    gone = 0.4 * normal(1, 6, 2, seed=3)
    for at_once in (1000, 12):
        loss = partial(landmarks.dense_labelling_loss, gu=gone, at_once=at_once)
        assert torch.autograd.gradcheck(lambda a, b: loss(a, b), (codes, moved))  # noqa: B023
        assert torch.autograd.gradcheck(lambda a, b, c: loss(a, b, through=c), (codes, moved, other))  # noqa: B023


def test_queries_may_lie_between_cells() -> None:
    codes, moved = normal(2, 3, 6, 6), normal(2, 3, 6, 6, seed=1)
    points, gone = 0.9 * torch.rand(2, 40, 2).double() - 0.4, 0.9 * torch.rand(2, 40, 2).double() - 0.4
    parts = [landmarks.dense_labelling_loss(codes, moved, gone[:, n:n + 1], u=points[:, n:n + 1]) for n in range(40)]
    assert float(landmarks.dense_labelling_loss(codes, moved, gone, u=points)) == pytest.approx(float(sum(parts) / 40))


def test_cells_are_where_grid_sample_has_them() -> None:
    codes = normal(2, 3, 4, 7)
    assert torch.allclose(landmarks.codes_at(codes, cells(codes).expand(2, -1, -1)), codes.flatten(2).transpose(1, 2))
    assert torch.equal(cells(codes)[8], torch.tensor(spot(1, 1, 4, 7), dtype=torch.float64))


@pytest.mark.oracle("the best answer, which is known", landmarks=["invariance"])
def test_invariance_alone_is_content_with_a_constant() -> None:
    codes, moved, gone = normal(1, 3, 5, 5), normal(1, 3, 5, 5, seed=1), 0.3 * normal(1, 25, 2, seed=2)
    expected = (landmarks.codes_at(codes, cells(codes)[None]) - landmarks.codes_at(moved, gone)).square().sum(-1).mean()
    assert torch.allclose(landmarks.invariance_loss(codes, moved, gone), expected)
    ones = torch.ones_like(codes)
    assert landmarks.invariance_loss(ones, ones, gone) == 0
    assert torch.autograd.gradcheck(lambda a, b: landmarks.invariance_loss(a, b, gone),
                                    (codes.requires_grad_(), moved.requires_grad_()))


def test_a_heat_map_is_a_softmax_over_all_places() -> None:
    code, codes = normal(5, 3), normal(2, 3, 4, 6, seed=1)
    e = torch.einsum("nd,bdij->bnij", code, codes).exp()
    assert torch.allclose(landmarks.heat_map(code, codes), e / e.sum((2, 3), keepdim=True))
    own = torch.stack([code, code.flip(0)])
    assert torch.allclose(landmarks.heat_map(own, codes)[1], landmarks.heat_map(code.flip(0), codes)[1])


def test_a_match_follows_a_shift() -> None:
    codes = 30 * torch.nn.functional.normalize(normal(1, 3, 8, 8), dim=1)
    moved = codes.roll((1, 2), (2, 3))
    points = cells(codes).view(8, 8, 2)[:7, :6].reshape(1, -1, 2)
    step = torch.tensor([2 * 2 / 8, 2 / 8], dtype=torch.float64)  # two cells to the right, one down
    found = landmarks.match(codes, moved, points)
    assert torch.allclose(found.best, points + step)
    assert float((found.soft - found.best).norm(dim=-1).median()) < 0.05


def test_virtual_landmarks_are_the_soft_argmax_of_filters() -> None:
    codes, filters = normal(2, 3, 5, 6), 4 * landmarks.sphere(7).double()
    maps = torch.nn.functional.conv2d(codes, filters[:, :, None, None])
    assert torch.allclose(landmarks.virtual_landmarks(codes, filters), landmarks.soft_argmax(maps))


def test_the_sphere_is_covered_evenly() -> None:
    found = landmarks.sphere(200, length=2.0)
    assert torch.allclose(found.norm(dim=1), torch.full((200,), 2.0)) and float(found.mean(0).norm()) < 0.02
    apart = torch.cdist(found, found).fill_diagonal_(9).amin(1)
    assert float(apart.min()) > 0.7 * float(apart.max())


def test_exchange_is_the_double_sum_and_from_the_same_picture_changes_nothing() -> None:
    code, through = normal(2, 4, 3), normal(2, 3, 3, 5, seed=1)
    found = landmarks.exchange_descriptors(code, through)
    for b, n in product(range(2), range(4)):
        w = [through[b, :, i, j] for i in range(3) for j in range(5)]
        p = [float((code[b, n] @ one).exp()) for one in w]
        assert torch.allclose(found[b, n], sum(a * one for a, one in zip(p, w, strict=True)) / sum(p))
    codes = 40 * torch.nn.functional.normalize(normal(1, 3, 6, 6), dim=1)
    gone = 0.4 * normal(1, 36, 2, seed=1)
    plain = landmarks.dense_labelling_loss(codes, codes.flip(2), gone)
    through_itself = landmarks.dense_labelling_loss(codes, codes.flip(2), gone, through=codes)
    assert float(plain) == pytest.approx(float(through_itself), abs=0.01)


def test_slips_are_named() -> None:
    codes, gone = normal(1, 3, 4, 4), normal(1, 16, 2).clamp(-1, 1)
    refuses(landmarks.dense_labelling_loss, codes, codes, gone[:, :7], says="16 cells")
    refuses(landmarks.dense_labelling_loss, codes, codes, gone.abs() + 2, says="outside")
    refuses(landmarks.dense_labelling_loss, codes, codes.float(), gone, says="the same for all")
    refuses(landmarks.invariance_loss, codes, codes, gone, u=gone[:, :3], says="each of the points goes")
