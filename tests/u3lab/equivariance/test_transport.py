"""M_g: where it is known exactly, against loops, on the shipped network; and the least squares that fit it."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses, squeezenet, uniform
from u3lab import nets
from u3lab.equivariance import (
    HFLIP,
    VFLIP,
    Transform,
    centred_size,
    errors,
    fit_equivariance,
    mirrored,
    rotation,
    scaling,
    transported_scores,
)
from u3lab.equivariance.transport import neighbours, orthogonal_matching_pursuit, ridge
from u3lab.images.cropping import crops, sources
from u3lab.measures import agreement


def closed_bank(seed: int) -> nets.Classifier:
    """One layer whose filters are the eight flips and turns of two patterns, in a random order; float64.

    5×5, for the eight of a 3×3 pattern are linearly dependent: no 3×3 pattern changes its sign under all four flips.
    """
    generator = torch.Generator().manual_seed(seed)
    orbits, biases = [], []
    for _ in range(2):
        pattern = torch.randn(1, 3, 5, 5, generator=generator, dtype=torch.float64)
        orbits += [turn(flip) for flip in (pattern, HFLIP(pattern))
                   for turn in map(rotation, (0, 90, 180, -90))]
        biases += torch.randn(1, generator=generator).expand(8).tolist()
    order = torch.randperm(16, generator=generator)
    conv = nn.Conv2d(3, 16, 5).double()
    conv.weight.data, conv.bias.data = torch.cat(orbits)[order], torch.tensor(biases, dtype=torch.float64)[order]
    module = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 6)).double().eval()
    return nets.Classifier(module.requires_grad_(False), layers={"bank": "1"}, size=12)


def check_reordered(net: nets.Classifier, layer: str, g: Transform, x: Tensor, fresh: Tensor, options: dict):
    """φ_c(g x)(u) = ⟨W_c, g x about u⟩ = ⟨g⁻¹W_c, x about g⁻¹u⟩, and g⁻¹W_c is another filter of the layer."""
    filters = net.module[0].weight
    permutation = ((g.inverse(filters)[:, None] - filters[None]).flatten(2).norm(dim=2) < 1e-9).double()
    assert permutation.sum(0).eq(1).all() and permutation.sum(1).eq(1).all()
    found = fit_equivariance(net, layer, x, g, strength=1e-13, **options)
    torch.testing.assert_close(found.weight.flatten(2).sum(2), permutation, atol=1e-5, rtol=0)
    assert found.bias.abs().max() < 1e-5
    nothing, _, mapped = errors(found, fresh).overall()
    assert mapped < 1e-9 and nothing > 0.3
    scores = transported_scores(found, fresh)
    torch.testing.assert_close(scores["mapped"], scores["recomputed"], atol=1e-6, rtol=0)


OPTIONS = pytest.mark.parametrize("options", [{}, {"inputs": 1}, {"inputs": 1, "neighbourhood": 3}], ids=str)


@pytest.mark.oracle("the filters’ permutation, which is known", equivariance=["dense map", "sparse map"])
@pytest.mark.parametrize("seed", range(3))
@OPTIONS
@pytest.mark.parametrize("g", [HFLIP, VFLIP, rotation(90)], ids=lambda g: g.name)
def test_a_bank_that_g_only_reorders(g: Transform, options: dict, seed: int):
    x, fresh = uniform(6, 3, 12, 12, seed=seed), uniform(3, 3, 12, 12, seed=seed + 100)
    check_reordered(closed_bank(seed), "bank", g, x, fresh, options)


THROUGH = Transform("through", ((-1, 0, 0), (0, 1, 0), (0, 0, 1)))


@pytest.mark.parametrize("sides", [(11, 12), (9, 8, 10)])
@OPTIONS
@pytest.mark.parametrize("g", [HFLIP, THROUGH, rotation(180, about="x")], ids=lambda g: g.name)
def test_a_grey_bank_of_volumes_that_g_only_reorders(g: Transform, options: dict, sides: tuple):
    """The same for one channel: filters that are all flips of one pattern."""
    if len(g.matrix) > len(sides):
        g = VFLIP if g is THROUGH else rotation(180)
    orbit, axes = uniform(1, 1, *[3] * len(sides)), range(2, 2 + len(sides))
    for axis in axes:
        orbit = torch.cat([orbit, orbit.flip(axis)])
    conv = (nn.Conv2d if len(sides) == 2 else nn.Conv3d)(1, len(orbit), 3).double()
    conv.weight.data, conv.bias.data = orbit, torch.full((len(orbit),), 0.1, dtype=torch.float64)
    pool = nn.AdaptiveAvgPool2d(2) if len(sides) == 2 else nn.AdaptiveAvgPool3d(2)
    module = nn.Sequential(conv, nn.ReLU(), pool, nn.Flatten(), nn.Linear(2 ** len(sides) * len(orbit), 3))
    net = nets.wrap(module.double().eval().requires_grad_(False), size=sides, spacing=(2.0, 1.0, 0.5)[: len(sides)])
    check_reordered(net, "1", g, uniform(8, 1, *sides), uniform(3, 1, *sides, seed=9), options)


@pytest.mark.parametrize("stride", [(1, 1, 1), (1, 2, 2), (2, 2, 2)])
@pytest.mark.parametrize("g", [rotation(10, about="x"), rotation(25), scaling(0.8)],
                         ids=lambda g: g.name)
def test_a_slope_is_moved_in_millimetres(g: Transform, stride: tuple):
    """A linear layer of each voxel alone commutes with g: on slopes exactly, whatever its strides and the spacing."""
    module = nn.Sequential(nn.Conv3d(1, 2, 1, stride).double(), nn.AdaptiveAvgPool3d(1), nn.Flatten()).eval()
    module[0].weight.data, module[0].bias.data = uniform(2, 1, 1, 1, 1) + 0.5, uniform(2)
    sides, spacing = (9, 17, 17), (4.0, 1.0, 1.5)
    net = nets.wrap(module.requires_grad_(False), size=sides, spacing=spacing)
    ramps = torch.stack(torch.meshgrid(*(torch.linspace(0, 1, side).double() for side in sides), indexing="ij"))
    ramps = ramps[:, None]
    found = fit_equivariance(net, "0", ramps, g)
    before, after = (net.features(x, "0") for x in (ramps, g.in_cells(spacing)(ramps)))
    inner = found.on_grid.inside(*after.shape[2:])  # and not at the border, where half a cell is not the slope's
    inner &= g.in_cells([mm * s for mm, s in zip(spacing, stride, strict=True)])(torch.nn.functional.pad(
        torch.ones(1, 1, *(n - 2 for n in after.shape[2:])).double(), [1] * 6))[0, 0] > 1 - 1e-9
    assert inner.sum() > 10
    torch.testing.assert_close(found.move(before)[..., inner], after[..., inner], atol=1e-9, rtol=0)
    assert torch.allclose(g(before)[..., inner], after[..., inner], atol=1e-3) == (g.name == "scaling by 0.8")


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("sizes, sites", [((4, 5), [0, 7, 19, 4]), ((3, 4, 5), [0, 7, 59, 33])])
def test_rows_of_the_design_matrix_by_loops(sizes: tuple, sites: list[int], m: int):
    features, expected, reach = uniform(2, 3, *sizes), [], range(-(m // 2), m // 2 + 1)
    for b, site in itertools.product(range(2), sites):
        at = np.unravel_index(site, sizes)
        expected.append([[features[(b, c, *(min(max(p + d, 0), n - 1) for p, d, n in zip(at, by, sizes, strict=True)))]
                          .item() for by in itertools.product(reach, repeat=len(sizes))] for c in range(3)])
    assert neighbours(features, torch.tensor(sites), m).tolist() == expected


@pytest.mark.oracle("loops over sites", equivariance=["map of neighbourhoods"])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("inputs", [None, 3])
def test_the_map_by_loops(inputs: int | None, seed: int):
    """(M_g φ)(u) = b + Σ_v W_v φ(g⁻¹(u + v)), here for a horizontal flip; beyond the border the nearest site."""
    net, x = closed_bank(seed), uniform(4, 3, 9, 9, seed=seed)
    net.module[0].weight.data.copy_(uniform(16, 3, 5, 5, seed=seed))  # no longer closed: more than one input helps
    found = fit_equivariance(net, "bank", x, HFLIP, inputs=inputs, neighbourhood=3, strength=0.1)
    phi = uniform(1, 16, 4, 5)
    w, expected = found.weight, torch.zeros(1, 16, 4, 5, dtype=torch.float64)
    for i, j in itertools.product(range(4), range(5)):
        total = found.bias.clone()
        for dy, dx in itertools.product((-1, 0, 1), repeat=2):
            y, column = min(max(i + dy, 0), 3), min(max(j + dx, 0), 4)
            total += w[:, :, dy + 1, dx + 1] @ phi[0, :, y, 4 - column]
        expected[0, :, i, j] = total
    torch.testing.assert_close(found.map(phi), expected)
    used = (w != 0).flatten(2).any(2).sum(1)
    assert (used == (inputs or 16)).all()


def test_errors_by_the_formula():
    net, x = closed_bank(0), uniform(20, 3, 9, 9)  # more pictures than one batch
    found = fit_equivariance(net, "bank", x, VFLIP, inputs=1, strength=0.5)
    conv = net.module[0]
    before, after = conv(x), conv(x.flip(2))
    spread = (after - after.mean((0, 2, 3), keepdim=True)).square().sum((0, 2, 3))
    measured = errors(found, x)
    for guess, error in zip((before, before.flip(2), found.map(before)), measured, strict=False):
        torch.testing.assert_close(error, (guess - after).square().sum((0, 2, 3)) / spread)
    whole = (before - after).square().sum() / spread.sum()
    assert measured.overall()[0] == pytest.approx(whole.item())


def test_a_flip_on_the_shipped_network():
    fit, held_out = (crops(names, 223, count=1, seed=seed) for seed, names in enumerate(sources()))
    found = fit_equivariance(squeezenet(), "fire3", fit, HFLIP)
    nothing, moved, mapped = errors(found, held_out).overall()
    assert mapped < 0.15 < 0.9 < moved < nothing
    scores = transported_scores(found, held_out)
    assert agreement(scores["mapped"], scores["recomputed"])[0] > agreement(scores["moved"], scores["recomputed"])[0]


@pytest.mark.parametrize("name, size", [("squeezenet1_1", 223), ("efficientnet_lite0", 225)])
def test_the_flip_identity(name: str, size: int):
    """φ(flip x; W) = flip φ(x; flip W) at every layer, at the size that centres the grid, and not at the usual one."""
    net = nets.load(name, device="cpu")
    last = net.layers[-1]
    assert centred_size(net, last) == size != net.size
    x, twin = crops(["chelsea"], size, count=1), mirrored(net)
    for layer in net.layers[::3]:
        expected = twin.features(x, layer).flip(3)
        torch.testing.assert_close(net.features(x.flip(3), layer), expected, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(net(x.flip(3)), twin(x), atol=1e-3, rtol=1e-3)


def test_the_seed_chooses_the_sites():
    first, again, other = (fit_equivariance(closed_bank(0), "bank", uniform(4, 3, 9, 9), rotation(20), sites=40, seed=s)
                           for s in (0, 0, 1))
    assert torch.equal(first.weight, again.weight) and not torch.equal(first.weight, other.weight)


def test_crops():
    fit, held_out = sources()
    assert not set(fit) & set(held_out) and len(held_out) >= 9
    x = crops(["coffee", "koala"], 50, count=3, seed=4)
    assert x.shape == (6, 3, 50, 50) and 0 <= x.min() and x.max() <= 1
    assert torch.equal(x, crops(["coffee", "koala"], 50, count=3, seed=4))
    assert not torch.equal(x[0], x[1])


@pytest.mark.oracle("the normal equations", equivariance=["dense map", "map of neighbourhoods", "least squares"])
@pytest.mark.parametrize("seed", range(3))
def test_ridge_by_the_normal_equations(seed: int):
    x, y = uniform(40, 5, seed=seed), uniform(40, 3, seed=seed + 10)
    weight, bias = ridge(x, y, strength=0.1)
    centred_x, centred_y = x - x.mean(0), y - y.mean(0)
    alpha = 0.1 * centred_x.square().sum() / 5
    gram = centred_x.T @ centred_x + alpha * torch.eye(5, dtype=x.dtype)
    expected = torch.linalg.solve(gram, centred_x.T @ centred_y)
    torch.testing.assert_close(weight, expected.T)
    torch.testing.assert_close(bias, y.mean(0) - expected.T @ x.mean(0))


@pytest.mark.parametrize("seed", range(3))
def test_pursuit_finds_the_inputs_that_there_are(seed: int):
    """Whatever their scale and their mean: inputs are compared at equal length about their mean."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(400, 20, generator=generator, dtype=torch.float64) * torch.logspace(-3, 3, 20, dtype=torch.float64)
    means = torch.tensor([0.0, 3.0, -30.0, 300.0], dtype=torch.float64).repeat(5) * x.std(0)
    truth = torch.zeros(4, 20, dtype=torch.float64)
    for row in truth:
        row[torch.randperm(20, generator=generator)[:3]] = torch.tensor([2.0, -3.0, 4.0], dtype=torch.float64)
    truth /= x.norm(dim=0)
    assert torch.equal(orthogonal_matching_pursuit(x, x @ truth.T, 3), truth != 0)
    assert torch.equal(orthogonal_matching_pursuit(x + means, x @ truth.T + 5, 3), truth != 0)


