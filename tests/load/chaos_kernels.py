"""Mishaps of a kernel or of all of them: killed, busy for ever, greedy, stopped."""

import asyncio
import math
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.browser.jupyter import DEPLOY, Lab
from tests.load.chaos_pupil import Pupil
from tests.load.chaos_room import (
    Plan,
    Room,
    another_kernel,
    counted,
    family,
    goes_on,
    kernel_of,
    laboratory,
    seated,
    since,
)
from tests.load.line import Failed

GIB = 2**30
CGROUPS = Path("/sys/fs/cgroup")
FOREVER = "while True: pass"
DEAF = """
import time
while True:
    try:
        time.sleep(0.05)
    except BaseException:
        pass
"""
GREEDY = "import numpy as _np; _all = _np.ones({gib} * 2**27); del _all"  # float64: 2**27 of them are 1 GiB


async def kernel_killed(plan: Plan) -> dict:
    """kill -9 of the kernel of a player that runs; then a new kernel on the same page, Run All."""
    with laboratory() as lab:
        async with seated(lab, plan, plays=True) as room, counted(room, plan) as row:
            victim = room.victim
            await victim.play()
            old, start = kernel_of(victim), time.monotonic()
            os.kill(old, signal.SIGKILL)
            await another_kernel(victim, old)
            row["a new kernel answers after"] = since(start)
            await victim.run_all(plan.cells)
            await victim.play()
            row["plays again after"] = since(start)
    return row


async def endless_loop(plan: Plan) -> dict:
    """A student's cell never ends, until "Interrupt Kernel"; another's swallows that, until "Restart Kernel"."""
    with laboratory() as lab:
        async with seated(lab, plan) as room, counted(room, plan) as row:
            victim = room.victim
            loop = asyncio.create_task(victim.line.run(FOREVER))
            await asyncio.sleep(plan.lasts)
            row |= {"ran until interrupted": not loop.done(), "ended": time.monotonic()}
            await victim.line.control("interrupt")
            row["the interrupt says"] = await _error(loop)
            row["moves again after"] = await _moves_again(victim, row["ended"])
            row |= await _deaf(room, plan)
    return row


async def _deaf(room: Room, plan: Plan) -> dict:
    victim, old = room.victim, kernel_of(room.victim)
    loop = asyncio.create_task(victim.line.run(DEAF))
    await asyncio.sleep(1)
    await victim.line.control("interrupt")
    await asyncio.sleep(1)
    deaf, start = not loop.done(), time.monotonic()
    await victim.line.control("restart")
    await another_kernel(victim, old)
    loop.cancel()
    await victim.run_all(plan.cells)
    return {"swallows the interrupt": deaf, "after a restart moves again after": await _moves_again(victim, start)}


async def _moves_again(victim: Pupil, start: float) -> float:
    """Seconds from the start to the picture of a move that is made now; inf if there comes none."""
    return since(start) if await victim.try_to_move() else math.inf


async def _error(run: asyncio.Task) -> str:
    try:
        await asyncio.wait_for(run, 60)
    except (Failed, TimeoutError) as error:
        return str(error).strip(": ") or type(error).__name__
    return ""


async def array_too_large(plan: Plan) -> dict:
    """An array of 30 GB; then one that the system grants and deploy/'s limit does not, in the victim's own server."""
    with laboratory() as lab, laboratory() as own, limited(own) as limit:
        async with seated(lab, plan, own=own) as room, counted(room, plan) as row:
            victim = room.victim
            asked = await _error(asyncio.create_task(victim.line.run(GREEDY.format(gib=30))))
            row |= {"30 GB": asked or "granted", "moves after it": await victim.try_to_move()}
            if not limit:
                row["beyond the limit"] = "not tried: it takes root"
                return row
            old, start = kernel_of(victim), time.monotonic()
            greedy = asyncio.create_task(victim.line.run(GREEDY.format(gib=int(2 * limit / GIB) + 1)))
            await another_kernel(victim, old)
            greedy.cancel()
            row["a new kernel answers after"] = since(start)
            await victim.run_all(plan.cells)
            row |= {"limit, GiB": round(limit / GIB, 2), "the server lives": kernel_of(victim) != old,
                    "moves again after": await _moves_again(victim, start)}
    return row


@contextmanager
def limited(lab: Lab) -> Iterator[int]:
    """Hold a server and its kernels to deploy/'s memory, by the cgroup that systemd would make; the limit in bytes.

    0 where this may not be done: it takes root, and Linux.
    """
    amount = int(float(re.search(r'mem_limit = "([\d.]+)G"', (DEPLOY / "jupyterhub_config.py").read_text())[1]) * GIB)
    first = CGROUPS / "memory" if (CGROUPS / "memory").is_dir() else CGROUPS
    group = first / f"u3lab-chaos-{secrets.token_hex(4)}"
    name = "memory.limit_in_bytes" if first != CGROUPS else "memory.max"
    try:
        group.mkdir()
        (group / name).write_text(str(amount))
        (group / "cgroup.procs").write_text(str(lab.pid))
    except OSError:
        with suppress(OSError):
            group.rmdir()
        yield 0
        return
    try:
        yield amount
    finally:
        for pid in (group / "cgroup.procs").read_text().split():  # a group that is to go must be empty
            with suppress(OSError):
                (first / "cgroup.procs").write_text(pid)
        group.rmdir()


async def stopped(plan: Plan) -> dict:
    """SIGSTOP of the server and all kernels, in the midst of a player's run and of moves; later SIGCONT."""
    with laboratory() as lab:
        async with seated(lab, plan, plays=True) as room, counted(room, plan) as row:
            await room.victim.play()
            server, *kernels = family(lab.pid)
            server.suspend()
            await asyncio.sleep(0.3)  # the kernels wait for the page by then
            for process in kernels:
                process.suspend()
            await asyncio.sleep(plan.lasts)
            for process in (server, *kernels):
                process.resume()
            row["ended"] = time.monotonic()
            row |= await goes_on(room)
            row["websockets lost"] = sum(one.line.lost for one in room.pupils)
    return row
