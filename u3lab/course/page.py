"""How the course writes on a page: boxes that suit a light and a dark theme, and that are read without a kernel."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

# JupyterLab's own colours, with a fallback that is readable on white and on black.
COLOURS = {"grey": "var(--jp-border-color0, #808080)", "amber": "var(--jp-warn-color1, #c77700)",
           "green": "var(--jp-success-color1, #2e8b57)", "blue": "var(--jp-brand-color1, #2a7fd4)"}
PRE = ("margin:.4em 0 0;white-space:pre-wrap;word-break:normal;overflow-x:auto;color:inherit;"
       "background:transparent;line-height:1.35;font-family:var(--jp-code-font-family, monospace)")


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


def box(colour: str, body: str, status: bool = False) -> str:
    """A framed box; ``body`` is HTML. With ``status`` a screen reader says it when it appears."""
    role = ' role="status"' if status else ""
    return (f'<div{role} style="border:1px solid {COLOURS["grey"]};border-left:5px solid {COLOURS[colour]};'
            f'border-radius:3px;padding:.5em .9em;margin:.3em 0;max-width:52em;line-height:1.5;color:currentColor">'
            f'{body}</div>')


def words(text: str) -> str:
    """A paragraph of plain text; what stands between backquotes becomes code."""
    parts = html.escape(text).split("`")
    if len(parts) % 2 == 0:  # a lone backquote is just a backquote
        return "`".join(parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def verbatim(text: str) -> str:
    """Text with its lines and spaces, such as a traceback."""
    return f'<pre style="{PRE}">{html.escape(text)}</pre>'


def python(source: str) -> str:
    """Source code in the colours of the editor's theme."""
    from pygments import lex
    from pygments.lexers import PythonLexer
    from pygments.token import Comment, Keyword, String

    colours = {Comment: "comment", Keyword: "keyword", String: "string"}
    parts = []
    for kind, value in lex(source, PythonLexer()):
        name = next((name for group, name in colours.items() if kind in group), "")
        text = html.escape(value)
        parts.append(f'<span style="color:var(--jp-mirror-editor-{name}-color, inherit)">{text}</span>'
                     if name else text)
    return f'<pre style="{PRE}">{"".join(parts)}</pre>'
