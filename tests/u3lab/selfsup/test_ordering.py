"""Tasks from time: who is asked what, told from frames that show their own number."""

from collections import Counter
from itertools import permutations

import pytest
import torch
from torch import Tensor

from tests.helpers import refuses, seeded
from u3lab.descent import last
from u3lab.selfsup import PretextSettings, encoder, head_of, ordering, pretrain, solve


def numbered(count: int, length: int, side: int = 4) -> Tensor:
    """Clips whose frame t is t/length all over."""
    return (torch.arange(length) / length).view(1, -1, 1, 1, 1).repeat(count, 1, 3, side, side)


def numbers(views: Tensor, length: int) -> list[list[int]]:
    """Which frames of ``numbered`` clips the views are."""
    return (views.mean((2, 3, 4)) * length).round().long().tolist()


@pytest.mark.oracle("numbered frames", selfsup=["order"])
def test_three_frames_are_in_order_or_the_middle_one_is_from_outside():
    posed = ordering.pose_order(numbered(400, 9), seeded())
    seen = set()
    for (first, middle, end), target in zip(numbers(posed.views, 9), posed.target.tolist(), strict=True):
        inside = min(first, end) < middle < max(first, end)
        assert first != end and middle not in (first, end) and inside == (target == 1)
        seen.add((target, first < end, middle < min(first, end)))
    assert posed.target.sum() == 200
    assert len(seen) == 6, "forwards and backwards, from before and from after"


def test_frames_are_drawn_where_something_moves():
    """The share of each frame among single draws is that of its motion: none after frame 3, twice as much into 2."""
    clip = torch.zeros(6)
    clip[1:] = torch.tensor([0.1, 0.3, 0.4, 0.4, 0.4])
    drawn = ordering.moments(clip.view(1, 6, 1, 1, 1).expand(20_000, -1, 3, 2, 2), 1, seeded())
    shares = drawn.flatten().bincount(minlength=6) / 20_000
    assert torch.allclose(shares, torch.tensor([0.1, 0.3, 0.3, 0.1, 0, 0]) / 0.8, atol=0.015)
    several = ordering.moments(torch.zeros(50, 6, 3, 2, 2), 6, seeded())
    assert torch.equal(several, torch.arange(6).expand(50, -1)), "of a still clip, any; each once"


def test_the_orders_are_all_those_of_four_up_to_reversal():
    classes = {min(order, order[::-1]) for order in permutations(range(4))}
    assert {tuple(order) for order in ordering.ORDERS.tolist()} == classes and len(ordering.ORDERS) == 12


@pytest.mark.oracle("numbered frames", selfsup=["sorting"])
def test_sorting_names_the_order():
    posed = ordering.pose_sorting(numbered(240, 7), seeded())
    backwards = 0
    for shown, target in zip(numbers(posed.views, 7), posed.target.tolist(), strict=True):
        ranks = [sorted(shown).index(one) for one in shown]
        backwards += ranks > ranks[::-1]
        assert min(ranks, ranks[::-1]) == ordering.ORDERS[target].tolist()
    assert posed.target.bincount().tolist() == [20] * 12 and 90 <= backwards <= 150


def test_the_defence_leaves_one_channel_and_no_fixed_edge():
    clips = torch.rand(6, 5, 3, 32, 32, generator=seeded())
    views = ordering.pose_sorting(clips, seeded()).views
    assert views.shape == (6, 4, 3, 28, 28)
    for clip, shown in zip(clips, views, strict=True):
        places = [[(channel, dy, dx) for channel in range(3) for frame in clip for dy in range(5) for dx in range(5)
                   if torch.equal(frame[channel, dy : dy + 28, dx : dx + 28], view[0])] for view in shown]
        assert all(len(found) == 1 for found in places) and len({found[0][0] for found in places}) == 1
        assert torch.equal(shown, shown[:, :1].expand(-1, 3, -1, -1))
        assert len({found[0][1:] for found in places}) > 1


def questions(clips: Tensor, seeds: int = 40) -> tuple[Counter, Counter]:
    """How often each question occurs with the target 0, and with 1."""
    found: tuple[Counter, Counter] = Counter(), Counter()
    for seed in range(seeds):
        posed = ordering.pose_arrow(clips, seeded(seed))
        for shown, target in zip(posed.views, posed.target.tolist(), strict=True):
            found[target][tuple(shown[:, 0, 0].flatten().mul(1000).round().int().tolist())] += 1
    return found


def row(places: list[int]) -> Tensor:
    """A clip of a dot in a row of nine pixels."""
    clip = torch.zeros(len(places), 3, 1, 9)
    clip[range(len(places)), :, 0, places] = 1
    return clip


@pytest.mark.oracle("the accuracy of Bayes' rule, counted", selfsup=["arrow"])
def test_elastic_motion_has_no_arrow_and_damped_motion_has(monkeypatch: pytest.MonkeyPatch):
    """Bayes' accuracy, counted: films that come with their reversals ask each question as often with both answers."""
    monkeypatch.setattr(ordering, "RUN", 3)
    elastic = [row([0, 2, 4, 6]), row([6, 4, 2, 0]), row([2, 1, 0, 1]), row([1, 0, 1, 2])]
    damped = [row([0, 4, 6, 7]), row([8, 4, 2, 1])]
    backward, forward = questions(torch.stack(elastic * 6))
    assert backward.keys() == forward.keys()
    best = sum(max(backward[one], forward[one]) for one in forward) / (backward.total() + forward.total())
    assert best < 0.56  # ½, and what chance adds to the larger of two counts
    backward, forward = questions(torch.stack(damped * 12))
    assert not backward.keys() & forward.keys()


def test_differences_lie_round_a_half():
    clips = torch.rand(4, 6, 3, 8, 8, generator=seeded())
    views, target, _ = ordering.pose_arrow(clips, seeded())
    for clip, shown, forward in zip(clips, views, target, strict=True):
        clip = clip if forward else clip.flip(0)
        assert torch.allclose(2 * shown - 1, clip.diff(dim=0), atol=1e-6)


@pytest.mark.parametrize("pose, least", [(ordering.pose_order, 5), (ordering.pose_arrow, 6),
                                         (ordering.pose_sorting, 4)])
def test_a_clip_that_is_too_short_is_refused(pose, least):
    pose(torch.rand(4, least, 3, 16, 16), seeded())
    refuses(pose, torch.rand(4, least - 1, 3, 16, 16), seeded(), says=f"{least} frames or more; these have {least - 1}")
    refuses(pose, torch.rand(4, 3, 16, 16), seeded(), says="B,T,3,H,W")


def test_the_order_of_a_moving_bar_is_learnt_and_holds_for_other_films():
    """A bar that goes one way at a speed of its own, on films that were not trained on."""
    def bars(count: int, seed: int) -> Tensor:
        g = seeded(seed)
        speed, start = 2 + 3 * torch.rand(count, 1, generator=g), 4 + 8 * torch.rand(count, 1, generator=g)
        at = start + speed * torch.arange(6)
        far = (torch.arange(40) - at[..., None]).abs()
        return (far < 2.5).float()[:, :, None, None].expand(-1, -1, 3, 24, -1).contiguous()

    net = encoder(4, seed=0)
    head = head_of(net, "order")
    last(pretrain(net, bars(256, 1), "order", head=head, settings=PretextSettings(steps=60, batch_size=32, lr=0.01)))
    output, posed = solve(net, head, bars(200, 2), "order")
    assert (output.argmax(1) == posed.target).double().mean() > 0.85
