"""Chapter 4: the deep image prior. A network that nobody has trained knows a great deal about pictures."""

from u3lab.prior.fitting import PriorSettings, fit
from u3lab.prior.generators import Generator, generator
from u3lab.prior.impedance import impedance, missing, reached, targets
from u3lab.prior.quality import disagreement, psnr, ssim
from u3lab.prior.rivals import biharmonic, dictionary, sparse_coding, total_variation
from u3lab.prior.tasks import inpaint, lanczos, reconstruct, super_resolve
from u3lab.prior.trained import complete, denoise

__all__ = ["Generator", "PriorSettings", "biharmonic", "complete", "denoise", "dictionary", "disagreement", "fit",
           "generator", "impedance", "inpaint", "lanczos", "missing", "psnr", "reached", "reconstruct", "sparse_coding",
           "ssim", "super_resolve", "targets", "total_variation"]
