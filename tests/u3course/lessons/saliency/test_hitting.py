"""Hits, agreement and the made study beside plainer ways; the score of a game."""

import pytest
import torch
from scipy.stats import rankdata, spearmanr

from u3course.lessons.playing import Tally
from u3course.lessons.saliency import studying
from u3course.lessons.saliency.figures import outline, strongest
from u3course.lessons.saliency.hitting import PLACES, agreement, disc, hits, placed, ranks
from u3lab import saliency
from u3lab.saliency.perturbation import enlarge


def test_agreement_is_spearmans():
    a, b = torch.randn(2, 3, 1, 6, 7, generator=torch.Generator().manual_seed(0))
    a, b[1:] = a.relu(), b[1:].round()  # ties, as in a map that ends in a ReLU
    wanted = [spearmanr(x.flatten(), y.flatten()).statistic for x, y in zip(a, b, strict=True)]
    assert agreement(a, b).tolist() == pytest.approx(wanted, abs=1e-6)
    assert ranks(a[:1])[0].tolist() == pytest.approx((rankdata(a[0].flatten()) - 1).tolist())
    assert float(agreement(a, -a).mean()) == pytest.approx(-1, abs=1e-6)


def test_hits_count_the_strongest_pixels():
    draw = torch.Generator().manual_seed(0)
    heat, where = torch.rand(3, 1, 6, 5, generator=draw), torch.rand(3, 1, 6, 5, generator=draw) > 0.6
    for share, one, thing in zip(hits(heat, where), heat, where, strict=True):
        n = int(thing.sum())
        best = sorted(range(30), key=lambda k, one=one: -one.flatten()[k])[:n]
        assert float(share) == pytest.approx(sum(bool(thing.flatten()[k]) for k in best) / n)
        assert strongest(one[None], thing[None]).flatten().nonzero()[:, 0].tolist() == sorted(best)


def test_a_thing_lies_where_it_is_put_and_the_disc_in_the_middle():
    for place, (x, y) in PLACES.items():
        where = placed(place)[0].where[0, 0].float()
        down, across = (torch.linspace(0, 1, 227) @ where.sum(axis) / where.sum() for axis in (1, 0))
        assert (abs(float(across) - x), abs(float(down) - y)) < (0.1, 0.1)
    assert int(disc(9).argmax()) == 40 and disc(9)[0, 0, 0, 4] == disc(9)[0, 0, 4, 0] > disc(9)[0, 0, 0, 0]


def test_an_outline_leaves_the_inside_and_the_outside_as_they_are():
    where = torch.zeros(1, 1, 20, 20, dtype=torch.bool)
    where[..., 5:15, 5:15] = True
    changed = (outline(torch.zeros(1, 3, 20, 20), where) != 0).any(1)[0]
    assert changed[5, 5:15].all() and changed[5:15, 14].all() and not (changed[8:12, 8:12].any() or changed[:3].any())


def test_the_two_networks_of_the_study_read_their_own_cue_and_grad_cam_tells_them_apart():
    shares = {}
    for cue in ("card", "light"):
        net, (photos, groups) = studying.trained(cue), studying.sample(12, cue, seed=5)
        found = torch.cat([net.probabilities(one) for one in photos.split(1)])[:, 1].cpu() > 0.5
        assert (found == groups.bool()).all()
        photo = studying.photograph(torch.Generator().manual_seed(7), corner=2, warm=True)
        heat = enlarge(saliency.METHODS["Grad-CAM"](net, photo, "referred").cpu(), photo)
        shares[cue] = float(hits(heat, studying.on_card(2)))
    assert shares["card"] > 0.3 > 0.1 > shares["light"]
    faint, full, bare = (studying.photograph(torch.Generator().manual_seed(1), corner=at, warm=True, opacity=opacity)
                         for at, opacity in ((0, 0.5), (0, 1.0), (None, 1.0)))
    assert torch.allclose(faint, (full + bare) / 2, rtol=1e-5)


def test_the_first_answer_counts():
    tally = Tally()
    assert not tally.clicked((0.5, 0.0)) and tally.clicked((0.2, 0.6)) and not tally.clicked((0.2, 0.6))
    tally.add(("guided", 1), 0, 2, 2)
    tally.add(("guided", 1), 2, 2, 2)
    tally.add(("Grad-CAM", 1), 1, 1, 0)
    assert tally.score() == "you 1 of 2, the rival 1 of 2" and tally.score("guided") == "you 0 of 1, the rival 1 of 1"
    tally = Tally()
    tally.add(3, "accuse", "accuse")
    assert tally.score() == "you 1 of 1"
    court = Tally("look")
    assert not court.judged(1, "look", "A", "A") and court.judged(1, "A", "A", "A")
    assert not court.judged(2, "A", "none", "B")  # it stood there for the case before
    assert court.judged(2, "B", "none", "B") and court.judged(3, "none", "A", "B")
    assert court.points("none") == "3 judged, points: you 0, the rival -1"