def test_inputs_and_outputs_that_never_change():
    x, y = uniform(30, 4), torch.ones(30, 2, dtype=torch.float64)
    x[:, 1] = 3
    weight, bias = ridge(x, y, strength=0.01)
    assert weight.abs().max() < 1e-12 and torch.allclose(bias, y[0])
    assert not orthogonal_matching_pursuit(x, y, 2).any()
    assert not orthogonal_matching_pursuit(x, x[:, :1] + x[:, 2:3], 2)[:, 1].any()


@pytest.mark.parametrize("options, words", [
    ({"neighbourhood": 2}, ("neighbourhood = 2", "one of 1, 3")), ({"inputs": 17}, ("inputs at layer", "1 to 16")),
    ({"strength": 0, "sites": 10}, ("sites cannot decide 16 weights", "strength above 0"))])
def test_slips(options: dict, words: tuple):
    refuses(fit_equivariance, closed_bank(0), "bank", uniform(2, 3, 9, 9), HFLIP, **options, says=words)


def test_too_few_pictures_still_have_a_ridge_solution():
    found = fit_equivariance(closed_bank(0), "bank", uniform(1, 3, 7, 7), HFLIP)  # 9 sites, 16 channels
    assert found.weight.isfinite().all() and found.bias.isfinite().all()


def test_features_of_another_layer():
    found = fit_equivariance(closed_bank(0), "bank", uniform(2, 3, 9, 9), HFLIP)
    refuses(found.map, uniform(1, 3, 4, 4), says=("16 channels", "these features 3", "before_relu"))
