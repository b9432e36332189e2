"""What the exercises of chapter 1 say is so: the library's modules and functions give the same numbers."""

import pytest
import torch
from torch import Tensor, nn

from tests import test_third_form
from u3course.course import catalogue, pieces
from u3course.lessons.universal import exercises
from u3lab import nets
from u3lab.training.loop import Batches
from u3lab.universal import UniversalSettings, adapt, adapters, train_domain
from u3lab.universal.domain import shrinkage
from u3lab.universal.dynamic import Learnet
from u3lab.universal.multitask import Task, masked_losses

SEEDS = pytest.mark.parametrize("seed", range(3))
STRIDES = pytest.mark.parametrize("k, stride", [(3, 1), (3, 2), (5, 1), (5, 3)])


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def convolution(seed: int, k: int, stride: int) -> nn.Conv2d:
    f = nn.Conv2d(4, 6, k, stride, k // 2, bias=False).double().requires_grad_(False)
    f.weight.copy_(drawn(seed, *f.weight.shape))
    return f


def filled(make: adapters.Maker, f: nn.Conv2d, alpha: Tensor) -> nn.Module:
    adapter = make(f, 4, torch.Generator()).requires_grad_(False)
    adapter.alpha.weight.copy_(alpha[:, :, None, None])
    return adapter


@SEEDS
@STRIDES
def test_the_parallel_adapter_and_its_folding(k: int, stride: int, seed: int):
    f, x, alpha = convolution(seed, k, stride), drawn(seed + 9, 2, 4, 9, 8), drawn(seed + 99, 6, 4)
    adapter = filled(adapters.parallel, f, alpha)
    y = exercises.parallel(x, f.weight, alpha, stride)
    torch.testing.assert_close(y, adapter(f, x))
    assert torch.equal(exercises.fold(f.weight, alpha), adapter.folded(f).weight)
    torch.testing.assert_close(y, exercises.parallel(x, exercises.fold(f.weight, alpha), 0 * alpha, stride))


def test_the_training_is_the_library_s():
    """As train_domain at a rate that stays: the same losses, and the same weights."""
    net, settings = nets.load("squeezenet1_1", device="cpu"), UniversalSettings(lr=0.003, steps=4)
    x, y = drawn(0, 32, 3, 64, 64).sigmoid().float(), torch.arange(32) % 3
    mine, theirs = (adapt(net).add_domain("three", 3).use("three") for _ in range(2))
    ours = [step.loss for step in train_domain(theirs, "three", x, y, settings=settings)]
    order = Batches(32, settings.batch_size, settings.seed)
    batches = ((x[order.at(step)], y[order.at(step)]) for step in range(4))
    losses = list(exercises.training(mine, mine.domain_parameters("three"), mine.shared_parameters(), batches, 0.003))
    assert losses == pytest.approx(ours[:4], rel=1e-4)
    for one, other in zip(mine.domain_parameters("three"), theirs.domain_parameters("three"), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert all(torch.equal(*pair) for pair in zip(mine.shared_parameters(), theirs.shared_parameters(), strict=True))


@pytest.mark.parametrize("centre", ["source", "zero"])
def test_the_energy_is_the_library_s(centre: str):
    """λ ‖w − w₀‖² with λ = 1/(2σ²N) is what train_domain adds to the cross-entropy."""
    net = adapt(nets.load("squeezenet1_1", device="cpu"), "fine-tuning").add_domain("three", 3)
    domain, draw = net.domain("three"), torch.Generator().manual_seed(0)
    for _, weight in domain.changed():
        weight.data += 0.01 * torch.randn(weight.shape, generator=draw)
    weights = [weight for _, weight in domain.changed()]
    centres = [(centre == "source") * domain.start[name] for name, _ in domain.changed()]
    found = exercises.energy(torch.tensor(0.25), weights, centres, 0.2, 50)
    torch.testing.assert_close(found, 0.25 + shrinkage(domain, centre=centre) / (2 * 0.04 * 50))


def test_predicted_adapters_are_the_learnets():
    predictor = Learnet({"conv1": (7, 5)}, inputs=6, rank=3)
    for weight, seed in zip(predictor.parameters(), range(3), strict=True):
        weight.data.copy_(drawn(seed, *weight.shape))
    z = drawn(9, 4, 6).float()
    found = exercises.predicted(z, predictor.p[0], predictor.m[0], predictor.m_out[0])
    torch.testing.assert_close(found, torch.stack([predictor(one)["conv1"] for one in z]))


@SEEDS
def test_the_masked_mean_is_that_of_the_tasks(seed: int):
    task, scores, labels = Task("label", 3, price=0.7), drawn(seed, 8, 3), torch.arange(8) % 3
    losses = nn.functional.cross_entropy(scores, labels, reduction="none")
    for m in (drawn(seed + 9, 8) > 0, torch.zeros(8, dtype=torch.bool)):
        found = masked_losses({"kind": task}, {"kind": scores}, {"kind": labels}, {"kind": m})["kind"]
        torch.testing.assert_close(exercises.masked(losses, m, 0.7), found)


def test_a_prior_without_gradient_is_told_by_the_player(monkeypatch: pytest.MonkeyPatch):
    """Its values are right, and a judge may see nothing else: of an answer in another process only values come back."""
    def detached(cross_entropy: Tensor, weights: list[Tensor], *rest: object) -> Tensor:
        return exercises.energy(cross_entropy, [weight.detach() for weight in weights], *rest)

    assert catalogue.find("1b-prior").judge(detached) == ""
    monkeypatch.setattr(pieces, "_passed", {})
    monkeypatch.setattr(test_third_form, "nonsense", lambda _: detached)
    (_, line), (_, told) = test_third_form.shown("01b_priors_and_tasks.ipynb", "1b-prior")
    assert "no gradient" in told and "no gradient" not in line
