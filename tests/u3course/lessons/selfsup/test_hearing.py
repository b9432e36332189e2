"""The switch on films: it learns, and pictures with two things have both of them."""

import itertools

import pytest
import torch

from u3course.lessons.selfsup import hearing
from u3course.worlds import clips
from u3lab.selfsup import sounding


@pytest.fixture
def few(monkeypatch):
    """Few films, so that the tests are quick."""
    def test(colours: str | None = None) -> clips.Bouncing:
        return clips.bouncing(24, length=hearing.FRAMES, size=hearing.SIZE, split="test", seed=1, colours=colours)

    made = test()
    monkeypatch.setattr(hearing, "_test", test)
    monkeypatch.setattr(hearing, "films", lambda: made)
    hearing.dressed.cache_clear()
    yield made
    hearing.dressed.cache_clear()


def test_two_things_stand_in_one_picture(few) -> None:
    first, second = hearing.together()
    seen = hearing.seen(first, second)
    assert seen.shape == (len(first), 3, 64, 64) and 0 <= seen.min() and seen.max() <= 1
    what = hearing.moving(few.clips)[:, hearing.SHOWN]
    assert seen == pytest.approx((what[first] + what[second] - 0.5).clamp(0, 1), abs=1e-6)
    heat = torch.zeros(len(first), 64, 64)
    for place, (left, top, right, bottom) in enumerate(few.boxes[first, hearing.SHOWN].tolist()):
        heat[place, round((top + bottom) / 2), round((left + right) / 2)] = 1
    assert hearing.at_things(heat, first).tolist() == [1] * len(first)
    assert hearing.at_things(heat, second).tolist() == [0] * len(first)
    net, head = hearing.switch(1)
    assert hearing.where(net, head, seen, second).shape == heat.shape
    assert sounding.sound_map(net, head, seen, few.sounds[first]).shape == (len(first), 8, 8)


def test_every_two_materials_meet_and_no_film_twice_in_the_same_meeting(few) -> None:
    first, second = hearing.together()
    one, two = few.material[first], few.material[second]
    assert (one != two).all() and (one < two).any() and (one > two).any()
    for kinds in itertools.combinations(range(4), 2):
        among = (torch.stack([one, two], 1).sort(1).values == torch.tensor(kinds)).all(1)
        met = torch.cat([first[among], second[among]])
        assert among.any() and len(met.unique()) == len(met)
    left, top, right, bottom = few.boxes[:, hearing.SHOWN].unbind(1)
    apart = ((left[first] > right[second]) | (left[second] > right[first]) | (top[first] > bottom[second])
             | (top[second] > bottom[first]))
    assert apart.all()


def test_exchanged_colours_are_those_that_the_other_has_alone(few) -> None:
    first, second = hearing.together()
    own, exchanged = (hearing.seen(first, second, how) for how in ("own", "exchanged"))
    assert (own - exchanged).abs().amax((1, 2, 3)).min() > 0.01
    assert hearing.colours(first, second, "exchanged")[0].tolist() == few.material[second].tolist()
    assert torch.stack(hearing.colours(first, second, "wood")).unique().tolist() == [0]
    same = hearing.dressed()[few.material, torch.arange(24)]
    assert same == pytest.approx(hearing.moving(few.clips)[:, hearing.SHOWN])


def test_a_map_that_does_not_listen_picks_half(few, monkeypatch) -> None:
    first, second = hearing.together()
    monkeypatch.setattr(hearing, "where", lambda net, head, pictures, sound: pictures.mean(1))
    assert hearing.picked(None, None, first, second).mean() == pytest.approx(0.5, abs=0.05)
    knows = hearing.films().boxes[:, hearing.SHOWN]

    def where(net, head, pictures, sound):
        maps = torch.zeros(len(sound), 64, 64)
        for one, (left, top, right, bottom) in zip(maps, knows[sound].tolist(), strict=True):
            one[round((top + bottom) / 2), round((left + right) / 2)] = 1
        return maps

    monkeypatch.setattr(hearing, "where", where)
    assert (hearing.picked(None, None, first, second, "exchanged") == 1).all()


def test_an_interval_over_films_is_wider_than_one_over_pairs(few) -> None:
    first, second = hearing.together()
    right = (first % 2).double()  # what is right is decided by a film
    found = hearing.share(right, first, second)
    assert found.value == pytest.approx(float(right.mean()))
    error = float((right.var() / len(right)).sqrt())
    assert found.low < found.value - 1.96 * error and found.high > found.value + 1.96 * error
    assert hearing.share(torch.ones(len(first)), first, second) == pytest.approx((1, 1, 1))


def test_both_films_of_a_pair_are_drawn(few) -> None:
    first, second = hearing.together()
    right = (first % 2).double()
    assert hearing.share(right, first, second) == pytest.approx(hearing.share(right, second, first))
