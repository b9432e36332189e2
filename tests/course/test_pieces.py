"""Figures run the reader's own function once it has passed, and the library's while it has not or fails."""

import time

import pytest
import torch

from tests.helpers import refuses
from u3lab import course
from u3lab.course import pieces, reports

X, F, ALPHA = torch.ones(1, 2, 4, 4), torch.ones(3, 2, 3, 3), torch.ones(3, 2)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(pieces, "_passed", {})


def mine(x, f, alpha, stride=1):
    y = torch.nn.functional.conv2d(x, f, padding=f.shape[-1] // 2, stride=stride)
    return y + torch.nn.functional.conv2d(x, alpha[:, :, None, None], stride=stride)


def wrong(x, f, alpha, stride=1):
    return mine(x, f, 0 * alpha, stride)


def kept(answer):
    """A piece whose reader has handed in an answer that passed."""
    pieces.keep("1-parallel", answer)
    return course.yours("1-parallel")


def test_what_has_passed_its_check_runs_and_what_has_not_does_not():
    piece = course.yours("1-parallel")
    assert piece.said == "1-parallel: the library's" and torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA))
    assert not reports.check("1-parallel", wrong).passed and piece.own is None
    assert reports.check("1-parallel", mine).passed
    assert piece.own is mine and piece.said == "1-parallel: yours"  # a piece made before the check knows it, too
    assert not reports.check("1-parallel", wrong).passed and piece.own is mine  # the last that passed


def test_the_figure_shows_what_the_reader_wrote():
    assert torch.equal(kept(lambda *given: torch.zeros(1))(X, F, ALPHA, 1), torch.zeros(1))


def test_an_answer_that_raises_gives_way_to_the_library_until_another_passes():
    piece = kept(lambda *given: [][1])
    assert torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA))
    assert piece.said == "1-parallel: the library's (yours raised IndexError)"
    pieces.keep("1-parallel", mine)
    assert piece.own is mine and piece.said == "1-parallel: yours"


def test_an_answer_that_takes_five_times_as_long_gives_way():
    def slow(*given):
        time.sleep(0.2)
        return mine(*given)

    piece = kept(slow)
    assert torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA))  # this once, since it is there
    assert piece.own is None and piece.said.endswith("(yours took more than 5 times as long)")


def test_steps_of_the_readers_that_raise_say_so_in_a_sentence_and_the_next_are_the_librarys():
    def steps(*given):
        yield 1
        raise ValueError("no such weight")

    piece = kept(steps)
    taken = iter(piece(X, F, ALPHA, 1))
    assert next(taken) == 1
    refuses(next, taken, says="your 1-parallel raised ValueError: no such weight; start again")
    assert piece.own is None


def test_an_exercise_that_is_not_there_is_named():
    refuses(course.yours, "1-nothing", says="there is no exercise '1-nothing'")
