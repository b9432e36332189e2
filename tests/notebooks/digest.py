"""With ``-p tests.notebooks.digest``, nbval's run of a notebook compares what its figures show with a kept text.

Words must be equal and numbers alike. ``U3LAB_DIGESTS=write`` writes the texts anew: read what has changed. Afterwards
``U3LAB_DIGESTS=mark`` with another instruction set (``ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2``) marks the
lines whose numbers depend on it; of these, words are compared and numbers by their size alone.
"""

import os
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.notebooks.controls import ask

RECORDER = Path(__file__).with_name("recorder.py").read_text("utf-8")
FIRST = f"_recorder = {{'__name__': 'recorder'}}\nexec({RECORDER!r}, _recorder)\n_recorder['install']()\nprint('[]')"
KEPT = Path(os.environ.get("U3LAB_DIGEST_FOLDER") or Path(__file__).with_name("digests"))
NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
CLOCK = re.compile(r"\d+(?:\.\d+)? ?(?:ms|s|seconds?|MB|MiB)\b")  # another machine has another
PICTURE = re.compile(r" ~([0-9A-Z]+)")
OWN = "? "  # before a line whose numbers depend on the processor: steps of a training magnify its rounding


def alike(line: str, kept: str) -> bool:
    """Equal words, pictures alike, and numbers within a tenth and a fiftieth of the line's largest (of 1, if less)."""
    pictures = PICTURE.findall(line), PICTURE.findall(kept)
    return same_words(line, kept) and all(map(same_picture, *pictures)) and near(line, kept, 0.1, 0.02)


def roughly(line: str, kept: str) -> bool:
    """The same of a line that is marked: pictures may differ, and numbers by two thirds."""
    return same_words(line, kept) and near(line, kept, 0.67, 0.3)


def same_words(line: str, kept: str) -> bool:
    line, kept = (NUMBER.sub("#", PICTURE.sub(" ~", CLOCK.sub("a time", text))) for text in (line, kept))
    return line == kept


def near(line: str, kept: str, share: float, least: float) -> bool:
    """Whether numbers differ by a share of what is kept at most, and ``least`` of the line's largest."""
    bare = (PICTURE.sub("", CLOCK.sub("", text)) for text in (line, kept))
    a, b = ([float(one.replace("−", "-").replace(",", "")) for one in NUMBER.findall(text)] for text in bare)
    least *= min(1.0, max([0.05, *map(abs, b[1:])]))  # the first number is the cell's
    return all(abs(x - y) <= least + share * abs(y) for x, y in zip(a, b, strict=True))


def same_picture(one: str, other: str) -> bool:
    """Whether the cells of two pictures differ by at most 3 % of white (root mean square), and none by 15 %."""
    if len(one) != len(other):
        return False
    apart = [(int(a, 36) - int(b, 36)) / 35 for a, b in zip(one, other, strict=True)]
    return sum(d * d for d in apart) <= 0.03**2 * len(apart) and max(map(abs, apart)) < 0.15


def differences(lines: list[str], kept: list[str]) -> list[str]:
    """A sentence for the first line of each call that is not as it was kept."""
    found: dict[str, str] = {}
    for now, before in zip_longest(lines, kept, fillvalue="nothing at all"):
        own = before.startswith(OWN)
        before = before.removeprefix(OWN)
        if not (roughly if own else alike)(now, before):
            cell, _, call = (before if now == "nothing at all" else now).partition(" ")
            found.setdefault(f"{cell} {call.partition('.')[0]}", f"cell {cell}: it shows {now!r}, kept is {before!r}")
    return list(found.values())


def written(lines: list[str], kept: list[str]) -> list[str]:
    """The lines, with the marks of those that are kept."""
    own = {one.removeprefix(OWN).partition(" = ")[0] for one in kept if one.startswith(OWN)}
    return [OWN * (line.partition(" = ")[0] in own) + line for line in lines]


def marked(lines: list[str], kept: list[str]) -> list[str]:
    """What is kept, with a mark before the numbers that another processor changes."""
    return [OWN * (not one.startswith(OWN) and same_words(line, one) and not alike(line, one)) + one
            for line, one in zip(lines, kept, strict=True)]


class Digest(pytest.Item):
    """The test after the last cell, before anything is moved."""

    def runtest(self) -> None:
        lines, file = ask(self.parent.kernel, "print(repr(_recorder['LINES']))"), KEPT / f"{self.path.stem}.txt"
        if os.environ.get("U3LAB_DIGESTS") in ("write", "mark"):
            before = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
            write = written if os.environ["U3LAB_DIGESTS"] == "write" else marked
            file.write_text("\n".join(write(lines, before)) + "\n", encoding="utf-8")
        if not file.exists():
            pytest.skip(f"no {file.name} is kept in tests/notebooks/digests: U3LAB_DIGESTS=write makes it")
        found = differences(lines, file.read_text(encoding="utf-8").splitlines())
        assert not found, "\n".join(found)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.nodeid


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Any:
    """Once the kernel stands, and before its first cell, the recorder."""
    yield
    if isinstance(item.parent, IPyNbFile) and not getattr(item.parent, "records", False):
        item.parent.records = True
        ask(item.parent.kernel, FIRST)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Put the test behind the cells."""
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        cells = sum(isinstance(item, IPyNbCell) for item in report.result)
        report.result.insert(cells, Digest.from_parent(collector, name="digest"))
    return report
