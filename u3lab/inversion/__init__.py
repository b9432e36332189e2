"""Chapter 5: inversion. Which pictures have this code, and which excite this unit?

Files: ``linear`` (the case with a closed form), ``codes`` (Φ and its error), ``inverting`` (the descent), ``priors``
(by name), ``sampling`` (draws from a posterior), ``learned`` (a decoder, and learned steps after it), ``inverters``
(both by name), ``maximising`` (icons of classes, DeepDream).
"""

from u3lab.inversion.codes import code, code_error
from u3lab.inversion.inverters import INVERTERS
from u3lab.inversion.inverting import InversionSettings, invert
from u3lab.inversion.learned import decode, learned_inverter, learned_steps, unroll
from u3lab.inversion.linear import gaussian_posterior, tikhonov
from u3lab.inversion.maximising import DreamSettings, MaximiseSettings, dream, excitation, maximise
from u3lab.inversion.priors import PRIORS, TV, DeepImagePrior, Pixels, TrainedGenerator
from u3lab.inversion.sampling import SampleSettings, sample
