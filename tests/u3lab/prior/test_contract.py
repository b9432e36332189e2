"""Every filler of the registry keeps its word, and has numbers that somebody else has, too.

A new line in ``prior.FILLERS`` is tested here without a word more; that its numbers are right, its oracle says.
"""

from functools import cache, reduce

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import minimised, refuses
from u3lab import images, prior
from u3lab.nets import checkpoints
from u3lab.prior import FILLERS, fillers, trained

EACH = pytest.mark.parametrize("name", FILLERS)
SIDE = 64


@cache
def given() -> tuple[Tensor, Tensor]:
    """A photo, and m, which hides 3×4 pixels here and there."""
    visible = torch.ones(1, 1, SIDE, SIDE)
    for row, column in ((10, 12), (30, 40), (44, 8), (20, 52)):
        visible[..., row : row + 3, column : column + 4] = 0
    return images.load("coffee", size=SIDE), visible


def fill(name: str, image: Tensor, visible: Tensor) -> Tensor:
    """In a few steps, where steps are made."""
    return FILLERS[name](image, visible, steps=25 if FILLERS[name].searches else None)


@cache
def filled(name: str) -> Tensor:
    image, visible = given()
    return fill(name, image * visible, visible)


@EACH
def test_what_is_known_stays_and_the_hole_becomes_a_picture(name: str):
    image, visible = given()
    made, hole = filled(name), (1 - visible).bool().expand_as(image)
    assert made.shape == image.shape and made.dtype == image.dtype and not made.requires_grad
    assert torch.equal(made[~hole], image[~hole]) and made.min() >= 0 and made.max() <= 1
    flat = (image * visible).sum((2, 3), keepdim=True) / visible.sum()
    assert prior.psnr(made[hole], image[hole]) > prior.psnr(flat.expand_as(image)[hole], image[hole]) + 1


@EACH
def test_what_is_hidden_has_no_say(name: str):
    image, visible = given()
    assert torch.equal(fill(name, torch.where(visible.bool(), image, 1 - image), visible), filled(name))


