"""The detector: features against the library's own maps, the classifier against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.adversarial.attacked import small
from tests.helpers import cat, slip, squeezenet
from u3lab import nets
from u3lab.adversarial import detection
from u3lab.adversarial import trials as t
from u3lab.adversarial.detection import Detector, evade, fit_detector, layer_saliency
from u3lab.adversarial.trials import KINDS, Sample, samples, small_map, trial, winning_score
from u3lab.descent import Step
from u3lab.saliency import modulated_gradient


def crowd(count: int = 12, size: int = 16, net: nets.Classifier | None = None) -> list[Sample]:
    """Samples of made-up photos; "adversarial" is only a word here, with a brighter picture."""
    net = net or small()[0]
    made = []
    for i in range(count):
        x = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(i)) / 2
        made += [Sample(f"photo {i}", kind, x + 0.3 * (kind == "adversarial"), int(net(x).argmax())) for kind in KINDS]
    return made


# ---- features --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", nets.NAMES)
def test_strengths_are_those_of_the_librarys_maps(name: str):
    """h_l = log mean |r| with the modulated gradient r at layer l; SqueezeNet overwrites activations in place."""
    net, x = squeezenet() if name == "squeezenet1_1" else nets.load(name, device="cpu"), cat(96).float()
    k = int(net(x).argmax())
    expected = [modulated_gradient(net, x, k, layer=layer).abs().mean().log() for layer in net.layers]
    torch.testing.assert_close(layer_saliency(net, x)[0], torch.stack(expected), atol=1e-3, rtol=1e-3)


def test_strengths_of_pictures_do_not_mix():
    net, _ = small()
    x = torch.rand(4, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    together = layer_saliency(net, x)
    assert together.shape == (4, len(net.layers)) and not together.requires_grad and not x.requires_grad
    torch.testing.assert_close(together, torch.cat([layer_saliency(net, one[None]) for one in x]), atol=1e-4, rtol=1e-4)


def test_strengths_have_a_gradient():
    """The second derivative, against finite differences."""
    net, x = small()
    net, x = net.double(), (0.1 + 0.8 * x.double()).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: layer_saliency(net, z, graph=True), [x], atol=1e-4)
    assert all(p.grad is None for p in net.parameters())


# ---- detector --------------------------------------------------------------------------------------------------------


def cloud(n: int = 60, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    marks = torch.rand(n, generator=generator) < 0.3
    return 5 + 3 * torch.randn(n, 4, generator=generator) + 2 * marks[:, None], marks


def test_detector_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    h, marks = cloud()
    theirs = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", tol=1e-8, max_iter=5000))
    theirs.fit(h.double().numpy(), marks.numpy())
    ours = fit_detector(h, marks)
    torch.testing.assert_close(ours(h.double()), torch.from_numpy(theirs.decision_function(h.double().numpy())),
                               atol=0.02, rtol=0.02)


def test_log_odds():
    detector = Detector(torch.tensor([1.0, -2.0]).double(), 0.5)
    assert detector(torch.tensor([[3.0, 1.0], [0.0, 0.0]])).tolist() == [1.5, 0.5]


# ---- the trial -------------------------------------------------------------------------------------------------------


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


def test_other_features():
    net, x = squeezenet(), cat(96).float()
    assert winning_score(net, x).item() == pytest.approx(net(x).max().item())
    assert small_map(net, x).shape == (1, 196) and small_map(net, x).isfinite().all()


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


def test_an_attacker_is_content_with_a_class_that_is_gone(monkeypatch):
    """Below e⁻⁴ log p pulls no more, and all the rest is for the detector; above, it counts as it is."""
    net, x = small()
    seen = []
    monkeypatch.setattr(detection, "projected_descent", lambda x, energy, settings: seen.append(energy) or [
        Step(0, 0.0, x, {})])
    logs = net.probabilities(x)[0].log()
    detector = Detector(torch.ones(len(net.layers)), 0.0)
    for floor, wanted in ((float(logs[0]) - 1, float(logs[0])), (float(logs[0]) + 0.5, float(logs[0]) + 0.5)):
        monkeypatch.setattr(detection, "FLOOR", floor)
        evade(net, x, "a", detector, mu=0.3)
        at = x.clone().requires_grad_()
        terms = seen[-1](at)
        assert terms["log p(label)"].item() == pytest.approx(wanted, abs=1e-5)
        assert bool(torch.autograd.grad(terms["log p(label)"], at)[0].any()) == (floor < float(logs[0]))
        assert terms["μ detector"].item() == pytest.approx(0.3 * float(layer_saliency(net, x).sum()), rel=1e-4)


# ---- slips -----------------------------------------------------------------------------------------------------------


def test_slips():
    net, x = small()
    h, marks = cloud()
    for given in (torch.ones(60).bool(), torch.zeros(60).bool()):
        with slip("adversarial", "some of both"):
            fit_detector(h, given)
    with slip("True or False"):
        fit_detector(h, torch.ones(60))
    with slip("adversarial has the shape", "N = 5"):
        fit_detector(h[:5], marks)
    with slip("folds = 1", "from 2 to 12"):
        trial(net, crowd(), folds=1)
    with slip("folds = 13"):
        trial(net, crowd(), folds=13)
    with slip("layer_saliency", "adaptive"):
        trial(net, crowd(), features=winning_score, adaptive=1)
    with slip("crops = 0"):
        samples(net, names=["dog"], crops=0)
    with slip("level = 0"):
        samples(net, names=["dog"], level=0)
    with slip("training mode"):
        layer_saliency(nets.Classifier(nn.Sequential(small()[0].module, nn.Dropout()).train()), x)
    with slip("divide by 255"):
        layer_saliency(net, x * 255)
    with slip("one picture at a time"):
        evade(net, x.expand(2, -1, -1, -1), "a", Detector(torch.zeros(4), 0.0))
    with slip("7 values", "4 weights"):
        evade(net, x, "a", Detector(torch.zeros(4), 0.0))
