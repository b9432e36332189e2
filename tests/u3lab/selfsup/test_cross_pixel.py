"""What moves together: the loss against two loops and against its least value, and groups of pixels that it learns."""

import math

import pytest
import torch
from scipy.stats import pearsonr
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from torch import Tensor
from torch.special import entr

from tests.helpers import refuses, seeded
from u3lab.descent import last
from u3lab.selfsup import PretextSettings, cross_pixel, encoder, head_of, pretrain


def plain(codes: Tensor, flow: Tensor, sigma: float, kappa: float) -> float:
    """The loss of one picture, pixel by pixel."""
    def shares(kernel: list[list[float]]) -> list[list[float]]:
        powers = [[0.0 if u == v else math.exp(k) for v, k in enumerate(row)] for u, row in enumerate(kernel)]
        return [[one / sum(row) for one in row] for row in powers]

    pixels, found = range(len(codes)), 0.0
    wanted = shares([[math.exp(-(flow[u] - flow[v]).square().sum().item() / (2 * sigma**2)) for v in pixels]
                     for u in pixels])
    told = shares([[kappa * torch.cosine_similarity(codes[u], codes[v], dim=0).item() for v in pixels]
                   for u in pixels])
    for u in pixels:
        for v in pixels:
            if u != v:
                found -= wanted[u][v] * math.log(told[u][v]) / len(codes)
    return found


@pytest.mark.oracle("two loops", selfsup=["moving"])
def test_the_loss_is_that_of_two_loops():
    codes = torch.randn(3, 7, 5, dtype=torch.float64, generator=seeded())
    flow = 0.3 * torch.randn(3, 7, 2, dtype=torch.float64, generator=seeded(1))
    found = sum(cross_pixel.cross_pixel(codes, flow, sigma=0.2, kappa=2.0).values())
    assert found.item() == pytest.approx(sum(plain(*one, 0.2, 2.0) for one in zip(codes, flow, strict=True)) / 3)


def test_the_least_loss_is_the_entropy_of_the_rows_and_is_reached():
    """Two groups with opposite flows: κ cos is κ or −κ, and K^f 1 or 0, so that κ = ½ makes S^φ = S^f."""
    group = torch.tensor([0, 0, 0, 1, 1, 0, 1, 1])
    flow = torch.tensor([[1.0, 0], [-1.0, 0]], dtype=torch.float64)[group][None]
    codes = torch.tensor([[0.3, 2.0, 1], [-0.3, -2.0, -1]], dtype=torch.float64)[group][None]
    shares = cross_pixel.log_shares(cross_pixel.flow_kernel(flow, 0.1)).exp()
    least = entr(shares).sum(-1).mean().item()
    assert torch.allclose(shares.sum(-1), torch.ones(8, dtype=torch.float64)) and shares.diagonal(0, 1, 2).sum() == 0
    assert sum(cross_pixel.cross_pixel(codes, flow, sigma=0.1, kappa=0.5).values()).item() == pytest.approx(least)
    for seed in range(5):
        other = codes + torch.randn(codes.shape, dtype=torch.float64, generator=seeded(seed))
        assert sum(cross_pixel.cross_pixel(other, flow, sigma=0.1, kappa=0.5).values()).item() > least + 1e-4


def test_the_gradient_of_the_loss():
    codes = torch.randn(2, 5, 3, dtype=torch.float64, generator=seeded(), requires_grad=True)
    flow = torch.randn(2, 5, 2, dtype=torch.float64, generator=seeded(1))
    assert torch.autograd.gradcheck(
        lambda codes: sum(cross_pixel.cross_pixel(codes, flow, sigma=1.0).values()), (codes,))


def test_the_camera_and_the_speed_make_no_difference():
    flow = torch.randn(2, 2, 9, 9, generator=seeded())
    flow[:, :, :6] = 0  # most of the picture is ground
    seen = cross_pixel.relative(flow)
    assert torch.allclose(seen, cross_pixel.relative(4 * flow + torch.tensor([3.0, -2]).view(2, 1, 1)), atol=1e-5)
    assert torch.allclose(seen.square().sum(1).flatten(1).amax(1), torch.ones(2)) and seen[:, :, :6].abs().max() == 0
    still = 0.01 * flow
    assert torch.allclose(cross_pixel.relative(still), still / cross_pixel.STILL, atol=1e-6), "noise is not stretched"


