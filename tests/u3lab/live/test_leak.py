"""A kernel does not grow while a student plays: sixty of them share one server."""

import textwrap

import nbformat
from nbclient import NotebookClient

MOVES = """
    import u3lab
    import asyncio, gc, psutil
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


def test_two_hundred_moves_of_a_slider():
    """With the front end's messages, as in a notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(MOVES))])
    NotebookClient(notebook, kernel_name="python3", timeout=300, store_widget_state=False).execute()
    frames, growth = map(float, notebook.cells[0].outputs[-1].text.split())
    assert frames == 200 and growth < 20
