"""What a kernel computes until a chapter's live figures stand: ``python -m tests.load.kernels [CHAPTER …]``.

Seconds of a core from its start to the last cell of the page for the stage, as a class server has it: one thread, first
steps later. Other programs hardly change that. Nothing here is a test: the numbers belong to the machine.
"""

import argparse
import os

import nbformat
import psutil
from jupyter_client.manager import start_new_kernel

from u3course import demo

CHAPTERS = ("00", "01", "04", "06")  # those of tests.load


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Start a kernel for each chapter, one after the other, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", default=list(CHAPTERS), help="such as 06")
    found = {}
    for chapter in parser.parse_args(arguments).chapters:
        found[chapter] = computed(chapter)
        print(f"chapter {chapter}: {found[chapter]:.1f} s of a core", flush=True)
    return found


def computed(chapter: str) -> float:
    """Seconds of a core for one chapter; RuntimeError if a cell fails."""
    shared = {"U3LAB_THREADS": "1", "U3LAB_SHARED": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    manager, client = start_new_kernel(kernel_name="python3", env=os.environ | shared)
    try:
        for cell in demo.page(nbformat.read(demo.find(chapter), as_version=4)).cells:
            if cell.cell_type == "code":
                reply = client.execute_interactive(cell.source, output_hook=lambda message: None, timeout=300)
                if reply["content"]["status"] != "ok":
                    raise RuntimeError(f"{chapter}: {reply['content']['evalue']}")
        return sum(psutil.Process(manager.provisioner.pid).cpu_times()[:2])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
