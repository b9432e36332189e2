"""An eavesdropper: hears what a user's programs publish to whoever connects, by ports or by sockets of the file system.

    python tests/u3server/load/ear.py USER SECONDS WORD

Linux tells anybody which ports and sockets there are. The ear connects to all that may be the user's, prints how many
they are, waits for a line, and listens for so long. It ends well as soon as it hears the word; else it says what
keeps it out. It has no right but those of who runs it, and knows nothing of the course.
"""

import os
import pwd
import socket
import sys
import time
from contextlib import suppress

import zmq

LISTENS, ACCEPTS = "0A", "00010000"  # the state of a port in /proc/net/tcp, the flags of a socket in /proc/net/unix


def doors(user: int) -> list[str]:
    """The ports on which a user's programs listen; and sockets with a path, but those that are seen to be another's."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as lines:
            rows = [line.split() for line in list(lines)[1:]]
        found += [f"tcp://127.0.0.1:{int(row[1].rpartition(':')[2], 16)}" for row in rows
                  if row[3] == LISTENS and int(row[7]) == user]
    with open("/proc/net/unix") as lines:
        rows = [line.rstrip("\n").split(maxsplit=7) for line in lines]
    for path in (row[7] for row in rows if len(row) == 8 and row[3] == ACCEPTS and row[7].startswith("/")):
        with suppress(PermissionError, FileNotFoundError):  # who may not look cannot know
            if os.stat(path).st_uid != user:
                continue
        found.append(f"ipc://{path}")
    return found


def refusals(found: list[str]) -> set[str]:
    """What the system says to who connects to the sockets with a path."""
    said = set()
    for door in found:
        if door.startswith("ipc://"):
            with socket.socket(socket.AF_UNIX) as line:
                said.add(os.strerror(line.connect_ex(door.removeprefix("ipc://"))))
    return said


def main(name: str, seconds: str, word: str) -> str:
    """What kept the word from being heard; "" if it was."""
    found = doors(pwd.getpwnam(name).pw_uid)
    refused, ears, poller = refusals(found), zmq.Context(), zmq.Poller()
    for door in found:
        ear = ears.socket(zmq.SUB)
        ear.subscribe(b"")
        ear.connect(door)
        poller.register(ear, zmq.POLLIN)
    print(len(found), flush=True)
    sys.stdin.readline()
    end, heard = time.monotonic() + float(seconds), b""
    while word.encode() not in heard and (left := end - time.monotonic()) > 0:
        for ear, _ in poller.poll(1000 * left):
            heard += b"".join(ear.recv_multipart())
    ears.destroy(linger=0)
    return "" if word.encode() in heard else f"nothing heard: {', '.join(sorted(refused))}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
