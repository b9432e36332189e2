"""``python -m evidence.bench.auditing [pictures | volumes] [COUNT]``: what ``u3lab audit`` costs, from files to report.

CPU seconds and the greatest memory of the process: SqueezeNet on grey pictures of 227×227, torchvision's ResNet-18 on
volumes of 32×64×64. What they answer is known, so that all numbers can be had: half of the pictures have a bright,
outlined block, and an answer is how bright a picture is where it is brighter than a half.
"""

import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import Tensor, nn

from u3lab.__main__ import main as command

SIDES = {"pictures": (227, 227), "volumes": (32, 64, 64)}


class Known(nn.Module):
    """A network's passes, and another answer."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        bright = (x - 0.5).clamp(min=0).flatten(1).sum(1) / 5 - 1
        return torch.stack([-bright, bright], 1) + 1e-9 * self.net(x).clamp(-1, 1)


def pictures() -> nn.Module:
    """SqueezeNet for one channel and two classes."""
    from torchvision.models import squeezenet1_1

    net = squeezenet1_1(num_classes=2)
    net.features[0] = nn.Conv2d(1, 64, 3, 2)
    return Known(net)


def volumes() -> nn.Module:
    from torchvision.models.video import r3d_18

    net = r3d_18(num_classes=2)
    net.stem[0] = nn.Conv3d(1, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
    return Known(net)


def write(folder: Path, kind: str, count: int) -> None:
    """Grey ellipses in noise; in every other one a block somewhere, and its outline. Four a patient."""
    draw, sides = np.random.default_rng(0), SIDES[kind]
    axes = np.meshgrid(*[np.linspace(-1, 1, side) for side in sides], indexing="ij")
    grey = 0.3 * (sum(one**2 for one in axes) < 0.7)
    grey[(0,) * len(sides)] = 1  # scans are scaled by their largest value, so all have the same
    for part in ("scans", "masks"):
        (folder / part).mkdir()
    rows = ["file,label,patient"]
    for n in range(count):
        image, outline = grey + 0.02 * draw.random(sides), np.zeros(sides)
        if n % 2:
            corner = [int(side * draw.uniform(0.3, 0.55)) for side in sides]
            at = tuple(slice(one, one + side // 8) for one, side in zip(corner, sides, strict=True))
            image[at], outline[at] = 0.9, 1
        name = f"{n}.png" if kind == "pictures" else f"{n}.nii.gz"
        _save(folder / "scans" / name, image)
        _save(folder / "masks" / name, outline)
        rows.append(f"{name},{n % 2},patient {n // 4}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")


def _save(file: Path, values: np.ndarray) -> None:
    if file.suffix == ".png":
        from PIL import Image

        Image.fromarray((255 * values).astype(np.uint8)).save(file)
    else:
        import nibabel

        nibabel.save(nibabel.Nifti1Image(values.T.astype(np.float32), np.eye(4)), file)


def main(kind: str = "pictures", count: str = "100") -> None:
    import resource

    from evidence.bench.table import brief

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(brief(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), kind, int(count))
        globals()[kind]().eval()(torch.rand(1, 1, *SIDES[kind]))  # once beforehand
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cpu, wall = time.process_time(), time.perf_counter()
        status = command(["audit", f"evidence.bench.auditing:{kind}", "-", f"{folder}/scans", "--labels",
                          f"{folder}/labels.csv", "--masks", f"{folder}/masks", "--out", f"{folder}/report"])
        parts = json.loads(Path(folder, "report", "report.json").read_text(encoding="utf-8"))["parts"]
    missing = [name for name, part in parts.items() if part["value"] is None]
    seconds, now = time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{count} {kind} (status {status}, missing: {', '.join(missing) or 'nothing'}): {seconds:.0f} s of CPU time, "
          f"{time.perf_counter() - wall:.0f} s on the wall, "
          f"{before / 1024:.0f} MB before and at most {now / 1024:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
