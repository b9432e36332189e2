"""The player in a kernel's loop: it runs between messages, is steered, and stops when it should."""

import asyncio
import threading
import time

import pytest

from tests.u3lab.live.test_player import broken
from tests.u3lab.live.toys import Toy, approach, in_a_loop, looked_at, until
from u3lab import U3Error, live
from u3lab.live import kernel
from u3lab.live.screen import Screen

LONG = 100  # steps; each is followed by a thousandth of a second at least


@pytest.fixture
def impatient(monkeypatch):
    """A view that is silent for a twentieth of a second is taken for gone."""
    monkeypatch.setattr(Screen.on_screen, "__defaults__", (1, 0.05))


def unseen(**more):
    return live.play(approach, Toy(steps=LONG), **more)


def long():
    return looked_at(unseen())


async def running(player=None):
    player = player or long()
    player.play_button.click()
    await until(lambda: player.step.iteration > 1)
    assert player.playing and player.play_button.description == "pause"
    return player


@in_a_loop
async def test_it_plays_to_the_end_and_then_begins_again():
    player = looked_at(live.play(approach, Toy()))
    for frames in (7, 7 + 7):
        player.play_button.click()
        await until(lambda: player.playing)
        await until(lambda: not player.playing)
        assert player.step.iteration == 6 and player.picture.frame == frames and player.play_button.icon == "play"
        assert player.line.value.startswith("step 6 of 6") and "E after 6 steps" in player.curve.value


@in_a_loop
async def test_pause_and_play_again_goes_on_from_there():
    player = await running()
    player.play_button.click()
    assert not player.playing
    await until(lambda: player._task.done())
    stopped = player.step.iteration
    assert player.line.value.startswith(f"step {stopped} of {LONG}")  # not the numbers of a moment ago
    await asyncio.sleep(0.02)
    assert player.step.iteration == stopped
    player.play()
    await until(lambda: player.step.iteration > stopped)
    player.pause()
    player.play()  # before the task has noticed the pause
    await until(lambda: player.step.iteration == LONG)


@in_a_loop
async def test_the_step_button_pauses_and_takes_one_step():
    player = await running()
    player.step_button.click()
    assert not player.playing
    await until(lambda: player._task.done())
    stopped = player.step.iteration
    player.step_button.click()
    await until(lambda: player.step.iteration == stopped + 1)


@in_a_loop
async def test_messages_from_another_thread_steer_it_while_it_runs():
    player = await running()
    computed = set()
    player.picture.observe(lambda change: computed.add(threading.current_thread()), names="value")

    def drag():
        for target in (1.25, 1.5, 1.75, 2.0):
            player.sliders.fields["target"].value = target
            time.sleep(0.005)

    messages = threading.Thread(target=drag)
    messages.start()
    await until(lambda: player.step.terms["level"] > 1.9)
    messages.join()
    assert player.playing and 1 < player.step.iteration < LONG and computed == {threading.main_thread()}
    player.pause()


@in_a_loop
async def test_restart_while_it_runs_goes_on_from_the_start():
    player = await running()
    player.sliders.fields["start"].value = 1.0
    await until(lambda: player.step.iteration == 0)
    assert player.step.terms["level"] == 1.0
    await until(lambda: player.step.iteration > 3)
    assert player.playing
    player.pause()


@in_a_loop
async def test_many_moves_ask_for_one_restart():
    begun = []
    player = live.play(lambda settings, n: begun.append(n) or approach(settings), Toy(), n=(0, 10))
    for n in (6, 7, 8):
        player.controls["n"].value = n
    await until(lambda: len(begun) > 1)
    await asyncio.sleep(0.01)
    assert begun == [5, 8]


@in_a_loop
async def test_the_speed_is_kept():
    player = looked_at(live.play(approach, Toy(steps=3)))
    player.speed.value = 20
    begun = time.monotonic()
    player.play()
    await until(lambda: player.step.iteration == 3)
    assert time.monotonic() - begun >= 0.1  # two full pauses of a twentieth lie between three steps


