"""How features change when the picture is transformed, and whether two networks have the same features.

Files: ``transforms`` (g on pictures and grids), ``transport`` (M_g) and ``regression`` (how it is fitted), ``mirror``
(the exact case), ``stitching`` and ``distilling`` (franken-networks), ``similarity`` (CKA).
"""

from u3lab.equivariance.distilling import StitchSettings, distil
from u3lab.equivariance.mirror import centred_size, mirrored
from u3lab.equivariance.similarity import cka
from u3lab.equivariance.stitching import identity_stitch, shuffled_stitch, stitch
from u3lab.equivariance.transforms import HFLIP, VFLIP, Transform, rotation, scaling
from u3lab.equivariance.transport import Equivariance, Errors, errors, fit_equivariance, transported_scores
