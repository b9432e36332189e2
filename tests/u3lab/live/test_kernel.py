"""How live figures share the kernel: other cells, an interrupt, a cell that is run again, and what is left then."""

import asyncio
import gc
import os
import signal
import time
import weakref
from types import SimpleNamespace

import IPython
import pytest
import torch
from IPython.core.events import EventManager, available_events
from ipywidgets.widgets import widget

from tests.u3lab.live.toys import Toy, approach, in_a_loop, looked_at, until
from u3lab import live
from u3lab.descent import Step
from u3lab.live import kernel


class Shell:
    """What live figures see of a kernel's shell: the events around a cell, and the message that asked for it."""

    def __init__(self):
        self.events, self.cell = EventManager(self, available_events), None

    def get_parent(self):
        return {"metadata": {"cellId": self.cell} if self.cell else {}}

    def begin(self, cell):
        """A cell begins to run; a front end other than JupyterLab sends no name for it."""
        self.cell = cell
        self.events.trigger("pre_run_cell", SimpleNamespace(cell_id=cell))


@pytest.fixture
def shell(monkeypatch):
    made = Shell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: made)
    monkeypatch.setattr(kernel, "_by_cell", {})
    return made


def player(settings=None):
    return looked_at(live.play(approach, settings or Toy(steps=100)))


def closed(figure):
    return figure.box.comm is None


@in_a_loop
@pytest.mark.parametrize("first, then", [("a", "b"), (None, None)])
async def test_any_other_cell_pauses_a_player_and_leaves_it_there(shell, first, then):
    shell.begin(first)
    shown, handler = player(), signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, own := lambda *_: None)
    shown.play()
    await until(lambda: shown.step.iteration > 1)
    assert signal.signal(signal.SIGINT, handler) is own  # where an interrupt is heard already it stays as it is
    shell.begin(then)
    assert not shown.playing and not closed(shown)
    shown.play()
    await until(lambda: shown.step.iteration > 3)
    shown.pause()


@in_a_loop
async def test_the_same_cell_run_again_closes_what_it_had_made(shell):
    before = set(widget._instances)
    shell.begin("a")
    one, two = player(), live.explore(lambda n: torch.zeros(1, 3, 4, 4), n=(0, 3))
    shell.begin("b")
    other = player()
    one.play()
    await until(lambda: one.step.iteration > 1)
    shell.begin("a")
    again = player()
    assert [closed(figure) for figure in (one, two, other, again)] == [True, True, False, False]
    await until(lambda: one._task.done())
    assert not one.advance()
    assert len(shell.events.callbacks["pre_run_cell"]) == len(kernel._by_cell["a"]) == 1  # they do not pile up
    other.close(), again.close()
    assert set(widget._instances) == before


def test_a_shell_without_messages_is_fine(monkeypatch):
    """IPython in a terminal has no message that asked for the cell."""
    plain = SimpleNamespace(events=EventManager(None, available_events))
    monkeypatch.setattr(IPython, "get_ipython", lambda: plain)
    player()
    assert plain.events.callbacks["pre_run_cell"] == [kernel._before_a_cell]


@pytest.fixture
def ignoring():
    """Between two cells ipykernel ignores the interrupt."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends the process instead")
@in_a_loop
async def test_an_interrupt_pauses_what_runs(ignoring):
    one, two = player(), player()
    one.play()
    await until(lambda: one.step.iteration > 1)
    os.kill(os.getpid(), signal.SIGINT)
    await until(lambda: one._task.done())
    assert not one.playing and not two.playing and one.step.iteration < 100
    one.play()
    await until(lambda: one.step.iteration > 5)
    os.kill(os.getpid(), signal.SIGINT)  # and a second time
    await until(lambda: not one.playing)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends the process instead")
@in_a_loop
async def test_an_interrupt_ends_first_steps(ignoring, monkeypatch):
    """Those that follow the cell where a class computes; a further cell does not end them."""
    def slow(settings):
        for step in approach(settings):
            time.sleep(0.01)
            yield step

    monkeypatch.setenv("U3LAB_SHARED", "1")
    monkeypatch.setattr(kernel, "delay", lambda: 0.0)
    shown = live.play(slow, Toy(steps=100), first=100)
    await until(lambda: shown.step.iteration > 1)
    kernel.pause_all()
    now = shown.step.iteration
    await until(lambda: shown.step.iteration > now)
    os.kill(os.getpid(), signal.SIGINT)
    await until(lambda: shown._early.done())
    assert shown.step.iteration < 100


def held(settings, tensors):
    """A solver that notes what it holds while it runs."""
    large = torch.zeros(1, 3, 64, 64, requires_grad=True)
    tensors.append(weakref.ref(large))
    for iteration in range(100):
        yield Step(iteration, 0.0, large.detach(), {})


@in_a_loop
async def test_close_frees_the_run_although_the_player_is_kept():
    tensors, before = [], set(widget._instances)
    shown = looked_at(live.play(lambda settings, n, at: held(settings, tensors), Toy(), "target", n=(0, 3),
                                at=live.Click()))
    shown.play()
    await until(lambda: shown.step.iteration > 1)
    shown.restart()
    shown.close()
    await until(lambda: shown._task.done())
    gc.collect()
    assert len(tensors) == 2 and [tensor() for tensor in tensors] == [None, None]
    assert set(widget._instances) == before


@pytest.mark.parametrize("make", [
    lambda asked, at: live.explore(lambda at: asked.append(at) or torch.zeros(1, 3, 4, 4), at=at),
    lambda asked, at: live.play(lambda settings, at: asked.append(at) or approach(settings), Toy(), at=at)])
def test_a_control_that_the_student_keeps_does_not_wake_a_closed_figure(make):
    at, asked = live.Click(), []
    shown = make(asked, at)
    at.value = (0.0, 1.0)
    shown.close()
    at.value = (1.0, 1.0)
    assert asked == [(0.5, 0.5), (0.0, 1.0)]


def test_what_is_posted_without_a_loop_is_done_at_once_and_to_a_loop_when_it_turns():
    async def posted() -> None:
        kernel.post(kernel.main_loop(), lambda: done.append(2))
        assert done == [1]
        await asyncio.sleep(0)

    done = []
    kernel.post(kernel.main_loop(), lambda: done.append(1))
    assert done == [1] and kernel.main_loop() is None
    asyncio.run(posted())
    assert done == [1, 2]
