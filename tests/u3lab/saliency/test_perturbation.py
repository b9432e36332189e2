"""Meaningful perturbation against optima that are known exactly, occlusion against loops from its definition."""

import sys
from itertools import product

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from tests.helpers import cat, minimised, refuses, relative, seeded, squeezenet
from tests.u3lab.nets import own
from u3lab import images, nets, saliency
from u3lab.descent import Step, last
from u3lab.images.blurring import total_variation
from u3lab.saliency import METHODS
from u3lab.saliency.perturbation import (
    MaskSettings,
    baseline_like,
    enlarge,
    meaningful_perturbation,
    perturb,
    pooled_mask,
)

PLAIN = {"tv": 0.0, "jitter": 0, "baseline": "grey"}


class Scorer(nn.Module):
    """Two classes, the first with the score ⟨w, x⟩ and the second with 0: Φ₀ = σ(⟨w, x⟩)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        score = (self.weight * x).flatten(1).sum(1)
        return torch.stack([score, torch.zeros_like(score)], 1)


def scorer(channels: int, *sides: int, strength: float, seed: int = 0) -> tuple[nets.Classifier, Tensor]:
    """A linear scorer with weights of either sign, and a picture or a volume for it."""
    generator = seeded(seed)
    weight = strength * torch.randn(1, channels, *sides, generator=generator)
    net = nets.Classifier(Scorer(weight).eval(), classes=("it", "not"), channels=channels)
    net.axes = len(sides)
    return net, torch.rand(1, channels, *sides, generator=generator)


def course(net: nets.Classifier, x: Tensor, **options) -> list[Step]:
    """All steps."""
    return list(meaningful_perturbation(net, x, "it", settings=MaskSettings(**options)))


@pytest.mark.oracle("the closed form for a linear network", saliency=["mask"])
@pytest.mark.parametrize("channels, sides, seed", [
    *((3, sides, seed) for sides in ((8, 8), (6, 10)) for seed in range(3)),
    (1, (9, 7), 0), (1, (4, 6, 5), 0), (2, (3, 5, 4), 0)])
def test_the_best_mask_of_a_linear_scorer_is_a_threshold(channels: int, sides: tuple, seed: int):
    """With weights so small that σ(s) = ½ + s/4, E = ½ + ¼⟨w, x̃⟩ + λ·mean m falls apart into pixels: a pixel is worth
    perturbing if and only if a_u/4 > λ/n, where a_u = Σ_c w_cu (x_cu − nothing_c)."""
    net, x = scorer(channels, *sides, strength=1e-3, seed=seed)
    gain = (net.module.weight.detach() * (x - x.mean(tuple(range(2, x.ndim)), True))).sum(1, keepdim=True) / 4
    order = gain.flatten().sort(descending=True).values
    threshold = (order[11] + order[12]) / 2  # the twelve most telling pixels are worth it
    step = course(net, x, **PLAIN, lam=float(threshold) * gain.numel(), mask_size=512, steps=100)[-1]
    assert torch.equal(step.value, (gain > threshold).float())


@pytest.mark.oracle("all masks of 3×3, one by one", saliency=["mask"])
@pytest.mark.parametrize("seed", range(3))
def test_exhaustive_search_over_every_3_by_3_mask(seed: int):
    """A mask of 3×3 cells enlarged to 24×24 pixels; the energy is evaluated for all 512 by the formula itself."""
    net, x = scorer(3, 24, 24, strength=0.01, seed=seed)
    nothing, lam = baseline_like(x, settings=MaskSettings(**PLAIN)), 0.01

    def energy(mask: Tensor) -> float:
        return (net(perturb(x, mask, nothing)).softmax(1)[0, 0] + lam * mask.mean()).item()

    best = min((torch.tensor(m).view(1, 1, 3, 3) for m in product((0.0, 1.0), repeat=9)), key=energy)
    assert 0 < best.sum() < 9
    step = course(net, x, **PLAIN, lam=lam, mask_size=3, steps=100)[-1]
    torch.testing.assert_close(step.value, enlarge(best, x), atol=1e-3, rtol=0)
    assert step.loss == pytest.approx(energy(best), abs=1e-5)


@pytest.mark.parametrize("make, sides, spacing, cells, reach, target", [
    (own.grey, (24, 20), None, (6, 6), (2, 2), 2), (own.grey, (24, 20), (1.0, 3.0), (2, 6), (2, 1), 2),
    (own.of_volumes, (8, 12, 10), (4.0, 1.0, 1.5), (6, 2, 3), (0, 2, 1), 1),
    (own.of_volumes, (8, 12, 10), None, (4, 6, 5), (2, 2, 2), 1),
    (own.segmenter, (24, 20), None, (6, 6), (2, 2), nets.Region(1))])
def test_every_step_by_hand(make, sides: tuple, spacing: tuple | None, cells: tuple, reach: tuple, target: object):
    """Cells, blur and jitter in pixels or in millimetres: the paper's sum of three terms, descended with Adam."""
    net, x = nets.wrap(make(), size=sides, spacing=spacing), own.pictures(1, *sides)
    settings = MaskSettings(steps=4, mask_size=6, sigma=3.0, jitter=2, lam=0.3, tv=2.0, beta=2.0)
    ours = last(meaningful_perturbation(net, x, target, settings=settings))
    sigma = np.array([0, 0, *(3 / mm for mm in spacing or [1] * len(sides))])
    radius = np.ceil(3 * sigma).astype(int).tolist()
    away = torch.from_numpy(gaussian_filter(x.numpy(), sigma, mode="nearest", radius=radius))
    m, draw = torch.full((1, 1, *cells), 0.75, requires_grad=True), seeded(0)
    descent, pad = torch.optim.Adam([m], 0.1), [2] * 2 * len(sides)
    for n in range(5):
        enlarged = nn.functional.interpolate(m, sides, mode="bilinear" if len(sides) == 2 else "trilinear")
        seen = nn.functional.pad((1 - enlarged) * x + enlarged * away, pad, mode="replicate")
        for axis, (side, most) in enumerate(zip(sides, reach, strict=True), 2):
            by = int(torch.randint(0, 2 * most + 1, (), generator=draw)) - most
            seen = seen.narrow(axis, 2 + by, side)
        p = net(seen).softmax(1)
        p = p[0, 1].mean() if isinstance(target, nets.Region) else p[0, target]
        slopes = sum(nn.functional.pad(m.diff(dim=-k), [0, 0] * (k - 1) + [0, 1]) ** 2
                     for k in range(1, len(sides) + 1))
        if n == 4:
            break
        (m.grad,) = torch.autograd.grad(p + 0.3 * m.mean() + 2 * (slopes + 1e-8).mean(), m)
        descent.step()
        m.data.clamp_(0, 1)
    torch.testing.assert_close(ours.value, enlarged, atol=1e-4, rtol=0)
    assert ours.terms["probability"] == pytest.approx(p.item(), abs=1e-4)


