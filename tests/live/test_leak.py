"""A kernel does not grow while a student plays: sixty of them share one server."""

import textwrap

import nbformat
import pytest
from nbclient import NotebookClient

MOVES = """
    import u3lab
    import asyncio, gc, psutil, weakref, torch
    from u3lab import images, live, nets, pixels, saliency

    net, x = nets.load("squeezenet1_1"), images.load("coffee", size=227)

    def mib():
        gc.collect()
        return psutil.Process().memory_info().rss / 2**20

    def gradient(k, rule):
        return pixels.heat(saliency.backprop(net, x, k, rule=rule)), net.classes[k]

    shown = live.explore(gradient, k=(0, 999), rule=list(saliency.RULES))

    async def move(number):
        for n in range(number):
            shown.controls["k"].value = (shown.controls["k"].value + 37) % 1000
            shown.controls["rule"].value = list(saliency.RULES)[n % len(saliency.RULES)]
            wanted = shown.picture.frame + 1
            while shown.picture.frame < wanted:
                await asyncio.sleep(0)

    await move(20)
    before, frame = mib(), shown.picture.frame
    await move(200)
    print(shown.picture.frame - frame, mib() - before)
"""

PLAYERS = """
    from ipywidgets.widgets import widget

    def player():
        picture = x.clone()
        made = live.play(lambda settings, at, box: saliency.meaningful_perturbation(net, picture, "espresso",
                                                                                    settings=settings),
                         saliency.MaskSettings(), "lam", first=1, at=live.Click(), box=live.PictureBox())
        return made, weakref.ref(picture)

    def again(number):
        kept = []
        for _ in range(number):
            made, picture = player()
            made.close()
            kept.append(picture)
            del made
        gc.collect()
        return sum(picture() is not None for picture in kept)

    again(5)
    before, widgets = mib(), len(widget._instances)
    alive = again(20)
    print(alive, len(widget._instances) - widgets, mib() - before)
"""


@pytest.fixture(scope="module")
def printed():
    """What the two cells print in one kernel, with the front end's messages as in a notebook."""
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(code)) for code in (MOVES, PLAYERS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", timeout=300, store_widget_state=False).execute()
    return [[float(number) for number in cell.outputs[-1].text.split()] for cell in notebook.cells]


def test_two_hundred_moves_of_a_slider(printed):
    frames, growth = printed[0]
    assert frames == 200 and growth < 20


def test_twenty_players_made_and_closed(printed):
    pictures_alive, widgets_alive, growth = printed[1]
    assert pictures_alive == widgets_alive == 0 and growth < 20
