"""``u3lab prepare``: what chapters draw the first time is drawn now, so that nobody waits for it in a lesson.

It is kept in ``U3LAB_CACHE`` or the user's cache folder. A newer version of the course may draw otherwise, and then
draws again.
"""

from pathlib import Path

from u3lab._system import paths
from u3lab.errors import U3Error

KEPT = ("decathlon-*", "faces-*", "concepts-*")  # what is drawn here; others keep files in that folder, too
PROBE = bytes(2**20)  # some bytes may find room on a disk that is full for pictures


def run() -> None:
    """Draw all, with a line for each part, and say where it is; what is there already takes little time.

    Raises U3Error if nothing can be written there, before all is drawn for nothing or after the disk has filled up.
    """
    from u3course.worlds import concepts, decathlon, faces

    folder = paths.cache("")
    _try(folder)
    for name in decathlon.names():
        print(f"chapter 1: {name}", flush=True)
        for split in ("train", "val", "test"):
            decathlon.load(name, split)
    print("chapter 2: faces", flush=True)
    faces.draw(400, split="train", seed=1, each=1)
    for split in ("train", "test"):
        faces.draw(200, split=split, seed=2, each=1)
    print("chapters 7 and 7b: concepts", flush=True)
    concepts.load("train", count=600)
    concepts.load("validation", count=400)
    _try(folder)
    size = sum(file.stat().st_size for pattern in KEPT for file in folder.glob(pattern))
    print(f"kept in {folder}: {size / 1e6:.0f} MB")


def _try(folder: Path) -> None:
    """Write a file and take it away: those who draw keep silent if they cannot keep what they drew."""
    probe = folder / ".prepare"
    try:
        paths.write_atomically(probe, PROBE)
        probe.unlink(missing_ok=True)  # somebody else may prepare at the same time
    except OSError as error:
        raise U3Error(f"nothing can be kept in {folder} ({error.strerror or error}); make room there, or "
                      "name another folder in U3LAB_CACHE") from None
