"""The explorer: a picture follows its controls, a slip leaves the last good one standing."""

import base64

import pytest
import torch

from u3lab import U3Error, figures, pixels
from u3lab.live import explore


def shade(level):
    return torch.full((1, 3, 8, 8), level), f"level {level:.2f}"


def test_the_picture_follows_the_control():
    live = explore(shade, level=(0.0, 1.0, 0.25))
    seen = []
    for level in (0.0, 0.5, 1.0):
        live.controls["level"].value = level
        seen.append(live.picture.value)
        assert live.picture.value == pixels.jpeg(torch.full((1, 3, 8, 8), level), 90)
        assert live.line.value == f"level {level:.2f}"
    assert len(set(seen)) == 3


def test_a_slip_is_one_line_and_the_last_good_picture_stays():
    def picky(level):
        if level > 0.5:
            raise U3Error("too <bright>; move the slider left")
        return shade(level)

    live = explore(picky, level=(0.0, 1.0, 0.25))
    live.controls["level"].value = 0.25
    good = live.picture.value
    live.controls["level"].value = 1.0
    assert live.picture.value == good
    assert "too &lt;bright&gt;; move the slider left" in live.line.value
    live.controls["level"].value = 0.0
    assert live.line.value == "level 0.00"


def test_a_slip_at_the_very_start_is_shown_too():
    def never(level):
        raise U3Error("nothing to see")

    data, _ = explore(never, level=(0, 3))._repr_mimebundle_()
    assert data["text/plain"] == "no picture yet"
    assert not any(key.startswith("image/") for key in data)


def test_a_defect_is_not_hidden():
    def broken(level):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explore(broken, level=(0, 3))


def test_viewers_without_widgets_get_the_picture_and_its_words():
    live = explore(shade, level=(0.0, 1.0, 0.25))
    data, metadata = live._repr_mimebundle_()
    assert base64.b64decode(data["image/jpeg"]) == live.picture.value
    assert data["text/plain"] == metadata["image/jpeg"]["alt"] == "level 0.50"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_figure_is_shown_as_it_is():
    figure = figures.curves({"y": [1, 2, 3]}, "x", "y", alt="A rising line.")
    live = explore(lambda n: figure, n=(0, 3))
    assert live.picture.value == figure.png
    assert live._repr_mimebundle_()[1] == {"image/png": {"alt": "A rising line."}}


def test_a_control_is_called_by_its_symbol():
    assert explore(lambda λ: shade(0.5), λ=(0.0, 1.0)).controls["λ"].description == "λ"
