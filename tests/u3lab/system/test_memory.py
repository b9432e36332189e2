"""Freed memory stays with the process, counted in page faults; where a class computes, an idle kernel gives it back.

And the collector of garbage rests in the cell that imports u3lab, and only there.
"""

import asyncio
import gc
import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

from u3lab._system import memory, notebook

FAULTS = """
import resource, sys
if sys.argv[1] == "with":
    import u3lab
import torch
torch.set_num_threads(1)
x = torch.rand(1, 3, 227, 227)
def work():
    for _ in range(50):
        (x * 2 + x.square()).exp().sum()
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


glibc = pytest.mark.skipif(not memory.keep(), reason="another C library than glibc")


def counted(program: str, *arguments: str) -> int:
    """The number that a fresh Python prints."""
    run = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    return int(run.stdout)


@glibc
def test_tensors_of_a_picture_reuse_memory():
    """Some versions of torch keep memory by themselves: then there is nothing to gain, and nothing may be lost."""
    kept, without = (counted(FAULTS, how) for how in ("with", "without"))
    assert kept < 100 and (without < 100 or kept < without / 10)


def test_another_system_or_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory.keep() is False and memory.give_back() is False
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())  # a C library without mallopt
    monkeypatch.setattr(sys, "platform", "linux")
    assert memory.keep() is False and memory.give_back() is False


HOLES = """
import psutil, u3lab
from u3lab._system import memory
import torch
kept, parts = [], []
for n in range(400):  # large blocks between small ones that stay: the small ones keep the heap long
    parts.append(torch.ones(2**18))
    kept.append(torch.ones(64))
before = psutil.Process().memory_info().rss
parts.clear()
memory.give_back()
print((before - psutil.Process().memory_info().rss) >> 20)
"""


@glibc
def test_holes_between_blocks_in_use_go_back_to_the_system():
    assert counted(HOLES) > 300  # of 400 MB


@pytest.fixture
def shell(capsys):
    """A notebook's shell; whatever happens, the collector works afterwards and looks at all again."""
    yield InteractiveShell.instance()  # it leaves a mark on sys.stdout, so that of capsys is there
    InteractiveShell.clear_instance()
    gc.enable()
    gc.unfreeze()


def test_without_a_notebook_it_goes_on():
    assert not memory.rest_collector() and gc.isenabled()


@pytest.mark.parametrize("end", ["", "1 / 0", "%%capture\npass"])
def test_it_rests_until_the_cell_has_ended_however(shell, end):
    shell.user_ns.update(memory=memory, gc=gc)
    frozen, magic = gc.get_freeze_count(), end.partition("\n")[0] if end.startswith("%%") else ""
    rested = "rested = memory.rest_collector(), memory.rest_collector()\nworked = gc.isenabled()"
    cell = f"{magic}\n{rested}\n{'' if magic else end}"
    shell.run_cell(cell.lstrip())
    assert shell.user_ns["rested"] == (True, False) and not shell.user_ns["worked"]
    assert gc.isenabled() and gc.get_freeze_count() > frozen + 1000
    shell.run_cell("worked = gc.isenabled()")
    assert shell.user_ns["worked"] and memory.rest_collector()


def test_who_has_stopped_the_collector_keeps_it_so(shell):
    gc.disable()
    assert not memory.rest_collector()
    shell.run_cell("pass")
    assert not gc.isenabled()


@pytest.fixture
def given(monkeypatch, shell):
    """How often memory was given back; a cell counts as long ago after half a second."""
    times = []
    monkeypatch.setenv(notebook.SHARED, "1")
    monkeypatch.setattr(memory, "IDLE", 0.5)
    monkeypatch.setattr(memory, "give_back", lambda: times.append(1))
    return times


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
