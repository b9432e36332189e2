"""A quarter of an hour before a lesson: every student's server starts, and a kernel with what the chapter imports.

    python deploy/warm_up.py 01 [--hub http://127.0.0.1:8081] [--token-file FILE] [STUDENT ...]

Run it as root, in the hub's environment and on its machine. Without names it is all of the class. JupyterLab then opens
the chapter with the kernel that waits, whose first cell need not import torch any more. Each server starts that kernel
itself, so this program sees nobody's files. Who is there already is not disturbed, and gets no other kernel. One that
is not used ends after an hour, as all do.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from u3lab import U3Error
from u3server import warming

PATIENCE = 300.0  # seconds that a server may take to start, as in jupyterhub_config.py
SOON = 0.5  # seconds between two questions whether it has started
PAGE = 50  # users that the hub names at once
FILE = "/var/lib/u3lab-hub/warm-up.token"


class Hub:
    """The hub, as a token lets one see it."""

    def __init__(self, url: str, by: str) -> None:
        self.url, self._headers = url.rstrip("/") + "/hub/api/", {"Authorization": f"token {by}"}

    async def ask(self, path: str, body: dict | None = None) -> Any:
        """What it answers to GET, or with a body to POST; None if that is nothing."""
        how = {} if body is None else {"method": "POST", "body": json.dumps(body)}
        answer = await AsyncHTTPClient().fetch(HTTPRequest(
            urljoin(self.url, path), headers=self._headers, request_timeout=PATIENCE, **how))
        return json.loads(answer.body) if answer.body else None

    async def students(self) -> list[str]:
        """All of the class."""
        found: list[dict] = []
        page = None
        while page is None or len(page) == PAGE:
            page = await self.ask(f"users?offset={len(found)}&limit={PAGE}")
            found += page
        return [user["name"] for user in found]

    async def start(self, name: str, chapter: str) -> bool:
        """Start a student's server with a kernel of a chapter, and wait until both are there; False if it runs."""
        path = f"users/{quote(name, safe='')}"
        if (await self.server(path)).get("ready"):
            return False
        await self.ask(f"{path}/server", {"chapter": chapter})
        end = time.monotonic() + PATIENCE
        while not (server := await self.server(path)).get("ready"):
            if not server.get("pending") or time.monotonic() > end:
                raise U3Error("the server did not start; the hub's log says why")
            await asyncio.sleep(SOON)
        return True

    async def server(self, path: str) -> dict:
        """What the hub knows of the server of a user; {} if there is none."""
        return (await self.ask(path))["servers"].get("", {})


async def warm_up(hub: Hub, chapter: str, students: Sequence[str] = ()) -> bool:
    """Warm up so many students at once as there are cores, with a line for each; whether all went well."""
    room = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(name: str) -> bool:
        async with room:
            start = time.monotonic()
            try:
                new = await hub.start(name, chapter)
            except (U3Error, OSError, HTTPClientError) as error:
                print(f"{name}: {error}", flush=True)
                return False
            print(f"{name}: ready after {time.monotonic() - start:.1f} s" if new else f"{name}: was there", flush=True)
            return True

    return all(await asyncio.gather(*map(one, students or await hub.students())))


def token(file: str | None) -> str:
    """The token from a file, standard input ("-"), JUPYTERHUB_API_TOKEN or the usual file, in this order."""
    if file == "-":
        return sys.stdin.readline().strip()
    if file is None and (given := os.environ.get("JUPYTERHUB_API_TOKEN")):
        return given
    try:
        return Path(file or FILE).read_text().strip()
    except OSError as error:
        raise U3Error(f"no token can be read from {file or FILE} ({error.strerror}): root makes it as "
                      "docs/deploying.md says, starts the hub again, and runs this") from None


def main(arguments: list[str] | None = None) -> None:
    """Warm up, and end with 1 if anybody's server did not come."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("chapter", help="the notebook of the lesson, such as 01 or 03b")
    parser.add_argument("students", nargs="*", metavar="STUDENT", help="who; all of the class")
    parser.add_argument("--token-file", metavar="FILE", help=f"its token; - is standard input; else that of "
                        f"JUPYTERHUB_API_TOKEN, or {FILE}")
    parser.add_argument("--hub", default="http://127.0.0.1:8081", help="the hub's own address (%(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        warming.find(chosen.chapter)
        hub = Hub(chosen.hub, token(chosen.token_file))
        sys.exit(not asyncio.run(warm_up(hub, chosen.chapter, chosen.students)))
    except (U3Error, OSError) as error:
        sys.exit(f"{error}")
    except HTTPClientError as error:
        sys.exit(f"the hub refused ({error}): is the token that of the file, as it was when the hub started?")


if __name__ == "__main__":
    main()
