"""The kernels of Voilà's pages, and the line between a page and its own, as ``_system/voila/voila.json`` asks for them.

Voilà itself lets a visitor run no code. But a message names the number of its parts, and both servers believe it: one
that claims 2**60 parts keeps Jupyter's busy until the memory is full. Voilà moreover reads what goes out by the older
of two protocols as if it were the newer, with the same end. So a page speaks the newer one, as the real pages do, and
a message has no more parts than a real one could have.

A kernel without a page ends after a while. One that was computed beforehand and waits for its page does not: Voilà
spares it, but only until a page is asked for. That page then has still to load and to open its line, and by Jupyter's
clock the kernel has been idle all the time that it waited.
"""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError

PROTOCOL = "v1.kernel.websocket.jupyter.org"
MOST = 1000  # parts of a message: channel, header, parent, metadata, content, and a buffer for each file or picture


class Line(ZMQChannelsWebsocketConnection):
    """A kernel's line for who may use the controls of a page, and nothing else."""

    async def prepare(self) -> None:
        """Refuse, before the line opens, who does not speak the newer protocol."""
        offered = self.websocket_handler.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [one.strip() for one in offered.split(",")]:
            raise HTTPError(400)
        await super().prepare()

    def handle_incoming_message(self, incoming_msg: bytes) -> None:
        """Pass a message on; one that claims too many parts, or is text, ends the line."""
        if not isinstance(incoming_msg, bytes) or int.from_bytes(incoming_msg[:8], "little") > MOST:
            self.websocket_handler.close(1003)
            return
        super().handle_incoming_message(incoming_msg)


class Kernels(AsyncMappingKernelManager):
    """Kernels, whose idleness counts from when they could first be culled: for one that waited, once it has a page."""

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        self._met: set[str] = set()

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel without a page; Voilà does not ask for one that waits."""
        if kernel_id in self._met:
            await super().cull_kernel_if_idle(kernel_id)
        else:
            self._met.add(kernel_id)
            self.get_kernel(kernel_id).last_activity = datetime.now(UTC)
