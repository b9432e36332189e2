"""JupyterHub by deploy/jupyterhub_config.py, for tests: what a server has and this machine lacks is replaced."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser import jupyter
from tests.browser.desk import RUN_SECONDS, SECONDS

TEACHER = "teacher"
CONFIG = Path(__file__).resolve().parent.parent.parent / "deploy" / "jupyterhub_config.py"
WINDOWING = "@jupyterlab/notebook-extension/tracker"


@dataclass(frozen=True)
class Hub:
    """A JupyterHub: its address, that for programs, the password of all, the students' homes, its options, its host.

    It has a host if each student has a domain.
    """

    url: str
    own: str
    password: str
    homes: Path
    options: tuple[str, ...]
    host: str = ""

    @property
    def token(self) -> Path:
        """The file with the token of deploy/warm_up.py."""
        return self.homes.parent / "warm-up.token"

    def ask(self, token: str, path: str, method: str = "GET", body: dict | None = None) -> tuple[int, Any]:
        """The status and the answer of the hub to a program with a token."""
        asked = urllib.request.Request(f"{self.own}/hub/api/{path}", json.dumps(body).encode() if body else None,
                                       {"Authorization": f"token {token}"}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, None

    def server(self, student: str) -> str:
        return (self.url.replace("//", f"//{student}.") if self.host else self.url) + f"user/{student}/"


def find_proxy() -> str | None:
    """JupyterHub's proxy, a program of npm; None if it is not there."""
    return shutil.which("configurable-http-proxy")


def need_hub() -> None:
    """Skip the test where JupyterHub cannot run: on Windows, and without its proxy, where a CI machine has to fail."""
    if os.name == "nt":
        pytest.skip("JupyterHub does not run on Windows")
    if find_proxy() is None:
        missing = "JupyterHub's proxy was not found; npm install --global configurable-http-proxy"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


@contextmanager
def jupyterhub(home: Path, students: tuple[str, ...], *, own_users: bool = False, domains: bool = False,
               options: Sequence[str] = ()) -> Iterator[Hub]:
    """The hub with the shipped configuration. Only where to listen, who logs in and who starts servers is replaced.

    There is no systemd here. Unless students are users of the machine (``own_users``), their servers run as who runs
    the tests, each in a home of its own. With ``domains`` each has a domain, by https. Further options come last.
    """
    public, inner, api = _free_ports(3)
    host = f"hub.localhost:{public}" if domains else ""  # a browser finds all names below localhost on this machine
    url = f"https://{host}/" if domains else f"http://127.0.0.1:{public}/"
    password, homes = secrets.token_hex(8), home / "homes"
    spawner = ["--JupyterHub.spawner_class=localprocess"]
    if not own_users:
        spawner = ["--JupyterHub.spawner_class=simple",
                   f"--SimpleLocalProcessSpawner.home_dir_template={homes}/{{username}}"]
        for name in (*students, TEACHER):
            _furnish(homes / name)
    hub = Hub(url, f"http://127.0.0.1:{inner}", password, homes, (
        f"--config={_named(home, students)}", f"--JupyterHub.bind_url={url.replace('hub.localhost', '127.0.0.1')}",
        f"--JupyterHub.hub_port={inner}", f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api}",
        "--JupyterHub.authenticator_class=dummy", f"--DummyAuthenticator.password={password}",
        *(f"--Authenticator.allowed_users={name}" for name in (*students, TEACHER)),
        *spawner, *(_certified(home) if domains else ()), *options), host)
    hub.token.touch(mode=0o600)
    hub.token.write_text(secrets.token_hex(32))
    with begun(hub):
        yield hub


@contextmanager
def begun(hub: Hub) -> Iterator[None]:
    """Begin a hub, or begin it again if it has ended."""
    home = hub.homes.parent
    with jupyter.serve("jupyterhub", list(hub.options), home, home, {**os.environ, "U3LAB_HUB_HOST": hub.host}) \
            as process, _ended_with(process.pid):
        jupyter.wait(process, home, lambda: "is now running at" in (home / "log").read_text())
        yield


def logged_in(browser: Browser, hub: Hub, name: str) -> BrowserContext:
    """A browser of its own, in which somebody has given name and password."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, ignore_https_errors=bool(hub.host))
    context.set_default_timeout(SECONDS * 1000)
    context.set_default_navigation_timeout(RUN_SECONDS * 1000)
    page = context.new_page()
    page.goto(f"{hub.url}hub/login?next=/hub/home")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(hub.password)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#logout").wait_for()
    return context


def _named(home: Path, students: Sequence[str]) -> Path:
    """The shipped configuration as it is read on a machine with these students and a teacher."""
    groups = {"students": list(students), "teachers": [TEACHER]}
    (file := home / "jupyterhub_config.py").write_text(f"""
from types import SimpleNamespace as Entry
from unittest.mock import patch
users = [Entry(pw_name=name, pw_gid=-1) for names in {groups}.values() for name in names]
with (patch("grp.getgrnam", lambda group: Entry(gr_mem={groups}[group], gr_gid=-2)),
      patch("pwd.getpwall", lambda: users)):
    load_subconfig({str(CONFIG)!r})
""")
    return file


def _certified(home: Path) -> list[str]:
    """Options for https, with a certificate that nobody has signed."""
    key, certificate = home / "key.pem", home / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                    "-subj", "/CN=hub.localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return [f"--JupyterHub.ssl_key={key}", f"--JupyterHub.ssl_cert={certificate}"]


def _furnish(home: Path) -> None:
    """A home whose JupyterLab keeps all cells on the page, and lets root run it."""
    settings = home / ".jupyter" / "lab" / "user-settings" / f"{WINDOWING}.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(jupyter.SETTINGS[WINDOWING]))
    (home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": {"allow_root": True}}))


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        return [held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


@contextmanager
def _ended_with(pid: int) -> Iterator[None]:
    """Whatever a program has started ends with it: the proxy, the culler, the students' servers and kernels."""
    hub = psutil.Process(pid)
    try:
        yield
    finally:
        started = hub.children(recursive=True) if hub.is_running() else []
        with suppress(psutil.NoSuchProcess):  # a mishap has ended it
            hub.terminate()
        _, alive = psutil.wait_procs([hub, *started], timeout=10)  # most take four seconds
        for process in alive:
            process.kill()
