"""What became of the cells in which answers are written: a check judges what the reader sees, or says why it cannot.

A cell that fails leaves the function of before under its name, or none. The notebook's shell tells of each cell that it
runs; nothing is asked or told outside of a notebook.
"""

import linecache
import re
from types import TracebackType
from typing import Any

from u3lab._system import notebook

_DEFINED = re.compile(r"^[ \t]*def (\w+)", re.MULTILINE)
_before: dict[str, Any] = {}  # the functions that the cell which runs defines → what their names meant before
_failed: dict[str, str] = {}  # the functions whose last cell failed before it defined them → how


def watch() -> None:
    """Hear of each cell from now on; and of unknown names, unless somebody else handles those."""
    shell = notebook.shell()
    if shell is None:
        return
    shell.events.register("pre_run_cell", _begins)
    shell.events.register("post_run_cell", _ended)
    if not shell.custom_exceptions:
        shell.set_custom_exc((NameError,), _not_defined)


def slip(name: str) -> str:
    """That the last cell which defines a function has not done so, as a sentence; "" if it has."""
    return (f"the cell of `{name}` has an error, {_failed[name]}; mend it, run it, then check again: the `{name}` of "
            "before it was not judged" if name in _failed else "")


def _begins(info: Any) -> None:
    _before.clear()
    _before.update({name: notebook.shell().user_ns.get(name) for name in _DEFINED.findall(info.raw_cell)})


def _ended(result: Any) -> None:
    error = result.error_before_exec or result.error_in_exec
    for name, before in _before.items():
        _failed.pop(name, None)
        if error and notebook.shell().user_ns.get(name) is before:
            _failed[name] = _told(error)
    _before.clear()


def _told(error: BaseException) -> str:
    where = f" in its line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    words = (error.msg if isinstance(error, SyntaxError) else str(error)).partition("\n")[0]
    words = words.replace("incomplete input", "a bracket is not closed, or the end is missing")
    return f"{type(error).__name__}{where} ({words})"


def _not_defined(shell: Any, kind: type, error: NameError, trace: TracebackType, tb_offset: int | None = None) -> None:
    """Show an error as ever, but in one sentence if a check asks for a function that is not there."""
    frames = [trace]
    while frames[-1].tb_next:
        frames.append(frames[-1].tb_next)
    frame, name = frames[-1].tb_frame, error.name
    cell = "".join(linecache.getlines(frame.f_code.co_filename))
    if frame.f_locals is shell.user_ns and re.search(rf"course\.check\([^)]*\b{name}\b", cell):
        sentence = slip(name) or (f"`{name}` is not defined yet: first run the cell above, with `def {name}`, then "
                                  "this one again")
        error._render_traceback_ = lambda: [sentence]  # IPython asks an error for its own words
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
