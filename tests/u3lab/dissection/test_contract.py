"""Every finder of the registry keeps its word: what it looks at, what it finds, what it leaves alone.

A new line in ``dissection.FINDERS`` is tested here without a word more; that its numbers are right, its oracle says.
"""

from functools import cache

import pytest
import torch
from torch import Tensor

from tests.helpers import minimised, refuses
from u3lab.dissection import FINDERS, iou_set

EACH = pytest.mark.parametrize("name", FINDERS)
SIZE = (16, 16)


@cache
def made(count: int = 60) -> tuple[Tensor, Tensor]:
    """Eight units that are blobs; the concept is where unit 2 or unit 5 is on, and unit 1 is not."""
    g = torch.Generator().manual_seed(0)
    active = torch.nn.functional.interpolate(torch.rand(count, 8, 3, 3, generator=g), size=(8, 8)) > 0.6
    small = (active[:, 2] | active[:, 5]) & ~active[:, 1]
    keep = small.flatten(1).any(1)
    return active[keep], small[keep].repeat_interleave(2, 1).repeat_interleave(2, 2)


@cache
def halves() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """To learn from, and to be judged on."""
    active, masks = made()
    return (active[::2], masks[::2]), (active[1::2], masks[1::2])


@EACH
def test_it_finds_the_concept_in_pictures_that_it_has_not_seen(name: str):
    learn, (others, masks) = halves()
    found = FINDERS[name](*learn)(others, SIZE)
    assert found.shape == masks.shape and found.dtype == torch.bool
    floor = float(masks.double().mean())  # the IoU of who says everywhere
    assert iou_set(found, masks) == pytest.approx(floor) if FINDERS[name].units == 0 else iou_set(
        found, masks) > floor + 0.05


@EACH
def test_it_looks_at_as_many_units_as_it_says(name: str):
    """Spoil one unit after the other, and see whether the answer changes."""
    learn, (others, _) = halves()
    find = FINDERS[name](*learn)
    before = find(others, SIZE)
    looked = 0
    for unit in range(others.shape[1]):
        spoilt = others.clone()
        spoilt[:, unit] = ~spoilt[:, unit]
        looked += not torch.equal(find(spoilt, SIZE), before)
    wanted = others.shape[1] if FINDERS[name].units is None else FINDERS[name].units
    assert looked == wanted


@EACH
def test_the_same_pictures_give_the_same_answer_and_stay_as_they_are(name: str):
    (active, masks), (others, _) = halves()
    copies = active.clone(), masks.clone(), others.clone()
    drawn = torch.get_rng_state()
    first, again = (FINDERS[name](active, masks)(others, SIZE) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(drawn, torch.get_rng_state())
    assert all(torch.equal(one, copy) for one, copy in zip((active, masks, others), copies, strict=True))


@EACH
def test_slips_are_told(name: str):
    (active, masks), (others, _) = halves()
    for words, call in (("compare the features", (active.float(), masks)), ("no pixel of the concept", (
            active, masks & False)), ("masks has the shape", (active, masks[1:]))):
        refuses(FINDERS[name], *call, says=words)
    find = FINDERS[name](active, masks)
    for words, call in (("compare the features", (others.float(), SIZE)), ("5 units, it was learnt from 8", (
            others[:, :5], SIZE)), ("give height and width", (others, (16,)))):
        refuses(find, *call, says=words)


@pytest.mark.oracle("the share of its pixels, counted", dissection=["everywhere"])
def test_everywhere_has_the_concept_s_share_as_its_iou():
    learn, (others, masks) = halves()
    counted = sum(pixel for picture in masks.tolist() for row in picture for pixel in row) / masks.numel()
    assert iou_set(FINDERS["everywhere"](*learn)(others, SIZE), masks) == pytest.approx(counted)


@pytest.mark.oracle("all units, one by one", dissection=["one unit"])
def test_one_unit_is_the_best_of_all():
    (active, masks), (others, _) = halves()
    large = [torch.nn.functional.interpolate(one[:, k, None].float(), size=SIZE, mode="bilinear")[:, 0] > 0.5
             for one in (active, others) for k in range(8)]
    ious = [float((on & masks).sum() / (on | masks).sum()) for on in large[:8]]
    assert torch.equal(FINDERS["one unit"](active, masks)(others, SIZE), large[8 + ious.index(max(ious))])


def descended(active: Tensor, masks: Tensor, kept: Tensor) -> Tensor:
    """Net2Vec's w (1,U,1,1) over the kept units: 100 steps with momentum from small random weights, in plain torch."""
    y, a = masks.to(active.dtype), active[:, kept]
    alpha, w = 1 - y.mean(), 2 * torch.rand(len(kept), generator=torch.Generator().manual_seed(0)) - 1
    w = (w / len(kept) ** 0.5).to(a)[None, :, None, None].requires_grad_()

    def loss() -> Tensor:
        p = torch.sigmoid(votes(a, w, masks.shape[1:]))
        return -(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)).mean()

    minimised(torch.optim.SGD([w], lr=10.0, momentum=0.9), loss, 100)
    return w.detach()


def votes(active: Tensor, w: Tensor, size: tuple[int, int]) -> Tensor:
    return torch.nn.functional.interpolate(torch.conv2d(active, w), size=size, mode="bilinear")[:, 0]


def plain_votes(active: Tensor, masks: Tensor, others: Tensor, filters: int | None) -> Tensor:
    """As its authors train it: with all units, and once more with those of the largest weights alone."""
    kept = torch.arange(active.shape[1])
    w = descended(active, masks, kept)
    if filters is not None:
        kept = w[0, :, 0, 0].abs().topk(filters).indices.sort().values
        w = descended(active, masks, kept)
    return votes(others[:, kept], w, masks.shape[1:]) > 0


@pytest.mark.oracle("the same steps in plain torch", dissection=["three units", "all units"])
@pytest.mark.parametrize("name, filters", [("three units", 3), ("all units", None)], ids=["three units", "all units"])
def test_a_vote_is_that_of_plain_torch(name: str, filters: int | None):
    (active, masks), (others, _) = halves()
    wanted = plain_votes(active.double(), masks, others.double(), filters)
    assert (FINDERS[name](active, masks)(others, SIZE) != wanted).double().mean() < 0.002
