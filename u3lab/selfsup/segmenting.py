"""Segmentation by mutual information: what is clustered are places of a picture, and neighbours count as views too.

    z = Φ(x), z′ = g⁻¹ Φ(g x)                              shares of k classes at each place u, (n,k,h,w)
    P_t = 1/(n·|Ω|) Σ_i Σ_u z_i(u) z′_i(u + t)ᵀ            for each displacement t, at most T places a side

    pooled joint    I( mean over t of P_t )                what is here has to tell what is around here
    mean of MIs     mean over t of I( P_t )                any fixed pattern will do: stripes reach the bound ln k

Ji, Henriques & Vedaldi, Invariant information clustering for unsupervised image classification and segmentation, ICCV
2019, section 3.3. Their equation 5 is the mean of informations; their code has both.
"""

from collections.abc import Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import function, is_a, tensors, whole
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.nets.gate import eval_mode, ready
from u3lab.selfsup.clustering import Views, check_sub_heads, terms, viewed
from u3lab.selfsup.information import check_both, mutual_information
from u3lab.selfsup.upright import TURNS, check_square, turned
from u3lab.selfsup.views import relit
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.learning import answers, head_of, learn, maps
from u3lab.training.tasks import Posed, Task


@settings
class SegmentSettings:
    """Settings of :func:`segment`."""

    reach: int = setting(4, 0, 32, symbol="T", help="displacements go so many places of the map each way")
    pooled: bool = setting(True, help="pool the joints before the information, instead of averaging informations")
    lam: float = setting(1.0, 0.0, 4.0, symbol="λ", help="weight of even use of the classes; with 1, the information")
    lr: float = loop.rate(0.005, falls=True)
    steps: int = loop.steps(300)
    batch_size: int = loop.batch_size(16, 1024, "pictures at each step", symbol="n", slide_to=64)
    heads: int = setting(5, 1, 20, once=True, help="sub-heads; the one with the lowest loss is chosen")
    over: int = setting(0, 0, 100, once=True, help="classes of further heads that only help to learn; 0 for none")
    seed: int = loop.seed("the views, their order, and the heads' weights")


def displaced_joints(z: Tensor, z_moved: Tensor, reach: int) -> Tensor:
    """P_t for each displacement t of up to ``reach`` T places: (2T+1,2T+1,k,k), rows of t first, each of sum 1.

    One convolution does it: z is a bank of k filters, as large as the maps, which slides over z′. Places that t moves
    out of the map do not count.

    Args:
        z, z_moved: (n,k,h,w) each: shares at each place, of both views *on one grid*: g⁻¹ is undone already.

    Raises:
        U3Error: Maps that do not fit each other, what are no shares of each place, as logits are none, or too far a
            reach.
    """
    tensors(z=(z, "NKHW"), z_moved=(z_moved, "NKHW"))
    check_both(z, z_moved)
    if (reach := whole("reach", reach, 0)) >= min(z.shape[2:]):
        raise U3Error(f"a displacement of {reach} leaves no place of maps of {z.shape[2]}×{z.shape[3]}; give less")
    slid = F.conv2d(z_moved.transpose(0, 1), z.transpose(0, 1), padding=reach)  # (k of z′, k of z, 2T+1, 2T+1)
    P = slid.permute(2, 3, 1, 0).clamp_min(0)
    return P / P.sum((2, 3), keepdim=True)


def segmentation_loss(z: Tensor, z_moved: Tensor, *, reach: int = 4, pooled: bool = True, lam: float = 1.0) -> Tensor:
    """−I of the pooled joint over all displacements, or minus the mean of their informations; a scalar.

    Arguments as for :func:`displaced_joints`; each joint is made symmetric, since both views are of one network.
    """
    is_a("pooled", pooled, bool, "give True or False")
    P = displaced_joints(z, z_moved, reach)
    P = (P + P.transpose(2, 3)) / 2
    return -mutual_information(P.mean((0, 1)) if pooled else P, lam=lam).mean()


