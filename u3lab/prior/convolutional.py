"""Convolutional sparse coding: the deep image prior's rival in the lecture, computed by SPORCO.

    min over z_k   ½ ‖m ⊙ (x₀ − l − Σ_k d_k ∗ z_k)‖² + λ Σ_k ‖z_k‖₁

l is what total variation makes of the visible pixels, d_k are 64 small filters that were learned from photos, and the
maps z_k are zero nearly everywhere. Papyan, Romano, Sulam & Elad, Convolutional dictionary learning via local
processing, ICCV 2017; Wohlberg, Boundary handling for convolutional sparse representations, ICIP 2016.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from u3lab.checks import STEPS, number, whole
from u3lab.errors import U3Error
from u3lab.prior.tasks import laid_on

FILTERS = "RGB:8x8x3x64"  # of SPORCO's learned dictionaries
BORDER = 8  # pixels around the picture, so that no filter meets an edge


def convolutional_sparse_coding(image: Tensor, visible: Tensor, *, lam: float = 0.02, smooth: float = 0.05,
                                steps: int = 200) -> Tensor:
    """Fill what is hidden of a picture (1,3,H,W); m (1,1,H,W) is 1 where it is known, and what is known stays.

    Args:
        lam: λ, the price of the maps.
        smooth: The price of total variation in l.
        steps: Of ADMM, at most, for each of the two.

    Raises:
        U3Error: If SPORCO is not installed, and as :func:`u3lab.prior.inpaint` does.
    """
    try:
        from sporco.admm import cbpdn, tvl2
        from sporco.util import convdicts
    except ImportError:
        raise U3Error("this needs SPORCO: where there is a network, run `pip install sporco`") from None
    m, lam, smooth, steps = laid_on(image, visible), number("lam", lam, 0), number("smooth", smooth, 0), whole(
        "steps", steps, 1, STEPS)
    around = ((BORDER, BORDER), (BORDER, BORDER), (0, 0))
    known = np.pad(m[0].permute(1, 2, 0).numpy().repeat(3, 2), around)
    given = np.pad((image * m)[0].permute(1, 2, 0).numpy(), around, mode="symmetric")
    low = tvl2.TVL2Denoise(given, smooth, tvl2.TVL2Denoise.Options({
        "MaxMainIter": steps, "DFidWeight": known, "gEvalY": False, "AutoRho": {"Enabled": True}}), caxis=2).solve()
    coder = cbpdn.AddMaskSim(cbpdn.ConvBPDN, convdicts()[FILTERS], known * (given - low), known, lam,
                             opt=cbpdn.ConvBPDN.Options({
                                 "MaxMainIter": steps, "HighMemSolve": True, "RelStopTol": 5e-3, "AuxVarObj": False,
                                 "RelaxParam": 1.8, "rho": 50 * lam + 0.1,
                                 "AutoRho": {"Enabled": False, "StdResiduals": False}}))
    coder.solve()
    made = (low + coder.reconstruct().squeeze())[BORDER:-BORDER, BORDER:-BORDER]
    return torch.where(m.bool(), image, torch.from_numpy(made).permute(2, 0, 1)[None].float().clamp(0, 1))
