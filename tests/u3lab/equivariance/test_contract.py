"""Every map, stitch and similarity keeps its word.

A new line in ``MAPS``, ``STITCHES`` or ``SIMILARITIES`` of tools/site/lists.py is tested here without a word more;
that its numbers are right, its oracle says.
"""

import pytest
import torch

from tests.helpers import normal, refuses
from tests.u3lab.equivariance.test_stitching import pictures, small, twin_of
from tools.site.lists import MAPS, SIMILARITIES, STITCHES
from u3lab.equivariance import HFLIP, errors

LAYERS = {"one": "0", "two": "3"}  # before the first ReLU, where a permuted twin is known exactly


@pytest.fixture(autouse=True)
def same_random_numbers():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_looks_at_as_many_channels_and_sites_as_it_says(name: str):
    found = MAPS[name](small(0, LAYERS), "one", pictures(8), HFLIP)
    used = found.weight.flatten(2).abs().amax(2).ne(0).sum(1)
    assert used.max() == (MAPS[name].inputs or 8) and found.weight.shape[2:] == (MAPS[name].neighbourhood,) * 2


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_better_than_none_on_pictures_that_it_was_not_fitted_on(name: str):
    nothing, _, mapped = errors(MAPS[name](small(0, LAYERS), "one", pictures(24), HFLIP), pictures(8, seed=1)).overall()
    assert mapped < 0.9 * nothing


@pytest.mark.parametrize("name", MAPS)
def test_a_layer_without_grid_has_no_map(name: str):
    refuses(MAPS[name], small(0, LAYERS | {"end": "6"}), "end", pictures(2), HFLIP, says="no grid")


def answered(name: str) -> float:
    """How far the twin, stitched to its original, is from it, as a part of its answers' spread."""
    net, order = small(0, LAYERS), torch.randperm(8, generator=torch.Generator().manual_seed(0))
    made = STITCHES[name](net, "one", twin_of(net, order, LAYERS), "one", pictures(24))
    wanted = net(pictures(8, seed=1))
    return float((made(pictures(8, seed=1)) - wanted).norm() / (wanted - wanted.mean(0)).norm())


@pytest.mark.parametrize("name", STITCHES)
def test_a_stitch_finds_its_way_to_a_permuted_twin_unless_it_is_a_floor(name: str):
    assert (answered(name) > 0.5) == STITCHES[name].floor


@pytest.mark.parametrize("name", STITCHES)
def test_a_stitch_leaves_both_halves_alone_and_wants_one_resolution(name: str):
    a, b = small(0), small(1)
    before = [p.clone() for net in (a, b) for p in net.parameters()]
    made = STITCHES[name](a, "one", b, "one", pictures(4))
    assert made(pictures(2)).shape == (2, 6) and not any(
        m._forward_hooks or m._forward_pre_hooks for net in (a, b) for m in net.modules())
    assert made.classes == b.classes and made.layers == ("net 0:one", "stitch", "net 1:two")
    assert all(torch.equal(p, q) for p, q in zip(before, [p for net in (a, b) for p in net.parameters()], strict=True))
    refuses(STITCHES[name], a, "one", b, "two", pictures(4), says="same resolution")


@pytest.mark.parametrize("name", SIMILARITIES)
def test_a_similarity_says_what_it_does_not_see(name: str):
    x, y = normal(60, 6), normal(60, 6, seed=1) + normal(60, 6)
    turn, scale = torch.linalg.qr(normal(6, 6, seed=2)).Q, torch.tensor([9.0, 1, 1, 3, 1, 1], dtype=x.dtype)
    similarity, number = SIMILARITIES[name], SIMILARITIES[name].between
    assert (number(x @ turn, y) == pytest.approx(number(x, y), abs=1e-9)) == similarity.rotations
    assert (number(x * scale, y) == pytest.approx(number(x, y), abs=1e-9)) == similarity.scales


@pytest.mark.parametrize("name", SIMILARITIES)
def test_few_samples_make_everything_look_alike(name: str):
    few, many = (SIMILARITIES[name].between(normal(count, 40), normal(count, 40, seed=1)) for count in (10, 4000))
    assert few > 0.5 and many < 0.05
    assert SIMILARITIES[name].between(normal(50, 4), normal(50, 4)) == pytest.approx(1)
