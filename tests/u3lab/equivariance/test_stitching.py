"""Franken-networks: a twin with its channels reordered is stitched exactly; two real networks understand each other."""

import copy
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import minimised, normal, refuses, squeezenet
from u3lab import images, nets, saliency
from u3lab.descent import last
from u3lab.equivariance import StitchSettings, cka, distil, identity_stitch, shuffled_stitch, stitch
from u3lab.images.cropping import crops, sources
from u3lab.measures import agreement
from u3lab.nets.surgery import forward_from


def pictures(count: int, seed: int = 0, side: int = 12) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small(seed: int, layers: dict | None = None, size: int = 12) -> nets.Classifier:
    """Two convolutions and a head, in float64."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(True), nn.Conv2d(8, 10, 3, stride=2), nn.ReLU(True),
                           nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(40, 6)).double().eval()
    return nets.Classifier(module.requires_grad_(False), layers=layers or {"one": "1", "two": "3"}, size=size,
                           classes=tuple("abcdef"), name=f"net {seed}")


def twin_of(net: nets.Classifier, order: Tensor, layers: dict) -> nets.Classifier:
    """The same function with the channels of its first layer in another order: channel c is the old order[c]."""
    twin = small(0, layers)
    twin.module.load_state_dict(net.module.state_dict())
    first, second = twin.module[0], twin.module[2]
    first.weight.data, first.bias.data = first.weight[order].clone(), first.bias[order].clone()
    second.weight.data = second.weight[:, order].clone()
    twin.name = "twin"
    return twin


@pytest.fixture(autouse=True)
def same_random_numbers():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.mark.oracle("the twin’s permutation, which is known", equivariance=["least squares"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("path", ["0", "1"])
def test_the_permuted_twin(path: str, seed: int):
    """At the convolution and at the ReLU behind it: E is the permutation itself."""
    x, layers = pictures(8, seed), {"one": path, "two": "3"}
    order = torch.randperm(8, generator=torch.Generator().manual_seed(seed))
    net = small(seed, layers)
    twin = twin_of(net, order, layers)
    torch.testing.assert_close(net(x), twin(x))
    franken = stitch(net, "one", twin, "one", x, strength=1e-14)
    torch.testing.assert_close(franken.module.stitch.weight[..., 0, 0], torch.eye(8, dtype=torch.float64)[order],
                               atol=1e-6, rtol=0)
    fresh = pictures(5, seed + 50)
    torch.testing.assert_close(franken(fresh), net(fresh), atol=1e-6, rtol=0)
    assert cka(net.features(x, "one"), twin.features(x, "one")) == pytest.approx(1, abs=1e-12)
    assert (identity_stitch(franken)(fresh) - net(fresh)).abs().max() > 1e-3


@pytest.mark.oracle("the weights themselves", equivariance=["identity", "shuffled"])
def test_the_same_network_twice():
    net, x = small(0), pictures(8)
    franken = stitch(net, "one", net, "one", x, strength=1e-14)
    torch.testing.assert_close(franken(x), net(x), atol=1e-6, rtol=0)
    torch.testing.assert_close(identity_stitch(franken)(x), net(x))
    shuffled, again, other = (shuffled_stitch(franken, seed=seed).module.stitch.weight for seed in (1, 1, 2))
    assert torch.equal(shuffled.sort(1).values, franken.module.stitch.weight.sort(1).values)
    assert torch.equal(shuffled, again) and not torch.equal(shuffled, other)


def test_what_it_computes():
    a, b, x = small(0), small(1), pictures(8)
    franken = stitch(a, "one", b, "one", x)
    e = franken.module.stitch
    expected = b.module[2:](torch.relu(e(a.module[0](x))))
    torch.testing.assert_close(franken(x), expected)
    torch.testing.assert_close(franken(x), forward_from(b, "one", torch.relu(e(a.features(x, "0")))))
    assert franken.size == a.size and franken.name == "net 0:one → net 1:one"


def test_grids_that_differ_by_little_are_resampled():
    a, b, x = small(0), small(1, size=13), pictures(8)
    franken = stitch(a, "one", b, "one", x)  # 10 × 10 and 11 × 11 sites
    assert franken.module.ratio == (1.1, 1.1)
    assert franken(x).shape == (8, 6)


@cache
def crops_of(size: int) -> tuple[Tensor, Tensor]:
    return tuple(crops(names, size, count=2, seed=seed) for seed, names in enumerate(sources()))


def test_squeezenet_below_efficientnet():
    a, b = squeezenet(), nets.load("efficientnet_lite0", device="cpu")
    fit, held_out = crops_of(227)
    franken = stitch(a, "fire3", b, "stage2", fit)
    reference = b(images.resize(held_out, b.size))
    top1, top5 = agreement(franken(held_out), reference)
    assert top1 > 0.4 and top5 > 0.6
    for baseline in (identity_stitch(franken), shuffled_stitch(franken)):
        assert agreement(baseline(held_out), reference)[0] < 0.1


def test_saliency_explains_it():
    """The methods of chapter 6 take a franken-network for what it is: a classifier."""
    a, b = squeezenet(), nets.load("efficientnet_lite0", device="cpu")
    franken = stitch(a, "fire3", b, "stage2", crops_of(227)[0][::4])
    x = images.load("coffee", size=227)
    k = franken.class_index("espresso")
    x_ = x.clone().requires_grad_()
    (true,) = torch.autograd.grad(franken(x_)[0, k], x_)
    torch.testing.assert_close(saliency.backprop(franken, x, k), true, atol=1e-4, rtol=1e-3)
    for found in (saliency.backprop(franken, x, k, rule="guided"), saliency.grad_cam(franken, x, k),
                  saliency.backprop(franken, x, k, layer="stitch"), saliency.lrp(franken, x, k)):
        assert found.isfinite().all() and found.abs().max() > 0


def test_slips():
    a, b = small(0), small(1)
    refuses(stitch, a, "one", b, "one", pictures(1), strength=0, sites=5,
            says=("5 sites", "8 weights", "strength above 0"))
    refuses(identity_stitch, a, says="not a stitched network")
    refuses(distil, a, pictures(2), says="not a stitched network")


@pytest.mark.parametrize("seed", range(3))
def test_distilling_brings_the_answers_together(seed: int):
    """From a stitch whose channels were shuffled; only E changes, and it is the caller's network that learns."""
    a, b, x = small(seed), small(seed + 10), pictures(24, seed)
    franken = shuffled_stitch(stitch(a, "one", b, "one", x), seed=seed)

    def divergence() -> float:
        return F.kl_div(franken(x).log_softmax(1), b(x).softmax(1), reduction="batchmean").item()

    before = divergence()
    steps = list(distil(franken, x, settings=StitchSettings(steps=60, batch_size=24, lr=0.05, seed=seed)))
    assert steps[0].loss == pytest.approx(before) and steps[-1].loss == pytest.approx(divergence())
    assert divergence() < 0.5 * before
    e = steps[-1].value[0, 0]
    convolution = franken.module.stitch
    assert torch.equal(e, torch.cat([convolution.weight[..., 0, 0], convolution.bias[:, None]], 1))
    assert not any(p.requires_grad or p.grad is not None for p in franken.parameters())


