"""What a visitor of a Voilà page can do: use its controls. Everything else is refused, in whatever form it is asked.

The server is started in a folder with settings of Voilà and Jupyter that would undo all of it, and so is the page's.
"""

import asyncio
import json
import re
import stat
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.browser.jupyter import voila, write_notebook
from u3course.course import catalogue
from u3server.visitors import PROTOCOL

CELLS = ("import u3lab\nfrom u3course import course\nfrom u3lab import live\nimport torch",
         'live.explore(lambda n: (torch.full((1, 3, 9, 9), n / 8), f"level {n}"), n=(0, 8))', 'course.quiz("6")',
         "import warnings\nimport ipywidgets as widgets\nfails = widgets.FloatSlider()\n"
         "fails.observe(lambda change: (warnings.warn('beside\\x1b'), open('no/such')), 'value')\nfails",
         'raise ValueError("the words of an error")')
SECONDS = 60
OPEN = {
    "Voila": {"kernel_websocket_connection_class":
              "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"},
    "VoilaConfiguration": {
        "multi_kernel_manager_class": "jupyter_server.services.kernels.kernelmanager.AsyncMappingKernelManager",
        "file_allowlist": [".*"], "file_denylist": [], "allow_template_override": "YES", "allow_theme_override": "YES",
        "show_tracebacks": True, "strip_sources": False},
    "MappingKernelManager": {
        "allowed_message_types": ["execute_request"],
        "kernel_manager_class": "jupyter_server.services.kernels.kernelmanager.ServerKernelManager"},
}
SPRUNG = "raise SystemExit('this file was run')"


def hostile(folder: Path) -> Path:
    """A folder that is not the host's alone: with settings that open a page, and Python where Voilà looks for it."""
    folder.mkdir(exist_ok=True)
    for name in ("voila", "jupyter_config", "jupyter_server_config"):
        (folder / f"{name}.json").write_text(json.dumps(OPEN))
        (folder / f"{name}.py").write_text(SPRUNG)
    return folder


@dataclass(frozen=True)
class Visit:
    """An open page: the server's address, what the page holds, its kernel, and the folder of all that is the host's."""

    url: str
    page: str
    kernel: str
    home: Path

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    home = tmp_path_factory.mktemp("voila")
    (home / "voila.json").write_text(json.dumps(OPEN))  # among the host's own settings, too
    folder = hostile(home / "pages")
    for secret in (folder / "secret.txt", folder / "secret.png", home / "secret.png", folder / ".secret.png"):
        secret.write_text("a secret")
    write_notebook(folder / "other.ipynb", ("a = 'a secret'",))
    notebook = write_notebook(folder / "page.ipynb", CELLS)
    with voila(home, notebook) as url:
        yield visited(url, home, "?template=../../x&theme=dark")


def visited(url: str, home: Path, asked: str = "") -> Visit:
    """Open a page, with the host's template, whatever is asked for."""
    code, page = get(url + asked)
    assert code == 200, page
    return Visit(url, page, re.search(r'"kernelId": *"([^"]+)"', page)[1], home)


def kernels_of(visit: Visit) -> list[psutil.Process]:
    """The process of a visit's kernel; none once it has ended."""
    return [one for one in psutil.process_iter(["cmdline"])
            if any(visit.kernel in word for word in one.info["cmdline"] or ())]


def get(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=SECONDS) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")


def message(kind: str, content: dict, channel: str = "shell", **more: Any) -> dict:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "visitor", "session": "s", "version": "5.3"}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": channel, **more}


def packed(one: dict) -> bytes:
    return serialize_msg_to_ws_v1(one, one["channel"], pack=lambda part: json.dumps(part).encode())


class Wire:
    """The page's end of the line."""

    def __init__(self, line: WebSocketClientConnection) -> None:
        self.line = line

    async def say(self, kind: str, content: dict, channel: str = "shell", **more: Any) -> None:
        await self.line.write_message(packed(message(kind, content, channel, **more)), binary=True)

    async def until(self, wanted: Callable[[str, dict], object]) -> list[tuple[str, dict]]:
        """All that comes, kind and content, up to the message that is wanted."""
        found: list[tuple[str, dict]] = []
        while not found or not wanted(*found[-1]):
            heard = await asyncio.wait_for(self.line.read_message(), SECONDS)
            assert heard is not None, "the line was closed"
            _, parts = deserialize_msg_from_ws_v1(heard)
            found.append((json.loads(parts[0])["msg_type"], json.loads(parts[3])))
        return found

    async def answered(self) -> list[tuple[str, dict]]:
        """What came until the kernel has answered an honest question: messages keep their order."""
        await self.say("kernel_info_request", {})
        return await self.until(lambda kind, content: kind == "kernel_info_reply")


