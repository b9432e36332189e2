"""The driver of the controls finds what complains, and moves everything."""

import zlib

import ipywidgets as w
import pytest
import torch

from tests.notebooks.driver import drive
from tests.u3lab.live.toys import Shadow, Toy, approach, in_a_loop
from u3lab import U3Error, live

GREY = torch.full((1, 3, 4, 4), 0.5)


def stretched(toy, n):
    """The toy's steps, the n-th part of its way."""
    for step in approach(toy):
        yield step, step.value / n


@in_a_loop
async def test_every_kind_of_control_is_moved():
    asked = []

    def seen(**values):
        asked.append(values)
        return torch.full((1, 3, 4, 4), zlib.crc32(repr(values).encode()) % 256 / 255)

    figures = [
        live.explore(seen, n=(0, 4), x=(0.0, 1.0), menu=["a", "b", "c"],
                     tick=True, at=live.Click(), box=live.PictureBox(["dog", "hens"]), toy=live.controls(Toy())),
        live.play(stretched, Toy(), "target", n=w.RadioButtons(options=[1, 2])),
    ]
    moved, complaints = await drive(figures)
    assert complaints == []
    for name, values in {"n": {0, 2, 4}, "x": {0.0, 0.5, 1.0}, "menu": {"a", "b", "c"}, "tick": {True, False},
                         "at": {(0, 0), (0.5, 0.5), (1, 1)}, "box": {"dog", "hens"}}.items():
        assert {values[name] for values in asked} == values
    said = [line.partition(": ")[2] for line in moved if line.startswith("Player")]
    for name in ("settings.target = 0.0", "settings.lr = 1.0", "settings.steps = 100", "settings.seed = 2147483647",
                 "settings.shade = 1", "settings.noisy = True", "speed = 1", "n = 1"):
        assert name in said
    assert figures[1].settings == Toy()  # as it was before


@in_a_loop
async def test_the_settings_of_several_objects_are_moved():
    figure = live.play(lambda toy, shadow: approach(toy), Toy(), Shadow(), "target", "Shadow.seed")
    moved, complaints = await drive([figure])
    assert complaints == []
    said = [line.partition(": ")[2] for line in moved]
    assert {"settings.target = 2.0", "settings.Toy.seed = 2147483647", "settings.Shadow.seed = 9",
            "settings.depth = 5"} <= set(said)
    assert figure.settings == (Toy(), Shadow())


@in_a_loop
async def test_what_raises_or_shows_an_error_is_named():
    def picky(n):
        if n == 4:
            raise U3Error("four is too much")
        return GREY * n / 4

    def weary(settings):
        for step in approach(settings):
            if settings.noisy:
                raise ZeroDivisionError
            yield step

    _, complaints = await drive([live.explore(picky, n=(0, 4)), live.play(weary, Toy())])
    assert len(complaints) >= 2
    assert complaints[0] == 'Explorer 0 (n): n = 4 says <b role="alert">four is too much</b>'
    assert complaints[1].startswith("Player 1 (settings, speed): settings.noisy = True says")


@in_a_loop
async def test_what_does_nothing_is_named():
    """A menu and a slider that change nothing but their own words; a player that draws the same at every seed."""
    figures = [live.explore(lambda menu, n: (GREY * n / 4, f"{menu}: n = {n}"), menu=["a", "b"], n=(0, 4)),
               live.explore(lambda n: (GREY, f"n = {n}"), n=(0, 4)), live.explore(lambda a: GREY, a=["one"]),
               live.explore(lambda n: (GREY, f"double: {2 * n}"), n=(1, 4)),
               live.play(lambda settings, at: approach(settings), Toy(), "lr", "seed", "steps", at=[1, 2])]
    _, complaints = await drive(figures)
    assert [line.partition(": ")[2] for line in complaints] == [
        f"{name} changes neither the picture nor a number" for name in ("menu", "n", "settings.seed", "at")]


@in_a_loop
async def test_a_control_that_it_does_not_know_is_an_error():
    with pytest.raises(TypeError, match="words: the driver does not know how to move a Text"):
        await drive([live.explore(lambda words: GREY, words=w.Text("a"))])
