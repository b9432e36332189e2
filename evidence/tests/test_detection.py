"""Attacks told from noise: folds by photo, and the attacker who knows."""

import pytest
import torch
from torch import Tensor

from evidence import detection as t
from evidence.detection import slip_past, trial
from tests.helpers import squeezenet
from tests.u3lab.adversarial.attacked import small
from u3course.lessons.adversarial import detecting
from u3course.lessons.adversarial.detecting import KINDS, Guard, Sample, attack_until, samples
from u3lab import nets
from u3lab.adversarial.detection import Detector, evade, fit_detector, layer_saliency


def crowd(count: int = 12, size: int = 16, net: nets.Classifier | None = None) -> list[Sample]:
    """Samples of made-up photos; "adversarial" is only a word here, with a brighter picture."""
    net = net or small()[0]
    made = []
    for i in range(count):
        x = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(i)) / 2
        made += [Sample(f"photo {i}", kind, x + 0.3 * (kind == "adversarial"), int(net(x).argmax())) for kind in KINDS]
    return made


def test_what_is_easy_is_found_and_chance_is_chance():
    """Brighter pictures are told by a feature that sees brightness, and not by one that is noise."""
    net = small()[0]
    generator = torch.Generator().manual_seed(0)
    found = trial(net, crowd(), features=lambda net, x: x.mean((1, 2, 3))[:, None])
    assert found.auc.value > 0.99 and set(found.by_kind) == set(KINDS[:3])
    assert found.adaptive is None and found.still_fool is None
    blind = trial(net, crowd(), features=lambda net, x: torch.rand(1, 2, generator=generator))
    assert blind.auc.value < 0.75
    assert found.scores.shape == (48,)


def test_no_photo_is_on_both_sides(monkeypatch: pytest.MonkeyPatch):
    """Each detector sees the photos of the other folds, whole."""
    seen = []
    fit = detecting.fit_detector
    monkeypatch.setattr(detecting, "fit_detector", lambda h, marks: seen.append(set(h[:, 0].tolist())) or fit(h, marks))
    made = [one._replace(image=torch.full((1, 3, 4, 4), i // 4 / 100)) for i, one in enumerate(crowd())]
    trial(small()[0], made, features=lambda net, x: torch.cat([x[:, 0, 0, :1] * 100, torch.rand(1, 1)], 1), folds=4)
    assert [len(each) for each in seen] == [9, 9, 9, 9]
    assert set.intersection(*seen) == set() and len(set.union(*seen)) == 12


def test_the_attacker_who_knows(monkeypatch):
    """The same ball, the same class gone, and the detector sees less of it than of the plain attack."""
    net, made = squeezenet(), samples(squeezenet(), names=["dog", "coffee", "castle"], size=96)
    h = torch.cat([layer_saliency(net, one.image) for one in made])
    detector = fit_detector(h, torch.tensor([one.kind == "adversarial" for one in made]))
    genuine, attacked = made[0], made[3]
    found = evade(net, genuine.image, genuine.label, detector, steps=6)
    assert ((found - genuine.image) * 255).abs().max().round() <= 2
    assert net(found).argmax() != genuine.label
    assert detector(layer_saliency(net, found)) < detector(layer_saliency(net, attacked.image))
    evading = {id(one.image): attack.image for one, attack in zip(made[::4], made[3::4], strict=True)}
    asked = {}

    def other(net: nets.Classifier, x: Tensor, label: int, detector: Detector, **more: int) -> Tensor:
        """The plain attack, but nothing for the first photo; and what its detector says of the photo itself."""
        asked[id(x)] = float(detector(layer_saliency(net, x).double()))
        return x if x is genuine.image else evading[id(x)]

    monkeypatch.setattr(t, "evade", other)
    result = trial(net, made, folds=3, adaptive=3, steps=2)
    assert result.still_fool == pytest.approx(2 / 3) and len(result.past) == 8
    assert [asked[id(one.image)] for one in made[::4]] == pytest.approx(result.scores[::4].tolist())  # who tests it


def test_where_attackers_stop_and_what_one_who_knows_does():
    net = squeezenet()
    made = samples(net, names=["dog", "coffee", "castle"], size=96)
    h = torch.cat([layer_saliency(net, one.image) for one in made])
    guard = Guard.fit(h, torch.tensor([one.kind == "adversarial" for one in made]))
    x, k = made[0].image, made[0].label + 8
    early, late = attack_until(net, x, k), attack_until(net, x, k, stops=False)
    odds = float(guard.suspicion(net, late))
    guard = guard._replace(low=odds - 3, high=odds - 1)  # refuses the attacker who goes on
    past = slip_past(net, x, k, guard)
    for file in (early, late, past):
        assert int(net(file).argmax()) == k and ((file - x) * 255).abs().max().round() <= 2
        assert guard.passes(net, file) == (guard.low <= float(guard.suspicion(net, file)) <= guard.high)
    assert net(early).softmax(1)[0, k] < net(late).softmax(1)[0, k]
    assert guard.passes(net, past) and not guard.passes(net, late)
