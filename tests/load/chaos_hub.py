"""Mishaps at a hub: one student's server is killed while it writes; the hub itself is killed, with its proxy."""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import isfinite
from pathlib import Path

import psutil

from tests.browser.hub import Hub, begun
from tests.browser.jupyter import Lab
from tests.load.chaos_disk import PATIENCE, begins_to_write, repeated
from tests.load.chaos_pupil import TEXT
from tests.load.chaos_room import Plan, counted, family, goes_on, kernel_of, seated, since
from tests.load.school import called, hub_of, own_server, start, token_of


@contextmanager
def school(plan: Plan) -> Iterator[Hub]:
    """A hub with the victim, student 0, and the neighbours; progress lies where the other mishaps look for it."""
    with tempfile.TemporaryDirectory(prefix="u3lab-chaos-") as home, hub_of(plan.neighbours + 1, Path(home)) as hub:
        for number in range(plan.neighbours + 1):
            there = hub.homes / called(number) / ".local" / "state" / "u3lab"
            there.mkdir(parents=True)
            (hub.homes / called(number) / "state").symlink_to(there)
        yield hub


async def labs_of(hub: Hub, plan: Plan) -> list[Lab]:
    async def lab(name: str) -> Lab:
        async with own_server(hub, name) as (_, url):
            return Lab(url, await token_of(hub, name), hub.homes / name / "u3lab-notebooks", server_of(name))

    return await asyncio.gather(*(lab(called(number)) for number in range(plan.neighbours + 1)))


def server_of(name: str) -> int:
    """The process of a student's server at the hub that this program has started; another hub may have its namesake."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "jupyterhub-singleuser" in " ".join(process.cmdline()) \
                    and process.environ().get("JUPYTERHUB_USER") == name:
                return process.pid
    raise RuntimeError(f"{name} has no server")


async def own_server_killed(plan: Plan) -> dict:
    """kill -9 of a student's server while it writes a notebook of 3 MB; the student asks the hub for another."""
    with school(plan) as hub:
        victims, *others = await labs_of(hub, plan)
        async with seated(victims, plan, plays=True, each=others) as room, counted(room, plan) as row:
            victim = room.victim
            victim.text = 27 * TEXT
            await victim.play()
            before, work = time.time(), asyncio.create_task(repeated(victim.save))
            await asyncio.to_thread(begins_to_write, victims.folder, before, random.Random(0).uniform(0, 0.02))
            killed = time.monotonic()
            server, *kernels = family(victims.pid)
            server.kill()
            await asyncio.to_thread(psutil.wait_procs, kernels, 30)
            row["the kernel is gone after"] = since(killed)
            await asyncio.wait_for(asyncio.gather(work, return_exceptions=True), PATIENCE)
            session = victim.line.session
            await start(session, hub, called(0))
            row["a new server after"] = since(killed)
            await victim.sit(session, victims.url, plan.cells)
            await victim.play()
            row["plays again after"] = since(killed)
    return row


async def hub_killed(plan: Plan) -> dict:
    """kill -9 of the hub, its proxy and its services, as systemd ends them together; 5 s later it begins again.

    Servers and kernels go on. Pages connect again by themselves, as JupyterLab's do.
    """
    with school(plan) as hub, ExitStack() as again:
        own, *others = await labs_of(hub, plan)
        async with seated(own, plan, plays=True, each=others) as room:
            for one in room.neighbours:
                one.patience = 10  # a move that was on its way is lost; its student moves again
            async with counted(room, plan) as row:
                await room.victim.play()
                kernels, start = [kernel_of(one) for one in room.pupils], time.monotonic()
                kill_hub(hub, {one.lab.pid for one in room.pupils})
                await asyncio.sleep(5)
                await asyncio.to_thread(again.enter_context, begun(hub))
                row["the hub again after"] = since(start)
                await asyncio.gather(*(one.line.rejoin() for one in room.pupils))
                row |= {"ended": time.monotonic(), "all pages again after": since(start)}
                lived = sum(kernel_of(one) == old for one, old in zip(room.pupils, kernels, strict=True))
                row |= {"kernels that lived": lived, **await goes_on(room)}
                await token_of(hub, called(0))  # who comes now can log in
                await asyncio.sleep(plan.calm)
                afterwards = [seconds for one in room.neighbours for at, seconds in one.moves if at > row["ended"]]
                row |= {"moves afterwards": len(afterwards), "answered afterwards": sum(map(isfinite, afterwards))}
    return row


def kill_hub(hub: Hub, servers: set[int]) -> None:
    """End the hub and all that it has started but the students' servers."""
    process = next(one for one in psutil.Process().children() if hub.options[1] in one.cmdline())
    for one in [process, *(child for child in process.children() if child.pid not in servers)]:
        one.kill()
