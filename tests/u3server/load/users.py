"""A class on one server with true users of the machine: what can a neighbour see, change or end?

    python -m tests.u3server.load.users

JupyterHub with deploy/jupyterhub_config.py starts two students' servers, each as its own user; one of them then tries
to get at what belongs to the other, and at the environment of all. Linux, as root. The users are there for this program
alone: it has mounts of its own, with a copy of /etc and homes in a temporary folder, which go when it ends.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import aiohttp
import psutil

from tests.browser.hub import find_proxy, jupyterhub
from tests.u3server.load import ear
from tests.u3server.load.chaos import NOTE
from tests.u3server.load.line import Failed, Line
from tests.u3server.load.school import own_server

ADA, BEN = "u3lab-ada", "u3lab-ben"
ROOT = Path(__file__).resolve().parents[3]
CHAPTER = "00_start_here.ipynb"
INSIDE = "U3LAB_USERS_ROOM"  # names the folder to this program when it has mounts of its own
OTHERS = stat.S_IRWXG | stat.S_IRWXO  # the rights of the group and of all
DONE = "done"
PASSWORD = "correct-horse-battery-staple"
SAYS = f"import time\nfor _ in range(20):\n    print({PASSWORD!r}, flush=True)\n    time.sleep(0.1)"
LISTENS = 4.0  # seconds, of which the cell takes two
NO = "PermissionError", "Permission denied", "403", "404", "500"  # 500: a link that the server cannot follow


class Tried(NamedTuple):
    """What was tried, whether it has to succeed, and what came of it."""

    what: str
    allowed: bool
    answer: str

    @property
    def right(self) -> bool:
        return self.answer == DONE if self.allowed else any(word in self.answer for word in NO)


def lacking() -> str:
    """Why it cannot be tried on this machine; "" if it can."""
    if find_proxy() is None:
        return "JupyterHub's proxy is missing; npm install --global configurable-http-proxy"
    return without_users()


def without_users() -> str:
    """Why there can be no users for a while on this machine; "" if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root can make users and start servers as they, on Linux"
    if missing := [name for name in ("unshare", "mount", "useradd", "su") if shutil.which(name) is None]:
        return f"the program {missing[0]} is missing"
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", tempfile.gettempdir()],
                      capture_output=True).returncode:
        return "root may not mount here"
    return ""


# ---- a machine with two students -------------------------------------------------------------------------------------

def furnish(room: Path) -> None:
    """Two users in a copy of /etc, an environment that they can read, and a new /tmp.

    Only this program and its children see it.
    """
    shutil.copytree("/etc", room / "etc", symlinks=True, ignore_dangling_symlinks=True)
    mount("--bind", room / "etc", "/etc")
    Path("/etc/default/useradd").write_text("CREATE_MAIL_SPOOL=no\n")
    for name in (ADA, BEN):
        subprocess.run(["useradd", "--no-log-init", "--create-home", "--home-dir", room / name, "--shell", "/bin/sh",
                        name], check=True)
        (room / name).chmod(0o755)  # as many systems have it: then the umask alone keeps neighbours out
    for closed, needed in behind_closed_doors().items():
        for number, folder in enumerate(needed):
            (aside := room / f"aside{number}").mkdir(exist_ok=True)
            mount("--bind", folder, aside)
        mount("-t", "tmpfs", "-o", "mode=755", "none", closed)
        for number, folder in enumerate(needed):
            folder.mkdir(parents=True)
            mount("--bind", room / f"aside{number}", folder)
            subprocess.run(["umount", room / f"aside{number}"], check=True)
    empty_tmp(room)


def empty_tmp(room: Path) -> None:
    """A /tmp with nothing in it but what is needed of the old one: what users put there goes with the room."""
    (new := room / "tmp").mkdir()
    new.chmod(0o1777)
    for folder in sorted({room, ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}):
        if folder.is_relative_to("/tmp"):
            (there := new / folder.relative_to("/tmp")).mkdir(parents=True, exist_ok=True)
            mount("--bind", folder, there)
    mount("--rbind", new, "/tmp")


