"""Kernels that record progress at once, and kernels that are killed while they do; what is found afterwards, as JSON.

    python -m tests.hostile.writers FOLDER killed 100      # kill -9 at a random moment, so many times
    python -m tests.hostile.writers FOLDER together 400    # four at once, so many records each

A program of its own, since it forks: it is small, has one thread, and loads no torch.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import u3course

# The package's own file loads torch, which progress does not need.
sys.modules["u3course.course"] = ModuleType("u3course.course")
sys.modules["u3course.course"].__path__ = [str(Path(u3course.__file__).parent / "course")]

from u3course.course import state  # noqa: E402

AT_ONCE = 4


def kept() -> set[str]:
    """What the file says, if it is there; an error if it cannot be read."""
    return set(json.loads(state.file().read_bytes())["exercises"]) if state.file().exists() else set()


def leftovers() -> list[str]:
    wanted = {"progress.json", ".progress.json.lock"}
    return [name for name in os.listdir(state.file().parent) if name not in wanted]


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """A child that works and tells what it has done through a pipe; its number, and the pipe's end to read from."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.close(reading)
        try:
            work(writing)
        finally:
            os._exit(0)
    os.close(writing)
    return child, reading


def told(pipe: int) -> list[str]:
    """What a child has told until its end, in whole lines."""
    with open(pipe, encoding="utf-8") as lines:
        return [line.rstrip("\n") for line in lines if line.endswith("\n")]


def recording(name: str, count: int) -> Callable[[int], None]:
    def work(pipe: int) -> None:
        for key in (f"{name}-{n}" for n in range(count)):
            if not state.record("exercises", key):
                os.write(pipe, f"{key}\n".encode())

    return work


def killed(times: int) -> dict[str, int]:
    draw, acknowledged, torn = random.Random(0), set(), 0
    swept = lost = 0
    for n in range(times):
        child, pipe = forked(recording(f"kill {n}", 10**6))
        time.sleep(draw.uniform(0.001, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged.update(told(pipe))
        kept()
        torn += bool(leftovers())
        if not state.record("exercises", f"after {n}"):
            acknowledged.add(f"after {n}")
        lost += len(acknowledged - kept())
        swept += not leftovers()
        if n % 10 == 9:  # else the file, and with it the time of a write, grows and grows
            state.file().unlink()
            acknowledged.clear()
    return {"lost": lost, "torn": torn, "swept": swept}


def together(each: int) -> dict[str, int]:
    state.PATIENCE = 60  # the four ask without a pause, which nobody at a notebook does
    children = [forked(recording(f"writer {n}", each)) for n in range(AT_ONCE)]
    acknowledged = [key for _, pipe in children for key in told(pipe)]
    for child, _ in children:
        os.waitpid(child, 0)
    return {"acknowledged": len(acknowledged), "lost": len(set(acknowledged) - kept()), "kept": len(kept())}


if __name__ == "__main__":
    folder, task, *numbers = sys.argv[1:]
    os.environ["U3LAB_STATE"] = folder
    print(json.dumps({"killed": killed, "together": together}[task](*map(int, numbers))))
