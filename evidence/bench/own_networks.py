"""``python -m evidence.bench.own_networks [--quick] [--json FILE]``: networks of other makers.

timm's, torchvision's and MONAI's networks with random weights of one seed: are the maps the same as those of captum,
grad-cam (pytorch_grad_cam) and MONAI, and how much CPU time do they take? A peer that is not installed is left out.
"""

import argparse
import copy
import dataclasses
import json
import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from evidence.bench import table
from evidence.bench.measure import EQUAL, cpu_milliseconds
from evidence.bench.rows import difference
from tests.u3lab.nets import own
from u3lab import U3Error, nets, saliency

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "bench" / "own_networks.json"
LABEL, STEPS, FILL = 1, 8, 0.25  # the class; of integrated gradients; what occlusion fills with
LIBRARIES = {"captum": "captum", "grad-cam": "pytorch_grad_cam", "MONAI": "monai"}
Run = Callable[[], list[Tensor]]


class Summed(nn.Module):
    """What the peers take: scores (B,K) alone; of a map of scores, its sum over a region."""

    def __init__(self, module: nn.Module, mask: Tensor | None) -> None:
        super().__init__()
        self.module, self.mask = module, mask

    def forward(self, x: Tensor) -> Tensor:
        scores = self.module(x)
        scores = scores["out"] if isinstance(scores, dict) else scores
        return scores if self.mask is None else (scores * self.mask).flatten(2).sum(2)


