"""The mark ``slow``, and what make test runs of the tests that have it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import times

ROOT = Path(__file__).resolve().parent.parent
GATE = times.GATE.read_text(encoding="utf-8").splitlines()
PAGES = [line for line in (ROOT / "tests" / "gate_pages.txt").read_text(encoding="utf-8").splitlines()
         if not line.startswith("--")]


def file_of(test: str) -> str:
    return test.partition("::")[0]


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> set[str]:
    """The ids of all tests in the files that this run has collected."""
    if any("::" in argument for argument in request.config.args):
        pytest.skip("single tests were asked for, so no file is here as a whole")
    return request.config.stash[times.COLLECTED]


def test_what_is_recorded_took_half_a_second_and_is_there(collected: set[str]):
    recorded = times.recorded()
    assert min(recorded.values()) >= times.LEAST
    files = set(map(file_of, collected))
    assert {file for file in map(file_of, recorded) if not (ROOT / file).exists()} == set()
    assert {test for test in recorded if file_of(test) in files} <= collected


def test_what_the_gate_names_is_there(collected: set[str]):
    files, whole = set(map(file_of, collected)), {test.partition("[")[0] for test in collected}
    assert len(set(GATE)) == len(GATE) and all((ROOT / file_of(test)).exists() for test in GATE + PAGES)
    assert {test for test in GATE if "::" in test and file_of(test) in files} <= collected | whole


def test_what_is_slow_and_what_the_gate_names_has_its_mark(request: pytest.FixtureRequest):
    for item in request.session.items:
        assert (item.get_closest_marker("slow") is not None) == (item.nodeid in times.recorded())
        named = times.gate() & {item.nodeid, item.nodeid.partition("[")[0], file_of(item.nodeid)}
        assert bool(named) == (item.get_closest_marker("gate") is not None)


def test_each_slow_family_is_in_the_gate_or_said_to_wait_for_the_night():
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    browser = {f"tests/browser/{file.name}" for file in (ROOT / "tests" / "browser").glob("test_*.py")}
    notebooks = {f"notebooks/{file.name}" for file in (ROOT / "notebooks").glob("*.ipynb")}
    waits = page.partition("## What waits for the night\n")[2].partition("\n## ")[0]
    here = set(map(file_of, GATE + PAGES))
    later = set(re.findall(r"`((?:tests|notebooks)/\S+)`", waits))
    assert set(map(file_of, times.recorded())) | browser | notebooks <= here | later
    assert not later & here and all((ROOT / file).exists() for file in later)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_full_leaves_nothing_out():
    """And quick the slow ones alone."""
    def run(target: str) -> list[str]:
        said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [line.partition("-m pytest ")[2] for line in said.splitlines() if "-m pytest " in line]

    units, rest = run("full")
    assert units.endswith(" tests evidence --ignore=tests/browser") and rest.endswith(" tests/browser notebooks")
    assert not re.search(r" (-m|-k|--deselect|--ignore-glob)\b", units + rest) and units.count("--ignore") == 1
    assert "-p tests.notebooks.controls" in rest
    (quick,), (gate, pages) = run("quick"), run("test")
    assert quick.replace('-m "not slow" ', "").split() == units.split()
    assert gate.replace('-m "not slow or gate" ', "").split() == units.split()
    assert pages.split()[-1] == "@tests/gate_pages.txt" and pages.split()[:-1] == rest.split()[:-2]