def behind_closed_doors() -> dict[Path, list[Path]]:
    """Folders that students cannot enter, with what they need of them: on this machine Python may be in root's home."""
    found: dict[Path, list[Path]] = {}
    for folder in sorted({ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}):
        above = [one for one in reversed(folder.parents) if not one.stat().st_mode & stat.S_IXOTH]
        if above and not any(one in folder.parents for one in found.get(above[0], ())):
            found.setdefault(above[0], []).append(folder)
    return found


def mount(*options: object) -> None:
    subprocess.run(["mount", *map(str, options)], check=True)


# ---- tries -----------------------------------------------------------------------------------------------------------

def by_shell(name: str, command: str) -> str:
    ran = subprocess.run(["su", "-s", "/bin/sh", name, "-c", command], capture_output=True, text=True, cwd="/")
    return DONE if ran.returncode == 0 else ran.stderr.strip().rpartition(": ")[2]


async def by_kernel(line: Line, source: str) -> str:
    try:
        await line.run(source)
    except Failed as error:
        return str(error).partition(" '")[0]
    return DONE


async def by_server(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url) as answer:
        return DONE if answer.status == 200 else f"{answer.status} {answer.reason}"


def shared(home: Path) -> str:
    """What Jupyter and the course have made in a home belongs to its user; nobody else has rights to it.

    IPython's own README is as readable as in the package that it comes from, in a folder that is not.
    """
    made = [path for folder in home.iterdir() if folder.is_dir() for path in (folder, *folder.rglob("*"))]
    bad = [path for path in made if path.owner() != home.name or (
        path.stat().st_mode & OTHERS and ".ipython" not in path.parts[:-1])]
    return f"{len(bad)} of {len(made)} files are open, such as {bad[0]}" if bad else DONE


async def tries(url: str, room: Path) -> list[Tried]:
    """Both students are at work; what each can do at home, and what the neighbour can."""
    async with contextlib.AsyncExitStack() as doors:
        (ada, hers), (ben, his) = await asyncio.gather(*(doors.enter_async_context(url(name)) for name in (ADA, BEN)))
        lines = [await Line.open(*one) for one in ((ada, hers), (ben, his))]
        try:
            return [*await at_home(lines[0], ada, hers, room), *await next_door(lines[1], ada, ben, hers, his, room),
                    await at_the_door(lines[0]), *await in_the_environment(lines[1])]
        finally:
            for line in lines:
                await line.close()


async def at_home(line: Line, ada: aiohttp.ClientSession, hers: str, room: Path) -> list[Tried]:
    """What has to work, or all that is refused later would prove nothing."""
    folder = room / ADA / "u3lab-notebooks"
    diary = f"open('{folder / 'diary.txt'}', 'w').write('a quiet day')"
    return [
        Tried("her kernel opens her copy", True, await by_kernel(line, f"open('{folder / CHAPTER}').read()")),
        Tried("her kernel writes a file", True, await by_kernel(line, diary)),
        Tried("her server shows it", True, await by_server(ada, f"{hers}api/contents/diary.txt")),
        Tried("her exercise is kept", True, await by_kernel(line, NOTE.format(key="0-match"))),
        Tried("all is hers alone", True, shared(room / ADA))]