@dataclasses.dataclass(frozen=True)
class Network:
    """One network as each side takes it: a fresh copy, since some peers change what they are given."""

    name: str
    make: Callable[[], nn.Module]
    sides: tuple[int, ...]
    layer: str  # of Grad-CAM
    channels: int = 1
    window: int = 24

    @property
    def picture(self) -> Tensor:
        return own.pictures(1, *self.sides, channels=self.channels)

    def ours(self) -> tuple[nets.Classifier, int | nets.Region]:
        """The network by the one door, and what it is asked."""
        net = nets.wrap(self.make(), size=self.sides)
        mask = self.mask(net(self.picture).shape[2:])
        return net, LABEL if mask is None else nets.Region(LABEL, mask)

    def mask(self, sides: torch.Size) -> Tensor | None:
        """The middle of a map of scores; None for a classifier."""
        if not sides:
            return None
        mask = torch.zeros(1, *sides, dtype=torch.bool)
        mask[(0, *(slice(side // 4, side // 2) for side in sides))] = True
        return mask

    def theirs(self, in_place: bool = True) -> nn.Module:
        """The same for a peer; without ReLUs that overwrite their input, which its hooks cannot bear."""
        module = copy.deepcopy(self.make())
        answer = module(self.picture)
        mask = self.mask((answer["out"] if isinstance(answer, dict) else answer).shape[2:])
        for part in module.modules():
            part.inplace = in_place and getattr(part, "inplace", False)
        return Summed(module, mask).eval()


def _timm(name: str, channels: int, **options: Any) -> nn.Module:
    import timm

    return own.drawn(timm.create_model(name, in_chans=channels, num_classes=4, **options))


def _fcn() -> nn.Module:
    from torchvision.models import segmentation

    return own.drawn(segmentation.fcn_resnet50(weights=None, weights_backbone=None, num_classes=4))


def _monai(name: str, **options: Any) -> nn.Module:
    from monai.networks import nets as of_monai

    return own.drawn(getattr(of_monai, name)(spatial_dims=3, **options))


NETWORKS = [
    Network("timm ResNet-18", lambda: _timm("resnet18", 3), (96, 96), "layer3.1", 3),
    Network("timm ResNet-18, one channel", lambda: _timm("resnet18", 1), (96, 96), "layer3.1"),
    Network("timm ViT, one channel", lambda: _timm("vit_tiny_patch16_224", 1, img_size=96), (96, 96),
            "patch_embed.proj"),
    Network("torchvision FCN, dict", _fcn, (96, 96), "classifier.2", 3),
    Network("MONAI ResNet-18, volumes", lambda: _monai("resnet18", n_input_channels=1, num_classes=4), (32, 64, 64),
            "layer3.1", window=32),
    Network("MONAI UNet, volumes", lambda: _monai("UNet", in_channels=1, out_channels=3, channels=(8, 16, 32),
                                                  strides=(2, 2), num_res_units=1), (32, 64, 64),
            "model.1.submodule.2", window=32)]


# ---- how each side is asked: (method, network) → a closure; KeyError: no such call -----------------------------------

def ours(method: str, of: Network) -> Run:
    net, target = of.ours()
    x, options = of.picture, {"Grad-CAM": {"layer": of.layer}, "integrated gradients": {"steps": STEPS},
                              "occlusion": {"side": of.window, "step": of.window, "baseline": FILL}}.get(method, {})
    return lambda: [saliency.METHODS[method].map(net, x, target, **options).detach()]


def captum(method: str, of: Network) -> Run:
    from captum import attr

    net, x, window = of.theirs(in_place=method != "guided"), of.picture, (of.channels, *[of.window] * len(of.sides))
    layer = net.module.get_submodule(of.layer)
    return {
        "gradient": lambda: [attr.Saliency(net).attribute(x.requires_grad_(), LABEL, abs=False)],
        "guided": lambda: [attr.GuidedBackprop(net).attribute(x.requires_grad_(), LABEL)],
        "Grad-CAM": lambda: [attr.LayerGradCam(net, layer).attribute(x, LABEL, relu_attributions=True).detach()],
        "integrated gradients": lambda: [attr.IntegratedGradients(net).attribute(x, 0.0, LABEL, n_steps=STEPS)],
        "occlusion": lambda: [attr.Occlusion(net).attribute(x, window, window, FILL, LABEL, perturbations_per_eval=4)
                              [:, :1]]}[method]


def grad_cam(method: str, of: Network) -> Run:
    import pytorch_grad_cam as by
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget as Target

    net, x = of.theirs(), of.picture
    if method == "guided":
        guided = by.GuidedBackpropReLUModel(net)
        return lambda: [torch.from_numpy(guided(x.clone(), LABEL)).permute(2, 0, 1)[None]]
    cam = {"Grad-CAM": by.GradCAM}[method](net, [net.module.get_submodule(of.layer)])
    return lambda: [torch.from_numpy(cam(x, [Target(LABEL)]))[:, None]]


def monai(method: str, of: Network) -> Run:
    from monai import visualize as by

    net, x = of.theirs(), of.picture
    if method == "occlusion":
        hidden = by.OcclusionSensitivity(net, of.window, n_batch=4, overlap=0.0, mode=FILL, activate=False,
                                         verbose=False)
        return lambda: [net(x)[0, LABEL].detach() - hidden(x)[0].as_tensor()[:, LABEL : LABEL + 1]]
    if method == "Grad-CAM":
        cam = by.GradCAM(net, f"module.{of.layer}")
        return lambda: [cam.compute_map(x.clone(), LABEL).detach()]
    grad = {"gradient": by.VanillaGrad, "guided": by.GuidedBackpropGrad}[method](net)
    return lambda: [grad(x.clone(), LABEL)]


PEERS = {"captum": captum, "grad-cam": grad_cam, "MONAI": monai}
METHODS = ("gradient", "Grad-CAM", "occlusion", "integrated gradients", "guided")
WHY = {"integrated gradients": "ours takes four nodes at a time, so that memory does not grow with their number"}


def enlarged(map: Tensor, sides: tuple[int, ...]) -> Tensor:
    """Our Grad-CAM as grad-cam hands it out: from 0 to 1, as large as the picture."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    scaled = scale_cam_image(map[:, 0].numpy(), sides[::-1])
    return torch.from_numpy(scale_cam_image(scaled.clip(0)))[:, None]  # cubic, a volume's falls below 0


# ---- the table -------------------------------------------------------------------------------------------------------

def rows(rounds: int) -> list[dict[str, Any]]:
    """Measure and print: a row for each peer that has the map; for others, why they have not."""
    found: list[dict[str, Any]] = []
    for network in NETWORKS:
        for method in METHODS if not network.name.startswith("MONAI") or find_spec("monai") else ():
            try:
                mine = ours(method, network)
                maps = mine()
            except U3Error as error:
                print(f"{network.name}, {method}: {error}", flush=True)
                continue
            for name in [name for name in PEERS if find_spec(LIBRARIES[name])]:
                try:
                    found.append(_row(name, method, network, mine, maps, rounds))
                    table.show(found[-1], head=len(found) == 1)
                except Exception as error:  # a peer may fail in any way: what it says is the finding
                    why = "no such call" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
                    print(f"{network.name}, {method}, {name}: {why}", flush=True)
    return found


def _row(name: str, method: str, network: Network, mine: Run, maps: list[Tensor], rounds: int) -> dict[str, Any]:
    run = PEERS[name](method, network)
    theirs = run()
    seen = [enlarged(maps[0], network.sides)] if (name, method) == ("grad-cam", "Grad-CAM") else maps
    apart, pairs = difference(seen, theirs), [(cpu_milliseconds(mine), cpu_milliseconds(run)) for _ in range(rounds)]
    row = table.race_as_data(f"{method}, CPU time", [f"saliency/{method}"], network.name, None, [a for a, _ in pairs],
                             (name, [b for _, b in pairs]))
    row["peers"][0]["difference"], row["why"] = apart, WHY.get(method, "")
    if method == "guided" and difference(ours("gradient", network)(), theirs) < EQUAL:
        row["peers"][0]["note"] = f"{name}'s guided map is the plain gradient of this network"
    return row


def main() -> None:
    """Measure all, and write it where the site reads it."""
    parser = argparse.ArgumentParser(prog="python -m evidence.bench.own_networks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds in place of five")
    parser.add_argument("--json", metavar="FILE", default=FILE, type=Path, help="docs/bench/own_networks.json")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    data = {"machine": table.facts(), "rows": rows(2 if chosen.quick else 5)}
    chosen.json.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
