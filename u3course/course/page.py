"""How the course writes on a page: boxes that suit a light and a dark theme, and that are read without a kernel."""

import html
import re
import threading
import uuid
from dataclasses import dataclass
from typing import Any

from u3lab._system import notebook

# JupyterLab's own colours, with a fallback that is readable on white and on black.
COLOURS = {"grey": "var(--jp-border-color0, #808080)", "amber": "var(--jp-warn-color1, #c77700)",
           "green": "var(--jp-success-color1, #2e8b57)", "blue": "var(--jp-brand-color1, #2a7fd4)"}
PRE = ("margin:.4em 0 0;white-space:pre-wrap;word-break:normal;overflow-x:auto;color:inherit;"
       "background:transparent;line-height:1.35;font-family:var(--jp-code-font-family, monospace)")
STRESSED = re.compile(r"(?<![\w*])\*(\S(?:[^*]*?\S)?)\*(?![\w*])")  # not a product, and not *args


@dataclass(frozen=True)
class Shown:
    """Something to read: as a page where there is one, as text elsewhere."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


@dataclass(frozen=True)
class Live:
    """Widgets to use; for viewers without widgets the same as a page and as text."""

    widget: Any
    shown: Shown

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {**self.widget._repr_mimebundle_(), **self.shown._repr_mimebundle_()}


class Spot:
    """A place on the page of a notebook, below the cell that runs, whose content changes.

    What it holds at first has left this process when it has been made: it reaches the page even if no Python thread
    of the kernel ever runs again.
    """

    def __init__(self, content: Shown) -> None:
        self._publisher = _publisher()
        self._id = {"display_id": uuid.uuid4().hex}
        self.cell = running_cell()
        self._publisher.publish(content._repr_mimebundle_(), transient=self._id)
        # The kernel sends in a thread of its own, one message after the other: this comes after ours. From there on
        # the sockets' library works without Python.
        sent = threading.Event()
        self._publisher.pub_socket.io_thread.schedule(sent.set)
        sent.wait(5)

    def put(self, content: Any) -> None:
        """Show this instead."""
        self._publisher.publish(content._repr_mimebundle_(), transient=self._id, update=True)


def in_notebook() -> bool:
    """Whether a page listens: not in a script, nor in a terminal, nor where a cell's outputs are captured."""
    return hasattr(getattr(_publisher(), "pub_socket", None), "io_thread")


def running_cell() -> str:
    """The kernel's name for the run of the present cell; "" outside a notebook."""
    return getattr(_publisher(), "parent_header", {}).get("msg_id", "")


def _publisher() -> Any:
    return getattr(notebook.shell(), "display_pub", None)


def later(seconds: float, body: str) -> str:
    """HTML that takes no room, and is read only when it has been on the page for so long; the page does that alone."""
    return ("<style>@keyframes u3-later{to{visibility:visible;max-height:60em}}"
            ".u3-later{visibility:hidden;max-height:0;overflow:hidden;"
            f"animation:u3-later 1ms {seconds:g}s forwards}}</style>"
            f'<div role="status"><div class="u3-later">{body}</div></div>')


def box(colour: str, body: str, status: bool = False) -> str:
    """A framed box; ``body`` is HTML. With ``status`` a screen reader says it when it appears."""
    role = ' role="status"' if status else ""
    return (f'<div{role} style="border:1px solid {COLOURS["grey"]};border-left:5px solid {COLOURS[colour]};'
            f'border-radius:3px;padding:.5em .9em;margin:.3em 0;max-width:52em;line-height:1.5;color:currentColor">'
            f'{body}</div>')


def words(text: str) -> str:
    """A paragraph of plain text; what stands between backquotes becomes code, and *a word* is stressed."""
    parts = html.escape(text).split("`")
    if len(parts) % 2 == 0:  # a lone backquote is just a backquote
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else STRESSED.sub(r"<em>\1</em>", part)
                   for i, part in enumerate(parts))


def verbatim(text: str) -> str:
    """Text with its lines and spaces, such as a traceback."""
    return f'<pre style="{PRE}">{html.escape(text)}</pre>'


def python(source: str) -> str:
    """Source code in the colours of the editor's theme."""
    from pygments import lex
    from pygments.lexers import PythonLexer
    from pygments.token import Comment, Keyword, String

    colours = {Comment: "comment", Keyword: "keyword", String: "string"}
    page = ""
    for kind, value in lex(source, PythonLexer()):
        name, text = next((name for group, name in colours.items() if kind in group), ""), html.escape(value)
        page += f'<span style="color:var(--jp-mirror-editor-{name}-color, inherit)">{text}</span>' if name else text
    return f'<pre style="{PRE}">{page}</pre>'
