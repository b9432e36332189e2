"""Grade with nbgrader so that an answer cannot alter its own marks: in ``nbgrader_config.py`` write

    from u3server.grading import PREPROCESSORS
    c.Autograde.autograde_preprocessors = PREPROCESSORS

The notebook runs in a kernel of its own, as a user without rights where the system has one (``c.ExecuteApart.user``).
Its checks do not: their text is the gradebook's, they run here, and ask the kernel for nothing but values.
"""

import asyncio
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from shlex import quote
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets import Bool, Unicode

from u3lab._system import paths
from u3lab.errors import U3Error
from u3server import answers

try:
    from nbgrader.api import Gradebook
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import Execute
except ImportError as error:
    raise U3Error("grading needs nbgrader: pip install nbgrader") from error

# What the kernel sees of the grader's environment: the rest may hold passwords.
ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "OMP_NUM_THREADS", "OMP_WAIT_POLICY",
               "U3LAB_THREADS", "NBGRADER_EXECUTION")
LIMITS = ("--core=0", f"--data={8 * 2**30}", f"--fsize={2**30}", "--nproc=1024", "--cpu=3600")
OWN_WORLD = ("unshare", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
PACKAGE = Path(__file__).resolve().parents[1]  # of all houses; with data/ in a checkout
LONGEST = 30  # seconds for one answer from the kernel; the judge mostly waits less
FREE_SECONDS = 5  # how long a kernel may take to come back after an interrupt


class ExecuteApart(Execute):
    """Run a submission, and judge its exercises from outside of the kernel that it runs in."""

    user = Unicode("nobody", help="who students' code runs as, where the grader is root on Linux").tag(config=True)
    strict = Bool(False, help="refuse to grade where students' code would have the grader's rights").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any = None, km: Any = None) -> tuple[NotebookNode, Any]:
        """Run all cells in their order; the outputs of checks are written when the kernel has ended."""
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as book:
            cells = book.find_notebook(facts["notebook"], facts["assignment"]).source_cells
            self._checks = {cell.name: cell.source for cell in cells if cell.locked and "course.check(" in cell.source}
        self._verdicts: list[tuple[NotebookNode, NotebookNode]] = []
        self._ended, self._asked = False, ""
        metadata = resources["metadata"]
        with self._apart(Path(metadata["path"])) as self._folder:
            super().preprocess(nb, {**resources, "metadata": {**metadata, "path": str(self._folder)}})
        for cell, verdict in self._verdicts:
            cell.outputs = [verdict]
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """A check is run here, every other cell in the kernel, unless that has ended."""
        source = self._checks.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if source is not None:
            self._verdicts.append((cell, run_sync(self._verdict)(source)))
        elif not self._ended:
            try:
                return super().preprocess_cell(cell, resources, index)
            except (DeadKernelError, CellTimeoutError):  # what was judged before keeps its points
                run_sync(self._end)()
        return cell, resources

    def create_kernel_manager(self) -> AsyncKernelManager:
        """The kernel of this environment, whatever the notebook names, with the rights and the environment it gets."""
        self.km = _Manager(connection_file=str(self._folder / "kernel.json"), kernel_name="python3",
                           transport="ipc" if os.name == "posix" else "tcp")
        self.km.before = [*self._prefix, *_environment(self._folder)]
        self.km.account = self._account
        return self.km

    @contextmanager
    def _apart(self, submitted: Path) -> Iterator[Path]:
        """A folder with a copy of what was handed in, which is the kernel's home, and goes with it."""
        self._account = _account(self.user)
        self._prefix = self._command() if self._account else _limits()
        if not self._account:
            words = f"students' code has your rights; grade as root on Linux, with setpriv, to run it as {self.user!r}"
            if self.strict:
                raise U3Error(f"{words}, or set c.ExecuteApart.strict = False")
            self.log.warning(words)
        with tempfile.TemporaryDirectory(prefix="u3lab-", ignore_cleanup_errors=True) as outer:
            folder = Path(outer, "home")  # below one that is ours, so that it cannot be put elsewhere
            shutil.copytree(submitted, folder, symlinks=True)
            folder.chmod(0o700)
            if self._account:
                os.chmod(outer, 0o711)
                for place, folders, files in os.walk(folder):
                    for name in (".", *folders, *files):
                        os.chown(os.path.join(place, name), *self._account, follow_symlinks=False)
            yield folder

    def _command(self) -> list[str]:
        """The programs that take everything away from the kernel: network, other programs, our files, our rights."""
        user, group = self._account
        plain = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs", *_limits()]
        apart = [*OWN_WORLD, *_view(Path(CourseDirectory(parent=self).root)), *plain]
        for command in (apart, plain):
            if _works(*command, sys.executable, "-c", "import u3lab, ipykernel"):
                if command is plain:
                    self.log.warning("this system gives no program a world of its own: students' code has the network")
                return command
        raise U3Error(f"the user {self.user!r} cannot use {sys.executable} with u3lab; install both where all may read")

    async def _verdict(self, source: str) -> NotebookNode:
        """The output of a check: a report, whose text is its points, or an error, for which nbgrader gives none."""
        loop = asyncio.get_running_loop()

        def ask(expression: str) -> str:  # in the thread of the judge, who may be stopped meanwhile
            future, end = asyncio.run_coroutine_threadsafe(self._said(expression), loop), time.monotonic() + LONGEST
            try:
                while not future.done() and time.monotonic() < end:
                    with suppress(TimeoutError):
                        future.result(timeout=0.1)
                return future.result(timeout=0)
            finally:
                future.cancel()

        try:
            report, names = await loop.run_in_executor(None, answers.checked, source, ask)
            shown = {**report._repr_mimebundle_(), "text/plain": str(report.points)}
        except Exception as error:
            name, words = type(error).__name__, str(error)
            return new_output("error", ename=name, evalue=words, traceback=[f"{name}: {words}"])
        finally:
            await self._free()
        with suppress(Exception):  # what the next cells of the notebook find; they judge nothing
            names = answers.pickled(names)
            await asyncio.wait_for(self._said(f"globals().update({answers.HERE}.unpickled({names!r})) or ''"), LONGEST)
        return new_output("execute_result", data=shown)

    async def _said(self, expression: str) -> str:
        """The value of an expression in the kernel, a string; ValueError if there is none."""
        if self._ended:
            raise DeadKernelError("the kernel has ended before this check")
        self._asked = self.kc.execute("", silent=True, store_history=False, user_expressions={"said": expression})
        said = (await self._reply()).get("user_expressions", {}).get("said", {})
        if said.get("status") != "ok":
            raise ValueError("the kernel has told no value")
        return said["data"]["text/plain"].strip("'")

    async def _reply(self) -> dict:
        while True:
            with suppress(Empty):
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
                if reply["parent_header"].get("msg_id") == self._asked:
                    self._asked = ""
                    return reply["content"]
            await self._async_check_alive()

    async def _free(self) -> None:
        """Stop an answer for which the judge waits no longer; with the kernel, if it cannot be interrupted."""
        if not self._asked or self._ended:
            return
        try:
            await ensure_async(self.km.interrupt_kernel())
            await asyncio.wait_for(self._reply(), FREE_SECONDS)
        except (TimeoutError, DeadKernelError):
            await self._end()

    async def _end(self) -> None:
        self._ended = True
        await ensure_async(self.km.shutdown_kernel(now=True))


