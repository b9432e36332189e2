"""Does a neighbour hear what a student's cell prints? Two true users, a kernel as deploy/ has it, and an ear.

    python -m tests.hostile.test_overheard [TRANSPORT]       # as root, on Linux; "tcp" is Jupyter's own way

The users and all that they make are there for this program alone; see tests/u3server/load/users.py.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config, PyFileConfigLoader

pwd = pytest.importorskip("pwd", reason="there are no users of Unix")

from tests.u3server.load import ear  # noqa: E402
from tests.u3server.load.users import ADA, BEN, INSIDE, LISTENS, PASSWORD, ROOT, SAYS, furnish, outside, without_users  # noqa: E402


def deployed(transport: str = "") -> Config:
    """The settings of a class's servers; with another transport, to compare."""
    config = PyFileConfigLoader("jupyter_server_config.py", path=str(ROOT / "deploy")).load_config()
    if transport:
        config.KernelManager.transport = transport
    return config


async def speak(folder: str, transport: str = "") -> None:
    """A student's kernel: once it is there, a line is printed; then one is waited for, and the cell is run."""
    kernels = AsyncMappingKernelManager(config=deployed(transport), connection_dir=folder)
    kernel = kernels.get_kernel(await kernels.start_kernel())
    client = kernel.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    print("ready", flush=True)
    sys.stdin.readline()
    await client.execute_interactive(SAYS, timeout=60, output_hook=lambda message: None)
    client.stop_channels()
    await kernels.shutdown_all(now=True)


def inside(room: Path, transport: str) -> str:
    """What came of it; "" if the neighbour heard the password."""
    furnish(room)
    student = begun(ADA, room, "-m", __spec__.name, "speak", str(room / ADA), transport)
    assert student.stdout.readline() == "ready\n", "there is no kernel"
    neighbour = begun(BEN, room, ear.__file__, ADA, str(LISTENS), PASSWORD, stderr=subprocess.PIPE)
    assert int(neighbour.stdout.readline()) > 0, "there is nothing to connect to"
    for one in (neighbour, student):
        print(file=one.stdin, flush=True)
    said = neighbour.communicate()[1].strip()
    assert student.wait(60) == 0, "the cell did not run to its end"
    return said


def begun(name: str, room: Path, *command: str, **more: object) -> subprocess.Popen:
    """A Python program of a user's."""
    user = pwd.getpwnam(name)
    environment = {"HOME": user.pw_dir, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, *command], cwd=room / name, user=user.pw_uid, group=user.pw_gid,
                            extra_groups=[], env=environment, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, **more)


@pytest.mark.parametrize("transport, heard", [("tcp", True), ("", False)], ids=["Jupyter's own way", "as deployed"])
def test_what_a_cell_prints_is_for_its_student_alone(transport: str, heard: bool):
    """The neighbour listens at all ports and sockets."""
    if lacking := without_users():
        pytest.skip(lacking)
    done = subprocess.run([sys.executable, "-m", "tests.hostile.test_overheard", *[transport] * bool(transport)],
                          cwd=ROOT, capture_output=True, text=True, timeout=300)
    if heard:
        assert done.returncode == 0 and done.stdout == "the password was heard\n", done.stderr
    else:
        assert done.returncode == 1 and done.stderr.startswith("nothing heard: ") and done.stdout == "", done.stderr
        assert "Permission denied" in done.stderr


if __name__ == "__main__":
    if sys.argv[1:2] == ["speak"]:
        asyncio.run(speak(*sys.argv[2:]))
    elif INSIDE in os.environ:
        sys.exit(inside(Path(os.environ[INSIDE]), "".join(sys.argv[1:])) or print("the password was heard"))
    else:
        sys.exit(without_users() or outside(__spec__.name, *sys.argv[1:]))