async def next_door(line: Line, ada: aiohttp.ClientSession, ben: aiohttp.ClientSession, hers: str, his: str,
                    room: Path) -> list[Tried]:
    """What the neighbour gets of it: by a shell, by a kernel, by her server, by his own."""
    home = room / ADA
    things = {"her folder": home / "u3lab-notebooks", "her copy": home / "u3lab-notebooks" / CHAPTER,
              "her diary": home / "u3lab-notebooks" / "diary.txt",
              "her progress": next(home.rglob("progress.json")), "her kernel's key": next(home.rglob("kernel-*.json"))}
    found = []
    for name, thing in things.items():
        reads = f"__import__('os').listdir('{thing}')" if thing.is_dir() else f"open('{thing}').read()"
        writes = f"open('{thing / 'x' if thing.is_dir() else thing}', 'a').write('x')"
        found += [Tried(f"{name}, a shell reads", False, by_shell(BEN, f"{'ls' if thing.is_dir() else 'cat'} {thing}")),
                  Tried(f"{name}, a kernel reads", False, await by_kernel(line, reads)),
                  Tried(f"{name}, a kernel writes", False, await by_kernel(line, writes)),
                  Tried(f"{name}, a kernel takes away", False, await by_kernel(
                      line, f"__import__('os').rename('{thing}', '{room / BEN / 'mine'}')"))]
    link = room / BEN / "u3lab-notebooks" / "link.ipynb"
    links = f"__import__('os').symlink('{things['her copy']}', '{link}')"
    found += [Tried("her server, with his token", False, await by_server(ben, f"{hers}api/contents/{CHAPTER}")),
              Tried("his server, with her token", False, await by_server(ada, f"{his}api/contents/{CHAPTER}")),
              Tried("his server, up and over", False, await by_server(
                  ben, f"{his}api/contents/..%2F..%2F{ADA}%2Fu3lab-notebooks%2F{CHAPTER}")),
              Tried("he makes a link to her copy", True, await by_kernel(line, links)),
              Tried("his server follows the link", False, await by_server(ben, f"{his}api/contents/link.ipynb")),
              Tried("his server gives the link's file", False, await by_server(ben, f"{his}files/link.ipynb"))]
    server = next(one.pid for one in psutil.process_iter() if one.uids().real == pwd.getpwnam(ADA).pw_uid)
    return [*found, Tried("her processes' secrets", False, await by_kernel(
                line, f"open('/proc/{server}/environ').read()")),
            Tried("her processes, a signal", False, await by_kernel(line, f"__import__('os').kill({server}, 0)"))]


async def at_the_door(line: Line) -> Tried:
    """What the neighbour hears of a cell of hers that prints a password, by all ports and sockets."""
    command = f"{sys.executable} {ear.__file__} {ADA} {LISTENS} {PASSWORD}"
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    listener = await asyncio.create_subprocess_exec("su", "-s", "/bin/sh", BEN, "-c", command, cwd="/", **pipes)
    await listener.stdout.readline()
    listener.stdin.write(b"\n")
    await line.run(SAYS)
    _, said = await listener.communicate()
    return Tried("what her cell prints", False, said.decode().strip() if listener.returncode else DONE)


async def in_the_environment(line: Line) -> list[Tried]:
    """What all have is read by all, and written by nobody."""
    found = []
    shared_by_all = {"environment": Path(sys.prefix), "course": ROOT / "u3lab", "settings": ROOT / "deploy"}
    for name, folder in shared_by_all.items():
        file, lists = folder / "made-by-a-student", f"__import__('os').listdir('{folder}')"
        found += [Tried(f"the {name}, a kernel lists", True, await by_kernel(line, lists)),
                  Tried(f"the {name}, a kernel writes", False, await by_kernel(line, f"open('{file}', 'w')")),
                  Tried(f"the {name}, a shell writes", False, by_shell(BEN, f"touch {file}"))]
    return found


# ---- the program -----------------------------------------------------------------------------------------------------

def outside(*command: str) -> int:
    """Make a folder that all can enter, run a module with mounts of its own, and take the folder away again.

    It is taken away here, where none of those mounts is seen: nothing but what was made in it can go.
    """
    with tempfile.TemporaryDirectory(prefix="u3lab-users-") as room:
        Path(room).chmod(0o755)
        return subprocess.run(["unshare", "-m", sys.executable, "-m", *command], cwd=ROOT,
                              env={**os.environ, INSIDE: room}).returncode


def inside(room: Path) -> int:
    """Say what was tried and what came of it; 1 if anything came out otherwise than it has to."""
    furnish(room)
    (room / "hub").mkdir(mode=0o700)
    with jupyterhub(room / "hub", (ADA, BEN), own_users=True) as hub:
        found = asyncio.run(tries(lambda name: own_server(hub, name), room))
    for one in found:
        print(f"{'ok ' if one.right else 'BAD'}  {one.what:38}{one.answer}")
    print(f"{sum(one.right for one in found)} of {len(found)} as they have to be")
    return int(not all(one.right for one in found))


if __name__ == "__main__":
    sys.exit(inside(Path(os.environ[INSIDE])) if INSIDE in os.environ else
             lacking() or outside("tests.u3server.load.users"))