def test_an_empty_mask_says_so_and_what_the_probability_is():
    net, x = nets.wrap(own.of_volumes(), size=(8, 12, 10)), own.pictures(1, 8, 12, 10)
    with pytest.warns(UserWarning, match="mask of picture 0 is empty, nowhere above ½.* with it is") as told:
        heat = METHODS["mask"](net, x, 1)
    assert heat.shape == (1, 1, 8, 12, 10) and heat.max() < 0.5 and len(told) == 1
    said = float(str(told[0].message).rsplit(" ", 1)[1])
    assert said == pytest.approx(float(net.probabilities(perturb(x, heat, baseline_like(x)))[0, 1]), abs=0.05)


def test_noise_is_drawn_anew_at_each_step():
    net, x = scorer(3, 12, 12, strength=0.1)
    losses = [step.loss for step in course(net, x, baseline="noise", jitter=0, lr=0.001, steps=5)]
    assert max(losses) - min(losses) > 0.05  # the mask itself hardly moves


def test_mask_stays_in_range_and_terms_add_up():
    net, x, settings = squeezenet(), images.load("coffee", size=96), MaskSettings(lr=1.0, noise=0.2, steps=6)
    for step in meaningful_perturbation(net, x, "espresso", settings=settings):
        assert step.value.shape == (1, 1, 96, 96) and not step.value.requires_grad
        assert 0 <= step.value.min() and step.value.max() <= 1
        assert set(step.terms) == {"probability", "size", "variation"}
        assert step.loss == pytest.approx(sum(step.terms.values()), rel=1e-5)
    assert all(p.grad is None for p in net.parameters())


def test_what_stands_in_elided_parts():
    x = cat(32).float() * torch.tensor([1.0, 0.3, 0.1]).view(1, 3, 1, 1)  # each channel has a spread of its own
    assert torch.equal(baseline_like(x, settings=MaskSettings(sigma=3.0)), images.blur(x, 3.0))
    grey = baseline_like(x, settings=MaskSettings(baseline="grey"))
    torch.testing.assert_close(grey, x.mean((2, 3), keepdim=True).expand_as(x))
    noise = baseline_like(x, generator=torch.Generator().manual_seed(0), settings=MaskSettings(baseline="noise"))
    assert 0 <= noise.min() and noise.max() <= 1
    torch.testing.assert_close(noise.mean((2, 3)), x.mean((2, 3)), atol=0.05, rtol=0)
    torch.testing.assert_close(noise.std((2, 3)), x.std((2, 3)), atol=0.06, rtol=0)