PREPROCESSORS = [ExecuteApart if one is Execute else one for one in Autograde.autograde_preprocessors.default()]


class _Manager(AsyncKernelManager):
    """A kernel behind other programs; ``account`` is who may read how to reach it."""

    before: list[str] = []
    account: tuple[int, int] | None = None

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        return [*self.before, sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file,
                *(extra_arguments or [])]

    def write_connection_file(self, **kwargs: Any) -> None:
        super().write_connection_file(**kwargs)
        if self.account:
            os.chown(self.connection_file, *self.account)


def _environment(folder: Path) -> list[str]:
    """A program that starts another one with nothing in its environment but what it needs."""
    if not shutil.which("env"):
        return []
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    own = {"HOME": folder, "TMPDIR": folder, "U3LAB_STATE": folder / "state", "U3LAB_CACHE": paths.cache(""),
           "JPY_PARENT_PID": os.getpid()}
    return ["env", "-i", *(f"{name}={value}" for name, value in {**kept, **own}.items())]


def _account(user: str) -> tuple[int, int] | None:
    """The numbers of a user and its group, or None where nobody's rights can be taken away."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("setpriv"):
        return None
    import pwd

    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise U3Error(f"this machine has no user {user!r}; set c.ExecuteApart.user to one without rights") from None
    return found.pw_uid, found.pw_gid


def _limits() -> list[str]:
    return ["prlimit", *LIMITS] if shutil.which("prlimit") else []


def _view(course: Path) -> list[str]:
    """A program that shows another one less of the disk.

    The folder of the course is empty, and so is each one that is shut to others, such as root's home, where our Python,
    the library or what it has drawn lies in it; these are put back.
    """
    needed = map(Path, (sys.base_prefix, sys.prefix, PACKAGE, tempfile.gettempdir(), paths.cache("")))
    wanted = sorted({path.resolve() for path in needed if path.is_dir()})
    shut = {place for path in wanted for place in path.parents if not place.stat().st_mode & 0o001}
    lines = [f"exec {n}<{quote(str(path))}" for n, path in enumerate(wanted, 3)]  # open: they are found again so
    for place in sorted({*shut, course.resolve()}, key=lambda one: len(one.parts)):
        back = [f"mkdir -p {quote(str(path))} && mount -c --bind /proc/self/fd/{n} {quote(str(path))}"
                for n, path in enumerate(wanted, 3) if path.is_relative_to(place)]
        empty = f"mount -t tmpfs -o mode=755 tmpfs {quote(str(place))}"
        lines.append(f"if [ -d {quote(str(place))} ]; then {' && '.join([empty, *back])}; fi")
    closed = " ".join(f"{n}<&-" for n, _ in enumerate(wanted, 3))
    return ["sh", "-ec", "\n".join([*lines, f"exec {closed}", 'exec "$@"']), "sh"]


@functools.cache
def _works(*command: str) -> bool:
    """Whether a program can be run; it is asked once."""
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, cwd="/").returncode == 0
    return False
