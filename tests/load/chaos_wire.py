"""A websocket that is lost: cut at once, or dead for a while before anybody notices."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.load.chaos_room import Plan, Room, counted, goes_on, laboratory, seated, since


class Wire:
    """What lies between a browser and a server: it passes bytes on, swallows them, or is cut."""

    def __init__(self, port: int) -> None:
        self.port, self.dead, self._ends = port, False, []

    async def joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self._ends += [writer, back]
        with suppress(asyncio.CancelledError):  # the browser is closed
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            if not self.dead:
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server at ``url``, and the address at its near end."""
    parts = urlsplit(url)
    between = Wire(parts.port)
    server = await asyncio.start_server(between.joined, "127.0.0.1", 0)
    near = server.sockets[0].getsockname()[1]
    try:
        yield between, f"http://127.0.0.1:{near}{parts.path}"
    finally:
        between.cut()
        server.close()


async def websocket_cut(plan: Plan) -> dict:
    """The connection is reset in the midst of a run, and made again at once, as JupyterLab does."""
    return await _lost(plan, 0.0)


async def websocket_dead(plan: Plan) -> dict:
    """For ten seconds nothing arrives on either side; then the connection is reset, and made again."""
    return await _lost(plan, min(10.0, plan.lasts))


async def _lost(plan: Plan, dead: float) -> dict:
    with laboratory() as lab:
        async with (wire(lab.url) as (between, url), seated(lab, plan, plays=True, url=url) as room,
                    counted(room, plan) as row):
            victim = room.victim
            await victim.play()
            start, between.dead = time.monotonic(), dead > 0
            await asyncio.sleep(dead)
            between.dead = False
            between.cut()
            while not victim.line.lost:
                await asyncio.sleep(0.01)
            await victim.line.reconnect()
            row |= {"connected again after": since(start), **await goes_on(room),
                    "pictures as in the kernel": await same(room)}
    return row


async def same(room: Room) -> bool:
    """Whether, once the player rests, the page shows the kernel's frame: no message that matters was lost."""
    await room.victim.press()
    await asyncio.sleep(1)
    before = [model.state["frame"] for model in room.victim.line.models.values() if "frame" in model.state]
    await room.victim.line.reconnect()
    await room.victim.line.run("")
    await asyncio.sleep(1)
    return before == [model.state["frame"] for model in room.victim.line.models.values() if "frame" in model.state]
