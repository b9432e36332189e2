"""Adapters that are switched on layer by layer, and how alike a unit's maps are."""

import pytest
import torch

from tests.helpers import uniform
from u3lab import nets
from u3lab.lessons.dissection.adapted import LAYERS, alike, beside_adapter, maps, switched
from u3lab.universal import adapt


@pytest.fixture(scope="module")
def digits():
    """SqueezeNet with large adapters that nobody has trained."""
    net = adapt(nets.load("squeezenet1_1", device="cpu")).add_domain("digits", 10)
    draw = torch.Generator().manual_seed(0)
    for adapter in net.domain("digits").adapters():
        weight = adapter.alpha.weight
        weight.data = 0.3 * torch.randn(weight.shape, generator=draw) / weight.shape[1] ** 0.5
    return net


@pytest.mark.parametrize("layer", ["conv1", "fire4", "fire9"])
def test_only_the_adapters_that_are_on_change_what_a_layer_gives(layer, digits):
    x = uniform(2, 3, 64, 64).float()
    at, before = LAYERS.index(layer), maps(digits, layer, x)
    with digits.using("digits"):
        every = maps(digits, layer, x)
    own, others, none, above, all_on = (maps(switched(digits, "digits", on), layer, x) for on in (
        [layer], [one for one in LAYERS if one != layer], [], LAYERS[at + 1:], LAYERS))
    assert torch.equal(none, before) and torch.equal(above, before) and torch.equal(all_on, every)
    assert not torch.allclose(own, every) or layer == "conv1"
    ours = len(before) - len(beside_adapter(before, layer))
    assert ours == (0 if layer == "conv1" else len(before) // 2)
    assert torch.equal(own[:ours], before[:ours]) and not torch.allclose(own[ours:], before[ours:])
    assert torch.equal(others, before) == (layer == "conv1")
    assert torch.equal(maps(digits, layer, x), before)  # what was given stays as it was
    for state in (own, others, every, before):
        assert state.shape == before.shape and state.shape[1] == 2


def test_alike_is_the_correlation_of_each_unit():
    a, b = uniform(5, 3, 4, 4).float() + 100, uniform(5, 3, 4, 4, seed=1).float()
    b[1], b[2], b[3] = 2 * a[1] + 3, -a[2], 0.5
    found = alike(a, b)
    wanted = torch.corrcoef(torch.stack([a[0].flatten(), b[0].flatten()]).double())[0, 1]
    torch.testing.assert_close(found[[0, 1, 2]], torch.stack([wanted, wanted * 0 + 1, wanted * 0 - 1]),
                               atol=1e-6, rtol=0)
    assert found[3].isnan() and found.dtype == torch.float64
