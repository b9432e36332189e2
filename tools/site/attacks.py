"""The attacks by name and with one call for all, for docs/methods.md, *How we know* and the contract test.

    ATTACKS["pgd"](net, image, "German shepherd", eps=4 / 255)       # of one picture: the finished one, (1,3,H,W)

A new attack is one function, one line here, and one test of its numbers; ``tests/adversarial/test_contract.py`` holds
every line to its word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from u3lab.adversarial.attacks import AttackSettings, fgsm, pgd
from u3lab.adversarial.deepfool import DeepFoolSettings, deepfool
from u3lab.checks import whole
from u3lab.descent import last
from u3lab.errors import U3Error
from u3lab.nets import Classifier

EPS, STEPS = "eps", "steps"


@dataclass(frozen=True)
class Attack:
    """One attack on one picture. Called with (net, image, label), it gives the finished picture, (1,3,H,W) in [0,1].

    Attributes:
        fool: The attack itself: (net, image, label, target=, and what ``takes`` names) → picture.
        takes: Of "eps" (the greatest change of a value, which bounds the attack) and "steps". An attack without "eps"
            looks for the smallest change that fools.
    """

    fool: Callable[..., Tensor]
    takes: frozenset[str]

    def __call__(self, net: nn.Module, image: Tensor, label: int | str, *, target: int | str | None = None,
                 eps: float | None = None, steps: int | None = None) -> Tensor:
        """The finished picture; what is left out is as in the attack's own settings.

        Raises:
            U3Error: ε or steps for an attack that takes none; all else as the attack itself.
        """
        options = {name: value for name, value in ((EPS, eps), (STEPS, steps)) if value is not None}
        for part in options.keys() - self.takes:
            takers = ", ".join(name for name, attack in ATTACKS.items() if part in attack.takes)
            raise U3Error(f"this attack takes no {part}; those that do are {takers}")
        return self.fool(net, image, label, target=target, **options)


def one_step(net: Classifier, image: Tensor, label: int | str, *, target: int | str | None = None,
             eps: float = AttackSettings.eps) -> Tensor:
    """FGSM with the ε of the attacks' settings, unless another is given."""
    return fgsm(net, image, label, eps, target=target)


def many_steps(net: Classifier, image: Tensor, label: int | str, *, target: int | str | None = None,
               eps: float = AttackSettings.eps, steps: int = 10) -> Tensor:
    """PGD in steps of α = 2.5 ε/steps, which lets it cross the ball and come back."""
    whole("steps", steps)
    settings = AttackSettings(eps=eps, steps=steps)
    settings.step_size = max(2.5 * eps / steps, 1e-4)
    return last(pgd(net, image, label, target=target, settings=settings)).value


def nearest(net: Classifier, image: Tensor, label: int | str, *, target: int | str | None = None,
            steps: int = DeepFoolSettings.steps) -> Tensor:
    """DeepFool's last picture."""
    return last(deepfool(net, image, label, target=target, settings=DeepFoolSettings(steps=steps))).value


ATTACKS: dict[str, Attack] = {
    "fgsm": Attack(one_step, frozenset({EPS})),
    "pgd": Attack(many_steps, frozenset({EPS, STEPS})),
    "deepfool": Attack(nearest, frozenset({STEPS})),
}
