"""Make data/cutouts/sample.jpg and its row in data/README.md: test pictures of each domain that a notebook has at once.

    python tools/make_domain_sample.py
"""

import numpy as np
from packing import DATA, write_rows
from PIL import Image

from u3course.worlds import decathlon

FILE = DATA / "cutouts" / "sample.jpg"  # some domains are made of cutouts, so the text of the GPL lies beside it


def main() -> None:
    """One row of the sheet for each domain, as good a JPEG as the cache keeps."""
    rows = []
    for name in decathlon.names():
        test = decathlon.load(name, "test")
        each = len(test.labels) // len(test.classes)
        numbers = [label * each + turn for label, turn in decathlon.sampled(len(test.classes))]
        rows.append(np.concatenate(list((test.images[numbers] * 255).round().byte().permute(0, 2, 3, 1).numpy()), 1))
    Image.fromarray(np.concatenate(rows)).save(FILE, "JPEG", quality=95, subsampling=0, optimize=True)
    licence = ("GPL 2 or later (`cutouts/COPYING`) for the domains made of cutouts; the others as what they are drawn "
               "from: CC BY-SA 4.0, and freer ones")
    write_rows("sample", [(FILE, f"{decathlon.SAMPLE} test pictures of each of the ten domains, a row each",
                           "our own, drawn from photos, cutouts, scans and decathlon", licence)],
               "python tools/make_domain_sample.py")


if __name__ == "__main__":
    main()
