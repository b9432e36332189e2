"""How features change when the picture is transformed, and whether two networks have the same features.

Files: ``transforms`` (g on pictures and grids), ``transport`` (M_g, how it is fitted, and the mirror, for which it is
exact), ``stitching`` (franken-networks, their training, and CKA).
"""

from u3lab.equivariance.stitching import StitchSettings, cka, distil, identity_stitch, shuffled_stitch, stitch
from u3lab.equivariance.transforms import HFLIP, VFLIP, Transform, rotation, scaling
from u3lab.equivariance.transport import (
    Equivariance,
    Errors,
    centred_size,
    errors,
    fit_equivariance,
    mirrored,
    transported_scores,
)
