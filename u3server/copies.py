"""A student's own copies of the notebooks: made, brought up to date, begun anew. Nothing of a student's is lost.

A copy has been worked on if its cells are other than those that came: their text, their kind, their order, what is
attached or tagged. Outputs, numbers of execution, the state of widgets and what is folded on the page are no work,
since a run brings them again. What came is kept as one checksum a notebook, in ``.u3lab-copies.json`` of the folder.
Without that file every copy that differs from its original counts as worked on.
"""

import hashlib
import itertools
import json
import os
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from u3lab._system import paths
from u3lab.errors import U3Error

RECORD = ".u3lab-copies.json"
PATIENCE = 30  # seconds that a start waits for another one
# What JupyterLab notes in a cell while it is looked at or run.
_VIEW = {"collapsed", "scrolled", "execution", "jupyter", "trusted", "heading_collapsed", "jp-MarkdownHeadingCollapsed"}


def refresh(originals: Path, folder: Path, *, fresh: Sequence[str] = (), edited: Collection[str] = (),
            today: date | None = None) -> list[str]:
    """Make the copies that are missing in a folder, replace those that are old and untouched; what was done, in words.

    Args:
        originals: The folder with the notebooks as they came; nothing in it is changed.
        folder: Where the copies are to be; made if it is not there.
        fresh: Chapters, such as "06", to begin anew. The old copy is kept under a dated name.
        edited: Names of originals that may hold a student's own work: copies of them always count as worked on.
        today: The date for names; today if it is left out.

    Raises:
        U3Error: No such chapter; or a folder that cannot be one, or cannot be written. What was there stays as it was,
            but for what the sentence names.
    """
    chapters_there = {chapter(name) for name in names(originals)}
    if unknown := [given for given in fresh if given not in chapters_there]:
        raise U3Error(f"there is no chapter {unknown[0][:80]!r}; choose one of {', '.join(sorted(chapters_there))}")
    day = (today or date.today()).isoformat()
    done: list[tuple[str, str, str]] = []
    try:
        _check_folder(originals, folder)
        with paths.locked(folder / RECORD, PATIENCE):
            _bring_all(originals, folder, fresh, edited, day, done)
    except OSError as error:
        said = _lines(done, folder)
        rest = f"what was done is: {'; '.join(said)}; all others stay" if said else "and stay"
        raise U3Error(f"the notebooks in {folder} cannot be brought up to date ({error.strerror or error}), {rest} as "
                      "they are; mend that, or name another folder: `u3lab start FOLDER`") from error
    return _lines(done, folder) or [f"nothing new: your notebooks are in {folder}"]


def names(originals: Path) -> list[str]:
    """The file names of the notebooks, in the order of the chapters."""
    return sorted(path.name for path in originals.glob("*.ipynb") if not path.name.startswith("."))


def chapter(name: str) -> str:
    """What a chapter is called by: "06" for "06_saliency.ipynb"."""
    return name.removesuffix(".ipynb").partition("_")[0]


