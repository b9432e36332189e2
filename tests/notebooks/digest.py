"""With ``-p tests.notebooks.digest``, nbval's run of a notebook compares what its figures show with a kept text.

Words must be equal and numbers alike. ``U3LAB_DIGESTS=write`` writes the texts anew: read what has changed.
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
# Another machine has another time, and another energy of the last mini-batch: a hundred steps magnify its rounding.
OWN = re.compile(r"\d+(?:\.\d+)? ?(?:ms|s|seconds?|MB|MiB)\b|E = [\d.]+(?= · \d+% of \d+ right)")


PICTURE = re.compile(r" ~(\d+)")


def alike(line: str, kept: str) -> bool:
    """Equal words, pictures alike, and numbers within a tenth and a fiftieth of the line's largest (of 1, if less)."""
    line, kept = OWN.sub("its own", line), OWN.sub("its own", kept)
    pictures = PICTURE.findall(line), PICTURE.findall(kept)
    if len(pictures[0]) != len(pictures[1]) or not all(map(same_picture, *pictures)):
        return False
    line, kept = PICTURE.sub("", line), PICTURE.sub("", kept)
    if NUMBER.sub("#", line) != NUMBER.sub("#", kept):
        return False
    a, b = ([float(one.replace("−", "-").replace(",", "")) for one in NUMBER.findall(text)] for text in (line, kept))
    least = 0.02 * min(1.0, max([0.05, *map(abs, b[1:])]))  # the first number is the cell's
    return all(abs(x - y) <= least + 0.1 * abs(y) for x, y in zip(a, b, strict=True))


def same_picture(one: str, other: str) -> bool:
    """Whether the cells of two pictures differ by at most three hundredths (root mean square), and none by 15."""
    if len(one) != len(other):
        return False
    apart = [int(one[n:n + 2]) - int(other[n:n + 2]) for n in range(0, len(other), 2)]
    return sum(d * d for d in apart) <= 9 * len(apart) and max(map(abs, apart)) < 15


def differences(lines: list[str], kept: list[str]) -> list[str]:
    """A sentence for the first line of each call that is not as it was kept."""
    found: dict[str, str] = {}
    for now, before in zip_longest(lines, kept, fillvalue="nothing at all"):
        if not alike(now, before):
            cell, _, call = (before if now == "nothing at all" else now).partition(" ")
            found.setdefault(f"{cell} {call.partition('.')[0]}", f"cell {cell}: it shows {now!r}, kept is {before!r}")
    return list(found.values())


class Digest(pytest.Item):
    """The test after the last cell, before anything is moved."""

    def runtest(self) -> None:
        lines, file = ask(self.parent.kernel, "print(repr(_recorder['LINES']))"), KEPT / f"{self.path.stem}.txt"
        if os.environ.get("U3LAB_DIGESTS") == "write":
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
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
