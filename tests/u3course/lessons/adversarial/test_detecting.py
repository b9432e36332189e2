"""Attacks told from noise: samples, folds by photo, and the attacker who knows."""

import pytest
import torch
from torch import Tensor

from tests.helpers import squeezenet
from tests.u3lab.adversarial.attacked import small
from u3course.lessons.adversarial import detecting as t
from u3course.lessons.adversarial.detecting import KINDS, Sample, samples, trial
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


def test_samples():
    net = squeezenet()
    made = samples(net, names=["dog", "coffee"], crops=2, steps=3, size=96)
    assert [one.kind for one in made] == list(KINDS) * 4
    assert [one.source for one in made] == ["dog"] * 8 + ["coffee"] * 8
    for genuine, noisy, blurred, attacked in zip(*(made[i::4] for i in range(4)), strict=True):
        for one in (genuine, noisy, blurred, attacked):
            assert one.image.shape == (1, 3, 96, 96) and one.label == genuine.label == int(net(genuine.image).argmax())
            assert (one.image * 255 - (one.image * 255).round()).abs().max() < 1e-3
        assert 0 < ((attacked.image - genuine.image) * 255).abs().max().round() <= 2
        assert 1.5 < ((noisy.image - genuine.image) * 255).std() < 8.5
        assert blurred.image.diff().abs().mean() < genuine.image.diff().abs().mean()
    noises = [float(((noisy.image - genuine.image) * 255).std()) for genuine, noisy in zip(made[::4], made[1::4],
                                                                                           strict=True)]
    assert max(noises) > 1.3 * min(noises)  # each its own
    again = samples(net, names=["dog"], crops=1, steps=3, size=96)
    assert torch.equal(again[1].image, made[1].image) and torch.equal(again[3].image, made[3].image)
    assert not torch.equal(made[0].image, made[4].image)


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
    fit = t.fit_detector
    monkeypatch.setattr(t, "fit_detector", lambda h, marks: seen.append(set(h[:, 0].tolist())) or fit(h, marks))
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
    assert result.still_fool == pytest.approx(2 / 3)
    assert [asked[id(one.image)] for one in made[::4]] == pytest.approx(result.scores[::4].tolist())  # who tests it
