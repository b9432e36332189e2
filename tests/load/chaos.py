"""Mishaps in a class: what neighbours notice, what is lost, and how soon the victim can go on.

    python -m tests.load.chaos [MISHAP …] [--neighbours 3] [--lasts 60] [--json FILE]

Each mishap has servers, kernels and websockets of its own. Linux; the full disk needs mounts of one's own, the limit of
memory needs root. Nothing here is a test: the seconds belong to the machine.
"""

import argparse
import asyncio
import json
from pathlib import Path

from tests.browser.small import EXPLORER, PLAYER, SETUP
from tests.load import chaos_disk, chaos_hub
from tests.load.chaos_kernels import array_too_large, endless_loop, kernel_killed, stopped
from tests.load.chaos_room import Plan
from tests.load.chaos_wire import websocket_cut, websocket_dead

MISHAPS = {"kernel-killed": kernel_killed, "server-killed": chaos_disk.server_killed,
           "full-disk": chaos_disk.full_disk, "endless-loop": endless_loop, "array-too-large": array_too_large,
           "stopped": stopped, "websocket-cut": websocket_cut, "websocket-dead": websocket_dead,
           "own-server-killed": chaos_hub.own_server_killed, "hub-killed": chaos_hub.hub_killed}


def main(arguments: list[str] | None = None) -> dict[str, dict]:
    """Let the mishaps happen one after the other, and say what came of each."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("mishaps", nargs="*", metavar="MISHAP", help=f"some of {', '.join(MISHAPS)}; else all")
    parser.add_argument("--neighbours", type=int, default=3)
    parser.add_argument("--calm", type=float, default=20.0, help="seconds before the harm, to compare with")
    parser.add_argument("--lasts", type=float, default=60.0, help="seconds of the harm, where they can be chosen")
    parser.add_argument("--rounds", type=int, default=20, help="how often the server is killed")
    parser.add_argument("--thinking", type=float, default=2.0, help="seconds between two moves")
    parser.add_argument("--small", action="store_true", help="figures of a few pixels in place of a chapter's")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    chosen = parser.parse_args(arguments)
    plan = Plan(chosen.neighbours, chosen.calm, chosen.lasts, chosen.thinking, chosen.rounds,
                (SETUP, EXPLORER, PLAYER) if chosen.small else ())
    found = {}
    for name in chosen.mishaps or MISHAPS:
        found[name] = asyncio.run(MISHAPS[name](plan))
        print(f"\n{name}", *(f"  {what:38}{value}" for what, value in found[name].items()), sep="\n", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


if __name__ == "__main__":
    chaos_disk.enter()
    main()
