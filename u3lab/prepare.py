"""``u3lab prepare``: what chapters draw the first time is drawn now, so that nobody waits for it in a lesson.

It is kept in ``U3LAB_CACHE`` or the user's cache folder. A newer version of the course may draw otherwise, and then
draws again.
"""

from __future__ import annotations

from u3lab._system import paths


def run() -> None:
    """Draw all, with a line for each part, and say where it is; what is there already takes little time."""
    from u3lab.datasets import concepts, decathlon, faces

    for name in decathlon.names():
        print(f"chapter 1: {name}", flush=True)
        for split in ("train", "val", "test"):
            decathlon.load(name, split)
    print("chapter 2: faces", flush=True)
    faces.draw(600, seed=1, each=1)
    faces.draw(400, seed=2, each=1)
    faces.draw(400, split="test", seed=2, each=1)
    print("chapters 7 and 7b: concepts", flush=True)
    concepts.load("train", count=600)
    concepts.load("validation", count=400)
    folder = paths.cache("")
    size = sum(file.stat().st_size for file in folder.glob("*")) if folder.is_dir() else 0
    print(f"kept in {folder}: {size / 1e6:.0f} MB")
