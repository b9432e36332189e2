"""An answer is stopped, and what stops it is never seen; it prints only so much, and others as ever."""

import contextlib
import logging
import sys
import threading
import time

import pytest

from tests.helpers import raising
from u3course import course
from u3course.course import guard
from u3course.course.guard import run


def wait_for_answers() -> None:
    for worker in [t for t in threading.enumerate() if t.name == "answer"]:
        worker.join(5)
        assert not worker.is_alive()


@pytest.fixture
def hasty(monkeypatch):
    """Stopped is thrown hundreds of times in a row, and the answer's thread is slow to leave, as on a busy machine."""
    wait, interval = threading.Event.wait, sys.getswitchinterval()
    monkeypatch.setattr(guard, "_STOP_SECONDS", 20.0)
    monkeypatch.setattr(threading.Event, "wait", lambda self, timeout=None: wait(
        self, timeout if timeout is None or timeout > 0.05 else timeout / 1000))
    for name in ("set", "is_set"):
        monkeypatch.setattr(threading.Event, name, slow(getattr(threading.Event, name)))
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def slow(method):
    def call(event):
        for _ in range(0 if threading.get_ident() == threading.main_thread().ident else 5):
            time.sleep(0.0002)
        return method(event)

    return call


def ends_at_once():
    while True:
        pass


def ends_later():
    for _ in range(3):
        try:
            while True:
                pass
        except BaseException:
            pass


def ends_with_an_error():
    try:
        while True:
            pass
    except BaseException:
        raise ValueError("a word") from None


def ends_by_itself():
    end = time.perf_counter() + 0.06
    while time.perf_counter() < end:
        pass


@pytest.mark.parametrize("answer", [ends_at_once, ends_later, ends_with_an_error, ends_by_itself])
def test_no_traceback_of_what_stopped_it(answer, hasty, monkeypatch, capsys):
    escaped = []
    monkeypatch.setattr(threading, "excepthook", lambda args: escaped.append(args.exc_type))
    for _ in range(40):
        run(answer, 0.06)
        wait_for_answers()
    assert escaped == [] and capsys.readouterr().err == ""


def test_an_error_whose_words_are_traps():
    class Trap(Exception):
        __notes__ = 7

        def __str__(self):
            raise SystemExit

    assert run(raising(Trap()), 5.0).slip.startswith("your code raised Trap\n")


@pytest.fixture(autouse=True)
def streams():
    """Whatever happens, the streams are the same afterwards."""
    before = sys.stdout, sys.stderr
    yield
    wait_for_answers()
    assert (sys.stdout, sys.stderr) == before
    assert "write" not in vars(sys.stdout) and "write" not in vars(sys.stderr)


def prints_to_both():
    while True:
        print("ä" * 999)
        print("x", file=sys.stderr)


def prints_and_swallows():
    end = time.perf_counter() + 2
    while time.perf_counter() < end:
        try:
            print("again" * 99)
        except BaseException:
            pass


def prints_one_huge_line():
    print("x" * 10**6)
    print("more")


def logs():
    logger, handler = logging.Logger("mine"), logging.StreamHandler(sys.stdout)
    logger.addHandler(handler)
    for number in range(20_000):
        logger.error("line %d %s", number, "words " * 9)


@pytest.mark.parametrize("answer", [prints_to_both, prints_and_swallows, prints_one_huge_line, logs])
def test_an_answer_prints_at_most_100_kb(answer, capsys):
    run(answer, 1.0)
    print("others print as ever " * 10_000)
    said = capsys.readouterr()
    out, _, others = said.out.rpartition("others print as ever " * 10_000)
    assert others == "\n" and len((out + said.err).encode()) <= 100_000
    assert len((out + said.err).encode()) > 99_000  # what is allowed is there
    assert (out + said.err).count("the rest is not shown") == 1


def test_an_answer_that_is_left_behind_stays_limited_and_no_other_thread_is(monkeypatch, capsys):
    ends = threading.Event()
    monkeypatch.setattr(guard, "_STOP_SECONDS", 0.1)

    def goes_on():
        while not ends.is_set():
            with contextlib.suppress(BaseException):
                while not ends.is_set():
                    print("x" * 99)

    assert "still running" in run(goes_on, 1.0).slip
    try:
        first = capsys.readouterr().out
        assert len(first) <= 100_000 and first.endswith("the rest is not shown\n")
        assert run(lambda: print("the next answer"), 5.0).slip == ""  # has an allowance of its own
        other = threading.Thread(target=print, args=("z" * 200_000,))
        other.start()
        other.join()
        assert capsys.readouterr().out == "the next answer\n" + "z" * 200_000 + "\n"
        assert "write" in vars(sys.stdout)
    finally:
        ends.set()


def test_an_answer_that_takes_the_streams_away(capsys):
    def mine(p, through):
        sys.stdout = sys.stderr = None
        return through(p).relu()

    assert course.check("6-guided", mine).passed
    print("here")
    assert capsys.readouterr().out == "here\n"


def test_somebody_elses_write_is_kept(monkeypatch, capsys):
    def loud(text: str, write=sys.stdout.write) -> int:
        return write(text.upper())

    monkeypatch.setattr(sys.stdout, "write", loud)
    run(lambda: print("word"), 5.0)
    assert sys.stdout.write is loud
    monkeypatch.undo()
    assert capsys.readouterr().out == "WORD\n"
