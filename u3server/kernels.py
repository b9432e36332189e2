"""Kernels that nobody else on the machine hears: their sockets lie in a folder that only its owner enters.

A kernel of Jupyter's own listens on ports of the machine. What a cell prints is published there for whoever connects,
and any user of the machine can: the key of a kernel proves who sends, and hides nothing. A socket of the file system
has an owner. But its path has room for 103 bytes, fewer than a long home needs, and network disks may not hold one. So
each kernel gets a new folder in /tmp with a name that is drawn: what others have put there is never used.
"""

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from traitlets import default

from u3lab.errors import U3Error

PLACE, PREFIX = "/tmp", "u3lab-kernel-"  # not $TMPDIR: on macOS that is half of what a path may have


class Manager(ServerKernelManager):
    """A kernel of Jupyter's server. Windows keeps Jupyter's way: ZeroMQ has no such sockets there."""

    _lock: int | None = None  # an open file

    @default("transport")
    def _sockets(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @default("ip")
    def _address(self) -> str:
        """What the path of each socket begins with; a hyphen and a number follow."""
        if self.transport != "ipc":
            return super()._ip_default()
        folder, self._lock = private_folder()
        return str(folder / "socket")

    def cleanup_connection_file(self) -> None:
        """Delete what a kernel that has ended leaves; Jupyter does not call it for one that is to start again."""
        super().cleanup_connection_file()
        if self._lock is not None:
            shutil.rmtree(os.path.dirname(self.ip), ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def private_folder() -> tuple[Path, int]:
    """Make a folder that only this user enters, and lock it; those that killed servers have left go.

    Returns:
        tuple: The folder, and its lock, an open file. Until that is closed nobody takes the folder for one that was
            left, and systemd does not delete it for its age.

    Raises:
        U3Error: If none can be made.
    """
    _sweep()
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=PLACE)  # with rights for its owner alone
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise U3Error(f"a kernel needs a folder in {PLACE}, where none can be made ({error.strerror}); "
                      "ask who looks after this machine, then start the kernel again") from error
    _locked(lock)
    return Path(folder), lock


def _sweep() -> None:
    """Delete one's own folders that no living server has locked; a new one has a minute for that."""
    for folder in Path(PLACE).glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and time.time() - found.st_mtime > 60:
                door = os.open(folder, os.O_RDONLY)
                try:
                    if _locked(door):
                        shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(door)


def _locked(door: int) -> bool:
    """Lock an open folder, if nobody else has and the disk knows locks; closing it ends the lock."""
    import fcntl  # there is none on Windows

    with suppress(OSError):
        fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
