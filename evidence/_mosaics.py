"""Mosaics segmented without labels, their rivals, and a number that sees stripes; and the rivals of what sorts digits:
k-means on pixels, and on digits made upright by a formula."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.lessons.selfsup.clusters import WAYS, kmeans
from u3course.worlds import mosaics
from u3lab.descent import last
from u3lab.images import blur
from u3lab.selfsup import SegmentSettings, dense_heads, segment, texture_encoder
from u3lab.selfsup.matching import hungarian_accuracy


def by_kmeans(things: Tensor, labels: Tensor, k: int, seed: int) -> tuple[float, float]:
    """The floor: k-means on pixel values, things (N,…)."""
    return (hungarian_accuracy(kmeans(things, k, seed), labels),) * 2


def deskewed(digits: Tensor) -> Tensor:
    """Digits (N,1,H,W), each sheared so that its ink does not lean: what a rival without learning can be told of views.

    With the ink as weights, x leans on y by the slope cov(x, y)/var(y); each row is shifted back by that.
    """
    count, _, height, width = digits.shape
    y, x = (torch.linspace(-1, 1, side).to(digits) for side in (height, width))
    ink = digits[:, 0] / digits.sum((1, 2, 3)).clamp_min(1e-6).view(-1, 1, 1)
    middle_y, middle_x = (ink.sum(2) * y).sum(1), (ink.sum(1) * x).sum(1)
    dy, dx = y - middle_y[:, None], x - middle_x[:, None]
    slope = torch.einsum("nhw,nh,nw->n", ink, dy, dx) / torch.einsum("nhw,nh->n", ink, dy.square()).clamp_min(1e-6)
    theta = torch.zeros(count, 2, 3).to(digits)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 1], theta[:, 0, 2], theta[:, 1, 2] = slope, middle_x, middle_y  # and its middle goes to the middle
    return F.grid_sample(digits, F.affine_grid(theta, list(digits.shape), align_corners=True), align_corners=True)


WINDOW = 8.0  # pixels: σ of the window in which contrast and edges are measured, 28/√12
CHOOSING = ("textures", 0)  # the seed by whose labels the settings were chosen: its numbers judge nothing
MADE = {"textures": (mosaics.textures, 3), "satellite": (mosaics.satellite, 4)}
TEN = {"steps": 80, "reach": 0, "heads": 3}  # ten classes, to learn features; their heads are thrown away
POOLED = {"steps": 80, "reach": 1, "heads": 8}  # then the classes wanted, by the pooled joint
ALONE = {"steps": 160, "reach": 0, "heads": 3}  # the classes wanted at once, and no neighbours
ALL = {"batch_size": 24, "lr": 0.006}


def learnt(images: Tensor, k: int, way: str, seed: int, *, steps: int | None = None,
           colour: bool = False) -> tuple[nn.Module, nn.Module, SegmentSettings]:
    """A network, its sub-heads of k classes and their settings, learnt one of two ``WAYS`` from pictures alone."""
    net = texture_encoder(seed=seed, colour=colour)
    for classes, given in ([(10, TEN), (k, POOLED)] if way == WAYS[0] else [(k, ALONE)]):
        settings = SegmentSettings(**ALL, **{**given, **({"steps": steps} if steps else {})}, seed=seed)
        head = dense_heads(net, classes, settings=settings)
        last(segment(net, images, classes, head=head, settings=settings), total=settings.steps + 1,
             title=f"{classes} classes")
    return net, head, settings


def by_pixel(values: Tensor, k: int, seed: int) -> Tensor:
    """Cluster pixels by k-means of what each has, such as its colour: (N,C,H,W) → numbers of clusters (N,H,W)."""
    return kmeans(values.permute(0, 2, 3, 1).flatten(0, 2), k, seed).view_as(values[:, 0])


def around(images: Tensor, *, edges: bool) -> Tensor:
    """Describe the surroundings of each pixel of pictures (N,3,H,W) without learning: (N,F,H,W), mean 0 and spread 1.

    The first number is the local contrast. With ``edges`` four more follow, how much the grey changes along each of
    four directions. All are means over a Gaussian window as wide as the network's window of 28 pixels, as logarithms.
    """
    grey = images.mean(1, keepdim=True)
    found = [(grey - blur(grey, WINDOW)).square()]
    if edges:
        padded = F.pad(grey, [1] * 4, mode="reflect")
        down, right = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1], padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
        found += [right.square(), (right + down).square() / 2, down.square(), (right - down).square() / 2]
    energy = blur(torch.cat(found, 1), WINDOW).clamp_min(1e-6).log()
    mean, spread = energy.mean((0, 2, 3), keepdim=True), energy.std((0, 2, 3), keepdim=True)
    return (energy - mean) / spread.clamp_min(1e-6)


def sameness(maps: Tensor) -> float:
    """How far maps (N,H,W) of whole numbers are one and the same: 1 for stripes that ignore the pictures.

    At each place the share of pictures that have the place's most frequent class there; then the mean of all places.
    """
    return float(F.one_hot(maps).double().mean(0).amax(2).mean())