@in_a_loop
async def test_starting_one_pauses_the_others():
    one, two, three = (long() for _ in range(3))
    for now in (one, two, three, one):
        now.play()
        assert [player.playing for player in (one, two, three)] == [player is now for player in (one, two, three)]
        await asyncio.sleep(0.01)
    one.pause()
    await until(lambda: all(player._task.done() for player in (one, two, three)))
    assert len(asyncio.all_tasks()) == 1  # this test


@in_a_loop
async def test_it_pauses_when_nobody_looks(impatient):
    player = unseen()
    player.play()
    await until(lambda: not player.playing)
    assert player.line.value == "paused: no page shows this picture any more"
    assert player.step.iteration <= 2
    looked_at(player)  # the page is back: its view says so
    await running(player)
    player.pause()


@in_a_loop
async def test_it_waits_for_a_slow_view():
    player = unseen()
    player.play()
    await until(lambda: player.picture.frame == 5)  # four more than the view has shown
    await asyncio.sleep(0.02)
    assert player.playing and player.picture.frame == 5
    player.picture.seen = 5
    await until(lambda: player.picture.frame == 10)
    player.picture.seen = 1  # an old report
    await asyncio.sleep(0.02)
    assert player.playing and player.picture.frame == 10
    player.pause()
    player.picture.seen = 99


@in_a_loop
async def test_an_error_stops_it_with_a_line():
    player = looked_at(live.play(broken(U3Error("lower η")), Toy()))
    for _ in range(2):  # it begins anew, and fails at the same place
        player.play()
        await until(lambda: player.playing and player.step is not None)
        await until(lambda: not player.playing)
        assert player.line.value == '<b role="alert">lower η</b>'


@pytest.fixture
def shared(monkeypatch):
    """A class computes on this machine, and its lesson has begun for a while; the delay can be set."""
    monkeypatch.setenv("U3LAB_SHARED", "1")
    monkeypatch.setattr(kernel, "delay", lambda: 0.0)
    return monkeypatch


@in_a_loop
@pytest.mark.parametrize("seconds", [0.0, 0.2])
async def test_where_a_class_computes_the_first_steps_follow_the_cell(shared, seconds):
    shared.setattr(kernel, "delay", lambda: seconds)
    player = unseen(first=5)
    await asyncio.sleep(0.5 * seconds)  # while a lesson begins, they wait
    assert player.step.iteration == 0 and player.picture.frame == 1 and not player.playing
    kernel.pause_all()  # as each further cell does
    await until(player._early.done)
    assert player.step.iteration == 5 and not player.playing  # and no further, though no view has said anything
    assert player.picture.frame == 2  # pictures of those between are not drawn
    assert player.line.value.startswith(f"step 5 of {LONG}") and "E after 5 steps" in player.curve.value


@in_a_loop
@pytest.mark.parametrize("seconds", [0.0, 0.05])
@pytest.mark.parametrize("student", ["restart", "close", "play and pause", "step"])
async def test_a_student_who_acts_ends_the_first_steps(student, seconds, shared):
    """Be it in the midst of them or before."""
    shared.setattr(kernel, "delay", lambda: seconds)
    player = looked_at(unseen(first=50))
    await asyncio.sleep(0.01)
    if student == "step":
        player.step_button.click()
        await asyncio.sleep(0.01)
    elif student == "play and pause":
        player.play()
        await asyncio.sleep(0.01)
        player.pause()
        await until(player._task.done)
    else:
        getattr(player, student)()
    await until(player._early.done)
    now, frame = player.step.iteration, player.picture.frame
    await asyncio.sleep(0.1)
    assert player.step.iteration == now < 50
    if student != "close":
        player.advance()
        assert player.step.iteration == now + 1 and player.picture.frame == frame + 1
