"""Kernels of the course's servers: their sockets are in a private folder, wherever the home is, and leave nothing."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest
from jupyter_client import AsyncKernelClient
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config, PyFileConfigLoader

from u3lab.errors import U3Error
from u3server import kernels, start, visitors

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"
LONGEST = 100  # bytes of a path; systems take 103 or 107
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps Jupyter's own way")


@pytest.fixture
def place(monkeypatch, tmp_path: Path) -> Path:
    """A folder in place of /tmp."""
    (made := tmp_path / "tmp").mkdir()
    monkeypatch.setattr(kernels, "PLACE", str(made))
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a path of more than 200 characters, as Jupyter's own for such files."""
    made = tmp_path / ("a-home-with-a-long-name" * 9)
    made.mkdir(mode=0o700)
    return made


def of_a_class() -> Config:
    return PyFileConfigLoader("jupyter_server_config.py", path=str(DEPLOY)).load_config()


def of_the_stage() -> Config:
    return Config(visitors.PROTECTION)


def of_start() -> Config:
    return Config(MappingKernelManager={"kernel_manager_class": start.KERNELS})


def aged(folder: Path, seconds: float = 120.0) -> Path:
    """A folder as if nothing had been made in it for so long."""
    folder.mkdir(exist_ok=True)
    os.utime(folder, (time.time() - seconds,) * 2)
    return folder


@pytest.mark.parametrize("config", [of_a_class, of_the_stage, of_start])
def test_sockets_have_short_paths_in_a_folder_of_their_owner_however_long_the_home_is(config, home: Path):
    server = AsyncMappingKernelManager(config=config(), connection_dir=str(home))
    kernel = server.kernel_manager_factory(connection_file=str(home / f"kernel-{uuid.uuid4()}.json"), parent=server)
    folder = Path(kernel.ip).parent
    try:
        assert kernel.transport == "ipc" and len(os.fsencode(f"{kernel.ip}-99")) < LONGEST < len(str(home))
        found = folder.lstat()
        assert stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == os.getuid()
        assert folder.parent == Path("/tmp"), "on the machine itself, and there"
    finally:
        kernel.cleanup_connection_file()
    assert not folder.exists()


def test_what_others_have_put_there_is_never_used(place: Path, tmp_path: Path, monkeypatch):
    """A folder, a link and a file have the names that are drawn first."""
    (theirs := tmp_path / "theirs").mkdir()
    folder, link, file = (place / f"{kernels.PREFIX}{name}" for name in ("folder", "link", "file"))
    folder.mkdir(mode=0o777)
    link.symlink_to(theirs)
    file.touch()
    monkeypatch.setattr(tempfile, "_get_candidate_names", lambda: iter(["folder", "link", "file", "free"]))
    made, lock = kernels.private_folder()
    os.close(lock)
    assert made == place / f"{kernels.PREFIX}free" and stat.S_IMODE(made.stat().st_mode) == 0o700
    assert link.is_symlink() and not [*theirs.iterdir(), *folder.iterdir()]
    monkeypatch.setattr(tempfile, "_get_candidate_names", lambda: iter(["folder", "link", "file"] * tempfile.TMP_MAX))
    monkeypatch.setattr(tempfile, "TMP_MAX", 3)
    with pytest.raises(U3Error, match=r"needs a folder in .* none can be made \(No usable .*\); ask who looks after"):
        kernels.private_folder()


def test_without_a_folder_no_kernel_starts_and_one_sentence_says_why(home: Path, monkeypatch):
    """Not even by ports: whoever fills a disk must not make a kernel heard."""
    monkeypatch.setattr(kernels, "PLACE", str(home / "gone"))
    server = AsyncMappingKernelManager(config=of_start(), connection_dir=str(home))
    with pytest.raises(U3Error, match=r"^a kernel needs a folder in \S+, where none can be .*No such .*; ask .*$"):
        asyncio.run(server.start_kernel())
    assert not list(home.iterdir())


def test_what_a_killed_server_has_left_goes_and_nothing_else(place: Path, tmp_path: Path):
    """Left is what nobody has locked: not a living server's, not a new one, not what only has such a name."""
    code = f"import os, signal; from u3server import kernels; kernels.PLACE = {str(place)!r}; " \
        "print(kernels.private_folder()[0], flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = Path(done.stdout.strip())
    (left / "socket-1").touch()
    living, lock = kernels.private_folder()
    new, other = place / f"{kernels.PREFIX}new", place / "another"
    new.mkdir()
    link, elsewhere = place / f"{kernels.PREFIX}link", tmp_path / "elsewhere"
    link.symlink_to(aged(elsewhere))
    for folder in (left, living, other):
        aged(folder)
    if os.geteuid() == 0:
        os.chown(aged(place / f"{kernels.PREFIX}theirs"), 65534, 65534)
    before = set(place.iterdir())
    made, second = kernels.private_folder()
    assert set(place.iterdir()) == before - {left} | {made} and elsewhere.exists()
    os.close(lock)
    os.close(second)


async def run(client: AsyncKernelClient, code: str) -> list[str]:
    """What a cell prints, and the name of its error; "" if there was none."""
    said = []
    reply = await client.execute_interactive(
        code, timeout=60, output_hook=lambda message: said.append(message["content"].get("text", "")))
    return [*filter(None, said), reply["content"].get("ename", "")]


async def two_lives(home: Path) -> list[Path]:
    """Two kernels at a time; one is interrupted, starts again, is met by a console of its owner. What they leave."""
    server = AsyncMappingKernelManager(config=of_a_class(), connection_dir=str(home))
    one, two = [server.get_kernel(await server.start_kernel()) for _ in range(2)]
    folders = [Path(kernel.ip).parent for kernel in (one, two)]
    clients = [kernel.client() for kernel in (one, two)]
    for client in clients:
        client.start_channels()
        await client.wait_for_ready(timeout=60)
    assert folders[0] != folders[1] and all(stat.S_ISSOCK(path.stat().st_mode) for path in folders[0].iterdir())
    assert stat.S_IMODE(os.stat(one.connection_file).st_mode) & 0o077 == 0, "the key"
    assert await run(clients[0], "print('a')") == ["a\n", ""] and await run(clients[1], "print('b')") == ["b\n", ""]
    asleep = asyncio.create_task(run(clients[0], "print(1, flush=True)\nimport time\ntime.sleep(60)"))
    await asyncio.sleep(1)
    await one.interrupt_kernel()
    assert (await asleep)[-1] == "KeyboardInterrupt"
    await one.restart_kernel()
    await clients[0].wait_for_ready(timeout=60)
    console = AsyncKernelClient(connection_file=one.connection_file)  # as `jupyter console --existing` does
    console.load_connection_file()
    console.start_channels()
    assert await run(console, "print('again')") == ["again\n", ""]
    for client in (*clients, console):
        client.stop_channels()
    await server.shutdown_all(now=True)
    return [*filter(Path.exists, folders), *home.iterdir()]


def test_two_kernels_by_sockets_live_as_kernels_do(home: Path):
    assert asyncio.run(two_lives(home)) == []
