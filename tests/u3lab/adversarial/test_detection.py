"""The detector: features against the library's own maps, the classifier against scikit-learn."""

import pytest
import torch
from torch import Tensor

from tests.helpers import cat, refuses, squeezenet
from tests.u3lab.adversarial.attacked import small
from u3lab import nets
from u3lab.adversarial import detection
from u3lab.adversarial.detection import Detector, evade, fit_detector, layer_saliency
from u3lab.descent import Step
from u3lab.saliency import modulated_gradient


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


def test_slips():
    h, marks = cloud()
    for given in (marks | True, marks & False):
        refuses(fit_detector, h, given, says=("adversarial", "some of both"))
    refuses(evade, *small(), "a", Detector(torch.zeros(4), 0.0), says=("7 values", "4 weights"))
