"""The explorer in a kernel: moves come as messages, perhaps in another thread, and only the newest value counts."""

import asyncio
import threading

import ipywidgets as w
import torch

from tests.live.toys import in_a_loop, until
from u3lab import U3Error, live


def shade(level):
    if level == 7:
        raise U3Error("not seven")
    return torch.full((1, 3, 8, 8), level / 10), f"level {level}"


def explorer(asked):
    """Notes for each answer its value and its thread."""
    def fn(level):
        asked.append((level, threading.current_thread()))
        return shade(level)

    shown = live.explore(fn, level=w.IntSlider(0, 0, 10))
    asked.clear()
    return shown


@in_a_loop
async def test_many_moves_at_once_are_answered_once_with_the_newest():
    asked = []
    shown = explorer(asked)
    for level in range(1, 11):
        shown.controls["level"].value = level
    assert asked == []  # nothing is computed inside the message
    await until(lambda: shown.line.value == "level 10")
    await asyncio.sleep(0.01)
    assert [level for level, _ in asked] == [10]


@in_a_loop
async def test_moves_in_another_thread_are_answered_in_the_main_one():
    asked = []
    shown = explorer(asked)

    def drag():
        for level in range(1, 11):
            shown.controls["level"].value = level

    messages = threading.Thread(target=drag)
    messages.start()
    await until(lambda: shown.line.value == "level 10")
    messages.join()
    assert 1 <= len(asked) <= 10
    assert {thread for _, thread in asked} == {threading.main_thread()}


@in_a_loop
async def test_a_move_while_an_answer_is_computed_is_answered_next():
    asked, shown = [], None

    def slow(level):
        asked.append(level)
        if len(asked) == 2:  # the student drags on meanwhile
            for newer in (3, 4, 5):
                shown.controls["level"].value = newer
        return shade(level)

    shown = live.explore(slow, level=w.IntSlider(0, 0, 10))
    shown.controls["level"].value = 2
    await until(lambda: shown.line.value == "level 5")
    assert asked == [0, 2, 5]


@in_a_loop
async def test_a_slip_shows_and_the_next_good_value_recovers():
    shown = explorer([])
    shown.controls["level"].value = 7
    await until(lambda: shown.line.value == '<b role="alert">not seven</b>')
    good, frame = shown.picture.value, shown.picture.frame
    shown.controls["level"].value = 8
    await until(lambda: shown.line.value == "level 8")
    assert shown.picture.frame == frame + 1 and shown.picture.value != good
