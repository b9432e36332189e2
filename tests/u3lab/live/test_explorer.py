"""The explorer: a picture follows its controls, a slip leaves the last good one standing."""

import base64
import gc
import re
import threading
import weakref

import ipywidgets as w
import pytest
import torch
from ipywidgets.widgets import widget

from tests.helpers import raising, refuses
from tests.u3lab.live.toys import Shadow, Toy, in_a_loop, png, until, upload
from u3lab import U3Error, figures, live, pixels
from u3lab._system import credits
from u3lab.live import kernel

LEVEL = (0.0, 1.0, 0.25)


def shade(level):
    return torch.full((1, 3, 8, 8), level), f"level {level:.2f}"


def test_the_picture_follows_the_control():
    shown = live.explore(shade, level=LEVEL)
    seen = []
    for level in (0.0, 0.5, 1.0):
        shown.controls["level"].value = level
        seen.append(shown.picture.value)
        assert shown.picture.value == pixels.jpeg(torch.full((1, 3, 8, 8), level), quality=90)
        assert shown.line.value == shown.picture.alt == f"level {level:.2f}"
    assert len(set(seen)) == 3


@pytest.mark.parametrize("error, line", [(U3Error("too <bright>"), "too &lt;bright&gt;"),
                                         (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero")])
def test_a_slip_or_a_defect_is_one_line_and_the_last_good_picture_stays(error, line):
    def picky(level):
        if level > 0.5:
            raise error
        return shade(level)

    shown = live.explore(picky, level=LEVEL)
    shown.controls["level"].value = 0.25
    good = shown.picture.value
    shown.controls["level"].value = 1.0
    assert shown.picture.value == good
    assert shown.line.value == f'<b role="alert">{line}</b>'
    shown.controls["level"].value = 0.0
    assert shown.line.value == "level 0.00" and shown.picture.value != good


def test_a_still_has_values_of_its_own_where_a_notebook_is_run_to_be_kept(monkeypatch):
    monkeypatch.delenv("U3LAB_STILLS", raising=False)
    assert live.explore(shade, level=LEVEL, still={"level": 1.0}).line.value != "level 1.00"
    monkeypatch.setenv("U3LAB_STILLS", "1")
    assert live.explore(shade, level=LEVEL, still={"level": 1.0}).line.value == "level 1.00"
    refuses(live.explore, shade, level=LEVEL, still={"depth": 1}, says="for depth, but the controls are level")


def test_a_badge_says_when_the_readers_own_code_made_the_picture():
    def run(level):
        if level == 0.75:
            credits.credit("0-match", 0.0, "the network")
        return shade(level)

    shown, seen = live.explore(run, level=LEVEL), []
    shown.picture.observe(lambda change: seen.append(change["new"]), "badge")
    for level in (0.25, 0.75, 0.75, 1.0, 0.0):
        shown.controls["level"].value = level
        shown.update()
    assert seen == ["your code: 0-match · difference to the network 0", ""]  # said when it changes, not with each frame


def test_the_function_takes_just_the_controls():
    for controls in ({}, {"level": LEVEL, "depth": (0, 3)}, {"depth": (0, 3)}):
        refuses(live.explore, shade, **controls, says=("fn = .*shade", f"of the controls, {', '.join(controls)}"))


def test_a_slip_at_the_very_start_is_shown_too_and_a_defect_is_not_hidden():
    shown = live.explore(raising(U3Error("nothing to see")), level=(0, 3))
    data, _ = shown._repr_mimebundle_()
    assert "nothing to see" in shown.line.value
    assert data["text/plain"] == "no picture yet" and not any(key.startswith("image/") for key in data)
    with pytest.raises(ZeroDivisionError):
        live.explore(raising(ZeroDivisionError()), level=(0, 3))


@pytest.mark.parametrize("answer, says", [
    *((answer, "let it return a picture") for answer in (None, 3, "text", (None, "words"), ("words", None), (1, 2, 3))),
    (torch.full((1, 3, 4, 4), 2.0), r"pictures lie in \[0,1\]")])
def test_an_answer_that_is_no_picture_is_told_as_a_line(answer, says):
    shown = live.explore(lambda level: answer, level=(0, 3))
    assert re.search(f'<b role="alert">.*{says}', shown.line.value) and not shown.picture.value


@pytest.mark.parametrize("given", [None, object(), 1 + 2j, (1.0, 0.0), [], {}, w.Button(), w.IntSlider])
def test_what_no_control_can_be_made_from_is_refused(given):
    refuses(live.explore, shade, level=given, says="no control can be made for level = ")


def test_viewers_without_widgets_get_the_picture_and_its_words():
    shown = live.explore(shade, level=LEVEL)
    data, metadata = shown._repr_mimebundle_()
    captioned = figures.Figure(bytes(shown.picture.value), "level 0.50").captioned("level 0.50")
    assert base64.b64decode(data["image/jpeg"]) == captioned.data and shown.picture.place == ()  # none: no Click
    assert data["text/plain"] == metadata["image/jpeg"]["alt"] == "level 0.50"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_figure_is_shown_as_it_is():
    figure = figures.curves({"y": [1, 2, 3]}, "x", "y", alt="A rising line.")
    shown = live.explore(lambda n: figure, n=(0, 3))
    assert shown.picture.value == figure.data and shown.picture.format == "png"
    data, metadata = shown._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]) == figure.data  # there is no line below it, so no caption
    assert metadata == {"image/png": {"alt": "A rising line.", "line_art": True}} and shown.picture.line_art
    shown.fn = lambda n: shade(0.5)
    shown.update()
    assert not shown.picture.line_art


def test_a_click_is_a_control():
    click = live.Click(0.25, 0.5, panels=2)
    shown = live.explore(lambda at, level: (shade(level)[0], f"at {at}"), at=click, level=LEVEL)
    assert (shown.picture.place, shown.picture.panels) == ((0.25, 0.5), 2)
    shown.picture.place = [0.75, 1.0]  # the list that a browser sends
    assert click.value == (0.75, 1.0) and shown.line.value == "at (0.75, 1.0)"
    click.value = (0.0, 0.0)
    assert shown.picture.place == (0.0, 0.0) and shown.line.value == "at (0.0, 0.0)"
    (row, *_) = shown.box.children
    assert shown.controls["level"].description == "level"
    assert row.children == (shown.controls["level"],)  # the picture takes the clicks


@pytest.mark.parametrize("place", [(-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
def test_a_click_begins_on_the_picture(place):
    refuses(live.Click, *place, says="[xy], from the (left|top), = .* from 0 to 1")


def test_the_controls_of_settings_are_one_control_and_those_of_several_have_a_tuple_as_value():
    shown = live.explore(lambda toy, both: shade(toy.target / 2 / both[1].depth), toy=live.controls(Toy()),
                         both=live.controls(Toy(), Shadow()))
    for target in (0.5, 2.0):
        shown.controls["toy"].fields["target"].value = target
        assert shown.line.value == f"level {target / 2:.2f}"
    shown.controls["toy"].reset()
    shown.controls["both"].fields["depth"].value = 2
    assert shown.line.value == "level 0.25"


def test_a_picture_box_is_a_control():
    asked = []
    shown = live.explore(lambda picture: asked.append(picture) or shade(0.5), picture=live.PictureBox(["dog", "hens"]))
    shown.controls["picture"].menu.value = "hens"
    upload(shown.controls["picture"], "mine.png", png("teal"))
    assert asked == ["dog", "hens", png("teal")]


def test_close_leaves_no_widget_and_nothing_that_the_function_holds():
    def made():
        kept = torch.zeros(1, 3, 8, 8)
        return weakref.ref(kept), live.explore(lambda level, at, toy: kept + level, level=LEVEL, at=live.Click(),
                                               toy=live.controls(Toy()))

    before = set(widget._instances)
    held, shown = made()
    assert shown in kernel._alive and len(set(widget._instances) - before) > 20
    shown.close()
    assert set(widget._instances) == before
    del shown
    gc.collect()
    assert held() is None


# ---- in a kernel: moves come as messages, perhaps in another thread, and only the newest value counts

def stepped(level):
    return torch.full((1, 3, 8, 8), level / 10), f"level {level}"


@in_a_loop
async def test_moves_in_another_thread_are_answered_in_the_main_one():
    asked = []
    shown = live.explore(lambda level: asked.append(threading.current_thread()) or stepped(level),
                         level=w.IntSlider(0, 0, 10))

    def drag():
        for level in range(1, 11):
            shown.controls["level"].value = level

    messages = threading.Thread(target=drag)
    messages.start()
    await until(lambda: shown.line.value == "level 10")
    messages.join()
    assert 2 <= len(asked) <= 11 and set(asked) == {threading.main_thread()}


@in_a_loop
async def test_a_move_while_an_answer_is_computed_is_answered_next():
    asked, shown = [], None

    def slow(level):
        asked.append(level)
        if len(asked) == 2:  # the student drags on meanwhile
            for newer in (3, 4, 5):
                shown.controls["level"].value = newer
        return stepped(level)

    shown = live.explore(slow, level=w.IntSlider(0, 0, 10))
    shown.controls["level"].value = 2
    await until(lambda: shown.line.value == "level 5")
    assert asked == [0, 2, 5]
