"""How good a drawn picture is, how far several disagree, and how fast an untrained network takes a target up.

Noise it takes up slowly: Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018, section 2 and figure 2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import alike, listed, number, tensors, whole
from u3lab.errors import U3Error
from u3lab.nets.classifier import one_picture

WINDOW = 7  # pixels, of structural similarity


def psnr(x: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibel, −10 log₁₀ mean (x − truth)², of pictures in [0,1]: more is better.

    Half the error is 6 dB more. 20 dB is rough, 30 dB is good. Any two tensors of one shape will do, such as the pixels
    of a hole. Raises U3Error on different shapes and on values that are no part of pictures in [0,1].
    """
    _compared(x, truth)
    return -10 * (x - truth).square().mean().log10()


def ssim(x: Tensor, truth: Tensor) -> float:
    """Structural similarity of two pictures (1,C,H,W) in [0,1] (scikit-image's): 1 for equal ones.

    Raises U3Error as :func:`psnr` does, and on pictures of fewer than 7×7 pixels.
    """
    from skimage.metrics import structural_similarity

    tensors(truth=(truth, "1CHW"))
    _compared(x, truth)
    if min(truth.shape[2:]) < WINDOW:
        raise U3Error(f"{truth.shape[2]}×{truth.shape[3]} pixels are too few for structural similarity, which looks at "
                      f"windows of {WINDOW}×{WINDOW}; give larger pictures")
    one, other = (picture[0].permute(1, 2, 0).double().cpu().numpy() for picture in (x, truth))
    return float(structural_similarity(one, other, channel_axis=-1, data_range=1.0))


def disagreement(pictures: Sequence[Tensor]) -> Tensor:
    """Where several answers to one question differ: standard deviation over them, averaged over colours, (1,1,H,W).

    Raises:
        U3Error: Fewer than two pictures.
    """
    if len(listed("pictures", pictures, Tensor, "pictures (1,C,H,W)")) < 2:
        raise U3Error(f"{len(pictures)} picture cannot disagree with itself; give two or more, from different seeds")
    tensors(**{"pictures[0]": (pictures[0], "1CHW")})
    alike(**{f"pictures[{n}]": x for n, x in enumerate(pictures)})
    return torch.cat(list(pictures)).std(0, correction=0).mean(0)[None, None]


def _compared(x: Tensor, truth: Tensor) -> None:
    """Two of one shape in [0,1]. What is compared may leave it a little, as noise does."""
    alike(x=x, truth=truth)
    if truth.min() < -1e-4 or truth.max() > 1 + 1e-4 or (x - truth).square().mean() > 1:
        raise U3Error(f"the values go from {min(x.min(), truth.min()):.3g} to {max(x.max(), truth.max()):.3g}, but "
                      "pictures in [0,1] are compared here; divide both by 255, or by their peak")


def targets(image: Tensor, *, strength: float = 0.15, seed: int = 0) -> dict[str, Tensor]:
    """The picture, the picture with noise, its pixels in a random order, and white noise; all in [0,1].

    ``strength`` is the noise's standard deviation (the paper's figure adds noise of 25 levels, 0.1). The white noise
    has the picture's mean and spread, but for what is cut off at 0 and 1.
    """
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    x, strength = one_picture(_images.check(image)), number("strength", strength, 0)
    noise = torch.randn(x.shape, generator=generator)
    order = torch.randperm(x.shape[2] * x.shape[3], generator=generator)
    white = x.mean() + x.std() * torch.randn(x.shape, generator=generator)
    return {"picture": x, "picture + noise": (x + strength * noise).clamp(0, 1),
            "shuffled pixels": x.flatten(2)[..., order].view_as(x), "white noise": white.clamp(0, 1)}


def unexplained_variance(x: Tensor, target: Tensor) -> Tensor:
    """‖x − x₀‖² as a share of the variance of x₀ about the mean of each channel; pictures (1,C,H,W).

    1 for a picture of the right mean colour and nothing else, whatever the contrast of x₀; 0 for x₀ itself.
    Raises U3Error on different shapes, values that are not finite and a target of one colour.
    """
    alike(x=x, target=target)
    tensors(target=(target, "1CHW"))
    if not (variance := (target - target.mean((2, 3), keepdim=True)).square().sum()):
        raise U3Error("the target has one colour throughout and so no variance; give a picture with something in it")
    return (x - target).square().sum() / variance


def first_step_below(curve: list[float], share: float) -> int | None:
    """The first step at which no more than ``share`` of the variance is missing; None if that never comes."""
    shares = [number("a share in curve", left) for left in listed("curve", curve, what="shares")]
    share = number("share", share, 0)
    return next((step for step, left in enumerate(shares) if left <= share), None)
