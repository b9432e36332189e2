"""With ``-p tests.times`` a run of the tests writes down what each took, in seconds.json beside this file.

    python -m pytest -n 2 -p tests.times tests --ignore=tests/browser          # of two cores that do nothing else

Kept are the tests of half a second or more. They have the mark ``slow``, which conftest.py gives by that file: no clock
decides. A test that ran takes its new time, one that did not keeps its old one. A fixture that several tests share is
charged to each of them, as if it ran alone, and not to whoever comes first.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).with_name("seconds.json")
GATE = Path(__file__).with_name("gate.txt")
LEAST = 0.5
COLLECTED = pytest.StashKey[set[str]]()  # the ids of all tests, those included that -m leaves out
_shared: dict[pytest.FixtureDef, float] = {}
_took: dict[str, float] = {}


def recorded() -> dict[str, float]:
    """The tests that take ``LEAST`` or more, by id, in seconds."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def gate() -> set[str]:
    """What make test runs of the slow ones: ids, functions with all their cases, and whole files."""
    return set(GATE.read_text(encoding="utf-8").splitlines())


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef, request: pytest.FixtureRequest) -> Any:
    """Note how long a shared fixture took, and that the test which came first waited for it."""
    began = time.perf_counter()
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function":
            _shared[fixturedef] = time.perf_counter() - began
            request._pyfuncitem.user_properties.append(("own", -_shared[fixturedef]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Charge what a test shares to it; it goes with the last of its three reports."""
    known = getattr(item, "_fixtureinfo", None)
    defined = [known.name2fixturedefs.get(name, ()) for name in item.fixturenames] if known else []
    item.user_properties.append(("own", sum(_shared.get(one[-1], 0.0) for one in defined if one)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what a test took by itself."""
    _took[report.nodeid] = _took.get(report.nodeid, 0.0) + report.duration
    if report.when == "teardown":
        _took[report.nodeid] += sum(value for name, value in report.user_properties if name == "own")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the file, from the process that has all reports."""
    if not hasattr(session.config, "workerinput"):
        took = {**recorded(), **_took}
        slow = {test: round(took[test], 2) for test in sorted(took) if took[test] >= LEAST}
        FILE.write_text(json.dumps(slow, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
