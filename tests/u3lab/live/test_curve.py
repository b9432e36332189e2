"""The energy curve: small, well-formed, and it takes what a running optimisation gives it."""

import math
import re
from xml.etree import ElementTree

import pytest

from u3lab.live.player import HEIGHT, POINTS, WIDTH, svg


def lines(drawn):
    """The points of each curve, as numbers; the first polyline is the axes."""
    found = [one.attrib["points"] for one in ElementTree.fromstring(drawn).iter("polyline")]
    return [[tuple(map(float, point.split(","))) for point in points.split()] for points in found]


def test_it_is_well_formed_and_has_words():
    drawn = svg({"E": [3.0, 2.0, 1.0], "<b> & \"λ\"": [1.0, 1.0, 0.5]}, 10, "E after \"2\" steps")
    (picture,) = ElementTree.fromstring(drawn).iter("svg")
    assert picture.attrib["role"] == "img" and picture.attrib["aria-label"] == 'E after "2" steps'
    assert [text.text for text in picture.iter("text")] == ["3", "0", "step 10"]
    strokes = [one.attrib["stroke"] for one in picture.iter("polyline")][1:]  # the first are the axes
    legend = ["E 1.000", "&lt;b&gt; &amp; &quot;λ&quot; 0.500"]
    assert re.findall(r'color:([^"]+)">━</span> ([^<]+)', drawn) == list(zip(strokes, legend, strict=True))


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


def test_what_is_not_a_number_leaves_a_gap():
    drawn = svg({"E": [1.0, math.nan, 3.0, math.inf], "none": [math.nan] * 4}, 3, "E")
    _, curve, nothing = lines(drawn)
    assert len(curve) == 2 and nothing == []
    assert not re.search("nan|inf", " ".join(re.findall('points="[^"]*"', drawn)))
    assert all(len(lines(svg({"E": flat}, None, "E"))[1]) == len(flat) for flat in ([0.0], [-1.0, -1.0], [2.0]))


@pytest.mark.parametrize("given", [{}, {"E": []}, {"E": [math.nan]}])
def test_nothing_to_draw_is_no_picture(given):
    assert svg(given, 10, "E") == ""
