"""A kernel that waits with its page computed is culled neither then nor before its page has opened a line."""

import re
import time
import urllib.request
from pathlib import Path

from tests.browser.jupyter import voila, write_notebook
from u3server import pages

IDLE, EVERY = 6, 1  # seconds
OPTIONS = [*pages.STAGE, f"--MappingKernelManager.cull_idle_timeout={IDLE}",
           f"--MappingKernelManager.cull_interval={EVERY}"]


def logged(home: Path, words: str, seconds: float = 60) -> None:
    """Wait until the server's log has these words."""
    end = time.monotonic() + seconds
    while words not in (home / "log").read_text():
        assert time.monotonic() < end, f"{words!r} is not in the log"
        time.sleep(0.1)


def test_a_kernel_that_has_waited_long_has_time_until_its_page_speaks(tmp_path):
    notebook = write_notebook(tmp_path / "page.ipynb", ["1"])
    with voila(tmp_path, notebook, OPTIONS) as url:
        logged(tmp_path, "is filled with 1 kernel")
        time.sleep(IDLE + 2 * EVERY)
        assert "Culling '" not in (tmp_path / "log").read_text()
        with urllib.request.urlopen(url, timeout=60) as answer:
            kernel = re.search(r'"kernelId": *"([^"]+)"', answer.read().decode())[1]
        assert f"Using pre-heated kernel: {kernel}" in (tmp_path / "log").read_text()
        time.sleep(IDLE / 2)  # so long may the page load
        assert "Culling '" not in (tmp_path / "log").read_text()
        logged(tmp_path, f"({kernel}) with 0 connections")  # the page never came: the kernel goes
