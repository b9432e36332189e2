"""Figures run the reader's own function once it has passed, and the library's while it has not or fails."""

import re
from types import SimpleNamespace

import pytest
import torch

from tests.helpers import refuses
from u3course import course
from u3course.course import pieces, reports
from u3lab._system import credits, notebook

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
    assert torch.equal(kept(lambda *given: 0 * mine(*given))(X, F, ALPHA, 1), torch.zeros(1, 3, 4, 4))


def test_one_that_raises_gives_way_until_another_passes_or_twenty_calls_have_gone():
    calls = []

    def once(*given):
        calls.append(given)
        return [][1] if len(calls) == 1 else mine(*given)

    piece = kept(once)
    for _ in range(pieces.REST):
        assert torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA)) and len(calls) == 1
        assert piece.said == "1-parallel: the library's (yours raised IndexError)"
    piece(X, F, ALPHA, 1)
    assert piece.said == "1-parallel: yours" and len(calls) == 2
    calls.clear()
    piece(X, F, ALPHA, 1)
    pieces.keep("1-parallel", mine)
    assert piece.own is mine and piece.said == "1-parallel: yours"


class Clock:
    """Time passes only where the answer and the library's own spend it; both call with what they take next."""

    def __init__(self, monkeypatch, own, library=0.008):
        self.now, self.own, self.library = 0.0, iter(own), library
        monkeypatch.setattr(pieces, "clock", lambda: self.now)
        self.piece = kept(self.answer)
        self.piece.reference = self.reference

    def answer(self, *given):
        self.now += next(self.own)
        return mine(*given)

    def reference(self, *given):
        self.now += self.library
        return mine(*given)

    def calls(self, count=1):
        """Whose piece runs after so many calls, all of which give the right result."""
        for _ in range(count):
            assert torch.equal(self.piece(X, F, ALPHA, 1), mine(X, F, ALPHA))
        return self.piece.said.removeprefix("1-parallel: ")


SLOW = "the library's (yours took more than 5 times as long)"


@pytest.mark.parametrize("own, said", [
    ([0.5, 0.008] * 20, ["yours"] * 20),  # noise in one timing costs a right answer nothing
    ([0.5] * 6, ["yours", "yours", SLOW, SLOW]),  # three slow calls in a row, each timed twice
    *(([*[0.5] * 4, quick, *[0.5] * 6], ["yours"] * 5) for quick in (0.008, 0.02, 0.04))])  # a quick call is forgiven
def test_whose_piece_runs_after_each_call(monkeypatch, own, said):
    clock = Clock(monkeypatch, own)
    assert [clock.calls() for _ in said] == said


def test_what_is_slow_for_the_librarys_too_is_not_slow(monkeypatch):
    clock = Clock(monkeypatch, [2.0] * 9, library=0.5)
    assert clock.calls(8) == "yours" and clock.now == 8 * 2.0 + 0.5  # and the library's is asked once for such shapes


def test_a_slow_one_is_tried_again_later_and_has_one_call_to_show_that_it_is_quick(monkeypatch):
    clock = Clock(monkeypatch, [*[0.5] * 8, 0.01, *[0.5] * 4])
    assert clock.calls(3) == clock.calls(pieces.REST - 1) == SLOW
    assert clock.calls() == SLOW  # tried, and slow again
    assert clock.calls(pieces.REST - 1) == SLOW
    assert clock.calls() == "yours" == clock.calls(2)


@pytest.mark.parametrize("result, told", [
    (None, "None"), (0.5, "a value of type float"), (torch.zeros(1, 3, 4), r"a tensor \(1, 3, 4\) of floats"),
    (torch.zeros(1, 3, 4, 4).long(), r"a tensor \(1, 3, 4, 4\) of whole numbers"),
    (torch.zeros(1, 3, 4, 4) > 0, r"a tensor \(1, 3, 4, 4\) of truth values"),
    ((torch.zeros(1), 2), r"2 parts \(a tensor \(1,\) of floats, a value of type int\)"), ([0.0] * 999, "999 parts"),
    ((value for value in "steps"), "a value of type generator")])
def test_a_result_of_another_form_is_told_and_the_librarys_runs(result, told):
    piece = kept(lambda *given: result)
    assert torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA))
    assert re.fullmatch(rf"1-parallel: the library's \(yours returned {told}, "
                        r"not a tensor \(1, 3, 4, 4\) of floats\)", piece.said)


def test_a_form_that_is_right_for_one_input_is_not_taken_for_right_with_the_next():
    piece = kept(lambda x, *given: mine(x, *given) if x.sum() > 0 else None)
    assert torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA)) and piece.own
    assert torch.equal(piece(-X, F, ALPHA, 1), mine(-X, F, ALPHA)) and "returned None" in piece.said


def test_a_shape_that_depends_on_values_is_compared_anew():
    def where(x):
        return x[x > 0]

    pieces.keep("1-parallel", lambda x: where(x))
    piece = pieces.Piece("1-parallel", where)
    for x in (torch.ones(4), torch.tensor([1.0, -1, 1, 1]), -torch.ones(4)):
        assert torch.equal(piece(x), where(x)) and piece.own


