"""Make data/concepts/brain.png: slices of the average brain MNI152 with its maps of grey and white matter.

    python tools/make_brain.py FOLDER          # nilearn's folder datasets/data, installed or from its unpacked wheel

Six axial slices lie side by side. The upper row is the T1 picture. The lower row is the tissue: 0 outside of the brain,
80 grey matter, 160 white matter, 240 the rest of the brain. A pixel counts as grey or white matter where that map is
over one half.
"""

import sys
from pathlib import Path

import numpy as np
from make_pictures import brain
from PIL import Image

OUT = Path(__file__).resolve().parent.parent / "data" / "concepts" / "brain.png"
HEIGHTS = (-10, 2, 14, 26, 38, 50)  # z in mm


def main(folder: str) -> None:
    """Write the picture."""
    def row(name: str) -> np.ndarray:
        file = Path(folder) / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
        return np.concatenate([np.asarray(brain(file, z)) for z in HEIGHTS], axis=1)

    t1, grey, white = row("t1"), row("gm"), row("wm")
    tissue = np.select([t1 == 0, grey > 127, white > 127], [0, 80, 160], 240).astype(np.uint8)
    OUT.parent.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate([t1, tissue])).save(OUT, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
