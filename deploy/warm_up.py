"""A quarter of an hour before a lesson: every student's server starts, and a kernel with what the chapter imports.

    python deploy/warm_up.py 01 --token TOKEN [--hub http://127.0.0.1:8000] [STUDENT ...]

It needs the hub's environment. The token is a teacher's: on the hub's page, *Token*, *Request new API token*. Without
names it is all students that the hub knows: who has logged in once, and who was named here once. JupyterLab then opens
the chapter with the kernel that waits, whose first cell need not import torch any more. Nobody's files are touched, and
who is there already is not disturbed. A kernel that is not used ends after an hour, as all do.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import nbformat
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from u3lab import U3Error
from u3lab._system import copies, paths

PATIENCE = 300.0  # seconds that a server may take to start, as in jupyterhub_config.py
SOON = 0.5  # seconds between two questions whether it has started
PAGE = 50  # users that the hub names at once


class Hub:
    """The hub, as a teacher with a token sees it."""

    def __init__(self, url: str, by: str) -> None:
        self.url, self._headers = url.rstrip("/") + "/", {"Authorization": f"token {by}"}

    async def ask(self, path: str, body: dict | None = None) -> Any:
        """What it answers to GET, or with a body to POST; None if that is nothing."""
        how = {} if body is None else {"method": "POST", "body": json.dumps(body)}
        answer = await AsyncHTTPClient().fetch(urljoin(self.url, path), headers=self._headers,
                                               request_timeout=PATIENCE, **how)
        return json.loads(answer.body) if answer.body else None

    async def students(self) -> list[str]:
        """All whom it knows and who are no admins."""
        found: list[dict] = []
        page = None
        while page is None or len(page) == PAGE:
            page = await self.ask(f"hub/api/users?offset={len(found)}&limit={PAGE}")
            found += page
        return [user["name"] for user in found if not user["admin"]]

    async def start(self, name: str) -> str:
        """Start a student's server, unless it runs; its path at the hub's address."""
        path = f"hub/api/users/{quote(name, safe='')}"
        try:
            user = await self.ask(path)
        except HTTPClientError as error:
            if error.code != 404:
                raise
            user = await self.ask(path, {})
        if not user["server"] and not user["pending"]:
            await self.ask(f"{path}/server", {})
        end = time.monotonic() + PATIENCE
        while not (user := await self.ask(path))["server"]:
            if not user["pending"] or time.monotonic() > end:
                raise U3Error("the server did not start; the hub's log says why")
            await asyncio.sleep(SOON)
        return user["server"]

    async def run(self, server: str, notebook: str, source: str) -> None:
        """Start the kernel of a notebook at a server, and run code there, which no prompt counts; unless it has one."""
        if any(session["path"] == notebook for session in await self.ask(f"{server}api/sessions")):
            return
        session = await self.ask(f"{server}api/sessions", {
            "path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}})
        address = urljoin(self.url, f"{server}api/kernels/{session['kernel']['id']}/channels").replace("http", "ws", 1)
        line = await websocket_connect(HTTPRequest(address, headers=self._headers))
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": uuid.uuid4().hex,
                  "username": "", "version": "5.4", "date": "2018-07-01T09:00:00Z"}
        content = {"code": source, "silent": True, "store_history": False, "allow_stdin": False}
        await line.write_message(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {},
                                             "content": content, "buffers": []}))
        try:
            reply = await asyncio.wait_for(answer(line, header["msg_id"]), PATIENCE)
        except TimeoutError:
            raise U3Error(f"the kernel did not answer within {PATIENCE:g} seconds") from None
        finally:
            line.close()
        if reply["status"] != "ok":
            raise U3Error(f"the kernel said {reply.get('evalue')}")


async def answer(line: WebSocketClientConnection, message: str) -> dict:
    """What a kernel replies to a message."""
    while (said := await line.read_message()) is not None:
        reply = json.loads(said)
        if reply["msg_type"] == "execute_reply" and reply["parent_header"].get("msg_id") == message:
            return reply["content"]
    raise U3Error("the kernel's connection was cut")


def find(chapter: str) -> Path:
    """The notebook of a chapter."""
    folder = paths.notebooks()
    there = {copies.chapter(name): folder / name for name in copies.names(folder)}
    if chapter not in there:
        raise U3Error(f"there is no chapter {chapter!r}; choose one of {', '.join(there)}")
    return there[chapter]


def imports(notebook: Path) -> str:
    """The imports of a notebook's first code cell: as long as nothing else has run, they change nothing."""
    first = next(cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code")
    return "\n".join(ast.unparse(line) for line in ast.parse(first.source).body
                     if isinstance(line, ast.Import | ast.ImportFrom))


async def warm_up(hub: Hub, notebook: Path, students: Sequence[str] = ()) -> bool:
    """Warm up so many students at once as there are cores, with a line for each; whether all went well."""
    room, source = asyncio.Semaphore(os.cpu_count() or 1), imports(notebook)

    async def one(name: str) -> bool:
        async with room:
            start = time.monotonic()
            try:
                await hub.run(await hub.start(name), notebook.name, source)
            except (U3Error, OSError, HTTPClientError) as error:
                print(f"{name}: {error}", flush=True)
                return False
            print(f"{name}: ready after {time.monotonic() - start:.1f} s", flush=True)
            return True

    return all(await asyncio.gather(*map(one, students or await hub.students())))


def main(arguments: list[str] | None = None) -> None:
    """Warm up, and end with 1 if anybody's server or kernel did not come."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapter", help="the notebook of the lesson, such as 01 or 03b")
    parser.add_argument("students", nargs="*", metavar="STUDENT", help="who; all that the hub knows")
    parser.add_argument("--token", required=True, help="a teacher's, from the hub's page Token")
    parser.add_argument("--hub", default="http://127.0.0.1:8000", help="the hub's address (%(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        hub, notebook = Hub(chosen.hub, chosen.token), find(chosen.chapter)
        sys.exit(not asyncio.run(warm_up(hub, notebook, chosen.students)))
    except (U3Error, OSError) as error:
        sys.exit(f"{error}")
    except HTTPClientError as error:
        sys.exit(f"the hub refused ({error}): is the token a teacher's, and not too old?")


if __name__ == "__main__":
    main()
