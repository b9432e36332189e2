"""A room without a network: a namespace of Linux that has loopback alone.

    python tests/loopback.py COMMAND …         # runs a command in it
"""

import functools
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

UP = 0x8914, struct.pack("16sh22x", b"lo", 1)  # Linux: SIOCSIFFLAGS, and an ifreq of the interface with IFF_UP
INSIDE = {"U3LAB_LOOPBACK": "inside"}  # by which this program knows that it is in the room already
WAYS = (["unshare", "-rn"], ["unshare", "-n"])  # as anybody, where the system lets anybody; as root


@functools.cache
def way() -> tuple[list[str], str]:
    """How a command is begun that runs in such a room; or [] and why there can be none."""
    if shutil.which("unshare") is None:
        return [], "network namespaces need Linux and its program unshare"
    for begin in WAYS:
        command = [*begin, sys.executable, os.path.abspath(__file__)]
        tried = subprocess.run([*command, sys.executable, "-c", ""], capture_output=True, text=True,
                               env={**os.environ, **INSIDE})
        if tried.returncode == 0:
            return command, ""
    return [], f"no network namespace can be made here ({tried.stderr.strip()[-120:]})"


def enter(command: Sequence[str]) -> None:
    """Switch loopback on, which is off in a new room, and become the command."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, *UP)
    os.execvp(command[0], command)


if __name__ == "__main__":
    if INSIDE.items() <= os.environ.items():
        enter(sys.argv[1:])
    begin, why = way()
    if not begin:
        sys.exit(why)
    print(f"== with loopback alone: {' '.join(sys.argv[1:])}", flush=True)
    sys.exit(subprocess.run([*begin, *sys.argv[1:]], env={**os.environ, **INSIDE}).returncode)
