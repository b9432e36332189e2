"""Chapter 4: the deep image prior. A network that nobody has trained knows a great deal about pictures.

Files: ``generators`` (Ψ and its code), ``tasks`` (what is fitted), ``fitting`` (the descent), ``quality`` (PSNR, SSIM,
a perceptual distance; what is fitted first), ``rivals`` (without a network), ``trained`` (rivals that have seen
pictures), ``fillers`` (all that fill a hole).
"""

from u3lab.prior.fillers import FILLERS
from u3lab.prior.fitting import FitStep, PriorSettings, fit
from u3lab.prior.generators import Generator, generator
from u3lab.prior.quality import (
    disagreement,
    first_step_below,
    psnr,
    ssim,
    targets,
    unexplained_variance,
)
from u3lab.prior.rivals import biharmonic, convolutional_sparse_coding, dictionary, sparse_coding, tv_inpaint
from u3lab.prior.tasks import inpaint, lanczos, reconstruct, super_resolve
from u3lab.prior.trained import trained_inpaint
