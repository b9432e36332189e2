"""Whose code a figure shows: what is noted inside, and the words of the badge."""

from u3lab._system import credits


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