def test_the_head_reads_the_code_of_each_place():
    """Places are those of the target's pixels: a head whose codes are the picture itself returns its pixels."""
    x, y = torch.meshgrid(torch.arange(12.0), torch.arange(8.0), indexing="xy")
    flow = torch.stack([x, y])[None].repeat(2, 1, 1, 1)
    posed = cross_pixel.pose((torch.rand(2, 3, 8, 12, generator=seeded()), flow), seeded(), pixels=40)
    head = cross_pixel.Dense(4, finer=1)
    head.layers = torch.nn.Identity()
    read = head(cross_pixel.relative(flow)[:, None], *posed.more)
    assert read.shape == (2, 40, 2) and torch.allclose(read, posed.target, atol=1e-5)
    assert len(posed.more[0][0].unique(dim=0)) == 40


def test_likeness_is_pearsons_correlation():
    codes, flow = torch.randn(2, 9, 4, generator=seeded()), torch.randn(2, 9, 2, generator=seeded(1))
    upper = torch.triu_indices(9, 9, 1)
    expected = [pearsonr(cross_pixel.code_kernel(one)[*upper], cross_pixel.flow_kernel(two, 0.5)[*upper]).statistic
                for one, two in zip(codes, flow, strict=True)]
    assert cross_pixel.alike(codes, flow, sigma=0.5).item() == pytest.approx(sum(expected) / 2, abs=1e-5)


def squares(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """A red square that moves on green ground, and its mask; both have speckles of each other's brightness."""
    g = seeded(seed)
    pictures, flow = torch.zeros(count, 3, 32, 32), torch.zeros(count, 2, 32, 32)
    masks = torch.zeros(count, 32, 32, dtype=torch.long)
    pictures[:, 1] = torch.rand(count, 32, 32, generator=g)
    for n, (row, column) in enumerate(torch.randint(2, 18, (count, 2), generator=g).tolist()):
        here = slice(row, row + 12), slice(column, column + 12)
        pictures[n, 0][here], pictures[n, 1][here] = pictures[n, 1][here].clone(), 0
        flow[n, :, here[0], here[1]] = torch.randn(2, 1, 1, generator=g) + 2
        masks[n][here] = 1
    return pictures, flow, masks


def agreement(codes: Tensor, masks: Tensor) -> float:
    """The mean adjusted Rand index of masks and of pixels grouped in two by k-means on their codes (B,D,H,W)."""
    return sum(adjusted_rand_score(mask.flatten(), KMeans(2, n_init=4, random_state=0).fit(code.flatten(1).T).labels_)
               for code, mask in zip(codes, masks, strict=True)) / len(codes)


def test_it_learns_to_group_a_still_picture():
    pictures, flow, _ = squares(48, 1)
    net = encoder(4, seed=0)
    head = head_of(net, "moving")
    last(pretrain(net, (pictures, flow), "moving", head=head,
                  settings=PretextSettings(steps=60, batch_size=12, lr=0.01)))
    pictures, _, masks = squares(10, 2)
    assert agreement(cross_pixel.pixel_codes(net, head, pictures), masks) > 0.7 > agreement(pictures, masks)


def test_flow_that_does_not_fit_and_small_pictures_are_refused():
    pictures, flow = torch.rand(2, 3, 8, 8, generator=seeded()), torch.rand(2, 2, 8, 8, generator=seeded())
    for bad, pixels, said in ((flow[:, :1], 20, "give .B,2,H,W"), (flow[..., :4], 20, "with B = 2"),
                              (flow / 0, 20, "NaN or infinite"), (flow, 65, "65 pixels .* these have 64")):
        refuses(cross_pixel.pose, (pictures, bad), seeded(), pixels=pixels, says=said)
