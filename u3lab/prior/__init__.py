"""Chapter 4: the deep image prior. A network that nobody has trained knows a great deal about pictures.

Files: ``generators`` (Ψ and its code), ``tasks`` (what is fitted), ``fitting`` and ``rollback`` (the descent),
``impedance`` (what it fits first), ``quality`` (PSNR, SSIM, a perceptual distance), ``rivals`` and ``convolutional``
(without a network), ``trained`` (rivals that have seen pictures), ``fillers`` (all that fill a hole).
"""

from u3lab.prior.convolutional import convolutional_sparse_coding
from u3lab.prior.fillers import FILLERS
from u3lab.prior.fitting import PriorSettings, fit
from u3lab.prior.generators import Generator, generator
from u3lab.prior.impedance import first_step_below, targets, unexplained_variance
from u3lab.prior.quality import disagreement, perceptual_distance, psnr, ssim
from u3lab.prior.rivals import biharmonic, dictionary, sparse_coding, tv_inpaint
from u3lab.prior.rollback import FitStep
from u3lab.prior.tasks import inpaint, lanczos, reconstruct, super_resolve
from u3lab.prior.trained import trained_inpaint
