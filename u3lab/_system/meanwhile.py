"""Changes that hold while a block runs: hooks, modes, the gradient switch. Ctrl-C may come at any moment of it.

    with meanwhile(hook(layer, see), mode(OutOfPlace()), grad=True):
        scores = net(x)

No ``finally`` is safe from an interrupt, which may come between its first line and its last. So a block is in a
register before it changes anything, and out of it once all is undone. What stands there of a block that runs no more
was interrupted: the next pass undoes it, and in a notebook the end of the cell. A block runs while its frame does, so
blocks may stand in blocks. One in a generator may be asleep and is never judged: open it in a function that a step
calls.
"""

import inspect
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import torch
from torch import nn, overrides

from u3lab._system import notebook

Change = tuple[Callable[[], object], Callable[[], object]]  # what is done, and what undoes it: also twice, or undone
SLEEPS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_open: "list[meanwhile]" = []
_left: weakref.WeakSet[overrides.TorchFunctionMode] = weakref.WeakSet()  # modes whose block has ended


class meanwhile:
    """While open, some changes hold; afterwards all is as before, the gradient switch in any case.

    ``grad`` turns it on or off.
    """

    def __init__(self, *changes: Change, grad: bool | None = None) -> None:
        self.changes, self.grad = changes, grad

    def __enter__(self) -> None:
        restore()
        self.frame, self.thread, self.before = sys._getframe(1), threading.current_thread(), torch.is_grad_enabled()
        _open.append(self)
        try:
            if self.grad is not None:
                torch.set_grad_enabled(self.grad)
            for do, _ in self.changes:
                do()
        except BaseException:
            self._undo()
            raise

    def __exit__(self, *raised: object) -> None:
        self._undo()

    def over(self, running: set[FrameType]) -> bool:
        """Whether the block stands in the register although it ended; ``running`` are the frames of this thread."""
        if self.thread is not threading.current_thread():
            return not self.thread.is_alive()
        return self.frame not in running and not self.frame.f_code.co_flags & SLEEPS

    def _undo(self) -> None:
        for _, undo in reversed(self.changes):
            undo()
        if self.thread is threading.current_thread():  # each thread has its own switch
            torch.set_grad_enabled(self.before)
        with suppress(ValueError):  # another thread was faster
            _open.remove(self)
        self.frame = None  # or it would hold all that the block has made


def restore() -> None:
    """Undo what interrupted blocks have left behind."""
    if _open:
        running, frame = set(), sys._getframe(1)
        while frame:
            running.add(frame)
            frame = frame.f_back
        for one in _open[::-1]:
            if one.over(running):
                one._undo()
    for functions in overrides._get_current_function_mode_stack():
        if functions in _left:
            _take_off(functions)


# ---- changes ---------------------------------------------------------------------------------------------------------

def hook(part: nn.Module, see: Callable, *, before: bool = False) -> Change:
    """A function that a module calls with its output, or ``before`` its pass with its inputs."""
    register = part.register_forward_pre_hook if before else part.register_forward_hook

    def remove() -> None:  # the handle of the hook may never have arrived
        hooks = part._forward_pre_hooks if before else part._forward_hooks
        for key in [key for key, value in hooks.items() if value is see]:
            del hooks[key]

    return partial(register, see), remove


def mode(functions: overrides.TorchFunctionMode) -> Change:
    """A mode that redefines torch's functions.

    An interrupt of torch's own code, which takes modes off for a while, may bring one back when the block has ended.
    """
    def enter() -> None:
        _left.discard(functions)
        overrides._push_mode(functions)

    def leave() -> None:
        _take_off(functions)
        _left.add(functions)

    return enter, leave


def _take_off(functions: overrides.TorchFunctionMode) -> None:
    """Take a mode off the stack, wherever it lies; torch itself takes off what lies on top."""
    above = []
    while any(one is functions for one in overrides._get_current_function_mode_stack()):
        above.append(overrides._pop_mode())
    for one in reversed(above):
        if one is not functions:
            overrides._push_mode(one)


def value(owner: object, name: str, new: Any) -> Change:
    """An attribute's value."""
    before = []

    def put() -> None:
        before.append(getattr(owner, name))
        setattr(owner, name, new)

    def put_back() -> None:
        for one in before:
            setattr(owner, name, one)

    return put, put_back


# ---- cells -----------------------------------------------------------------------------------------------------------

def heed_cells(shell: Any) -> None:
    """After a cell that was interrupted all is restored, also what torch's own ``no_grad`` has left."""
    before = torch.is_grad_enabled()

    def begins(info: object) -> None:
        nonlocal before
        restore()
        before = torch.is_grad_enabled()

    def ended(result: Any) -> None:
        restore()
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            torch.set_grad_enabled(before)

    shell.events.register("pre_run_cell", begins)
    shell.events.register("post_run_cell", ended)


if notebook.shell():
    heed_cells(notebook.shell())
