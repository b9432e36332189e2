"""The pictures that come with the course: their names, groups, captions and classes; images.load(name) reads one."""

import difflib
import functools
import json
from pathlib import Path

from u3lab import checks
from u3lab._system import paths
from u3lab.errors import U3Error

GROUPS = ("everyday", "texture", "medical")


@functools.cache
def _index() -> dict[str, dict[str, str | None]]:
    return json.loads(paths.data("pictures", "index.json").read_text(encoding="utf-8"))


def names(group: str | None = None) -> list[str]:
    """Names of the shipped pictures, of one group ("everyday", "texture", "medical") or all."""
    if group is not None and group not in GROUPS:
        raise U3Error(f"there is no group {group!r} of pictures; the groups are {', '.join(GROUPS)}")
    return [name for name, entry in _index().items() if group in (None, entry["group"])]


def caption(name: str) -> str:
    """What a shipped picture shows, in a few words: its alt text."""
    return _about(name, "caption")


def label(name: str) -> str | None:
    """The class of ImageNet that a shipped picture shows; None where no class, or more than one, is right."""
    return _about(name, "label")


def file(name: str) -> Path:
    """Where a shipped picture lies."""
    return paths.data("pictures", _about(name, "file"))


def unknown(shown: str, name: str) -> U3Error:
    """The error for a name that is neither a shipped picture nor a file; ``shown`` is how the message writes it."""
    near = difflib.get_close_matches(name.lower()[:99], names(), 1)
    hint = f"did you mean {near[0]!r}?" if near else "check the path."
    return U3Error(f"no file and no shipped picture is called {shown}; {hint} images.names() lists the {len(names())} "
                   "that are shipped, such as 'coffee'")


def _about(name: str, what: str) -> str | None:
    if name not in names():
        raise unknown(checks.shown(name), str(name))
    return _index()[name][what]
