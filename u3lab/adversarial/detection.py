"""Telling adversarial pictures from genuine, noisy and blurred ones by their saliency, and why that is no defence.

With s the score of the class that wins and φ_l the activations of layer l, the saliency is the modulated gradient, and
a picture is described by its strength at every layer,

    h_l = log mean |∂s/∂φ_l ⊙ φ_l|

A linear classifier on h (logistic regression) tells attacks from pictures with noise or blur. The lecture shows it as a
property of saliency and not as a defence: an attacker who knows the detector goes down

    E(x) = log Φ_label(x) + μ ⟨w, h(x)⟩

as well, through the saliency itself, since where ReLUs are linear its own derivative exists (a second backward pass).
Adaptive attacks are after Carlini & Wagner, Adversarial examples are not easily detected, AISec 2017.

How well all that works, ``python -m evidence detection`` has measured.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from u3lab._system.meanwhile import meanwhile, mode
from u3lab.adversarial.attacks import AttackSettings, fooling, given, projected_descent
from u3lab.adversarial.quantisation import quantise_near
from u3lab.checks import is_a, number, tensors, whole
from u3lab.descent import clamp, gradients, last
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready
from u3lab.nets.surgery import OutOfPlace

FLOOR = -4.0  # log-probability of the true class at which an attacker is content, e⁻⁴ < 2 %


def layer_saliency(net: Classifier, images: Tensor, *, graph: bool = False) -> Tensor:
    """h_l = log mean |∂s/∂φ_l ⊙ φ_l| for every layer, of pictures (B,3,H,W) in [0,1] → (B,layers).

    With ``graph`` the result can be differentiated by the pictures.
    """
    net, kept = ready(net, images), {}
    with net.watch({layer: partial(kept.__setitem__, layer) for layer in net.layers}, grad=True):
        x = images if images.requires_grad else images.detach().clone().requires_grad_()
        with meanwhile(mode(OutOfPlace())):
            scores = net.unchecked(x)
        s = scores.amax(1).sum()  # each picture's own score: they do not mix
        slopes = gradients(s, list(kept.values()), "the scores", create_graph=graph)
        modulated = [(g * a).abs().flatten(1).mean(1) for g, a in zip(slopes, kept.values(), strict=True)]
        h = clamp(torch.stack(modulated, 1), 1e-12).log()
    return h if graph else h.detach()


@dataclass(frozen=True)
class Detector:
    """⟨w, h⟩ + b: above 0 for what looks adversarial. ``weight`` (layers,) is for h itself, not standardised."""

    weight: Tensor
    bias: float

    def __call__(self, features: Tensor) -> Tensor:
        """Log-odds (B,) of features h (B,layers)."""
        if features.shape[-1] != len(self.weight):
            raise U3Error(f"{features.shape[-1]} values for a detector with {len(self.weight)} weights; fit another")
        return features @ self.weight.to(features) + self.bias


def fit_detector(features: Tensor, adversarial: Tensor) -> Detector:
    """Logistic regression (scikit-learn) on features (N,F); ``adversarial`` is True or False for each, (N,)."""
    from sklearn.linear_model import LogisticRegression

    tensors(features=(features, "NF"), adversarial=(adversarial, "N"))
    if adversarial.dtype != torch.bool or adversarial.all() or not adversarial.any():
        raise U3Error(f"the marks are {adversarial.dtype}, {int(adversarial.sum())} of {len(adversarial)} adversarial; "
                      "give True or False for each picture, and some of both")
    mean, std = features.double().mean(0), features.double().std(0).clamp(min=1e-6)
    # Balanced, as there are three pictures of other kinds for each attack.
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000)
    model.fit(((features.double() - mean) / std).cpu().numpy(), adversarial.cpu().numpy())
    weight = torch.from_numpy(model.coef_[0]) / std.cpu()
    return Detector(weight, float(model.intercept_[0] - weight @ mean.cpu()))


def evade(net: Classifier, image: Tensor, label: int | str, detector: Detector, *, level: int = 2, steps: int = 10,
          mu: float = 0.3) -> Tensor:
    """The attacker who knows the detector: PGD on log Φ_label + μ ⟨w, h⟩, on whole levels, (1,3,H,W).

    The first term stops at e⁻⁴: a class that is gone need not go further, and all the rest is for the detector.
    """
    answer, x, label, _ = given(net, image, label, None)
    whole("level", level, 1, 255)
    whole("steps", steps)
    number("mu", mu, 0)
    is_a("detector", detector, Detector, "make one with fit_detector(features, adversarial)")
    energy, eps = fooling(answer, label, None), level / 255

    def both(now: Tensor) -> dict[str, Tensor]:
        (gone,) = energy(now).values()
        suspicion = detector(layer_saliency(net, now, graph=True))[0]
        return {"log p(label)": clamp(gone, FLOOR), "μ detector": mu * suspicion}

    settings = AttackSettings(eps=eps, step_size=max(2.5 * eps / steps, 1e-4), steps=steps)
    return quantise_near(last(projected_descent(x, both, settings)).value, x, eps)
