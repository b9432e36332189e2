"""With ``-p tests.notebooks.controls``, nbval's run of a notebook ends with a test that moves all its controls.

Each goes to its minimum, its middle and its maximum, in the kernel that ran the cells.
"""

import ast
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbFile

DRIVER = Path(__file__).with_name("driver.py").read_text("utf-8")
LAST = f"""from u3lab.live import kernel

_driver = {{}}  # with names of its own: a notebook may have a function "parts", too
exec({DRIVER!r}, _driver)
print(repr(await _driver["drive"](sorted(kernel._alive, key=lambda figure: figure.box.model_id))))
"""
MAKES = "live.explore(", "live.play("
SECONDS = 600


def ask(kernel: Any, code: str) -> Any:
    """What the last line that a kernel prints says, as Python reads it."""
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            said.append(message["content"]["text"])

    answer = kernel.kc.execute_interactive(code, store_history=False, allow_stdin=False, timeout=SECONDS,
                                           output_hook=hear)["content"]
    assert answer["status"] == "ok", "\n".join(answer.get("traceback", ["the kernel did not run it"]))
    return ast.literal_eval("".join(said).splitlines()[-1])


class Controls(pytest.Item):
    """The test after the last cell."""

    def runtest(self) -> None:
        cells = [cell for cell in self.parent.nb.cells if cell.cell_type == "code"]
        made = sum(cell.source.count(call) for cell in cells for call in MAKES)
        moved, complaints = ask(self.parent.kernel, LAST)
        assert not complaints, "\n".join(complaints)
        assert len({line.partition(": ")[0] for line in moved}) >= made > 0  # no figure was overlooked

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.nodeid


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Put the test behind the cells."""
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        report.result.append(Controls.from_parent(collector, name="controls"))
    return report