def talk(visit: Visit, said: Callable[[Wire], Awaitable[Any]], **headers: str) -> Any:
    """Say something on the kernel's line, as JavaScript of the page's own or another could."""
    async def both() -> Any:
        address = f"ws{visit.url[4:]}api/kernels/{visit.kernel}/channels"
        asked = HTTPRequest(address, headers={"Sec-WebSocket-Protocol": PROTOCOL, **headers}, request_timeout=SECONDS)
        line = await websocket_connect(asked)
        try:
            return await said(Wire(line))
        finally:
            line.close()

    return asyncio.run(both())


def test_the_page_shows_no_code_and_no_traceback(visit):
    assert "level 4" in visit.page and "live.explore" not in visit.page and "a secret" not in visit.page
    assert 'data-jp-theme-light="true"' in visit.page, "nor the theme that was asked for"
    assert "the words of an error" not in visit.page and "Traceback" not in visit.page


ADDRESSES = ["api/contents", "api/contents/secret.txt", "api/kernels", "api/sessions", "api/terminals",
             "api/shutdown", "lab", "files/secret.txt", "other.ipynb", "voila/files/secret.png",
             "voila/files/.secret.png", "voila/files/../secret.png", "voila/files/%2e%2e/secret.png",
             "voila/files//etc/passwd", "voila/files/page.ipynb", "voila/render/other.ipynb", "voila/tree",
             "voila/static/..%2f..%2f..%2f..%2f..%2fetc/passwd", "voila/templates/..%2f..%2fetc/passwd",
             "voila/labextensions/..%2f..%2f..%2fetc/passwd", "voila/api/themes/..%2f..%2fetc/passwd"]


def test_no_file_and_no_list(visit):
    for address in ADDRESSES:
        code, said = get(visit.url + address)
        assert 400 <= code and "a secret" not in said and "root:" not in said and str(visit.home) not in said, address


def test_nothing_is_written(visit):
    """But what a server and its kernel write by themselves, at a time of their own: who runs, and a history."""
    def files() -> set[Path]:
        return {one for one in visit.home.rglob("*") if "runtime" not in one.parts and "history.sqlite" not in one.name}

    before = files()
    for address in ("", "api/kernels", "api/contents/new.txt", "voila/files/new.png"):
        assert all(get(visit.url + address, method)[0] >= 400 for method in ("POST", "PUT", "PATCH")), address
    assert files() == before


KINDS = ["execute_request", "complete_request", "inspect_request", "history_request", "debug_request", "input_reply",
         "interrupt_request", "create_subshell_request", ""]


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
def test_no_code_is_run(visit, tmp_path, channel):
    """Each is named in the log as refused; what is asked after them is answered, so the line was open."""
    code = f"open({str(tmp_path / 'sprung')!r}, 'w')"
    asked = {"code": code, "silent": False, "store_history": False, "user_expressions": {"a": code},
             "allow_stdin": False, "cursor_pos": 3, "command": "evaluate", "arguments": {"expression": code}}
    before = visit.log

    async def said(wire: Wire) -> None:
        for kind in KINDS:
            await wire.say(kind, asked, channel)
        await wire.answered()

    talk(visit, said)
    refused = visit.log.removeprefix(before)
    assert all(f'type "{kind}", which is not allowed' in refused for kind in KINDS)
    assert not (tmp_path / "sprung").exists()


def test_a_message_with_two_kinds_is_what_the_guard_took_it_for(visit, tmp_path):
    """Guard and kernel must not read the same bytes otherwise."""
    asked = message("comm_info_request", {"code": f"open({str(tmp_path / 'sprung')!r}, 'w')", "silent": False})
    twice = json.dumps(asked["header"]).replace('"msg_type"', '"msg_type": "execute_request", "msg_type"')
    parts = [twice.encode(), *(json.dumps(asked[name]).encode() for name in ("parent_header", "metadata", "content"))]

    async def said(wire: Wire) -> list[tuple[str, dict]]:
        await wire.line.write_message(serialize_msg_to_ws_v1(parts, "shell"), binary=True)
        return await wire.answered()

    kinds = {kind for kind, _ in talk(visit, said)}
    assert "comm_info_reply" in kinds and not {"execute_reply", "execute_input"} & kinds
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {"Sec-WebSocket-Protocol": "legacy"},
                                     {"Sec-WebSocket-Protocol": f"x{PROTOCOL}"}], ids=["origin", "older", "other"])