def test_a_mask_of_many_pictures_is_that_of_a_plain_loop():
    net, x = squeezenet(), torch.cat([images.load("coffee", size=64), cat(64).float()])
    chosen = MaskSettings(steps=3, jitter=0, mask_size=8, sigma=3.0)
    m, blurred = torch.full((1, 1, 8, 8), chosen.start, requires_grad=True), baseline_like(x, settings=chosen)

    def loss() -> Tensor:
        large = nn.functional.interpolate(m, (64, 64), mode="bilinear", align_corners=False)
        p = net((1 - large) * x + large * blurred).softmax(1)[:, 967].mean()
        return p + chosen.lam * m.mean() + chosen.tv * total_variation(m, chosen.beta)

    minimised(torch.optim.Adam([m], chosen.lr), loss, 3, lambda: m.data.clamp_(0, 1))
    found = last(pooled_mask(net, x, 967, settings=chosen)).value
    torch.testing.assert_close(found, enlarge(m.detach(), x), atol=1e-4, rtol=0)


def by_hand(module: nn.Module, x: Tensor, k: int, window: tuple, stride: tuple, fill: Tensor) -> Tensor:
    """Pixel after pixel: the mean fall over the windows that cover it."""
    sizes = x.shape[2:]
    falls, counts = torch.zeros(1, 1, *sizes), torch.zeros(1, 1, *sizes)
    starts = [[at for at in range(0, n, s) if at < n - w + s] for n, w, s in zip(sizes, window, stride, strict=True)]
    with torch.no_grad():
        for corner in product(*starts):
            hidden, where = x.clone(), (..., *(slice(a, a + w) for a, w in zip(corner, window, strict=True)))
            hidden[where] = fill.expand_as(x)[where]
            falls[where] += module(x)[0, k] - module(hidden)[0, k]
            counts[where] += 1
    return falls / counts


@pytest.mark.parametrize("spacing, window, stride", [((5.0, 1.0, 1.0), (1, 6, 6), (1, 3, 3)),
                                                     ((2.0, 1.0, 0.5), (3, 6, 10), (2, 3, 6))])
def test_windows_in_millimetres(spacing: tuple, window: tuple, stride: tuple):
    """6 mm: one slice of 5 mm, and at most the whole axis."""
    x = own.pictures(1, 8, 12, 10)
    net = nets.wrap(own.of_volumes(), size=(8, 12, 10), spacing=spacing)
    ours = saliency.occlusion(net, x, 2, side=6, step=3, baseline=0.5)
    assert relative(ours, by_hand(own.of_volumes(), x, 2, window, stride, torch.tensor(0.5))) < 1e-4


def test_without_a_side_a_window_is_a_quarter_of_the_shortest_extent():
    net = nets.wrap(own.of_volumes(), size=(8, 12, 12), spacing=(4.0, 1.0, 1.0))  # 32 × 12 × 12 mm
    x = own.pictures(1, 8, 12, 12)
    assert torch.equal(saliency.occlusion(net, x, 0), saliency.occlusion(net, x, 0, side=3, step=1.5))
    calls = []
    net.module.stem.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    saliency.occlusion(nets.Classifier(net.module), own.pictures(1, 16, 16, 16), 0)
    net.module.stem._forward_pre_hooks.clear()
    assert sum(calls) == 344  # itself, and 7×7×7 windows


def test_a_baseline_of_ones_own():
    x = own.pictures()
    other = own.pictures(seed=9)
    apart = [saliency.occlusion(own.grey(), x[n:n + 1], 1, baseline=other[n:n + 1]) for n in range(2)]
    torch.testing.assert_close(saliency.occlusion(own.grey(), x, 1, baseline=other), torch.cat(apart))
    assert saliency.occlusion(own.grey(), x, 1, baseline=x).abs().max() < 1e-5


def test_many_windows_are_the_same_in_one_pass_or_in_many(monkeypatch: pytest.MonkeyPatch):
    x = own.pictures(1)
    whole = saliency.occlusion(own.grey(), x, 1)
    monkeypatch.setattr(sys.modules["u3lab.saliency.perturbation"], "AT_ONCE", 1)
    torch.testing.assert_close(saliency.occlusion(own.grey(), x, 1), whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("given, words", [({"side": 4, "step": 5}, "step = 5; .* at most 4"),
                                          ({"baseline": torch.zeros(1, 1, 3, 3)}, "the baseline has the shape")])
def test_a_slip(given: dict, words: str):
    refuses(saliency.occlusion, own.grey(), own.pictures(), 1, **given, says=words)


def test_a_spacing_for_other_pictures():
    net = nets.Classifier(own.grey(), spacing=(1.0, 1.0, 1.0))
    refuses(saliency.occlusion, net, own.pictures(), 1, says="spacing for 3 axes")
