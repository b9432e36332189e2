"""Run notebooks from top to bottom and write them again with their outputs: ``python tools/notebooks.py [FILE …]``.

Without a name, all of notebooks/ are run. A notebook whose cell fails stays as it was, and the exit code is 1.
What would differ between two runs of the same notebook is left out: timings, Python's version, the names of widgets.
Photographs are kept as JPEG of quality ``KEPT``: the live figure is finer than its still.
Prints seconds and peak memory of each kernel. With ``--costs`` it runs them as *Run All* does, without what only the
stills need, and writes nothing; README's cost table is made from these lines.
"""

import argparse
import base64
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from u3lab._system.paths import write_atomically

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
CELL_SECONDS = 600
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "pygments_lexer": "ipython3"}
JPEG, ENOUGH = "image/jpeg", 0.95  # a picture that was kept before is not made coarser for less than that
WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"%\|.*(it/s|s/it|B/s)")  # how tqdm writes a bar as text
KEPT = 80  # of 95; the tree has to stay small
LIVE = "Run this cell to get its controls."


def run(path: Path, write: bool = True) -> tuple[float, float]:
    """Run one notebook in a new kernel and write it in place, if at all; returns seconds and peak memory in MiB.

    Raises:
        CellExecutionError: If a cell fails; the file is then left as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    peaks = [0.0]

    def measure(**_: object) -> None:  # after each cell, since the kernel is gone when nbclient says "complete"
        peaks.append(_peak_mib(client.km.provisioner.process.pid))

    client = NotebookClient(notebook, kernel_name=KERNEL["name"], timeout=CELL_SECONDS, record_timing=False,
                            store_widget_state=False, coalesce_streams=True, on_cell_executed=measure,
                            resources={"metadata": {"path": str(path.parent)}})
    start = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - start
    if write:
        tidy(notebook)
        nbformat.validate(notebook)
        write_atomically(path, (nbformat.writes(notebook).rstrip("\n") + "\n").encode())
    return seconds, max(peaks)


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Make a run notebook independent of the machine and of the run; cell ids, tags and outputs stay."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.update(nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE}))
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_still, cell.outputs) if output is not None]
            for data in (output.get("data", {}) for output in cell.outputs):
                if JPEG in data:
                    data[JPEG] = smaller(data[JPEG])


def smaller(picture: str) -> str:
    """A JPEG in base64 at the quality that is kept, in full colour and with its alt text; one that is smaller stays."""
    raw, file = base64.b64decode(picture), io.BytesIO()
    with Image.open(io.BytesIO(raw)) as photo:
        photo.save(file, "JPEG", quality=KEPT, subsampling=0, optimize=True, comment=photo.info.get("comment", b""))
    coded = base64.b64encode(file.getvalue()).decode()
    return coded if len(coded) < ENOUGH * len(picture) else picture


def _still(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """An output without its live part, which means nothing outside the kernel that made it.

    The picture that came with a widget remains. A widget without one leaves a line of text; a progress bar, nothing.
    """
    data = output.get("data", {})
    if WIDGET not in data:
        return output
    if PROGRESS.search(data.get("text/plain", "")):
        return None
    del data[WIDGET]
    if set(data) <= {"text/plain"}:
        data["text/plain"] = LIVE
    return output


def _peak_mib(pid: int) -> float:
    """Largest resident memory of a process so far; where the system does not keep it, the present one."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    memory = psutil.Process(pid).memory_info()
    return getattr(memory, "peak_wset", memory.rss) / 2**20


def main() -> int:
    """Run the notebooks that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="notebooks to run; all of notebooks/ if none is named")
    parser.add_argument("--costs", action="store_true", help="measure what a reader's Run All costs; write nothing")
    given = parser.parse_args()
    files = given.files or sorted(FOLDER.glob("*.ipynb"))
    failed = False
    # What the person at this machine has done is not for the page: neither the exercises nor what git sees as changed.
    os.environ.update(U3LAB_STATE=tempfile.mkdtemp(), GIT_DIR=os.devnull, U3LAB_RESULTS=os.devnull,
                      U3LAB_STILLS=str(int(not given.costs)))
    for path in files:
        print(f"{path.name}: ", end="", flush=True)
        try:
            seconds, mib = run(path, write=not given.costs)
            print(f"{seconds:.0f} s, {mib:.0f} MiB at most, {path.stat().st_size / 2**20:.2f} MiB on disk")
        except CellExecutionError as error:
            failed = True
            print(f"a cell failed, the file is unchanged\n{error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
