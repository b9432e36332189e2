"""Chapter 4: the deep image prior. A network that nobody has trained knows a great deal about pictures."""

from u3lab.prior.fitting import PriorSettings, fit
from u3lab.prior.generators import Generator, generator
from u3lab.prior.tasks import inpaint, lanczos, reconstruct, super_resolve

__all__ = ["Generator", "PriorSettings", "fit", "generator", "inpaint", "lanczos", "reconstruct", "super_resolve"]
