"""In a real kernel: exit() does not end it, an endless loop is stopped, a slip is shown with the lines of its cell."""

import queue

import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

SETUP = "import u3lab\n\nfrom u3course import course\nfrom u3course.course import guard\n\nguard.SECONDS = 0.5"
CALL = '\n\n\ncourse.check("6-guided", rule)'
LEAVES = "def rule(p, through):\n    exit()" + CALL
SLIPS = "def rule(p, through):\n    q = p\n    return through(oops)" + CALL
LOOPS = "def rule(p, through):\n    while True:\n        p = p + 1" + CALL
RIGHT = "def rule(p, through):\n    print('hello')\n    return through(p).relu()" + CALL


def ran(*sources: str, errors: bool = False) -> list:
    """The outputs of each cell, run one after the other in a new kernel."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", timeout=120, coalesce_streams=True, allow_errors=errors).execute()
    return [cell.outputs for cell in notebook.cells]


def text(output) -> str:
    return output.data["text/plain"]


def test_a_kernel_survives_its_reader():
    _, *outputs = ran(SETUP, LEAVES, SLIPS, LOOPS, RIGHT, "kept = exit\nkept is not __import__('sys').exit")
    said = [text(cell[0]) for cell in outputs]
    assert "your code called exit()" in said[0]
    assert "your cell, line 3, in rule\n    return through(oops)\nNameError: name 'oops' is not defined" in said[1]
    assert "still running after 0.5 seconds" in said[2] and "your cell, line " in said[2]
    assert "passed" in said[3] and outputs[3][1].text == "hello\n" * 5
    assert said[4] == "True"


def test_a_check_leaves_its_report_and_nothing_else():
    """What is on the page before the answer runs gives way to the report, which is not shown twice."""
    stub, known = 'report = course.check("6-guided", lambda *_: ...)\n', 'report = course.check("6-guided", ...)\n'
    _, *outputs = ran(SETUP, RIGHT.replace("print('hello')", "pass"), stub + "report", stub, "report",
                      "display(report, report)", stub + "display(report, report)", known + "report", known,
                      "%%capture cap\n" + stub + "report", "cap.show()")
    assert [len(cell) for cell in outputs] == [1, 1, 1, 1, 2, 2, 1, 0, 0, 1]
    for cell in outputs:
        for output in cell:
            assert set(output.data) == {"text/html", "text/plain"} and "later" not in output.data["text/html"]
            assert output.data["text/html"].startswith('<div role="status"') and text(output)[0] in "✓○"


def test_several_checks_in_one_cell_and_an_interrupt():
    two = 'first = course.check("6-guided", 1); second = course.check("6-hits", 2)\nfirst'
    stopped = """
import _thread, threading, time

def rule(p, through):
    threading.Timer(0.1, _thread.interrupt_main).start()
    time.sleep(1)

try:
    course.check("6-guided", rule)
except KeyboardInterrupt:
    pass
"""
    _, both, interrupted = ran(SETUP + "\nguard.SECONDS = 5", two, stopped)
    assert [text(output).split()[1] for output in both] == ["6-guided:", "6-hits:", "6-guided:"]
    assert len(interrupted) == 1 and "the check was interrupted" in text(interrupted[0])


def test_a_check_whose_cell_did_not_run():
    """An error stays one, for whoever runs notebooks, and the function of before is not judged."""
    rule, right, check = "def rule(p, through):\n    ", "return through(p).relu()", CALL.strip()
    stale = {f"{rule}return (p": "SyntaxError in its line 2 (a bracket is not closed", f"oops\n{rule}{right}":
             "NameError (name 'oops' is not defined)", f"@oops\n{rule}{right}": "NameError", f"x = 1\n  {rule}{right}":
             "IndentationError in its line 2"}
    judged = (rule + right, f"{rule}{right}\noops", f"%%time\n{rule}{right}", f"if True:\n  {rule}  {right}")
    _, early, *outputs = ran(SETUP, f"stub = 1\n{check}", f"{rule}return (p", check, f"{rule}return p",
                             *(cell for source in (*stale, *judged) for cell in (source, check)), "oops", errors=True)
    assert [(output.ename, output.evalue) for output in early] == [("NameError", "name 'rule' is not defined")]
    assert early[0].traceback == [
        "`rule` is not defined yet: first run the cell above, with `def rule`, then this one again"]
    assert "the cell of `rule` has an error, SyntaxError" in outputs[1][0].traceback[0]
    said = [text(cell[0]) for cell in outputs[4:-1:2]]
    for one, words in zip(said, stale.values(), strict=False):
        assert f"not yet\nthe cell of `rule` has an error, {words}" in one and "was not judged" in one
    assert all("passed" in one for one in said[len(stale):]) and len(said) == len(stale) + len(judged)
    assert len(outputs[-1][0].traceback) > 1  # other errors look as ever


STUCK = ["sum(range(10**12))", "__import__('re').match(r'(a+)+$', 'a' * 60 + 'b')", "7 ** (10**9)"]


@pytest.mark.parametrize("call", STUCK)
def test_what_to_do_is_on_the_page_before_the_kernel_is_stuck(call: str):
    """No thread of such a kernel runs again, so it is the message that it sent before the answer began."""
    manager, client = start_new_kernel()
    try:
        client.execute_interactive("from u3course import course", timeout=60)
        client.execute(f'course.check("6-guided", lambda p, through: {call})')
        data = {}
        while "later" not in data.get("text/html", ""):
            data = client.get_iopub_msg(timeout=20)["content"].get("data", {})
        assert data["text/plain"] == "6-guided: the check runs"
        for words in ("inside one single call", "cannot end it", "Kernel → Restart Kernel", "progress is kept",
                      "animation:u3-later 1ms 10s forwards"):
            assert words in data["text/html"]
        client.kernel_info()  # is it stuck, as we think?
        with pytest.raises(queue.Empty):
            client.get_shell_msg(timeout=1)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
