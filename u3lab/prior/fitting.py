"""Fitting an untrained network to one picture: the deep image prior.

    min over w   E(Ψ(w; z₀); x₀)

z₀ stays fixed, w starts at random, and one stops early: the network takes up what is natural long before it takes up
noise. Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018, equation 2. At a rate that is quick it is near its
edge: a descent that diverges goes back to its last good parameters, as they do by hand when 5 dB are lost, and on from
there at half the learning rate.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import function, is_a, shown
from u3lab.descent import Energy, Step, descend, without_slope
from u3lab.errors import U3Error
from u3lab.nets.classifier import one_picture
from u3lab.prior.generators import Generator
from u3lab.prior.tasks import Task, reconstruct
from u3lab.settings import or_default, setting, settings


@dataclass(frozen=True, eq=False)
class FitStep(Step):
    """A step, and how often the run has diverged so far and gone back to a better state."""

    rollbacks: int = 0


class Lost(Exception):
    """The run has diverged, and the parameters have been brought back."""


class Rollback:
    """The last good parameters of a descent, to go back to when it diverges."""

    EVERY = 20  # steps from one copy to the next at least
    MOST = 8  # times to go back

    def __init__(self, parameters: list[Tensor], tolerance: float) -> None:
        self.parameters, self.tolerance = parameters, tolerance
        self.level, self.best, self.kept, self.since, self.count = None, math.inf, None, -self.EVERY, 0

    def check(self, loss: float, iteration: int) -> None:
        """Note where the run is; if it is lost, bring the parameters back and raise :class:`Lost`."""
        fine = math.isfinite(loss)
        if self.kept is None and not fine:
            raise U3Error(f"the loss became {loss} at step {iteration}; lower the learning rate and start again")
        if self.kept is not None and (not fine or loss > self.tolerance * self.best):
            if self.count == self.MOST:
                raise U3Error(f"the run diverged {self.MOST} times, last at step {iteration}; lower the learning rate "
                              "and start again")
            with torch.no_grad():
                for parameter, kept in zip(self.parameters, self.kept, strict=True):
                    parameter.copy_(kept)
            self.count, self.level, self.best = self.count + 1, None, math.inf
            raise Lost
        # A running mean, since with noise in the energy a single loss may be low by luck.
        self.level = loss if self.level is None else 0.9 * self.level + 0.1 * loss
        self.best = min(self.best, self.level)
        if loss <= self.level and iteration - self.since >= self.EVERY:  # a copy, not the tensors themselves
            self.kept, self.since = [parameter.detach().clone() for parameter in self.parameters], iteration


def descend_with_rollback(parameters: list[Tensor], energy: Energy, *, steps: int, lr: Callable[[], float],
                          tolerance: float) -> Iterator[FitStep]:
    """As :func:`~u3lab.descent.descend`, but a loss that is no longer finite, or ``tolerance`` times the smallest
    running mean of it so far, sends the run back to its last good parameters, and on at half the learning rate.

    Raises:
        U3Error: If it diverges at once, or again and again.
    """
    rollback, now = Rollback(parameters, tolerance), 0

    def watched() -> tuple[Tensor, dict[str, Tensor]]:
        value, terms = energy()
        rollback.check(sum(terms.values()).item(), now)
        return value, terms

    while True:
        begun = now
        try:
            for step in descend(parameters, watched, steps=steps - begun, lr=lambda: lr() / 2**rollback.count):
                yield FitStep(begun + step.iteration, step.loss, step.value, step.terms, rollback.count)
                now += 1
            return
        except Lost:
            continue


TOLERANCE = 3.2  # the paper goes back to a better state when 5 dB are lost


@settings
class PriorSettings:
    """Settings of :func:`fit`."""

    lr: float = setting(0.01, 0.0001, 0.1, scale="log", symbol="η", help="learning rate of Adam")
    noise: float = setting(0.03, 0.0, 0.2, symbol="σ_z", help="fresh noise that is added to the code z₀ at each step")
    average: float = setting(0.0, 0.0, 0.99, symbol="α", help="how much of the former pictures is kept in the one that "
                                                          "is shown; 0 shows each as it is")
    steps: int = setting(600, 1, 20000, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the noise; the generator has a seed of its own")


def fit(generator: Generator, image: Tensor, *, task: Task = reconstruct,
        settings: PriorSettings | None = None) -> Iterator[FitStep]:
    """Fit the generator's weights w to a picture, step by step. The generator changes in place.

    If the loss explodes, which high learning rates bring about on some machines, the run goes back to its last good
    weights and on at half the rate; ``step.rollbacks`` counts that.

    Args:
        generator: Ψ with its code z₀, from :func:`u3lab.prior.generator`.
        image: x₀, (1,3,H,W) in [0,1], of the generator's size (for super-resolution: as many times smaller).
        task: The data term: :func:`~u3lab.prior.tasks.reconstruct`, ``inpaint(mask)`` or ``super_resolve(factor)``.
        settings: Read at every step.

    Yields:
        FitStep: ``value`` is Ψ(w; z₀ + noise), (1,3,H,W), or its running mean; the one term is "data", a mean over
            values.

    Examples:
        >>> psi, x = prior.generator(size=64, depth=3), images.load("coffee", size=64)
        >>> last(prior.fit(psi, x, settings=prior.PriorSettings(steps=2))).value.shape
        torch.Size([1, 3, 64, 64])
    """
    settings = or_default(settings, PriorSettings)
    is_a("generator", generator, Generator, "make one with prior.generator(…)")
    _fits(one_picture(_images.check(image)), generator, task)
    image = image.to(generator.code.device, copy=True)  # of one's own: the run goes on if theirs changes
    draw = torch.Generator(device="cpu").manual_seed(settings.seed)
    mean: Tensor | None = None
    if not (weights := [w for w in generator.parameters() if w.requires_grad]):
        raise U3Error("the generator's weights are held fixed; free them with generator.requires_grad_()")
    generator.train()  # batch norms use the statistics of the picture itself

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        nonlocal mean
        code = generator.code
        if settings.noise:
            code = code + settings.noise * torch.randn(code.shape, generator=draw).to(code)
        x = generator(code)
        now = x.detach()
        begins = mean is None or not mean.isfinite().all()  # also where the run has diverged and gone back
        mean = now if begins else running_mean(mean, now, settings.average)
        return mean, {"data": task(x, image)}

    return descend_with_rollback(weights, energy, steps=settings.steps, lr=lambda: settings.lr, tolerance=TOLERANCE)


def running_mean(mean: Tensor, now: Tensor, average: float) -> Tensor:
    """The new mean α·mean + (1 − α)·now: old pictures fade, and with them what changes from step to step."""
    return average * mean + (1 - average) * now


def _fits(target: Tensor, generator: Generator, task: Task) -> None:
    """Ask the task itself whether the sizes go together, before the first step; the weights may be spoilt as well."""
    if not all(weight.isfinite().all() for weight in generator.state_dict().values()):
        raise U3Error("the generator's weights or code are NaN or infinite; make a new one with prior.generator(…)")
    function("task", task, 2, "give a function of x and x₀: prior.reconstruct, inpaint(mask) or super_resolve(factor)")
    try:
        with torch.enable_grad():
            data = task(torch.zeros(1, 3, *generator.size, requires_grad=True), target.cpu())
    except (RuntimeError, U3Error) as error:
        raise U3Error(f"the picture has {target.shape[2]}×{target.shape[3]} pixels and the generator makes "
                      f"{generator.size[0]}×{generator.size[1]}, and the task says: "
                      f"{str(error).partition(chr(10))[0][:150]}; make all of one size, the generator with "
                      "generator(size=x.shape[2:])") from error
    if torch.is_inference_mode_enabled():
        raise U3Error(without_slope("the data term"))
    if not isinstance(data, Tensor) or data.ndim or not data.requires_grad:
        raise U3Error(f"the task gives {shown(data)}; let it give one number that depends on x, a tensor without axes")