def test_the_librarys_own_is_asked_once_for_arguments_of_a_shape():
    asked = []
    piece = kept(mine)
    piece.reference = lambda *given: asked.append(given) or mine(*given)
    for stride in (1, 2, 1, 2):
        for _ in range(5):
            piece(X, F, ALPHA, stride)
    assert [stride for *_, stride in asked] == [1, 2]


def test_a_function_among_the_arguments_is_called_by_the_readers_alone():
    """A network that learns would learn twice."""
    asked, results = [], iter([X, (X, X), None])
    pieces.keep("2-upright", lambda net, x, g: net(next(results)))
    piece = course.yours("2-upright")
    piece.reference = lambda net, x, g: asked.append(net) or X
    for _ in range(2):
        assert piece(lambda y: y, X, F) is not None and not asked and piece.own
    assert piece(lambda y: y, X, F) is X and len(asked) == 1 and "returned None" in piece.said


def test_a_version_that_has_changed_since_it_passed_is_told(monkeypatch):
    names = {"mine": mine}
    monkeypatch.setattr(notebook, "shell", lambda: SimpleNamespace(user_ns=names))
    piece = kept(mine)
    assert piece.said == "1-parallel: yours"
    exec("def mine(x, f, alpha, stride):\n    return x", names)
    assert piece.said == "1-parallel: yours (the version that passed; check the new one)"
    assert torch.equal(piece(X, F, ALPHA, 1), mine(X, F, ALPHA))
    pieces.keep("1-parallel", names["mine"])
    assert piece.said == "1-parallel: yours"
    before = names["mine"]
    exec("def mine(x, f, alpha, stride):\n    return x", names)  # the cell was run again as it was
    assert names["mine"] is not before and piece.said == "1-parallel: yours"


def noted(*calls):
    with credits.noted(found := {}):
        for call in calls:
            call()
    return credits.badge(found)


def test_a_piece_of_the_readers_is_credited_and_the_librarys_is_not():
    piece = course.yours("1-parallel")

    def run():
        return piece(X, F, ALPHA, 1)

    assert noted(run) == noted(run, lambda: piece.differs(0.0)) == ""
    pieces.keep("1-parallel", mine)
    assert noted(run) == "your code: 1-parallel · difference to the library's 0"
    assert noted(run, lambda: piece.differs(torch.tensor(2e-6))) == (
        "your code: 1-parallel · difference to the network 2e-06")
    assert f"{piece.differs(torch.tensor(0.25)):.1g}" == "0.2"
    pieces.keep("1-parallel", lambda x, *given: mine(x, *given) + 0.25 * len(x))
    assert noted(run) == noted(run) == "your code: 1-parallel · difference to the library's 0.2"
    assert noted(lambda: piece(X.repeat(2, 1, 1, 1), F, ALPHA, 1)).endswith("0.5")  # that of these shapes
    assert noted(run).endswith("0.2")
    pieces.keep("1-parallel", lambda *given: None)
    assert noted(run) == noted(run, lambda: piece.differs(0.0)) == ""


def test_steps_of_the_readers_are_credited_while_they_are_taken():
    pieces.keep("1-train", lambda: (value for value in (0.5, 0.25)))
    piece = course.yours("1-train")
    piece.reference = piece.own
    steps = piece()
    assert noted(lambda: next(steps)) == noted(lambda: next(steps)) == "your code: 1-train"


def test_steps_of_the_readers_that_raise_say_so_in_a_sentence_and_the_next_are_the_librarys():
    def steps(*given):
        yield 1
        raise ValueError("no such weight")

    piece = kept(steps)
    piece.reference = steps
    taken = iter(piece(X, F, ALPHA, 1))
    assert next(taken) == 1
    refuses(next, taken, says="your 1-parallel raised ValueError: no such weight; start again")
    assert piece.own is None


def test_the_last_word_on_a_piece_counts():
    with credits.noted(found := {}):
        credits.credit("0-match", 0.5, "the network")
        credits.credit("0-match", 1e-6, "the network")
        credits.credit("0-probe", None, "the library's")
        credits.withdraw("0-probe")
        credits.withdraw("0-occlusion")
    assert found == {"0-match": (1e-6, "the network")}


def test_what_is_computed_elsewhere_is_not_noted():
    credits.credit("0-match", 0.0, "the network")
    with credits.noted(outer := {}):
        with credits.noted(inner := {}):
            credits.credit("0-match", 0.0, "the network")
        credits.withdraw("0-match")
    credits.credit("0-probe", 0.0, "the network")
    assert not outer and list(inner) == ["0-match"]


def test_the_badge_names_all_pieces_and_the_largest_difference_to_each():
    assert credits.badge({}) == ""
    assert credits.badge({"1-train": (None, "the library's")}) == "your code: 1-train"
    assert credits.badge({"3c-point": (0.0, "the library's"), "3c-bump": (2.4e-7, "the library's"),
                          "3c-loss": (0.0, "the network")}) == (
        "your code: 3c-point, 3c-bump, 3c-loss · difference to the library's 2e-07 · difference to the network 0")
