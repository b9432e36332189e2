"""What holds for every pretext task: the same seed poses the same questions, and it learns from them."""

import pytest
import torch
from torch import Tensor

from tests.helpers import refuses
from u3lab.descent import last
from u3lab.selfsup import TASKS, PretextSettings, encoder, head_of, pretrain, solve

tasks = pytest.mark.parametrize("name", TASKS)


def raw(name: str, count: int = 8) -> Tensor | tuple[Tensor, ...]:
    """Data of a task's kind, drawn at random; pictures are noise on slopes that tell a place."""
    generator = torch.Generator().manual_seed(0)
    along = torch.linspace(0, 1, 64)
    slopes = torch.stack([along[:, None] ** 2 * torch.ones(64), along**2 * torch.ones(64, 1), along[:, None] * along])
    pictures = (torch.rand(count, 3, 64, 64, generator=generator) + 3 * slopes) / 4
    match TASKS[name].raw:
        case "pictures":
            return pictures
        case "clips":
            return torch.rand(count, 6, 3, 64, 64, generator=generator)
        case "flows":
            return pictures, 3 * torch.randn(count, 2, 8, 8, generator=generator).kron(torch.ones(8, 8))
        case "films":
            return pictures, torch.randn(count, 4096, generator=generator)


def tensors(of: object) -> tuple[Tensor, ...]:
    return of if isinstance(of, tuple) else (of,)


@tasks
def test_the_same_generator_poses_the_same_questions(name: str) -> None:
    """One question for each picture, of views in [0,1]; the raw data stay as they are."""
    given, before = raw(name), raw(name)
    first, second, other = (TASKS[name].pose(given, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    both = [(one.views, *tensors(one.target), *one.more) for one in (first, second)]
    assert all(torch.equal(one, two) and len(one) == 8 for one, two in zip(*both, strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(
        (first.views, *tensors(first.target)), (other.views, *tensors(other.target)), strict=True))
    assert all(torch.equal(one, two) for one, two in zip(tensors(given), tensors(before), strict=True)), "was changed"
    assert first.views.ndim == 5 and first.views.shape[2] == 3
    assert first.views.min() >= 0 and first.views.max() <= 1


@tasks
def test_it_learns_a_few_pictures_by_heart(name: str) -> None:
    net = encoder(8, seed=0)
    settings = PretextSettings(steps=40, batch_size=8, lr=0.01, seed=0)
    steps = list(pretrain(net, raw(name), name, settings=settings))
    assert [step.iteration for step in steps] == list(range(41))
    assert sum(step.loss for step in steps[-5:]) < sum(step.loss for step in steps[:5])
    assert not any(module.training for module in net.modules())


@tasks
def test_in_half_precision_it_takes_nearly_the_same_steps(name: str) -> None:
    """Each step rounds the weights anew: with the rounded ones of the first step, as a cache keeps them, it stalls."""
    curves = []
    for half in (False, True):
        net = encoder(8, seed=0)
        settings = PretextSettings(steps=10, batch_size=8, lr=0.001, half=half)
        curves.append(torch.tensor([step.loss for step in pretrain(net, raw(name), name, settings=settings)]))
        assert all(one.dtype == torch.float32 for one in net.parameters())
    assert not torch.equal(*curves) and (curves[1] - curves[0]).abs().mean() < 0.1 * curves[0].abs().mean()


@tasks
def test_the_same_seed_gives_the_same_numbers_and_a_head_answers_afterwards(name: str) -> None:
    losses, settings = [], PretextSettings(steps=3, batch_size=4)
    for _ in range(2):
        net = encoder(4)
        head = head_of(net, name)
        losses.append([step.loss for step in pretrain(net, raw(name), name, head=head, settings=settings)])
    assert losses[0] == losses[1]
    assert not any(module.training for module in (*net.modules(), *head.modules()))
    output, posed = solve(net, head, raw(name, 5), name)
    assert len(tensors(output)[0]) == 5
    assert torch.isfinite(TASKS[name].score(output, posed.target))


@tasks
def test_other_data_are_refused(name: str) -> None:
    for bad in (torch.rand(8, 64, 64), torch.rand(1, 3, 64, 64), 2 * torch.rand(8, 3, 64, 64), "pictures"):
        refuses(lambda bad=bad: last(pretrain(encoder(2), bad, name, settings=PretextSettings(steps=1))))
