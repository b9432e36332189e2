"""The concept kernel against written-out sums and chance."""

import pytest
import torch

from tests.helpers import normal, refuses
from u3lab.dissection.concept_vectors import chance_similarity, concept_kernel, kernel_similarity


def test_a_kernel_holds_cosines():
    vectors = normal(4, 7)
    kernel = concept_kernel(vectors)
    for i in range(4):
        for j in range(4):
            cosine = torch.nn.functional.cosine_similarity(vectors[i], vectors[j], dim=0)
            assert kernel[i, j] == pytest.approx(float(cosine))
    torch.testing.assert_close(concept_kernel(vectors * torch.tensor([1.0, 5, 0.1, 3])[:, None]), kernel)


def test_a_rotation_of_the_units_changes_nothing():
    vectors, turn = normal(6, 9), torch.linalg.qr(normal(9, 9, seed=1)).Q
    torch.testing.assert_close(concept_kernel(vectors @ turn), concept_kernel(vectors))
    assert kernel_similarity(concept_kernel(vectors @ turn), concept_kernel(vectors)) == pytest.approx(1)


def test_similarity_is_the_written_sum():
    a, b = concept_kernel(normal(5, 8)), concept_kernel(normal(5, 6, seed=1))
    pairs = [(i, j) for i in range(5) for j in range(5)]
    for diagonal in (True, False):
        chosen = [(a[i, j], b[i, j]) for i, j in pairs if diagonal or i != j]
        wanted = sum(x * y for x, y in chosen) / (sum(x * x for x, _ in chosen) * sum(y * y for _, y in chosen)) ** 0.5
        assert kernel_similarity(a, b, diagonal=diagonal) == pytest.approx(float(wanted))


def test_random_embeddings_agree_only_by_their_diagonal():
    """Twenty concepts in 64 and 128 units: 0.8 with the diagonal, none without; and the permutations say so."""
    pairs = [(concept_kernel(normal(20, 64, seed=k)), concept_kernel(normal(20, 128, seed=1000 + k)))
             for k in range(30)]
    with_it = [kernel_similarity(a, b, diagonal=True) for a, b in pairs]
    without = [kernel_similarity(a, b) for a, b in pairs]
    assert 0.7 < sum(with_it) / 30 < 0.9 and abs(sum(without) / 30) < 0.05
    chance = chance_similarity(*pairs[0])
    assert len(chance) == 200 and abs(sum(chance) / 200) < 0.05 and chance == chance_similarity(*pairs[0])
    same = concept_kernel(normal(20, 64))
    assert max(chance_similarity(same, same)) < 0.5 < kernel_similarity(same, same)
    even = torch.full((20, 20), 0.5) + torch.eye(20) / 2  # who is who makes no difference
    assert chance_similarity(even, even, times=3) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_kernels_without_anything_beside_the_diagonal_agree_on_nothing(kind: torch.dtype):
    assert kernel_similarity(torch.eye(3, dtype=kind), torch.eye(3, dtype=kind)) == 0
    assert kernel_similarity(torch.eye(3, dtype=kind), torch.eye(3, dtype=kind), diagonal=True) == pytest.approx(1)


def test_slips_are_told():
    refuses(concept_kernel, torch.rand(1, 4), says="at least two concepts")
    refuses(concept_kernel, torch.tensor([[1.0, 0], [0, 0]]), says="concept 1 is zero")
    refuses(kernel_similarity, torch.eye(3), torch.eye(4), says=r"second has the shape \(4, 4\); give .* C = 3")
