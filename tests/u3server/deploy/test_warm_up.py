"""What deploy/warm_up.py asks of a hub; tests/browser/test_hub.py has it warm up a real one."""

import ast
import asyncio
import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.helpers import slip
from u3server import copies, warming

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PROGRAM = ROOT / "deploy" / "warm_up.py"


@pytest.fixture(scope="module")
def warm_up() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("warm_up", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_of_the_class_are_warmed_up(warm_up, monkeypatch):
    """The hub names them page by page."""
    users = [{"name": f"s{n}"} for n in range(2 * warm_up.PAGE)]

    async def ask(self, path):
        first, most = map(int, re.fullmatch(r"users\?offset=(\d+)&limit=(\d+)", path).groups())
        return users[first : first + most]

    monkeypatch.setattr(warm_up.Hub, "ask", ask)
    found = asyncio.run(warm_up.Hub("http://127.0.0.1", "").students())
    assert found == [user["name"] for user in users]


def test_the_token_is_never_a_word_of_the_command(warm_up, monkeypatch, tmp_path):
    """All users of a machine can read those; what it was in the environment, only the user's own processes."""
    (file := tmp_path / "token").write_text("of a file\n")
    monkeypatch.setattr(warm_up, "FILE", str(file))
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    assert warm_up.token(None) == warm_up.token(str(file)) == "of a file"
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of the environment")
    assert (warm_up.token(None), warm_up.token(str(file))) == ("of the environment", "of a file")
    monkeypatch.setattr(sys, "stdin", io.StringIO("of the input\n"))
    assert warm_up.token("-") == "of the input"
    with slip("no token can be read from", "No such file", "docs/deploying.md"):
        warm_up.token(str(tmp_path / "nowhere"))
    refused = subprocess.run([sys.executable, PROGRAM, "00", "--token", "secret"], capture_output=True, text=True)
    assert refused.returncode and "secret" not in refused.stdout


@pytest.mark.parametrize("status, says", [("ok", ""), ("error", "the kernel said no torch")])
def test_a_server_starts_the_kernel_of_a_chapter_and_imports(monkeypatch, status, says):
    """With a server that notes what is asked of it."""
    done = []

    class Client:
        def start_channels(self):
            done.append("start")

        def stop_channels(self):
            done.append("stop")

        async def wait_for_ready(self, timeout):
            pass

        async def execute(self, code, *, silent, reply, timeout):
            assert silent and reply and 0 < timeout < 300, "the hub waits for 300 s"
            done.append(code)
            return {"content": {"status": status, "evalue": "no torch"}}

    async def create_session(**how):
        done.append(how["path"])
        return {"kernel": {"id": "k"}}

    server = SimpleNamespace(
        session_manager=SimpleNamespace(create_session=create_session), log=SimpleNamespace(info=lambda *_: None),
        kernel_manager=SimpleNamespace(get_kernel={"k": SimpleNamespace(client=Client)}.get))
    notebook = warming.find("06")
    if says:
        with slip(says):
            asyncio.run(warming.warm(server, notebook))
    else:
        asyncio.run(warming.warm(server, notebook))
    assert done == [notebook.name, "start", warming.imports(notebook), "stop"]


def test_what_waits_in_a_warm_kernel_is_the_imports_of_the_first_cell():
    for name in copies.names(ROOT / "notebooks"):
        source = warming.imports(warming.find(copies.chapter(name)))
        assert source.startswith("import u3lab\n") and "import torch" in source
        assert {type(line) for line in ast.parse(source).body} <= {ast.Import, ast.ImportFrom}
