"""What others do on the same mask: smooth filling, total variation, sparse coding of patches, or of the whole picture.

They are the rivals of the deep image prior in chapter 4, taken from scikit-image, scikit-learn and SPORCO where these
have them. Each takes a picture (1,3,H,W) in [0,1] and the mask of :func:`u3lab.prior.inpaint` (1: known), and fills
the hole.
"""

import math
from itertools import product

import numpy as np
import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import STEPS, number, shown, whole
from u3lab.descent import descend, last
from u3lab.errors import U3Error
from u3lab.images.blurring import total_variation
from u3lab.prior.tasks import inpaint, laid_on

FILTERS = "RGB:8x8x3x64"  # of SPORCO's learned dictionaries
BORDER = 8  # pixels around the picture, so that no filter meets an edge


def biharmonic(image: Tensor, visible: Tensor) -> Tensor:
    """The smoothest filling: Δ²x = 0 in the hole, x known around it (scikit-image)."""
    from skimage.restoration import inpaint_biharmonic

    visible = laid_on(image, visible)
    return _picture(inpaint_biharmonic(_array(image * visible), visible[0, 0].numpy() < 0.5, channel_axis=-1))


def tv_inpaint(image: Tensor, visible: Tensor, *, price: float = 1e-3, steps: int = 300) -> Tensor:
    """min ‖m ⊙ (x − x₀)‖² + γ Σ‖∇x‖ (Rudin, Osher & Fatemi 1992), from the mean colour in the hole."""
    visible = laid_on(image, visible)
    price, steps, known = number("price", price, 0), whole("steps", steps, 1, STEPS), inpaint(visible)
    x = torch.where(visible.bool(), image, _mean_colour(image, visible)).clone().requires_grad_()

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        return x, {"data": known(x, image), "variation": price * total_variation(x, 1.0)}

    found = last(descend(x, energy, steps=steps, lr=lambda: 0.03, project=lambda p: p.clamp_(0, 1))).value
    return torch.where(visible.bool(), image, found)


def sparse_coding(image: Tensor, visible: Tensor, atoms: np.ndarray, *, used: int = 5, stride: int = 4) -> Tensor:
    """Each patch as a sum of a few atoms of a dictionary that was learned from the patches of other pictures.

    The coefficients of a patch come from its visible values alone (orthogonal matching pursuit); the atoms then
    fill the rest, and overlapping patches are averaged. After Aharon, Elad & Bruckstein, K-SVD, 2006; the lecture
    compares with convolutional sparse coding (Papyan et al., 2017), which shares one dictionary among all shifts.

    Args:
        atoms: From :func:`dictionary`, (K, side·side·3).
        used: The most atoms in one patch.
        stride: The step from one patch to the next, in pixels; at most a patch's side.
    """
    from sklearn import config_context

    visible, side = laid_on(image, visible), _side(atoms, image)
    used, stride = whole("used", used), whole("stride", stride, 1, side)
    x, m = _array(torch.where(visible.bool(), image, _mean_colour(image, visible))), visible[0, 0].numpy() > 0.5
    total, count = np.zeros_like(x), np.zeros((*m.shape, 1))
    with config_context(assume_finite=True, skip_parameter_validation=True):  # or half of the time goes there
        for i, j in product(*(sorted({*range(0, n - side + 1, stride), n - side}) for n in m.shape)):
            at = slice(i, i + side), slice(j, j + side)
            if m[at].all():
                continue  # nothing is hidden here, and what is known stays
            patch, known = x[at].ravel(), np.repeat(m[at].ravel(), 3)
            mean = patch[known].mean() if known.any() else x[m].mean()
            total[at] += (mean + _code(atoms, patch - mean, known, used) @ atoms).reshape(side, side, 3)
            count[at] += 1
    return torch.where(visible.bool(), image, _picture(total / count.clip(1)))


def dictionary(examples: Tensor, *, side: int = 8, atoms: int = 128, seed: int = 0) -> np.ndarray:
    """Atoms (atoms, side·side·3) for patches of pictures (B,3,h,w) about their means, learned from the liveliest.

    ``side`` is at most 64, ``atoms`` at most 4096.
    """
    from sklearn.decomposition import MiniBatchDictionaryLearning
    from sklearn.feature_extraction.image import extract_patches_2d

    _images.check(examples)
    side, atoms = whole("side", side, 1, min(64, *examples.shape[2:])), whole("atoms", atoms, 1, 4096)
    seed = whole("seed", seed, 0)
    patches = np.concatenate([extract_patches_2d(_array(one[None]), (side, side), max_patches=500, random_state=seed)
                              for one in examples]).reshape(-1, side * side * 3)
    patches -= patches.mean(1, keepdims=True)
    patches = patches[patches.std(1) > np.median(patches.std(1)) / 2]
    if len(patches) < atoms:
        raise U3Error(f"{len(patches)} lively patches of {side}×{side} pixels are too few for {atoms} atoms; give more "
                      "or larger pictures, or fewer atoms")
    learner = MiniBatchDictionaryLearning(atoms, alpha=0.3, max_iter=2, batch_size=256, random_state=seed)
    return learner.fit(patches).components_


def _code(dictionary: np.ndarray, patch: np.ndarray, known: np.ndarray, used: int) -> np.ndarray:
    """Coefficients of a patch from its known values: atoms are compared on these alone."""
    from sklearn.linear_model import orthogonal_mp

    atoms, coefficients = dictionary[:, known].T, np.zeros(len(dictionary))
    lengths = np.linalg.norm(atoms, axis=0)
    usable = lengths > 1e-6
    if known.sum() < used or not usable.any():
        return coefficients
    coefficients[usable] = orthogonal_mp(atoms[:, usable] / lengths[usable], patch[known],
                                         n_nonzero_coefs=min(used, int(usable.sum()))) / lengths[usable]
    return coefficients


def _side(atoms: np.ndarray, image: Tensor) -> int:
    """The side of a dictionary's patches in pixels."""
    fits = isinstance(atoms, np.ndarray) and atoms.ndim == 2 and atoms.dtype.kind == "f" and 0 not in atoms.shape
    side = math.isqrt(atoms.shape[1] // 3) if fits else 0
    if not fits or atoms.shape[1] != 3 * side**2 or side > min(image.shape[2:]) or not np.isfinite(atoms).all():
        raise U3Error(f"atoms is {shown(atoms)}; give what prior.dictionary(…) made, finite floats (K, side·side·3) "
                      "with a side that the picture has room for")
    return side


def _mean_colour(image: Tensor, visible: Tensor) -> Tensor:
    return (image * visible).sum((2, 3), keepdim=True) / visible.sum()


def _array(image: Tensor) -> np.ndarray:
    return _images.check(image)[0].permute(1, 2, 0).double().numpy()


def _picture(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array).permute(2, 0, 1)[None].float().clamp(0, 1)


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
