"""Chapter 5: inversion. Which pictures have this code, and which excite this unit?

Files: ``linear`` (the case with a closed form), ``inverting`` (the descent), ``priors`` (by name), ``maximising``
(icons of classes), ``dreaming`` (DeepDream), ``empirical`` (real patches), ``learned`` and ``training`` (a decoder).
"""

from u3lab.inversion.dreaming import DreamSettings, dream
from u3lab.inversion.empirical import top_patches
from u3lab.inversion.inverting import InversionSettings, code, code_error, invert
from u3lab.inversion.learned import decode, learned_inverter
from u3lab.inversion.linear import tikhonov
from u3lab.inversion.maximising import MaximiseSettings, excitation, maximise
from u3lab.inversion.priors import PRIORS, TV, DeepImagePrior, Pixels, PlugAndPlay

__all__ = ["PRIORS", "TV", "DeepImagePrior", "DreamSettings", "InversionSettings", "MaximiseSettings", "Pixels",
           "PlugAndPlay", "code", "code_error", "decode", "dream", "excitation", "invert", "learned_inverter",
           "maximise", "tikhonov", "top_patches"]
