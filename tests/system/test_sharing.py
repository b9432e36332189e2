"""Where a class computes, a kernel gives memory back when nobody runs cells; elsewhere nothing of that."""

import asyncio

import pytest
from IPython.core.interactiveshell import InteractiveShell

from u3lab._system import memory, notebook


@pytest.fixture
def given(monkeypatch, capsys):
    """How often memory was given back; a cell counts as long ago after half a second."""
    times = []
    monkeypatch.setenv(notebook.SHARED, "1")
    monkeypatch.setattr(memory, "IDLE", 0.5)
    monkeypatch.setattr(memory, "give_back", lambda: times.append(1))
    InteractiveShell.instance()  # it leaves a mark on sys.stdout, so that of capsys is there
    yield times
    InteractiveShell.clear_instance()


def test_memory_goes_back_once_after_the_last_of_some_cells(given):
    async def lesson():
        assert memory.give_back_when_idle()
        for _ in range(4):
            await asyncio.sleep(0.02)
            InteractiveShell.instance().run_cell("pass")
        assert not given
        await asyncio.sleep(1.0)
        assert len(given) == 1
        InteractiveShell.instance().run_cell("1 / 0")
        await asyncio.sleep(1.0)
        assert len(given) == 2

    asyncio.run(lesson())


@pytest.mark.parametrize("value", ["", "0", "yes"])
def test_on_ones_own_computer_memory_is_kept(given, monkeypatch, value):
    monkeypatch.setenv(notebook.SHARED, value)

    async def lesson():
        assert not memory.give_back_when_idle()
        InteractiveShell.instance().run_cell("pass")
        await asyncio.sleep(1.0)

    asyncio.run(lesson())
    assert not given


def test_a_script_has_no_loop_and_keeps_its_memory(given):
    assert not memory.give_back_when_idle()
