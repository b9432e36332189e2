"""Two networks on pictures and sounds: they find what both show, and nothing that only one of them has."""

import math

import torch
from torch import Tensor

from tests.helpers import refuses
from u3lab import selfsup
from u3lab.descent import last
from u3lab.selfsup.matching import hungarian_accuracy


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


def test_a_sound_that_is_too_short() -> None:
    refuses(selfsup.SoundEncoder(6), torch.zeros(2, 255), says="255 samples")
