"""Descriptor vector exchange: before it is matched, a code is replaced by what *another* picture has in its place.

    p_α(w|u) = exp ⟨Φ(x; u), Φ(x_α; w)⟩ / Σ_v exp ⟨Φ(x; u), Φ(x_α; v)⟩      where is u in another thing of the class?
    Φ̂(x; u|x_α) = Σ_w p_α(w|u) Φ(x_α; w)                                    the code that is there

Matching with Φ̂ in the place of Φ works only if a code says the same of all things of the class. With three dimensions
there is no room for more; with many, a code could also say which face it is of, and then be found on no other.

Thewlis, Albanie, Bilen & Vedaldi, Unsupervised learning of landmarks by descriptor vector exchange, ICCV 2019,
section 3.
"""

from __future__ import annotations

from torch import Tensor

from u3lab.checks import room
from u3lab.landmarks.places import check_maps


def exchange_descriptors(code: Tensor, through: Tensor) -> Tensor:
    """Φ̂ = Σ_w p_α(w|u) Φ(x_α; w): codes (B,N,D) of points, made anew from the codes of other pictures (B,D,h,w).

    As codes get longer, p_α gets narrower; from the same picture, each code is then replaced by itself.
    """
    check_maps(code=(code, "BND"), through=(through, "BDhw"))
    room("the exchange", through[0, 0].numel(), code.shape[1], len(code))
    phi_alpha = through.flatten(2)
    p_alpha = (code @ phi_alpha).softmax(-1)
    return p_alpha @ phi_alpha.transpose(1, 2)
