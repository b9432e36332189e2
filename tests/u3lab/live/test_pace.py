"""How a player shares the machine: told by fakes what the system would say, never by a clock."""

import sys
import threading
import time
from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from tests.helpers import raising
from tests.u3lab.live.toys import Toy, approach, in_a_loop, looked_at, until
from u3lab import live
from u3lab._system import notebook
from u3lab.live import kernel, player


@pytest.fixture(autouse=True)
def a_class(monkeypatch: pytest.MonkeyPatch):
    """These players compute where others do."""
    monkeypatch.setenv(notebook.SHARED, "1")


def rests(steps: Iterable[tuple[float, float]], **how: float) -> list[float]:
    """The rest after each step that computed and waited for so many seconds."""
    told = [(0.0, 0.0)]
    for computed, waited in steps:
        told.append((told[-1][0] + computed, told[-1][1] + waited))
    ahead = iter(told)
    one = kernel.Pace(lambda: next(ahead), **how)
    return [one.rest() for _ in told[1:]]


def test_one_slice_of_waiting_is_an_accident_and_many_are_a_queue():
    once = rests([(0.02, 0.0)] * 9 + [(0.02, 0.005)] + [(0.02, 0.0)] * 9)
    always = rests([(0.02, 0.0)] * 9 + [(0.02, 0.02)] * 20)
    assert max(once) == 0 and always[8] == 0 and rests([(0.02, 0.004), (1.0, 0.2), (0.0, 0.0)] * 9) == [0.0] * 27
    assert rests([(0.1, 60.0)] * 3) == [kernel.LONGEST] * 3  # the picture moves on, however full the machine is
    assert rests([(0.02, 0.1)] * 9, polite=5.0) == pytest.approx([5 * rest for rest in rests([(0.02, 0.1)] * 9)])
    assert always[-1] == pytest.approx(kernel.RESTS * (0.02 - kernel.BEARS * 0.02), rel=0.02)


def test_on_a_computer_of_one_s_own_a_busy_neighbour_brings_no_rests(monkeypatch):
    beside_one, in_a_crowd = [(0.02, 0.012)] * 20, [(0.02, 0.05)] * 20
    assert min(rests(beside_one)[3:]) > 0
    monkeypatch.delenv(notebook.SHARED)
    assert rests(beside_one) == [0.0] * 20
    assert rests(in_a_crowd)[-1] == pytest.approx(kernel.RESTS * (0.05 - kernel.ALONE * 0.02), rel=0.02)


@pytest.mark.parametrize("computed, waited, age, seconds", [
    (2.0, 0.6, 10.0, kernel.LESSON - 10), (2.0, 0.4, 10.0, 0.0), (0.0, 0.0, 0.0, 0.0),
    (2.0, 9.0, kernel.LESSON + 1, 0.0)])
def test_what_can_wait_lets_a_lesson_begin(computed, waited, age, seconds):
    """It is only the first minute of a kernel that may be one."""
    assert kernel.delay(lambda: (computed, waited), time.time() - age) == pytest.approx(seconds, abs=1)


def together(players: int, cores: int, *, turns: int = 400) -> tuple[float, float]:
    """Players on some cores: the share of the cores that they take, and how many are ready to run at a time.

    Everybody computes a step of 20 ms; who is ready gets a core as often as another, so that a step waits as long as
    it computes for each turn that all who are ready outnumber the cores by.
    """
    told = [[0.0, 0.0] for _ in range(players)]
    paces = [kernel.Pace(lambda own=own: tuple(own)) for own in told]
    ready = float(players)
    for _ in range(turns):
        waited = 0.02 * max(0.0, ready / cores - 1)
        for own in told:
            own[0] += 0.02
            own[1] += waited
        rest = sum(one.rest() for one in paces) / players
        present = players * (0.02 + waited) / (0.02 + waited + rest)
        ready += 0.1 * (present - ready)
    busy = players * 0.02 / (0.02 + waited + rest) / cores
    return min(busy, 1.0), ready


def test_many_players_keep_the_cores_busy_and_the_queue_short_and_two_on_two_cores_do_not_rest():
    busy, ready = together(6, 2)
    assert busy > 0.9 and ready < 3  # without rests all six would be ready
    assert together(2, 2) == (1.0, pytest.approx(2.0))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts how long a thread has waited")
def test_the_system_counts_what_this_thread_computes():
    def count() -> None:
        before = kernel.clocks()
        while kernel.clocks()[0] == before[0]:
            pass
        found.append(all(new >= old for new, old in zip(kernel.clocks(), before, strict=True)))

    found: list[bool] = []
    thread = threading.Thread(target=count)
    thread.start()
    thread.join(60)
    assert found == [True]


@pytest.mark.parametrize("read", [raising(FileNotFoundError()), lambda path: b"", lambda path: b"1 2"])
def test_where_the_system_does_not_tell_nobody_rests(monkeypatch, read):
    monkeypatch.setattr(kernel.Path, "read_bytes", read)
    assert kernel.clocks() == (0.0, 0.0) and kernel.Pace().rest() == 0


@in_a_loop
async def test_a_player_rests_between_steps_and_leaves_none_out(monkeypatch):
    breaths, breathe = [], kernel.breathe

    async def noted(seconds: float = 0.0) -> None:
        breaths.append(seconds)
        await breathe()

    monkeypatch.setattr(player, "Pace", lambda: kernel.Pace(iter([(0.0, 0.0), *((n, 9.0 * n) for n in range(1, 99))])
                                                          .__next__))
    monkeypatch.setattr(kernel, "breathe", noted)
    shown = looked_at(live.play(approach, Toy()))
    drawn = []
    shown.picture.observe(lambda change: drawn.append(shown.step.iteration), names="frame")
    shown.play()
    await until(lambda: not shown.playing)
    assert drawn == [1, 2, 3, 4, 5, 6] and set(breaths) == {kernel.LONGEST}


@in_a_loop
async def test_what_a_step_has_taken_is_not_waited_for_again(monkeypatch):
    breaths, breathe, clock = [], kernel.breathe, iter(range(10**6))

    async def noted(seconds: float = 0.0) -> None:
        breaths.append(seconds)
        await breathe()

    monkeypatch.setattr(player, "Pace", lambda: SimpleNamespace(rest=lambda: 0.0))
    monkeypatch.setattr(player, "time", SimpleNamespace(perf_counter=lambda: next(clock) / 1000))
    monkeypatch.setattr(kernel, "breathe", noted)
    shown = looked_at(live.play(approach, Toy()))
    shown.speed.value = 10
    shown.play()
    await until(lambda: not shown.playing)
    assert breaths and max(breaths) < 1 / 10