def cells(content: bytes) -> str:
    """A checksum of all that is work in a notebook; "" if the content is no notebook."""
    try:
        found = [[cell["cell_type"], "".join(cell["source"]), cell.get("attachments") or {},
                  {key: value for key, value in cell.get("metadata", {}).items() if key not in _VIEW}]
                 for cell in json.loads(content)["cells"]]
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _check_folder(originals: Path, folder: Path) -> None:
    """A folder of ours, or a new one; not the place of the originals."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise U3Error(f"{there} is no folder, so no notebooks can be put there; name another: `u3lab start FOLDER`")
    if any(path.exists() and path.samefile(originals) for path in (folder, *folder.parents)):
        raise U3Error(f"{folder} holds the notebooks as they came; name another folder: `u3lab start FOLDER`")
    if (folder / RECORD).is_symlink():  # whoever put it there chose what we would write over
        raise U3Error(f"{folder / RECORD} is a link; delete it, or name another folder: `u3lab start FOLDER`")


def _record(folder: Path) -> dict[str, str]:
    """Which original each copy was given, by its checksum; empty if the file is gone or damaged."""
    try:
        read = json.loads((folder / RECORD).read_bytes()) if (folder / RECORD).is_file() else {}
        return {name: value for name, value in read.items() if isinstance(value, str)}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _bring_all(originals: Path, folder: Path, fresh: Collection[str], edited: Collection[str], day: str,
               done: list[tuple[str, str, str]]) -> None:
    """Bring all copies up to date; for each, ``done`` gets its name, what was done, and what name another file got."""
    before = _record(folder)
    record = dict(before)
    for name in names(originals):
        what, other = _bring(originals / name, folder, record, day, chapter(name) in fresh)
        done.append((name, f"{what}, edited" if name in edited and f"{what}, edited" in _EACH else what, other))
        if name in edited:
            record.pop(name, None)
    if record != before:
        paths.write_atomically(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def _bring(original: Path, folder: Path, record: dict[str, str], day: str, fresh: bool) -> tuple[str, str]:
    """Bring one copy up to date, and its line in the record; see :func:`_bring_all`."""
    content, copy = original.read_bytes(), folder / original.name
    new, came = cells(content), record.get(original.name)
    if not new:
        return "damaged", ""
    if not os.path.lexists(copy):
        done = "made" if _make(copy, content) else "busy", ""
    else:
        held = _read(copy)
        mine = cells(held)
        if fresh:
            done = ("pristine", "") if held == content else _replaced(copy, content, day)
        elif mine == new:
            done = "current", ""
        elif mine and mine == came:
            done = _replaced(copy, content, day, untouched=held)
        elif came == new or _beside(copy, new):
            done = "yours" if mine else "unreadable", ""
        else:
            done = "beside", _dated(copy, f"new-{day}", content).name
    if done[0] != "busy":
        record[original.name] = new  # the last original that the student was given
    return done


def _read(copy: Path) -> bytes:
    """What a copy holds. A link, a folder or what may not be read counts as work that is not ours to judge: b""."""
    try:
        return copy.read_bytes() if copy.is_file() and not copy.is_symlink() else b""
    except PermissionError:
        return b""


def _beside(copy: Path, new: str) -> bool:
    """Whether this original lies beside the copy already, under whatever date."""
    near = (path for path in copy.parent.iterdir() if path.name.startswith(f"{copy.stem}-new-"))
    return any(cells(_read(path)) == new for path in near)


def _replaced(copy: Path, content: bytes, day: str, *, untouched: bytes | None = None) -> tuple[str, str]:
    """Set a copy aside and begin anew. What was set aside goes if it is still what was found untouched.

    So a notebook that is saved while we look at it is kept, whenever that happens.
    """
    try:
        aside, put = _set_aside(copy, f"mine-{day}", content)
    except FileNotFoundError:  # another start was quicker, on a disk without locks
        return "busy", ""
    if untouched is not None and _read(aside) == untouched:
        aside.unlink()
        return ("replaced" if put else "busy"), ""
    return ("fresh" if put else "busy"), aside.name


def _make(path: Path, content: bytes) -> bool:
    """Write a new file, whole or not at all. False if there is one of that name by now, which stays."""
    with _written(path, content) as new:
        return _put(new, path)


def _dated(path: Path, words: str, content: bytes = b"") -> Path:
    """Write a new file beside another: "06-new-2026-11-28.ipynb", or with a number if that name is taken."""
    for number in itertools.count(1):
        free = path.with_name(f"{path.stem}-{words}{f'-{number}' if number > 1 else ''}{path.suffix}")
        with suppress(FileExistsError):
            free.open("xb").close()
            break
    try:
        if content:
            paths.write_atomically(free, content)
    except BaseException:
        free.unlink()
        raise
    return free


def _set_aside(path: Path, words: str, content: bytes) -> tuple[Path, bool]:
    """Move a file to a dated name, and write a new one in its place.

    Returns:
        tuple[Path, bool]: Where the old one is, and whether the new one has its place: not if somebody took it in
            between.
    """
    with _written(path, content) as new:  # first: a full disk is noticed here, before anything moves
        aside = _dated(path, words)
        try:
            os.replace(path, aside)  # which is empty, and ours
        except OSError:
            aside.unlink()
            raise
        try:
            return aside, _put(new, path)
        except OSError:
            if _put(aside, path):
                aside.unlink(missing_ok=True)
            raise


@contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """A hidden file with this content beside a path, while the block runs."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.u3lab")
    try:
        paths.write_atomically(new, content)
        yield new
    finally:
        with suppress(OSError):
            new.unlink()


def _put(new: Path, path: Path) -> bool:
    """Give a file that is written its name; False if there is one of that name by now, which stays."""
    try:
        os.link(new, path)  # unlike a rename, never over another file
    except FileExistsError:
        return False
    except (OSError, NotImplementedError):  # a disk without such links: look first, which is nearly as good
        if os.path.lexists(path):
            return False
        os.rename(new, path)
    return True


# What is said of all notebooks of a kind at once, and of each by itself.
_TOGETHER = {"made": "copied to {folder}: {chapters}",
             "replaced": "replaced by a newer version, since you had not worked on it: {chapters}"}
_EACH = {"beside": "{name}: your own stays as it is; its newer version lies beside it, {other}",
         "beside, edited": "{name}: your own stays as it is; notebooks/{name} has been edited since it came, and a "
                           "copy of that lies beside yours, {other}",
         "replaced, edited": "{name}: you had not worked on it, and it is now as notebooks/{name} is, which has been "
                             "edited since it came",
         "fresh": "{name} begins anew; what you had is kept as {other}",
         "pristine": "{name} is as it came already",
         "busy": "{name} was saved by another program just now, and stays as it was saved",
         "unreadable": "{name} cannot be read as a notebook, and stays; begin it anew, which keeps this one as well: "
                       "`u3lab start --fresh {chapter}`, in a clone `make lab FRESH={chapter}`",
         "damaged": "{name} is damaged where it came from, and nothing was done; run `python -m u3lab doctor` in a "
                    f"clone, else `pip install --force-reinstall --no-deps {paths.wheel()}`"}


def _lines(done: list[tuple[str, str, str]], folder: Path) -> list[str]:
    """What was done, in words; none if there was nothing to do."""
    lines = []
    for kind, sentence in _TOGETHER.items():
        if found := [chapter(name) for name, what, _ in done if what == kind]:
            lines.append(sentence.format(folder=folder, chapters=", ".join(found)))
    return lines + [_EACH[what].format(name=name, other=other, chapter=chapter(name))
                    for name, what, other in done if what in _EACH]
