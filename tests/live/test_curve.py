"""The energy curve: small, well-formed, and it takes what a running optimisation gives it."""

import math
import re
import time
from xml.etree import ElementTree

import pytest

from u3lab.live.player import HEIGHT, POINTS, WIDTH, svg


def lines(drawn):
    """The points of each curve, as numbers; the first polyline is the axes."""
    found = [one.attrib["points"] for one in ElementTree.fromstring(drawn).iter("polyline")]
    return [[tuple(map(float, point.split(","))) for point in points.split()] for points in found]


def test_it_is_well_formed_and_has_words():
    drawn = svg({"E": [3.0, 2.0, 1.0], "size": [1.0, 1.0, 0.5]}, 10, "E after 2 steps")
    (picture,) = ElementTree.fromstring(drawn).iter("svg")
    assert picture.attrib["role"] == "img" and picture.attrib["aria-label"] == "E after 2 steps"
    assert [text.text for text in picture.iter("text")] == ["3", "0", "step 10"]
    strokes = [one.attrib["stroke"] for one in picture.iter("polyline")][1:]  # the first are the axes
    assert re.findall(r'color:([^"]+)">━</span> ([^<]+)', drawn) == list(zip(strokes, ["E 1.000", "size 0.500"],
                                                                             strict=True))


def test_a_curve_falls_where_its_values_fall_and_stays_inside():
    axes, curve = lines(svg({"E": [4.0, 2.0, 0.0]}, 4, "E"))
    (left, top), (_, bottom), (right, _) = axes
    assert curve == [(left, top), (pytest.approx((3 * left + right) / 4, abs=0.1), (top + bottom) / 2),
                     (pytest.approx((left + right) / 2, abs=0.1), bottom)]
    assert 0 < left < right < WIDTH and 0 < top < bottom < HEIGHT


def test_a_long_run_is_thinned_and_keeps_its_last_value():
    values = [1000.0 - step for step in range(1000)]
    axes, curve = lines(svg({"E": values}, 999, "E"))
    assert POINTS / 2 < len(curve) <= POINTS + 1
    assert curve[0] == axes[0] and curve[-1][0] == axes[2][0]


def test_a_run_without_a_known_end_grows():
    assert "step 2<" in svg({"E": [1.0, 2.0, 3.0]}, None, "E")
    assert "step 5<" in svg({"E": [1.0] * 6}, 3, "E")  # and one that went on for longer than it said


@pytest.mark.parametrize("name", ["<b>", '"quoted"', "a & b", "λ‖m‖₁"])
def test_names_are_escaped(name):
    drawn = svg({name: [1.0, 2.0]}, 2, name)
    tree = ElementTree.fromstring(drawn)
    assert next(tree.iter("svg")).attrib["aria-label"] == name
    assert f"{name} 2.000" in "".join(tree.itertext())


def test_what_is_not_a_number_leaves_a_gap():
    drawn = svg({"E": [1.0, math.nan, 3.0, math.inf], "none": [math.nan] * 4}, 3, "E")
    _, curve, nothing = lines(drawn)
    assert len(curve) == 2 and nothing == []
    assert not re.search("nan|inf", " ".join(re.findall('points="[^"]*"', drawn)))


@pytest.mark.parametrize("given", [{}, {"E": []}, {"E": [math.nan]}])
def test_nothing_to_draw_is_no_picture(given):
    assert svg(given, 10, "E") == ""


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [-1.0, -1.0], [2.0]])
def test_flat_and_short_curves(values):
    assert len(lines(svg({"E": values}, None, "E"))[1]) == len(values)


def test_it_costs_little():
    given = {name: [1 / (1 + step) for step in range(1001)] for name in "abcd"}
    best = math.inf
    for _ in range(5):
        begun = time.perf_counter()
        svg(given, 1000, "E")
        best = min(best, time.perf_counter() - begun)
    assert best < 0.02
