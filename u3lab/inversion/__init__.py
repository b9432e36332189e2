"""Chapter 5: inversion. Which pictures have this code, and which excite this unit?"""

from u3lab.inversion.inverting import InversionSettings, code, code_error, invert
from u3lab.inversion.maximising import excitation, maximise
from u3lab.inversion.priors import TV, DeepImagePrior, Pixels

__all__ = ["TV", "DeepImagePrior", "InversionSettings", "Pixels", "code", "code_error", "excitation", "invert",
           "maximise"]
