"""Two schools: JupyterHub, where each student has a server, and to compare with it one JupyterLab for all.

Both are functions that a student's number leads through the door: a session with the right to use a server, and the
address of that server.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp
import psutil

from tests.browser.hub import CONFIG, Hub, jupyterhub
from tests.browser.jupyter import OURS, jupyterlab
from tests.u3server.load.line import Failed
from u3lab._system import paths

Door = Callable[[int], AbstractAsyncContextManager[tuple[aiohttp.ClientSession, str]]]
PATIENCE = 300.0  # seconds that a server may take to start, as in deploy/jupyterhub_config.py
WARM_UP = CONFIG.with_name("warm_up.py")
MIB = 2**20
KINDS = {"ipykernel_launcher": "kernels", "jupyterhub-singleuser": "servers"}  # a part of the command → what it is


@contextmanager
def open_school(students: int, hub: bool, warm: Mapping[str, list[int]] | None = None) -> Iterator[Door]:
    """A school for so many; at a hub, for some chapters, deploy/warm_up.py has been run for the students named."""
    with tempfile.TemporaryDirectory(prefix="u3lab-load-") as folder:
        home = Path(folder)
        if hub:
            with hub_of(students, home) as opened:
                for chapter, numbers in (warm or {}).items():
                    asyncio.run(_warm_up(opened, chapter, map(called, numbers)))
                yield lambda number: own_server(opened, called(number))
            return
        (home / "notebooks").mkdir()
        environment = {**os.environ, **OURS, "U3LAB_THREADS": "1", "U3LAB_SHARED": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        with jupyterlab(home, home / "notebooks", environment) as lab:
            yield lambda number: _one_server(lab.url, lab.token)


@contextmanager
def hub_of(students: int, home: Path) -> Iterator[Hub]:
    """A hub with so many students; what is drawn the first time is there, as in docs/deploying.md."""
    with jupyterhub(home, tuple(map(called, range(students)))) as hub:
        for number in range(students):
            kept = hub.homes / called(number) / ".cache"
            kept.mkdir(exist_ok=True)
            (kept / "u3lab").symlink_to(paths.cache(""))
        yield hub


def called(number: int) -> str:
    return f"student{number}"


@asynccontextmanager
async def _one_server(url: str, token: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    async with session(token) as own:
        yield own, url


@asynccontextmanager
async def own_server(hub: Hub, name: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Log in with the password, take a token, and have one's server started, if it does not run; wait for it."""
    async with session(await token_of(hub, name)) as own:
        if not (await _asked(own.get(f"{hub.url}hub/api/users/{name}")))["server"]:
            api = f"{hub.url}hub/api/users/{name}/server"
            await _asked(own.post(api))
            await started(own, f"{api}/progress")
        yield own, hub.server(name)


async def token_of(hub: Hub, name: str) -> str:
    """Log in with the password, and take a token."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address that is a number
    async with session(cookie_jar=jar) as browser:
        form = {"username": name, "password": hub.password, "_xsrf": await _seal(browser, f"{hub.url}hub/login")}
        await _asked(browser.post(f"{hub.url}hub/login", data=form))
        seal = {"X-XSRFToken": await _seal(browser, f"{hub.url}hub/home"), "Referer": f"{hub.url}hub/home"}
        asked = browser.post(f"{hub.url}hub/api/users/{name}/tokens", headers=seal, json={"note": "load"})
        return (await _asked(asked))["token"]


async def _warm_up(hub: Hub, chapter: str, names: Iterable[str]) -> None:
    """What is done before the lesson."""
    command = (sys.executable, str(WARM_UP), chapter, *names, "--hub", hub.own, "--token-file", str(hub.token))
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise Failed("not all servers were warmed up: the lines above say why")


async def started(own: aiohttp.ClientSession, progress: str) -> None:
    """Wait until the student's server is ready; :class:`Failed` if it does not start, or not in time."""
    try:
        await asyncio.wait_for(_followed(own, progress), PATIENCE)
    except TimeoutError:
        raise Failed(f"the student's server did not start within {PATIENCE:g} seconds") from None


async def _followed(own: aiohttp.ClientSession, progress: str) -> None:
    """Follow what JupyterHub tells the page that waits for a server, until it is ready."""
    async with own.get(progress) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            event = json.loads(line.removeprefix(b"data:")) if line.startswith(b"data:") else {}
            if event.get("failed"):
                raise Failed(f"the student's server did not start: {event.get('message')}")
            if event.get("ready"):
                return
    raise Failed("the student's server did not start: the hub said no more")


def session(token: str = "", **more: object) -> aiohttp.ClientSession:
    """What a browser keeps of its visits."""
    headers = {"Authorization": f"token {token}"} if token else {}
    return aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=600), **more)


async def _seal(browser: aiohttp.ClientSession, page: str) -> str:
    """The cookie by which JupyterHub knows that a request came from its own page."""
    async with browser.get(page) as answer:
        answer.raise_for_status()
    return next(cookie.value for cookie in browser.cookie_jar if cookie.key == "_xsrf")


async def _asked(request: Awaitable[aiohttp.ClientResponse]) -> dict:
    """The answer to a request, if it is data; :class:`Failed` if it was refused."""
    answer = await request
    if answer.status >= 400:
        raise Failed(f"{answer.status} {answer.reason} at {answer.url.path}: {(await answer.text())[:200]}")
    return await answer.json() if answer.content_type == "application/json" else {}


def shares() -> dict[str, list[float]]:
    """The proportional set size of each kernel and each student's server, in MiB; Linux only, elsewhere nothing."""
    def share(process: psutil.Process) -> float:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 / MIB for line in lines if line.startswith("Pss:"))

    return _of_each(share)


def computed() -> dict[str, list[float]]:
    """How long each kernel and each student's server has computed so far, in seconds of a core."""
    return _of_each(lambda process: sum(process.cpu_times()[:2]))


def _of_each(number: Callable[[psutil.Process], float]) -> dict[str, list[float]]:
    """A number of each process of a kind; of those that are gone meanwhile, none."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS.values()}
    for child in psutil.Process().children(recursive=True):
        with suppress(OSError, psutil.NoSuchProcess):
            words = child.cmdline()
            kind = next((kind for part, kind in KINDS.items() if any(part in word for word in words)), None)
            if kind:
                found[kind].append(number(child))
    return found
