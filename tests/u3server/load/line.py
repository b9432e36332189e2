"""A kernel over the websocket that a browser uses: what is run there, and the widgets that it makes.

Messages have the form v1.kernel.websocket.jupyter.org of Jupyter Server.
"""

import asyncio
import itertools
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

PROTOCOL = "v1.kernel.websocket.jupyter.org"
LARGEST = 2**27  # bytes of a message


class Failed(Exception):
    """A cell raised, or the line is gone."""


@dataclass
class Model:
    """A widget of the kernel, as a page knows it; ``state`` follows what the kernel sends."""

    comm: str
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What kind of widget it is; anywidget has one name for all of its own."""
        return self.state.get("_model_name", "")


class Line:
    """A kernel of a server, and the websocket to it.

    Attributes:
        kernel: The kernel's id.
        models: The widgets that the kernel has made, by comm, in the order in which they came.
        heard: Called with a widget after each change that the kernel sends.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, kernel: str, socket: Any) -> None:
        self.session, self.url, self.kernel, self._socket = session, url, kernel, socket
        self.models: dict[str, Model] = {}
        self.heard: Callable[[Model], object] = lambda model: None
        self._waiting: dict[tuple[str, str], asyncio.Future] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str, path: str = "") -> "Line":
        """Start a kernel of the server at ``url``, and wait until it answers; if a notebook has one, take that."""
        path = path or f"{uuid.uuid4().hex}.ipynb"  # nobody else's
        wanted = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        async with session.post(f"{url}api/sessions", json=wanted) as answer:
            answer.raise_for_status()
            kernel = (await answer.json())["kernel"]["id"]
        socket = await session.ws_connect(f"{url}api/kernels/{kernel}/channels", protocols=(PROTOCOL,),
                                          max_msg_size=LARGEST)
        line = cls(session, url, kernel, socket)
        await line.run("")
        return line

    async def run(self, source: str) -> list[Model]:
        """Run a cell; the widgets that it made. :class:`Failed` with the error's name and words if it raised."""
        before = len(self.models)
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        # The reply and what the cell has sent come by two channels; that the kernel is idle ends the second.
        asked = uuid.uuid4().hex
        over = [self._next(asked, kind) for kind in ("execute_reply", "idle")]
        try:
            await self._send("execute_request", content, asked)
        except ConnectionError:
            for answer in over:
                answer.cancel()
            raise Failed("the line to the kernel is gone") from None
        reply, _ = await asyncio.gather(*over)
        if reply["status"] != "ok":
            raise Failed(f"{reply.get('ename')}: {reply.get('evalue')}")
        return list(itertools.islice(self.models.values(), before, None))

    async def change(self, model: Model, **state: Any) -> None:
        model.state |= state
        data = {"method": "update", "state": state, "buffer_paths": []}
        await self._send("comm_msg", {"comm_id": model.comm, "data": data})

    async def tell(self, model: Model, content: dict) -> None:
        """Send a widget a message of its own: a click on a button, or the frame that a view shows."""
        await self._send("comm_msg", {"comm_id": model.comm, "data": {"method": "custom", "content": content}})

    async def close(self) -> None:
        self._reader.cancel()
        with suppress(aiohttp.ClientError):
            await self._socket.close()
            await self.session.delete(f"{self.url}api/kernels/{self.kernel}")

    def _next(self, asked: str, kind: str) -> asyncio.Future:
        return self._waiting.setdefault((asked, kind), asyncio.get_running_loop().create_future())

    async def _send(self, kind: str, content: dict, message: str = "", **metadata: str) -> None:
        header = {"msg_id": message or uuid.uuid4().hex, "msg_type": kind, "username": "", "session": self.kernel,
                  "version": "5.4", "date": "2018-07-01T09:00:00Z"}
        whole = {"header": header, "parent_header": {}, "metadata": metadata, "content": content}
        await self._socket.send_bytes(serialize_msg_to_ws_v1(whole, "shell", lambda part: json.dumps(part).encode()))

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    self._take(message.data)
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Failed("the line to the kernel is gone"))

    def _take(self, data: bytes) -> None:
        header, parent, _, content = map(json.loads, deserialize_msg_from_ws_v1(data)[1][:4])
        kind = content.get("execution_state") or header["msg_type"]
        if (waiting := self._waiting.pop((parent.get("msg_id"), kind), None)) is not None:
            if not waiting.done():  # who asked may have given up
                waiting.set_result(content)
        elif kind == "comm_open":
            self.models[content["comm_id"]] = Model(content["comm_id"], dict(content["data"].get("state", {})))
        elif kind == "comm_msg" and content["data"].get("method") == "update" and content["comm_id"] in self.models:
            model = self.models[content["comm_id"]]
            model.state |= content["data"]["state"]
            self.heard(model)
