"""What deploy/warm_up.py asks of a hub; tests/browser/test_hub.py has it warm up a real one."""

import ast
import asyncio
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from u3lab._system import copies

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def warm_up() -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("warm_up", ROOT / "deploy" / "warm_up.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_students_of_the_hub_are_warmed_up_and_no_teacher(warm_up, monkeypatch):
    """The hub names them page by page."""
    users = [{"name": f"s{n}", "admin": n == 7} for n in range(2 * warm_up.PAGE)]

    async def ask(self, path):
        first, most = map(int, re.fullmatch(r"hub/api/users\?offset=(\d+)&limit=(\d+)", path).groups())
        return users[first : first + most]

    monkeypatch.setattr(warm_up.Hub, "ask", ask)
    found = asyncio.run(warm_up.Hub("http://127.0.0.1", "").students())
    assert found == [user["name"] for user in users if user["name"] != "s7"]


def test_what_waits_in_a_warm_kernel_is_the_imports_of_the_first_cell(warm_up):
    for name in copies.names(ROOT / "notebooks"):
        source = warm_up.imports(warm_up.find(copies.chapter(name)))
        assert source.startswith("import u3lab\n") and "import torch" in source
        assert {type(line) for line in ast.parse(source).body} <= {ast.Import, ast.ImportFrom}
