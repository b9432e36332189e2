"""Every way to sort without labels keeps its word; that its numbers are right, its oracle says."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tools.site.lists import CLUSTERINGS
from u3lab.selfsup import PretextSettings, encoder, pretrain

EACH = pytest.mark.parametrize("name", CLUSTERINGS)
K, N, SIDE = 4, 512, 12


def shares(name: str, classes: Tensor) -> Tensor:
    """Sure answers: (n,k), or of blocks of equal places (n,k,h,w) where places are sorted."""
    z = F.one_hot(classes, K).double()
    return z[..., None, None].expand(-1, -1, SIDE, SIDE) if CLUSTERINGS[name].places else z


def loss(name: str, z: Tensor, moved: Tensor) -> float:
    return float(CLUSTERINGS[name].loss(z, moved))


def drawn(seed: int, count: int = N) -> Tensor:
    return torch.randint(K, (count,), generator=torch.Generator().manual_seed(seed))


@EACH
def test_sure_even_answers_that_agree_are_best_and_one_answer_for_all_is_worth_nothing(name: str):
    even = shares(name, torch.arange(N) % K)
    assert loss(name, even, even) == pytest.approx(-math.log(K), abs=1e-6)
    assert loss(name, shares(name, 0 * drawn(0)), shares(name, 0 * drawn(0))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", [name for name, way in CLUSTERINGS.items() if not way.symmetric])
def test_one_answer_for_all_from_one_of_two_networks_is_worth_nothing(name: str):
    """Where both views are of one network, their places are exchanged, and this says something else."""
    even = shares(name, torch.arange(N) % K)
    assert loss(name, shares(name, 0 * drawn(0)), even) == pytest.approx(0, abs=1e-6)
    assert loss(name, even, shares(name, 0 * drawn(0))) == pytest.approx(0, abs=1e-6)


@EACH
def test_it_asks_for_evenly_used_classes(name: str):
    """Both answers are right in all cases, and the one of rare classes has the higher loss."""
    rare = shares(name, (torch.arange(N) % 16 - 12).clamp(0))
    assert loss(name, rare, rare) > -math.log(K) + 0.3


@EACH
def test_small_batches_flatter(name: str):
    few, many = (loss(name, shares(name, drawn(1, count)), shares(name, drawn(2, count))) for count in (12, N))
    assert few < -0.1 and abs(many) < 0.05


@EACH
def test_it_says_whether_both_views_are_of_one_network(name: str):
    """A fixed renaming of the classes is nothing to two networks, and a mistake of one."""
    z, renamed = shares(name, drawn(3, 40)), shares(name, (drawn(3, 40) + 1) % K)
    assert (loss(name, z, renamed) > loss(name, z, z) + 1e-3) == CLUSTERINGS[name].symmetric


@pytest.mark.parametrize("name", [name for name, way in CLUSTERINGS.items() if way.places])
def test_it_says_whether_a_fixed_pattern_contents_it(name: str):
    """Stripes of four columns, the same in every picture: nearly as good as a true map, or worth little."""
    stripes = F.one_hot(torch.arange(48).expand(6, 48, 48) % K, K).permute(0, 3, 1, 2).double()
    assert (loss(name, stripes, stripes) < -0.4 * math.log(K)) == CLUSTERINGS[name].patterns


@EACH
def test_its_task_is_that_loss(name: str):
    """Two steps of it; the first loss lies between the best answer and the worst."""
    pictures = torch.rand(12, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    raw = pictures if not CLUSTERINGS[name].sounds else (pictures, torch.randn(
        12, 512, generator=torch.Generator().manual_seed(1)))
    runs = [[step.loss for step in pretrain(encoder(4), raw, CLUSTERINGS[name].task(K), settings=PretextSettings(
        steps=2, batch_size=6))] for _ in range(2)]
    assert runs[0] == runs[1] and len(runs[0]) == 3 and -math.log(K) < runs[0][0] < 0.01
