"""Make data/weights/imagenet.json: the 1000 class names of ImageNet as torchvision (BSD-3-Clause) spells them.

    python tools/class_names.py

torchvision has them in a module of its networks, and loading that takes longer than anything else in a kernel's start.
"""

import json
from pathlib import Path

from torchvision.models import ResNet18_Weights

from u3lab._system.paths import sha256, write_atomically

TARGET = Path(__file__).resolve().parent.parent / "data" / "weights" / "imagenet.json"

if __name__ == "__main__":
    names = json.dumps(ResNet18_Weights.DEFAULT.meta["categories"], indent=0, ensure_ascii=False)
    write_atomically(TARGET, f"{names}\n".encode())
    print(f"{TARGET.name}  {TARGET.stat().st_size} bytes  sha256 {sha256(TARGET)}")
