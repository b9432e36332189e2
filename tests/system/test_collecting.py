"""The collector of garbage rests in the cell that imports u3lab, and only there."""

import gc

import pytest
from IPython.core.interactiveshell import InteractiveShell

from u3lab._system import memory


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
