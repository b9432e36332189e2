"""One mask for many pictures, and what layers keep: on networks of which it is known what they read."""

import pytest
import torch
from torch import nn

from tests.audit.test_battery import CHEAT, made
from u3audit import keeping, pooled
from u3audit.methods import shuffled
from u3course.worlds import cheats
from u3lab import audit, nets
from u3lab.errors import U3Error
from u3lab.saliency import baseline_like


def shipped(name: str) -> audit.Cases:
    """Pictures like those that a network has learnt from, of other slices."""
    found = cheats.cases(cheats.NETWORKS[name], 60, half=1, seed=5)
    return audit.Cases(found.images, found.positive, found.outlines, found.patients)


# ---- a mask


@pytest.mark.parametrize("name", cheats.NETWORKS)
def test_a_mask_takes_away_unseen_positives_only_where_a_fixed_place_gives_them_away(name: str):
    net, cases = cheats.network(name), shipped(name)
    found = pooled.masked_alike(net, cases, positive=1)
    assert not set(found.made.tolist()) & set(found.judged.tolist())
    assert (len(found.made), len(found.judged)) == (10, 10) and cases.positive[found.judged].all()
    assert found.moved.value >= 0.9
    if name != "corner":
        assert found.stay.value >= 0.8  # and so the calipers are not found
        return
    assert found.stay.value == 0
    assert max(divmod(int(found.mask.argmax()), cheats.SIDE)) < 16  # on the letter


def test_the_shares_are_counted_by_hand():
    cases = made()
    found = pooled.masked_alike(CHEAT, cases, most=8, seed=3)
    m, x = found.mask, cases.images[found.judged]
    halves = torch.cat([m[..., 16:], m[..., :16]], 3)
    for share, mask in ((found.stay, m), (found.moved, torch.cat([halves[:, :, 16:], halves[:, :, :16]], 2))):
        under = (1 - mask) * x + mask * baseline_like(x, settings=pooled.CHOSEN)
        assert share.value == pytest.approx(float((audit.score(CHEAT, under, 1) > 0).double().mean()))
    assert found.stay.value == 0 and found.moved.value == 1


def test_a_mask_wants_two_positives_that_are_found():
    cases = made()
    one = cases.positive & (cases.positive.cumsum(0) == 1)
    with pytest.raises(U3Error, match="fewer than two positives"):
        pooled.masked_alike(CHEAT, audit.Cases(torch.where(one.view(-1, 1, 1, 1), cases.images, 0.0), one))


# ---- what layers keep


def test_a_contrast_is_the_finding_against_its_ring():
    draw = torch.Generator().manual_seed(0)
    images, back = torch.rand(2, 4, 1, 20, 20, generator=draw)
    outlines = torch.zeros(4, 1, 20, 20, dtype=torch.bool)
    outlines[0, 0, 8:11, 7:12] = outlines[2, 0, 0:3, 15:20] = True
    shares = []
    for n in (0, 2):
        values = []
        for one in (back[n, 0], images[n, 0]):
            inside, ring = [], []
            for y in range(20):
                for x in range(20):
                    near = outlines[n, 0, max(0, y - 4) : y + 5, max(0, x - 4) : x + 5].any()
                    (inside if outlines[n, 0, y, x] else ring if near else []).append(float(one[y, x]))
            values.append(sum(inside) / len(inside) - sum(ring) / len(ring))
        shares.append(values[0] / values[1])
    assert keeping.contrast(back, images, outlines) == pytest.approx(sum(shares) / 2, rel=1e-4)
    assert keeping.contrast(images, images, outlines) == pytest.approx(1)
    assert keeping.contrast(back, images, outlines & False) is None


def test_what_a_layer_has_lost_does_not_come_back():
    class Blind(nn.Module):
        """Sees all, and behind it no more than the upper half."""

        def __init__(self) -> None:
            super().__init__()
            self.all, self.late = nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(4, 4, 1, bias=False)
            for weight in self.parameters():
                nn.init.normal_(weight, generator=torch.Generator().manual_seed(0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            upper = self.late(self.all(x)[..., : x.shape[-2] // 2, :])
            s = upper.flatten(1).mean(1)
            return torch.stack([-s, s], 1)

    net = nets.wrap(Blind().eval(), size=16, channels=1, layers={"all": "all", "late": "late"})
    x = torch.zeros(2, 1, 16, 16) + 0.3
    outlines = torch.zeros_like(x).bool()
    outlines[0, 0, 2:6, 6:10] = outlines[1, 0, 10:14, 6:10] = True
    x[outlines] = 0.9
    for layer in ("all", "late"):
        back, error = keeping.inverted(net, layer, x, 0)
        upper, lower = (keeping.contrast(back[k : k + 1], x[k : k + 1], outlines[k : k + 1]) for k in (0, 1))
        assert upper > 0.5 and error < 0.1
        assert lower > 0.5 if layer == "all" else abs(lower) < 0.15


def test_a_code_of_nothing_has_no_error():
    net = cheats.network("honest")
    with torch.no_grad():
        net.module.conv1[1].weight.zero_(), net.module.conv1[1].bias.fill_(-1)  # its ReLU lets nothing through
    back, error = keeping.inverted(net, "conv1", torch.rand(2, 1, 96, 96), 0)
    assert error is None and (back == 0.5).all()


def test_layers_of_an_honest_network_keep_the_finding_and_those_of_cheats_lose_it():
    late = {}
    for name in cheats.NETWORKS:
        net, cases = cheats.network(name), shipped(name)
        x, outlines = cases.images[1:4:2], cases.outlines[1:4:2]
        late[name] = [keeping.contrast(keeping.inverted(one, "conv4", x, 0)[0], x, outlines)
                      for one in (net, shuffled(net, 0))]
    assert late["honest"][0] > late["honest"][1]  # more than by chance
    assert all(late[name][0] < late[name][1] for name in ("corner", "calipers"))
    assert late["honest"][0] > 2 * max(late["corner"][0], late["calipers"][0])


def test_layers_with_places_are_told_from_vectors_and_scores():
    net = cheats.network("honest")
    assert keeping.with_places(net, torch.rand(1, 1, 96, 96)) == ["conv1", "conv2", "conv3", "conv4"]
