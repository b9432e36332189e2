"""A page protects its host wherever it is served from; what is served without protection says so and stops.

What a visitor may do on such a page is in test_visitors.py.
"""

import asyncio
import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.browser.jupyter import serve, stage, voila, wait, write_notebook
from tests.hostile.test_visitors import CELLS, OPEN, SECONDS, Visit, Wire, get, hostile, kernels_of, talk, visited
from u3lab import U3Error
from u3lab._system import notebook
from u3server.visitors import PROTECTION, Pages


def is_safe(visit: Visit, trap: Path) -> bool:
    """Whether the two worst things come to nothing: code, and a message that claims 2**60 parts."""
    async def code(wire: Wire) -> None:
        await wire.say("execute_request", {"code": f"open({str(trap)!r}, 'w')", "silent": False})
        await wire.answered()

    async def parts(wire: Wire) -> None:
        await wire.line.write_message((2**60).to_bytes(8, "little"), binary=True)
        while await asyncio.wait_for(wire.line.read_message(), SECONDS) is not None:
            pass  # what the page's own kernel still had to say, until the line is closed

    talk(visit, code)
    talk(visit, parts)
    talk(visit, Wire.answered)
    return not trap.exists() and 'type "execute_request", which is not allowed' in visit.log


@pytest.mark.parametrize("where", ["/", "hostile"])
def test_wherever_a_page_is_served_from_it_is_safe(tmp_path, where):
    folder = Path("/") if where == "/" else hostile(tmp_path / "hostile")
    with voila(tmp_path, write_notebook(tmp_path / "page.ipynb", CELLS[:2]), folder=folder) as url:
        visit = visited(url, tmp_path)
        assert "level 4" in visit.page and is_safe(visit, tmp_path / "sprung")


def test_a_page_for_the_stage_is_safe_and_is_for_this_machine_alone(tmp_path):
    """Even by python -m in a hostile folder; and not for a site whose name leads here."""
    with stage(tmp_path, "02b", folder=hostile(tmp_path / "hostile")) as url:
        assert is_safe(visited(url, tmp_path), tmp_path / "sprung")
        elsewhere = urllib.request.Request(url, headers={"Host": "elsewhere.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(elsewhere, timeout=SECONDS)


@pytest.mark.parametrize("settings", [{}, OPEN], ids=["none", "open"])
def test_a_page_that_voila_serves_by_itself_says_so_and_stops(tmp_path, settings):
    (tmp_path / "voila.json").write_text(json.dumps(settings))
    notebook = write_notebook(tmp_path / "page.ipynb", CELLS[:2])
    with serve("voila", ["--no-browser", str(notebook)], tmp_path, tmp_path) as server:
        found = re.compile(r"http://\S+")
        page = get(wait(server, tmp_path, lambda: (found.findall((tmp_path / "log").read_text()) or [""])[0]))[1]
    assert page.count("nothing protects the host of this page") >= 1 and "level 4" not in page


def test_a_kernel_knows_whether_its_page_is_protected(monkeypatch, capsys):
    for name in ("VOILA_BASE_URL", notebook.PROTECTED):
        monkeypatch.delenv(name, raising=False)
    notebook.refuse_unprotected()
    monkeypatch.setenv("VOILA_BASE_URL", "/")
    with pytest.raises(U3Error, match="u3lab serve NOTEBOOK"):
        notebook.refuse_unprotected()
    assert "u3lab serve NOTEBOOK" in capsys.readouterr().out, "of an error Voilà shows that there was one"
    monkeypatch.setenv(notebook.PROTECTED, "1")
    notebook.refuse_unprotected()


NARROWER = {"Voila": "Pages", "MappingKernelManager": "Kernels"}  # the class whose setting would count more


@pytest.mark.parametrize("option", ["--KernelManager.transport=tcp", *(
    f"--{section}.{name}={value}" for wide, settings in PROTECTION.items() for name, value in settings.items()
    for section in dict.fromkeys((wide, NARROWER.get(wide, wide))))])
def test_no_option_takes_a_protection_away(option):
    with pytest.raises(U3Error, match="leave this option out"):
        Pages().initialize([option])


def test_of_places_there_are_so_many_each_with_so_much_memory_and_free_again_after_a_rest(tmp_path):
    cells = ["import u3lab", "try:\n    held = bytearray(2 * 2**30)\n    print('unlimited')\n"
                             "except MemoryError:\n    print('limited')"]
    options = ["--Kernels.most=1", "--Kernels.memory=1", "--Kernels.rest=5", "--MappingKernelManager.cull_interval=1"]
    with voila(tmp_path, write_notebook(tmp_path / "page.ipynb", cells), options) as url:
        first = visited(url, tmp_path)
        assert (">limited" if sys.platform == "linux" else ">unlimited") in first.page
        code, said = get(url)
        assert code == 503 and "every place is taken; come again in a few minutes" in said

        async def stay(wire: Wire) -> None:
            assert await asyncio.wait_for(wire.line.read_message(), SECONDS)  # what the kernel says, until it is gone
            while kernels_of(first):
                await asyncio.sleep(0.2)

        begun = time.monotonic()
        talk(first, stay)
        assert time.monotonic() - begun > 3
        while (code := get(url)[0]) == 503:
            assert time.monotonic() - begun < SECONDS
        assert code == 200