def test_another_site_and_the_older_protocol_are_refused(visit, headers):
    """Voilà takes the older one for the newer, and would count to 2**60."""
    with pytest.raises(HTTPClientError, match="40[03]"):
        talk(visit, Wire.answered, **headers)


def test_a_broken_message_ends_no_more_than_its_line(visit):
    for raw in ((2**62).to_bytes(8, "little"), (10**6).to_bytes(8, "little") + bytes(8 * 10**6), b"", "{}", bytes(99),
                packed(message("x", {}))[:-9], packed(message("x", {}, channel="nowhere"))):
        async def said(wire: Wire, raw: bytes | str = raw) -> None:
            await wire.line.write_message(raw, binary=isinstance(raw, bytes))

        talk(visit, said)
    assert "IntSliderModel" in talk(visit, widgets).values()


async def widgets(wire: Wire) -> dict[str, str]:
    """The kind of each widget of the page."""
    way = uuid.uuid4().hex
    await wire.say("comm_open", {"comm_id": way, "target_name": "jupyter.widget.control", "data": {}},
                   metadata={"version": "1.0.0"})
    await wire.say("comm_msg", {"comm_id": way, "data": {"method": "request_states"}})
    heard = await wire.until(lambda kind, content: content.get("data", {}).get("method") == "update_states")
    return {key: one["model_name"] for key, one in heard[-1][1]["data"]["states"].items()}


async def turn(wire: Wire, model: str, *states: dict) -> None:
    """Send these states to the first control of a kind."""
    way = next(key for key, name in (await widgets(wire)).items() if name == model)
    for state in states:
        data = {"method": "update", "state": state, "buffer_paths": []}
        await wire.say("comm_msg", {"comm_id": way, "data": data})


def test_a_quiz_answered_by_a_visitor_leaves_nothing_at_the_hosts(visit):
    async def said(wire: Wire) -> list[tuple[str, dict]]:
        await turn(wire, "RadioButtonsModel", {"index": catalogue.questions("6")[0].answer})
        return await wire.until(lambda kind, content: "✓ yes" in str(content))

    assert talk(visit, said) and not (visit.home / "state").exists()


def test_a_control_that_is_sent_nonsense_lives_on(visit):
    """Far beyond its end, of another kind, with HTML; then an honest value gives its picture."""
    spoilt = [{"max": 10**9, "value": 10**9}, {"value": "<script>"}, {"value": None}, {"max": "x"},
              {"description": "<img src=x onerror=alert(1)>"}, {"_model_module": "os"}]

    async def said(wire: Wire) -> list[tuple[str, dict]]:
        await turn(wire, "IntSliderModel", *spoilt, {"value": 7, "max": 8})
        for target in ("os.system", "jupyter.widget"):
            await wire.say("comm_open", {"comm_id": uuid.uuid4().hex, "target_name": target, "target_module": "os",
                                         "data": {"state": {}}})
        return await wire.until(lambda kind, content: "level 7" in str(content))

    heard = talk(visit, said)
    changed = [content for _, content in heard if content.get("data", {}).get("method") == "update"]  # no echoes
    assert changed and "<script>" not in str(changed)


def test_the_traceback_of_a_control_is_the_hosts_to_read(visit):
    async def said(wire: Wire) -> list[tuple[str, dict]]:
        await turn(wire, "FloatSliderModel", {"value": 3.0})
        return await wire.answered()

    heard = talk(visit, said)
    assert "'value': 3.0" in str(heard) and "no/such" in visit.log and "beside\\x1b" in visit.log
    assert not {"error", "stream"} & dict(heard).keys() and "no/such" not in str(heard)


def test_every_setting_is_one_that_voila_knows(visit):
    """It warns of others."""
    assert "not recognized" not in visit.log and "Config option" not in visit.log


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has sockets of TCP alone")
def test_another_account_of_the_machine_cannot_listen_to_a_kernel(visit):
    kernel, = kernels_of(visit)
    said = json.loads(Path(next(word for word in kernel.cmdline() if visit.kernel in word)).read_text())
    where = Path(said["ip"]).parent
    assert said["transport"] == "ipc" and stat.S_IMODE(where.stat().st_mode) & 0o077 == 0
    assert len([one for one in where.iterdir() if one.is_socket()]) == 5
