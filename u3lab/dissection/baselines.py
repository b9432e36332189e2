"""What a number must be compared with: other axes of the same features, and features that nobody has trained.

Is a single unit special? Turn the space of a layer's units, and dissect the new axes:

    a′ = Q^s a,   Q a random rotation, 0 ≤ s ≤ 1

Whatever can be read off a by a linear map can be read off a′. If units were no better than other directions, as many
axes of a′ would be detectors. Bau et al., Network dissection, CVPR 2017, section 3.2.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from u3lab._system.meanwhile import meanwhile
from u3lab.checks import SIDE, number, tensors, whole
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready

ROUNDING = 1e-3  # of what has to be 1 or 0 in QQᵀ, in float32


def rotation(units: int, *, share: float = 1.0, seed: int = 0) -> Tensor:
    """Q^share (U,U): nothing at 0, a rotation drawn evenly from all at 1, and the shortest way between; U from 2 on."""
    from scipy.linalg import schur
    from scipy.stats import special_ortho_group

    units, share, seed = whole("units", units, 2, SIDE), number("share", share, 0, 1), whole("seed", seed, 0)
    q = special_ortho_group.rvs(units, random_state=np.random.default_rng(seed))
    blocks, basis = schur(q, output="complex")  # diagonal for a rotation: its turns, exp(iθ)
    turned = (basis * np.exp(1j * share * np.angle(np.diag(blocks)))) @ basis.conj().T
    return torch.from_numpy(turned.real)


class Rotated(Classifier):
    """A network whose layers are seen along other axes: to be dissected like the network itself.

    ``turn`` (U,U), a rotation or a reflection, is laid on the units of whatever layer is looked at; the answer of the
    network stays the same.
    """

    def __init__(self, net: Classifier, turn: Tensor) -> None:
        net = ready(net)
        tensors(turn=(turn, "UU"))
        if (turn.double() @ turn.double().T - torch.eye(len(turn)).to(turn.device)).abs().max() > ROUNDING:
            raise U3Error("turn is no rotation, its rows have other lengths than 1 or other angles than 90°; make one "
                          "with dissection.rotation(units)")
        super().__init__(net.module, **net.facts() | {"name": f"{net.name}, rotated"})
        self.turn = turn

    def watch(self, callbacks: dict[str, Callable[[Tensor], None]], *, grad: bool | None = None) -> meanwhile:
        """As the network's own, with Q a at each place, (B,U,h,w), for each callback."""
        return super().watch({layer: partial(self._turned, callback) for layer, callback in callbacks.items()},
                             grad=grad)

    def _turned(self, callback: Callable[[Tensor], None], maps: Tensor) -> None:
        if maps.ndim != 4 or maps.shape[1] != self.turn.shape[1]:
            raise U3Error(f"the layer gives {tuple(maps.shape)}, the axes are {tuple(self.turn.shape)}; choose a layer "
                          "(B,U,h,w) with as many units U as rotation(U) was made for")
        callback(torch.einsum("vu,buhw->bvhw", self.turn.to(maps), maps))
