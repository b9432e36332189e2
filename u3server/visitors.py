"""Pages of Voilà whose visitors move the controls and do nothing else, from whatever folder they are served.

Voilà itself lets a visitor run no code. But a message names the number of its parts, and both servers believe it: one
that claims 2**60 parts keeps Jupyter's busy until the memory is full. Voilà moreover reads what goes out by the older
of two protocols as if it were the newer, with the same end. So a page speaks the newer one, as the real pages do, and
a message has no more parts than a real one could have.

A kernel without a page ends after a while. One that was computed beforehand and waits for its page does not: Voilà
spares it, but only until a page is asked for. That page then has still to load and to open its line, and by Jupyter's
clock the kernel has been idle all the time that it waited.
"""

import os
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Bool, Float, Integer, default
from traitlets.config import Config
from voila.app import Voila

from u3lab._system import notebook
from u3lab.errors import U3Error

PROTOCOL = "v1.kernel.websocket.jupyter.org"
MOST = 1000  # parts of a message: channel, header, parent, metadata, content, and a buffer for each file or picture
PROTECTION = {  # what no file and no option takes away
    "Voila": {"kernel_websocket_connection_class": "u3server.visitors.Line", "config_file_paths": []},
    "VoilaConfiguration": {"multi_kernel_manager_class": "u3server.visitors.Kernels", "file_allowlist": [],
                           "allow_template_override": "NO", "allow_theme_override": "NO", "show_tracebacks": False},
    "MappingKernelManager": {"kernel_manager_class": "u3server.kernels.Manager"},
}


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

    def handle_outgoing_message(self, stream: str, outgoing_msg: list[bytes]) -> None:
        """Pass on what the kernel says, but for errors and warnings, which name the host's folders."""
        _, (_, header, _, _, content, *_) = self.session.feed_identities(outgoing_msg)
        kind = self.session.unpack(header)["msg_type"]
        if kind in ("error", "stream"):
            said = self.session.unpack(content)
            words = f"{said['ename']}: {said['evalue']}" if kind == "error" else said["text"]
            if kind == "error" or said["name"] == "stderr":
                self.log.error("not shown to the visitor: %r", words[:500])  # quoted, since it may steer a terminal
                return
        super().handle_outgoing_message(stream, outgoing_msg)


class Kernels(AsyncMappingKernelManager):
    """So many kernels, each with so much memory, and gone when nobody moves anything.

    Idleness counts from when a kernel could first be culled: for one that waited, once it has a page.
    """

    most = Integer(10, min=1, config=True, help="kernels at a time, one that waits for a page included")
    memory = Float(2, min=0, config=True, help="GiB of its own for each kernel, on Linux; 0 for no limit")
    rest = Integer(900, min=1, config=True, help="seconds without a move after which an open page loses its kernel")

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        self._met: set[str] = set()
        self._starting: set[str] = set()

    async def start_kernel(self, **given: Any) -> str:
        """Start a kernel if there is a place for it, and hold it to its memory."""
        if len(self._starting.union(self.list_kernel_ids())) >= self.most:
            raise HTTPError(503, reason="every place is taken; come again in a few minutes")
        kernel_id = str(uuid.uuid4())
        self._starting.add(kernel_id)
        try:
            await super().start_kernel(kernel_id=kernel_id, **given)
        finally:
            self._starting.discard(kernel_id)
        if self.memory and sys.platform == "linux":
            import resource

            limit = int(self.memory * 2**30)
            resource.prlimit(self.get_kernel(kernel_id).provisioner.pid, resource.RLIMIT_DATA, (limit, limit))
        return kernel_id

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel without a page, or one that nobody has used for long; Voilà does not ask for one that waits."""
        kernel = self.get_kernel(kernel_id)
        if kernel_id not in self._met:
            self._met.add(kernel_id)
            kernel.last_activity = datetime.now(UTC)
        elif datetime.now(UTC) - kernel.last_activity > timedelta(seconds=self.rest):
            self.log.warning("Culling kernel (%s): nobody has moved anything for %s seconds", kernel_id, self.rest)
            await self.shutdown_kernel(kernel_id)
        else:
            await super().cull_kernel_if_idle(kernel_id)


class Pages(Voila):
    """Voilà with ``PROTECTION``. It reads no file of settings, neither one where it is started nor another."""

    other_names = Bool(False, config=True, help="answer to other names than localhost, as what visitors reach has to")

    @default("tornado_settings")
    def _largest_message(self) -> dict[str, int]:
        return {"websocket_max_message_size": 100 * 2**20}  # bytes, as in u3server.start: a photo of one's own

    def load_config_file(self, *args: object, **named: object) -> None:
        """In place of files: what protects, over all options.

        Raises:
            U3Error: If an option would change it.
        """
        ours = {"transport"}.union(*PROTECTION.values())  # of whatever class: a setting of a narrower one counts more
        for section, settings in self.cli_config.items():
            for name in ours & settings.keys():
                raise U3Error(f"{section}.{name} protects the host from visitors; leave this option out")
        self.update_config(Config(PROTECTION))

    def init_settings(self) -> dict[str, Any]:
        """The settings of Tornado. A name that somebody lets point at this machine is not one of its own."""
        return {**super().init_settings(), "allow_remote_access": self.other_names}

    def listen(self) -> None:
        """Serve the page until Ctrl-C; U3Error if it cannot be reached where it should."""
        try:
            super().listen()
        except OSError as error:
            raise U3Error(f"nothing can listen at {self.ip!r} ({error.strerror}); give --address an address of this "
                          "machine, such as 127.0.0.1") from error

    def start(self) -> None:
        """Begin to serve the page."""
        os.environ[notebook.PROTECTED] = "1"  # kernels inherit it
        super().start()
