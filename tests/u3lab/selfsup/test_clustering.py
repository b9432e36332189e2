"""Each way to sort without labels keeps its word; clustering finds what views leave alone, or what is heard too."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics.cluster import contingency_matrix
from torch import Tensor

from tests.helpers import refuses
from tools.site.lists import CLUSTERINGS
from u3lab import selfsup
from u3lab.descent import last
from u3lab.selfsup import PretextSettings, encoder, pretrain
from u3lab.selfsup.matching import contingency, hungarian_accuracy, match

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


def shapes(count: int = 120, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A bar that stands, a bar that lies, or a ring, at slightly different places; and which."""
    labels = torch.arange(count) % 3
    pictures = torch.zeros(count, 3, 28, 28)
    ring = torch.ones(10, 10)
    ring[3:7, 3:7] = 0
    generator = torch.Generator().manual_seed(seed)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        y, x = (9 + torch.randint(-2, 3, (2,), generator=generator)).tolist()
        part = (torch.ones(16, 4), torch.ones(4, 16), ring)[label]
        y, x = y - (3 if label == 0 else 0), x - (3 if label == 1 else 0)
        picture[:, y:y + part.shape[0], x:x + part.shape[1]] = part
    return pictures, labels


def test_it_sorts_simple_shapes() -> None:
    pictures, labels = shapes()
    net, settings = selfsup.digit_encoder(8), selfsup.ClusterSettings(steps=50, batch_size=120, heads=4, lr=0.01)
    head = selfsup.sub_heads(net, 3, settings=settings)
    steps = list(selfsup.cluster(net, pictures, 3, head=head, settings=settings))
    assert [step.iteration for step in steps] == list(range(51))
    assert steps[-1].value.shape == (3, 3) and float(steps[-1].value.sum()) == pytest.approx(1, abs=1e-5)
    found = selfsup.cluster_probabilities(net, head, pictures)[selfsup.best_head(net, head, pictures)].argmax(1)
    assert hungarian_accuracy(found, labels) > 0.95


def test_the_chosen_head_has_the_lowest_loss() -> None:
    pictures, _ = shapes()
    net = selfsup.digit_encoder(4)
    head = selfsup.sub_heads(net, 3)
    generator = torch.Generator().manual_seed(0)
    both = [selfsup.cluster_probabilities(net, head, selfsup.digit_views(pictures, generator)) for _ in range(2)]
    losses = [float(selfsup.iic_loss(z, moved)) for z, moved in zip(*both, strict=True)]
    assert selfsup.best_head(net, head, pictures) == losses.index(min(losses))


def test_further_heads_are_part_of_the_loss_and_never_chosen() -> None:
    pictures, _ = shapes(24)
    net, settings = selfsup.digit_encoder(4), selfsup.ClusterSettings(steps=1, batch_size=24, over=12, heads=2)
    head = selfsup.sub_heads(net, 3, settings=settings)
    step = last(selfsup.cluster(net, pictures, 3, head=head, settings=settings))
    assert set(step.terms) == {"−I", "−I of the further heads"} and step.value.shape == (3, 3)
    said = torch.rand(5, 2, 2, 3, generator=torch.Generator().manual_seed(0)).softmax(-1)  # pictures, views, heads, k
    P = selfsup.clustering(3, settings=settings).score((said,), torch.zeros(5))
    wanted = sum(torch.outer(a, b) for a, b in said[:, :, 0]) / 5
    torch.testing.assert_close(P, (wanted + wanted.T) / 2)  # of the first
    assert selfsup.cluster_probabilities(net, head, pictures).shape == (2, 24, 3)


def test_the_price_is_read_at_every_step() -> None:
    pictures, _ = shapes(24)
    settings = selfsup.ClusterSettings(steps=3, batch_size=24, heads=1, lr=1e-5)
    steps = selfsup.cluster(selfsup.digit_encoder(4), pictures, 3, settings=settings)
    for lam in (1.0, 4.0, 0.0):
        settings.lam = lam
        step = next(steps)
        assert step.loss == pytest.approx(-float(selfsup.mutual_information(step.value, lam=lam)), abs=1e-5)


def test_hungarian_accuracy_is_the_best_of_all_matches() -> None:
    generator = torch.Generator().manual_seed(0)
    for clusters in (3, 4, 5):
        found, labels = (torch.randint(most, (40,), generator=generator) for most in (clusters, 4))
        names = range(max(clusters, 4))
        best = max(float((torch.tensor(order)[found] == labels).double().mean())
                   for order in itertools.permutations(names))
        assert hungarian_accuracy(found, labels) == pytest.approx(best)
        assert contingency(found, labels).tolist() == contingency_matrix(found, labels).tolist()
        kept = match(found, labels)
        assert len(set(kept[kept >= 0].tolist())) == min(clusters, 4) and len(kept) == int(found.max()) + 1
    assert hungarian_accuracy((labels + 1) % 4, labels) == 1
    assert match((labels + 1) % 4, labels).tolist() == [3, 0, 1, 2]


def test_slips_are_named() -> None:
    pictures, _ = shapes(24)
    net = selfsup.digit_encoder(2)
    refuses(selfsup.cluster_probabilities, net, net, pictures, says="sub_heads")
    refuses(selfsup.pseudo_labels, net, "conv3", pictures, 25, says="smaller k")
    refuses(selfsup.SoundEncoder(6), torch.zeros(2, 255), says="255 samples")


def films(count: int = 96) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor]:
    """Squares that are dark, grey or bright, and sing low, middling or high; left or right, which nobody hears."""
    generator = torch.Generator().manual_seed(0)
    kind, side = torch.arange(count) % 3, torch.arange(count) // 3 % 2
    pictures = 0.1 * torch.rand(count, 3, 32, 32, generator=generator)
    for n in range(count):
        pictures[n, :, 8:24, 14 * int(side[n]):14 * int(side[n]) + 16] += 0.2 + 0.3 * float(kind[n])
    time = torch.arange(2048) / 2048
    pitch = torch.tensor([100.0, 250.0, 600.0])[kind] * (1 + 0.1 * torch.rand(count, generator=generator))
    sounds = (2 * math.pi * pitch[:, None] * time).sin() + 0.1 * torch.randn(count, 2048, generator=generator)
    return (pictures.clamp(0, 1), sounds), kind, side


def test_both_find_the_kind_and_neither_the_side() -> None:
    raw, kind, side = films()
    task, net = selfsup.audiovisual_clustering(3, settings=selfsup.ClusterSettings(heads=3)), selfsup.encoder(4)
    head = selfsup.head_of(net, task)
    settings = selfsup.PretextSettings(steps=40, batch_size=48, lr=0.01)
    step = last(selfsup.pretrain(net, raw, task, head=head, settings=settings))
    assert step.value.shape == (3, 3) and step.loss < -0.6
    (seen, heard), _ = selfsup.solve(net, head, raw, task)
    losses = [float(selfsup.iic_loss(seen[:, n], heard[:, n], symmetric=False)) for n in range(3)]
    best = losses.index(min(losses))
    assert hungarian_accuracy(seen[:, best].argmax(1), kind) > 0.9
    assert hungarian_accuracy(heard[:, best].argmax(1), kind) > 0.9
    assert hungarian_accuracy(seen[:, best].argmax(1), side) < 0.6
