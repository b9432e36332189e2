"""A student whose losses are counted: who passes exercises and saves a notebook, and knows what was said to be kept."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import nbformat
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1

from tests.browser.jupyter import Lab
from tests.load.line import LARGEST, PROTOCOL, Failed, Line, Model
from tests.load.student import PATIENCE, Student
from u3course import demo

NOTE = """
from u3course.course import state as _state
if _said := _state.record("exercises", {key!r}):
    raise OSError(_said)
"""
TEXT = "a line that a student wrote\n" * 4000  # a notebook of 110 KB


class Page(Line):
    """A line as JupyterLab keeps it: it has a session, for which the server keeps what comes while it is cut."""

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str) -> Page:
        async with session.post(f"{url}api/kernels", json={"name": "python3"}) as answer:
            answer.raise_for_status()
            kernel = (await answer.json())["id"]
        page = cls(session, url, kernel, await cls._channels(session, url, kernel))
        await page.run("")
        return page

    @staticmethod
    async def _channels(session: aiohttp.ClientSession, url: str, kernel: str) -> aiohttp.ClientWebSocketResponse:
        return await session.ws_connect(f"{url}api/kernels/{kernel}/channels?session_id={kernel}",
                                        protocols=(PROTOCOL,), max_msg_size=LARGEST)

    async def reconnect(self) -> None:
        """A new websocket to the same kernel; then ask what its widgets show now, as JupyterLab's manager does."""
        self._reader.cancel()
        self._socket = await self._channels(self.session, self.url, self.kernel)
        self._reader = asyncio.create_task(self._read())
        ask = uuid.uuid4().hex
        opened = {"comm_id": ask, "target_name": "jupyter.widget.control", "data": {}}
        await self._send("comm_open", opened, version="1.0.0")
        await self._send("comm_msg", {"comm_id": ask, "data": {"method": "request_states"}})

    async def rejoin(self, patience: float = PATIENCE) -> None:
        end = time.monotonic() + patience
        while True:
            try:
                return await self.reconnect()
            except aiohttp.ClientError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.5)

    @property
    def lost(self) -> bool:
        """Whether the server has closed the websocket."""
        return self._reader.done()

    async def control(self, what: str) -> None:
        async with self.session.post(f"{self.url}api/kernels/{self.kernel}/{what}") as answer:
            answer.raise_for_status()

    def _take(self, data: bytes) -> None:
        super()._take(data)
        if b'"update_states"' in data:
            content = json.loads(deserialize_msg_from_ws_v1(data)[1][3])
            for comm, told in content["data"].get("states", {}).items():
                if (model := self.models.get(comm)) and told["state"] != model.state:
                    model.state |= told["state"]
                    self.heard(model)


@dataclass
class Kept:
    """What a student was told is kept, and the newest version of the notebook that was sent."""

    noted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    saved: int = 0
    sent: int = 0
    unsaved: int = 0


class Pupil(Student):
    """A student who keeps the times of all moves, and what was said to be saved."""

    def __init__(self, number: int, lab: Lab, thinking: float) -> None:
        super().__init__(number)
        self.lab, self.thinking, self.kept, self.patience = lab, thinking, Kept(), 3 * PATIENCE
        self.text, self._later = TEXT, {}
        self.moves: list[tuple[float, float]] = []  # when a move was made, and seconds until its picture; inf for none
        self.file = f"student-{number}.ipynb"

    async def sit(self, session: aiohttp.ClientSession, url: str, cells: Sequence[str] = ()) -> None:
        self.line = await Page.open(session, url)
        self.line.heard = self.heard
        await self.run_all(cells)

    async def run_all(self, cells: Sequence[str] = ()) -> None:
        if not cells:
            page = demo.page(nbformat.read(demo.find(self.report.chapter), as_version=4))
            cells = [cell.source for cell in page.cells if cell.cell_type == "code"]
        self.figures = []
        self.line.models.clear()
        for source in cells:
            made = await self.line.run(source)
            if any("frame" in model.state for model in made):
                self.figures.append(made)

    async def lesson(self, over: asyncio.Event) -> None:
        """Work until it is over; who plays lets it run and saves."""
        if self.plays:
            await self.press()
        while not over.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.thinking)
            if not self.plays:
                await self.try_to_move()
                await self.note()
            await self.save()

    async def try_to_move(self) -> bool:
        """Make a move, and wait for its picture; whether there was one."""
        start = time.monotonic()
        try:
            await self.move()
        except (TimeoutError, Failed, ConnectionError):
            self.moves.append((start, float("inf")))
            return False
        self.moves.append((start, self.report.answers[-1]))
        return True

    def heard(self, model: Model) -> None:
        """Count a frame; if it stays the last one, say so a moment later, as screen.js does."""
        super().heard(model)
        if model.state.get("paced") and "frame" in model.state:
            if (later := self._later.pop(model.comm, None)) is not None:
                later.cancel()
            loop = asyncio.get_running_loop()
            self._later[model.comm] = loop.call_later(0.1, lambda: loop.create_task(self._tell(model)))

    async def _tell(self, model: Model) -> None:
        with suppress(aiohttp.ClientError):  # the line may be cut by now
            await self.line.tell(model, {"seen": model.state["frame"]})

    def button(self) -> Model:
        return next(model for figure in self.figures for model in figure
                    if model.name == "ButtonModel" and model.state.get("description") in ("play", "pause"))

    async def press(self) -> None:
        await self.line.tell(self.button(), {"event": "click"})

    async def play(self) -> None:
        await self.press()
        await self.newer()

    async def newer(self, count: int = 20, patience: float = PATIENCE) -> None:
        """Wait until there are so many frames more; fewer may have been on their way."""
        start, before = time.monotonic(), self.report.frames
        while self.report.frames < before + count:
            if time.monotonic() - start > patience:
                raise TimeoutError("no new frames")
            await asyncio.sleep(0.02)

    async def note(self) -> bool:
        """Pass an exercise; whether it is kept."""
        key = f"{self.file}/{len(self.kept.noted) + len(self.kept.refused)}"
        try:
            await self.line.run(NOTE.format(key=key))
        except Failed as error:
            self.kept.refused.append(f"{key} {error}")
            return False
        self.kept.noted.append(key)
        return True

    async def save(self) -> bool:
        """Save the notebook with a new number; whether the server says that it is done."""
        self.kept.sent += 1
        try:
            done = await put(self.line.session, self.line.url, self.file, self.text, self.kept.sent)
        except aiohttp.ClientError:
            done = False
        if done:
            self.kept.saved = self.kept.sent
        self.kept.unsaved += not done
        return done


async def put(session: aiohttp.ClientSession, url: str, name: str, text: str, version: int) -> bool:
    """Save a notebook through the server, as JupyterLab does. It grows with its version."""
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text + "more\n" * version)],
                                       metadata={"version": version})
    async with session.put(f"{url}api/contents/{name}", json={"type": "notebook", "content": content}) as answer:
        return answer.status in (200, 201)


def version(file: Path) -> int | None:
    """The version of a notebook on the disk; 0 if there is none, None if it is half of one."""
    try:
        return json.loads(file.read_bytes())["metadata"]["version"]
    except FileNotFoundError:
        return 0
    except (ValueError, KeyError):
        return None
