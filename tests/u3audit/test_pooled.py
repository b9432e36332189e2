"""One mask for many pictures, and what layers keep: on networks of which it is known what they read."""

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation
from torch import nn

from tests.helpers import one_sentence, seeded, uniform
from tests.u3lab.audit.test_battery import CHEAT, made
from u3audit import keeping, pooled
from u3audit.methods import shuffled
from u3course.worlds import cheats
from u3lab import audit, nets
from u3lab.saliency import baseline_like


def shipped(name: str) -> audit.Cases:
    """Pictures like those that a network has learnt from, of other slices."""
    found = cheats.cases(cheats.NETWORKS[name], 60, half=1, seed=5)
    return audit.Cases(found.images, found.positive, found.outlines)


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
    for share, mask in ((found.stay, m), (found.moved, m.roll((16, 16), (2, 3)))):
        under = (1 - mask) * x + mask * baseline_like(x, settings=pooled.CHOSEN)
        assert share.value == pytest.approx(float((audit.score(CHEAT, under, 1) > 0).double().mean()))
    assert found.stay.value == 0 and found.moved.value == 1


def test_a_mask_wants_two_positives_that_are_found():
    cases = made()
    one = cases.positive & (cases.positive.cumsum(0) == 1)
    one_sentence("fewer than two positives", pooled.masked_alike, CHEAT, audit.Cases(
        torch.where(one.view(-1, 1, 1, 1), cases.images, 0.0), one))


# ---- what layers keep


def test_a_contrast_is_the_finding_against_its_ring():
    images, back = uniform(2, 4, 1, 20, 20)
    outlines = torch.zeros(4, 1, 20, 20, dtype=torch.bool)
    outlines[0, 0, 8:11, 7:12] = outlines[2, 0, 0:3, 15:20] = True
    shares = []
    for n in (0, 2):
        inside = outlines[n, 0].numpy()
        ring = binary_dilation(inside, np.ones((9, 9))) & ~inside  # 4 pixels around
        there, own = (one[n, 0].numpy()[inside].mean() - one[n, 0].numpy()[ring].mean() for one in (back, images))
        shares.append(there / own)
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
                nn.init.normal_(weight, generator=seeded())

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


def test_the_table_has_the_network_before_the_shuffled_one(monkeypatch: pytest.MonkeyPatch):
    net, cases = cheats.network("honest"), shipped("honest")
    monkeypatch.setattr(keeping, "inverted", lambda asked, _, x, seed: (x, 0.25) if asked is net else (x * 0, 0.75))
    table = keeping.kept(net, cases, 1, 0).table
    assert [row[1:] for row in table] == [["25 %", "3 of 3", "100 %", "0 %"]] * keeping.LAYERS


def test_a_code_of_nothing_has_no_error():
    net = cheats.network("honest")
    with torch.no_grad():
        net.module.conv1[1].weight.zero_(), net.module.conv1[1].bias.fill_(-1)  # its ReLU lets nothing through
    back, error = keeping.inverted(net, "conv1", torch.rand(2, 1, 96, 96), 0)
    assert error is None and (back == 0.5).all()


def test_layers_of_an_honest_network_keep_the_finding_and_those_of_cheats_lose_it():
    layers = keeping.with_places(cheats.network("honest"), torch.rand(1, 1, 96, 96))
    assert layers == ["conv1", "conv2", "conv3", "conv4"]  # no vectors, and no scores
    late = {}
    for name in cheats.NETWORKS:
        net, cases = cheats.network(name), shipped(name)
        x, outlines = cases.images[1:4:2], cases.outlines[1:4:2]
        late[name] = [keeping.contrast(keeping.inverted(one, "conv4", x, 0)[0], x, outlines)
                      for one in (net, shuffled(net, 0))]
    assert late["honest"][0] > late["honest"][1]  # more than by chance
    assert all(late[name][0] < late[name][1] for name in ("corner", "calipers"))
    assert late["honest"][0] > 2 * max(late["corner"][0], late["calipers"][0])
