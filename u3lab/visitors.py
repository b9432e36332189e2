"""The line between a page of Voilà and its kernel, as ``_system/voila/voila.json`` asks for it.

Voilà itself lets a visitor run no code. But a message names the number of its parts, and both servers believe it: one
that claims 2**60 parts keeps Jupyter's busy until the memory is full. Voilà moreover reads what goes out by the older
of two protocols as if it were the newer, with the same end. So a page speaks the newer one, as the real pages do, and
a message has room for the parts that it claims.
"""

from __future__ import annotations

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.web import HTTPError

PROTOCOL = "v1.kernel.websocket.jupyter.org"
WORD = 8  # bytes of a number in the head of a message


class Line(ZMQChannelsWebsocketConnection):
    """A kernel's line for who may use the controls of a page, and nothing else."""

    async def prepare(self) -> None:
        """Refuse, before the line opens, who does not speak the newer protocol."""
        offered = self.websocket_handler.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [one.strip() for one in offered.split(",")]:
            raise HTTPError(400)
        await super().prepare()

    def handle_incoming_message(self, incoming_msg: bytes) -> None:
        """Pass on what is whole: the number of parts, then an offset for each. Anything else ends the line."""
        whole = isinstance(incoming_msg, bytes) and len(incoming_msg) >= WORD
        if not whole or (1 + int.from_bytes(incoming_msg[:WORD], "little")) * WORD > len(incoming_msg):
            self.websocket_handler.close(1003)
            return
        super().handle_incoming_message(incoming_msg)