@EACH
def test_it_says_which_sides_it_takes(name: str):
    step = FILLERS[name].step
    if step > 1:
        x, visible = (torch.ones(1, channels, SIDE, SIDE + step // 2) for channels in (3, 1))
        refuses(FILLERS[name], x, visible, says=f"multiples of {step}")
    else:
        image, visible = given()
        odd = FILLERS[name](image[..., 1:], visible[..., 1:], steps=1 if FILLERS[name].searches else None)
        assert odd.shape == (1, 3, SIDE, SIDE - 1)


@EACH
def test_slips_are_told(name: str):
    image, visible = given()
    for words, call in (("hides every pixel", (image, visible * 0)), ("divide by 255", (image * 255, visible)),
                        ("make both from one picture", (image, visible[..., 1:]))):
        refuses(FILLERS[name], *call, says=words)
    words = "from 1 on" if FILLERS[name].searches else "makes no steps; those that do are"
    refuses(FILLERS[name], image, visible, steps=0, says=words)


def plain_prior(image: Tensor, visible: Tensor, psi: nn.Module, steps: int) -> Tensor:
    """After so many steps: the running mean of what the generator draws, where the picture is hidden."""
    m, draw, drawn = visible.bool().expand_as(image), torch.Generator().manual_seed(0), []

    def loss() -> Tensor:
        drawn.append(psi(psi.code.contiguous() + 0.03 * torch.randn(psi.code.shape, generator=draw)))
        return (drawn[-1] - image)[m].square().mean()

    minimised(torch.optim.Adam(psi.train().parameters(), lr=0.01), loss, steps)
    return torch.where(m, image, reduce(lambda mean, x: 0.9 * mean + 0.1 * x, drawn).detach())


def plain_variation(image: Tensor, visible: Tensor, price: float, steps: int) -> Tensor:
    """Mean square error of what is seen, and the price of all slopes, from one colour in the hole."""
    m = visible.bool().expand_as(image)
    x = torch.where(m, image, (image * visible).sum((2, 3), keepdim=True) / visible.sum()).requires_grad_()

    def loss() -> Tensor:
        down, right = F.pad(x.diff(dim=2), (0, 0, 0, 1)), F.pad(x.diff(dim=3), (0, 1))
        data = (visible * (x - image).square()).sum() / m.sum()
        return data + price * (down.square() + right.square() + 1e-8).sqrt().mean()

    minimised(torch.optim.Adam([x], lr=0.03), loss, steps, lambda: x.data.clamp_(0, 1))
    return torch.where(m, image, x.detach())


@pytest.mark.oracle("the same steps in plain torch", prior=["deep image prior"])
def test_the_deep_image_prior_is_a_few_lines_of_plain_torch():
    image, visible = given()
    found = FILLERS["deep image prior"](image, visible, steps=6)  # and the picture before the first one
    torch.testing.assert_close(found, plain_prior(image, visible, prior.generator(size=SIDE), 6), atol=1e-4, rtol=0)


@pytest.mark.oracle("the same steps in plain torch", prior=["total variation"])
def test_total_variation_is_a_few_lines_of_plain_torch():
    image, visible = given()
    found = prior.tv_inpaint(image, visible, price=0.01, steps=4)
    torch.testing.assert_close(found, plain_variation(image, visible, 0.01, 4), atol=1e-5, rtol=0)


@pytest.mark.oracle("SPORCO's other algorithm, which decouples the mask", prior=["convolutional sparse coding"])
def test_sparse_coding_is_the_answer_of_another_algorithm():
    """Of two that make the same energy least, on 24 pixels: nine parts in ten of what the maps add are the same."""
    from sporco.admm import cbpdn, tvl2
    from sporco.util import convdicts

    image, visible = (one[..., :24, :24] for one in given())
    border = ((8, 8), (8, 8), (0, 0))
    m = np.pad(visible[0].permute(1, 2, 0).numpy().repeat(3, 2), border)
    x = np.pad((image * visible)[0].permute(1, 2, 0).numpy(), border, mode="symmetric")
    low = tvl2.TVL2Denoise(x, 0.05, tvl2.TVL2Denoise.Options({
        "MaxMainIter": 120, "DFidWeight": m, "gEvalY": False, "AutoRho": {"Enabled": True}}), caxis=2).solve()
    other = cbpdn.ConvBPDNMaskDcpl(convdicts()["RGB:8x8x3x64"], m * (x - low), 0.02, m, cbpdn.ConvBPDNMaskDcpl.Options(
        {"MaxMainIter": 120, "AutoRho": {"Enabled": True}}))
    other.solve()
    smooth, wanted = (torch.from_numpy(one[8:-8, 8:-8]).permute(2, 0, 1)[None].float() for one in (
        low, low + other.reconstruct().squeeze()))
    hole = (1 - visible).bool().expand_as(image)
    found = prior.convolutional_sparse_coding(image, visible, steps=120)
    assert (found - wanted)[hole].abs().mean() < 0.1 * (smooth - wanted)[hole].abs().mean()


@pytest.mark.oracle("one pass through the network, by hand", prior=["trained inpainter"])
def test_the_inpainter_adds_to_a_harmonic_filling_of_what_is_known():
    image, visible = given()
    known = torch.where(visible.bool(), image, float("nan")).nan_to_num(0.7)  # what is hidden has no part in it
    net = checkpoints.restore(trained.inpainter(), "inpainter")
    with torch.no_grad():
        filled = trained.harmonic(known, visible)
        added = net.colour(net.body(torch.cat([filled, visible], 1)))
        torch.testing.assert_close(FILLERS["trained inpainter"](image, visible),
                                   torch.where(visible.bool(), image, (filled + added).clamp(0, 1)))


def pursued(atoms: np.ndarray, patch: np.ndarray, used: int) -> np.ndarray:
    """Coefficients of (K,n) atoms for what is known of a patch (n): the atom that fits the rest best joins, and all
    that have joined are fitted anew (Pati, Rezaiifar & Krishnaprasad, 1993)."""
    unit = atoms / np.linalg.norm(atoms, axis=1, keepdims=True).clip(1e-12)
    found, rest, coefficients = [], patch, np.zeros(len(atoms))
    for _ in range(used):
        found.append(int(np.abs(unit @ rest).argmax()))
        fitted = np.linalg.lstsq(atoms[found].T, patch, rcond=None)[0]
        rest = patch - fitted @ atoms[found]
    coefficients[found] = fitted
    return coefficients


def patch_by_patch(image: Tensor, visible: Tensor, atoms: np.ndarray, used: int = 5, stride: int = 4) -> Tensor:
    """Each patch about its mean, coded by what is known of it; where patches overlap, their mean."""
    side = round((atoms.shape[1] / 3) ** 0.5)
    x, m = image[0].permute(1, 2, 0).double().numpy(), visible[0, 0].numpy() > 0
    total, count = np.zeros_like(x), np.zeros(m.shape)
    rows, columns = ([*range(0, n - side, stride), n - side] for n in m.shape)
    for i in rows:
        for j in columns:
            at = np.s_[i : i + side, j : j + side]
            known = np.repeat(m[at].ravel(), 3)
            patch = x[at].ravel()[known]
            mean = patch.mean()
            coefficients = pursued(atoms[:, known], patch - mean, used)
            total[at] += (mean + coefficients @ atoms).reshape(side, side, 3)
            count[at] += 1
    made = torch.from_numpy(total / count[..., None]).permute(2, 0, 1)[None].float().clamp(0, 1)
    return torch.where(visible.bool(), image, made)


@pytest.mark.oracle("matching pursuit in NumPy, patch by patch", prior=["sparse coding of patches"])
def test_patches_are_coded_by_matching_pursuit():
    image = images.load("coffee", size=40)
    visible = (torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) > 0.4).float()
    wanted = patch_by_patch(image, visible, fillers.atoms())
    assert (wanted - image).abs().mean() < 0.05
    torch.testing.assert_close(FILLERS["sparse coding of patches"](image, visible), wanted, atol=1e-4, rtol=0)
    assert torch.equal(prior.sparse_coding(image, visible, fillers.atoms()),
                       FILLERS["sparse coding of patches"](image, visible))
