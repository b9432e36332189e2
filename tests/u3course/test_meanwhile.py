"""Ctrl-C at any moment of a pass: the next one is as ever, and nothing is left of the first."""

import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import Tensor, nn, overrides

from tests import houses
from tests.helpers import built, seeded
from u3course.course import guard
from u3lab import saliency
from u3lab._system import meanwhile as file
from u3lab._system.meanwhile import heed_cells, hook, meanwhile, mode
from u3lab.nets import Classifier
from u3lab.nets.surgery import OutOfPlace

METHODS: dict[str, Callable[[Classifier, Tensor], Tensor]] = {
    "backprop": lambda net, x: saliency.backprop(net, x, 2, rule="guided"),
    "LRP": lambda net, x: saliency.lrp(net, x, 2, rule="alpha_beta"),
    "mask": lambda net, x: list(masks(net, x))[-1].value}


def masks(net: Classifier, x: Tensor) -> Iterator:
    return saliency.meaningful_perturbation(net, x, 2, settings=saliency.MaskSettings(steps=2, mask_size=4))


@cache
def small() -> tuple[Classifier, Tensor]:
    """A network of which a pass is a few thousand byte codes, and a picture."""
    module = built(lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)))
    return Classifier(module.float().eval(), size=16), torch.rand(1, 3, 16, 16, generator=seeded())


def left() -> set[str]:
    """What somebody has left behind."""
    parts = list(small()[0].modules())
    found = {"a hook": any(part._forward_hooks or part._forward_pre_hooks for part in parts),
             "a mode": overrides._get_current_function_mode_stack(), "a switch": not torch.is_grad_enabled(),
             "training": any(part.training for part in parts), "a block": file._open}
    return {what for what, there in found.items() if there}


def interrupted(call: Callable[[], object], at: int) -> int:
    """Call, with a KeyboardInterrupt before the byte code of that number; returns how many ran without one."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        if event == "opcode" and count == at:
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    return count


@pytest.fixture(autouse=True)
def nothing_left():
    assert not left()
    yield
    assert not left()


# An interrupt while Python clears something away goes nowhere
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_a_block_that_is_interrupted_at_any_byte_code_of_its_own():
    layer, remain = small()[0].layer("8"), Counter()

    def block() -> None:
        with meanwhile((layer.train, layer.eval), mode(OutOfPlace()), hook(layer, print), grad=False):
            pass

    for at in range(1, interrupted(block, 0) + 1):
        interrupted(block, at)
        remain.update(left())
        with meanwhile():
            assert left() == {"a block"}
        assert not left()
    assert remain.keys() == {"a block", "a hook", "a mode", "a switch", "training"}, "nothing was tried"


@pytest.mark.parametrize("name", METHODS)
def test_the_next_pass_is_as_ever_and_leaves_nothing(name: str):
    """After an interrupt at random byte codes of it."""
    def call() -> Tensor:
        return METHODS[name](*small())

    wanted, draw = call(), random.Random(0)
    codes = interrupted(call, 0)
    for at in (draw.randint(1, codes) for _ in range(25)):
        interrupted(call, at)
        assert torch.equal(call(), wanted) and not left()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such clock on this system")
@pytest.mark.parametrize("name", METHODS)
def test_an_interrupt_by_the_clock(name: str):
    (net, x), draw = small(), random.Random(0)
    wanted, former, rung = METHODS[name](net, x), signal.signal(signal.SIGALRM, signal.default_int_handler), 0
    try:
        for _ in range(25):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-4, 1e-2))
                for _ in range(100):
                    METHODS[name](net, x)
            except KeyboardInterrupt:
                rung += 1
            assert torch.equal(METHODS[name](net, x), wanted) and not left()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert rung > 10


def test_blocks_in_blocks_and_sleeping_steps_are_not_taken_for_interrupted():
    net, x = small()
    alone, seen = [step.value for step in masks(net, x)], []

    def asleep() -> Iterator[None]:
        with net.watch({"0": seen.append}):
            yield

    sleeper = asleep()
    next(sleeper)
    for steps in zip(masks(net, x), masks(net, x), alone, strict=True):  # as two live figures that take turns
        assert torch.equal(steps[0].value, steps[2]) and torch.equal(steps[1].value, steps[2])
        METHODS["LRP"](net, x)
    assert len(seen) > len(alone)  # the hook of the sleeper is still there
    next(sleeper, None)
    with net.watch({"0": seen.append}):
        count = len(seen)
        METHODS["backprop"](net, x)
        net(x)
        assert len(seen) == count + 2


def test_an_answer_that_was_stopped_in_its_thread_leaves_nothing_and_one_that_runs_is_let_be():
    net, x = small()
    inside, go_on = threading.Event(), threading.Event()

    def answer() -> None:
        with meanwhile(hook(net.layer("0"), lambda *_: None), (lambda: None, stop_once()), grad=False):
            inside.set()
            go_on.wait(20)

    worker = threading.Thread(target=guard.run, args=(answer, 20))
    worker.start()
    assert inside.wait(20)
    METHODS["LRP"](net, x)
    assert left() == {"a hook", "a block"}  # it runs
    go_on.set()
    worker.join()
    assert left() == {"a hook", "a block"}  # it was stopped, and stopped again while its block ended
    METHODS["LRP"](net, x)
    assert not left()


def stop_once(kind: type[BaseException] = guard.Stopped) -> Callable[[], None]:
    """Raises the first time, and does nothing from then on."""
    times = iter([kind()])

    def stop() -> None:
        for error in times:
            raise error

    return stop


@pytest.mark.parametrize("cell", ["with block(): pass", "torch.set_grad_enabled(False)\nraise KeyboardInterrupt"])
def test_in_a_notebook_all_is_undone_when_the_cell_ends(capsys, cell: str):
    net, x = small()
    shell = InteractiveShell.instance()  # it leaves a mark on sys.stdout, so that of capsys is there
    heed_cells(shell)
    shell.user_ns.update(
        torch=torch, meanwhile=meanwhile, left=left, block=lambda: meanwhile(
            mode(OutOfPlace()), hook(net.layer("0"), print), (lambda: None, stop_once(KeyboardInterrupt)), grad=False))
    try:
        shell.run_cell(cell)
        assert "KeyboardInterrupt" in capsys.readouterr().out and not left()
        shell.run_cell("torch.set_grad_enabled(False)")  # by the reader's own will
        shell.run_cell("1 / 0")
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
        InteractiveShell.clear_instance()


def test_hooks_are_set_nowhere_else():
    """And modes: then all of them are in the register."""
    ours = {path.name for path in houses.files(*houses.SHIPPED) if any(
        word in path.read_text(encoding="utf-8") for word in ("register_forward", "register_full", "_push_mode"))}
    assert ours == {"meanwhile.py"}