class DenseHeads(nn.Module):
    """Several linear classifiers of each place, and further ones with ``over`` classes; they undo g in the second view.

    ``more`` of a question is g: quarter turns (B), from 0 to 3, after a mirroring (B), 0 or 1.
    """

    def __init__(self, channels: int, k: int, heads: int = 5, over: int = 0) -> None:
        super().__init__()
        self.k, self.heads, self.parts = k, heads, [k, over] if over else [k]
        self.layer = nn.Conv2d(channels, heads * (k + over), 1)

    def forward(self, maps: Tensor, g: Tensor | None = None) -> tuple[Tensor, ...]:
        """Maps (B,V,C,h,w) → shares (B,V,heads,k,h,w), and with ``over`` also (B,V,heads,over,h,w)."""
        scores = self.layer(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        if g is not None:
            undone = mirrored(turned(scores[:, 1], (TURNS - g[:, 0]) % TURNS), g[:, 1])
            scores = torch.stack([scores[:, 0], undone], 1)
        return tuple(one.softmax(3) for one in scores.unflatten(2, (self.heads, -1)).split(self.parts, 3))


def mirrored(images: Tensor, which: Tensor) -> Tensor:
    """Pictures (B,C,H,W), those whose number (B) is 1 with left and right exchanged."""
    return torch.where(which.view(-1, 1, 1, 1) == 1, images.flip(3), images)


def segmenting(k: int, *, light: Views = relit, settings: SegmentSettings | None = None) -> Task:
    """Segmentation as a pretext task: square pictures and, of each, one mirrored and turned by chance.

    ``light`` makes both brighter, darker or whatever else leaves each pixel at its place.
    """
    settings, k = or_default(settings, SegmentSettings), whole("k", k, 2, 100)
    function("light", light, 2, "give a function of pictures and a generator, such as selfsup.relit")

    def pose(raw: Tensor, generator: torch.Generator) -> Posed:
        g = torch.stack([torch.randint(most, (len(raw),), generator=generator) for most in (TURNS, 2)], 1)
        moved = turned(mirrored(raw, g[:, 1]), g[:, 0])
        both = torch.stack([viewed("light", light, one, generator) for one in (raw, moved)], 1)
        return Posed(both, torch.zeros(len(raw)), (g,))

    return Task(pose, lambda channels: DenseHeads(channels, k, settings.heads, settings.over),
                lambda shares, _: terms(shares, partial(segmentation_loss, reach=settings.reach, pooled=settings.pooled,
                                                        lam=settings.lam)),
                lambda shares, _: shares[0][:, 0, 0])


def dense_heads(net: nn.Module, k: int, *, settings: SegmentSettings | None = None) -> nn.Module:
    """Fresh sub-heads for an encoder, as :func:`segment` takes them."""
    settings = or_default(settings, SegmentSettings)
    return head_of(net, segmenting(k, settings=settings), seed=settings.seed)


def segment(net: nn.Module, images: Tensor, k: int, *, head: nn.Module | None = None, light: Views = relit,
            settings: SegmentSettings | None = None) -> Iterator[Step]:
    """Learn to sort the places of pictures into k classes without labels.

    Args:
        net: From :func:`texture_encoder`; changed in place. Any encoder from pictures to maps will do.
        images: Square pictures (N,3,S,S) in [0,1].
        head: From :func:`dense_heads`; changed in place. Give one to ask it afterwards, with :func:`segments`.
        light: What differs between the two views beside the turn and the mirror, pixel by pixel.
        settings: ``reach``, ``pooled``, ``lam`` and ``lr`` are read at every step.

    Yields:
        Step: ``value`` is what the first sub-head says of the batch, shares (B,k,h,w).

    Raises:
        U3Error: Pictures that are not square, or maps that are smaller than the reach.
    """
    settings = or_default(settings, SegmentSettings)
    ready(net, images)
    check_square(images)
    task = segmenting(k, light=light, settings=settings)
    head = dense_heads(net, k, settings=settings) if head is None else check_sub_heads(head, k, DenseHeads)
    return learn(net, images, task, head=head, rate=loop.annealed(settings), settings=settings)


@torch.no_grad()
def segments(net: nn.Module, head: nn.Module, images: Tensor) -> Tensor:
    """What all sub-heads say of each pixel of pictures (N,3,H,W): (heads,N,k,H,W), from maps made as large again."""
    net = ready(net, images)
    eval_mode("head", head, DenseHeads, "make one with selfsup.dense_heads(net, k)")
    found = torch.cat([head(maps(net, part)[:, None])[0][:, 0] for part in images.split(32)])
    large = F.interpolate(found.flatten(1, 2), size=images.shape[2:], mode="bilinear", align_corners=False)
    return large.unflatten(1, found.shape[1:3]).transpose(0, 1)


@torch.no_grad()
def best_dense_head(net: nn.Module, head: nn.Module, images: Tensor, *, light: Views = relit, seed: int = 0,
                    settings: SegmentSettings | None = None) -> int:
    """The number of the sub-head with the lowest loss on square pictures and their moved views. No label is used."""
    settings = or_default(settings, SegmentSettings)
    net = ready(net, images)
    eval_mode("head", head, DenseHeads, "make one with selfsup.dense_heads(net, k)")
    task = segmenting(head.k, light=light, settings=settings)
    posed = task.pose(check_square(images), torch.Generator().manual_seed(whole("seed", seed, 0)))
    shares, *_ = answers(net, head, posed)
    losses = [task.loss((shares[:, :, n : n + 1],), posed.target)["−I"] for n in range(head.heads)]
    return int(torch.stack(losses).argmin())