@pytest.mark.oracle("the same steps in plain torch", equivariance=["distilled"])
def test_distilling_is_a_few_lines_of_plain_torch():
    a, b, x = small(0), small(1), pictures(12)
    franken = stitch(a, "one", b, "one", x)
    e = copy.deepcopy(franken.module.stitch).requires_grad_()

    def apart() -> Tensor:
        wanted, answered = b.module(x).softmax(1), b.module[2:](e(a.module[0](x)).relu()).softmax(1)
        return (wanted * (wanted / answered).log()).sum(1).mean()

    minimised(torch.optim.Adam(e.parameters(), lr=0.05 * e.weight.std().item()), apart, 4)
    last(distil(franken, x, settings=StitchSettings(steps=4, lr=0.05, batch_size=12)))
    torch.testing.assert_close(franken.module.stitch.weight, e.weight, check_stride=False)
    torch.testing.assert_close(franken.module.stitch.bias, e.bias)


@pytest.mark.oracle("the definition by kernels", equivariance=["CKA"])
@pytest.mark.parametrize("seed", range(3))
def test_cka_by_kernels(seed: int):
    """HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)) with K = XXᵀ, L = YYᵀ, HSIC(K, L) ∝ tr(KHLH)."""
    x, y = normal(15, 6, seed=seed), normal(15, 4, seed=seed + 10) + normal(15, 6, seed=seed)[:, :4]
    h = torch.eye(15, dtype=x.dtype) - 1 / 15
    k_x, k_y = x @ x.T, y @ y.T

    def hsic(a: Tensor, b: Tensor) -> Tensor:
        return (a @ h @ b @ h).trace()

    assert cka(x, y) == pytest.approx((hsic(k_x, k_y) / (hsic(k_x, k_x) * hsic(k_y, k_y)).sqrt()).item(), abs=1e-12)


def test_sites_are_samples_and_grids_meet_at_the_coarser_one():
    a, b = normal(2, 3, 4, 6), normal(2, 5, 4, 6, seed=1)
    rows = [f.permute(0, 2, 3, 1).reshape(-1, f.shape[1]) for f in (a, b)]
    assert cka(a, b) == pytest.approx(cka(*rows))
    fine = a.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert cka(fine, b) == pytest.approx(cka(a, b))
    assert cka(b, fine) == pytest.approx(cka(b, a))


@pytest.mark.parametrize("a, b, words", [
    (normal(3, 4), normal(4, 4), "do not belong together"), (normal(3, 4), normal(3, 4, 2, 2), "do not"),
    (normal(3, 4), normal(3, 4) / 0, "NaN"), (normal(1, 4), normal(1, 4), "1 sample is too few"),
    (normal(3, 4), torch.ones(3, 4), "same for every sample")])
def test_slips_of_cka(a, b, words):
    refuses(cka, a, b, says=words)
