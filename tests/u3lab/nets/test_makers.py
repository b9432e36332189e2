"""Networks of other makers, by form: an audit runs through, and shipped ones are the same by the door for any."""

import copy

import pytest
import torch
from torch import Tensor

import u3audit
from tests.u3lab.nets import own
from u3lab import audit, nets, saliency
from u3lab.audit.cases import odds

FORMS = {"timm ResNet": (own.resnet, (32, 32)), "timm ViT": (own.vit, (32, 32)),
         "torchvision segmentation": (own.lraspp, (32, 32)), "MONAI ResNet": (own.monai_resnet, (8, 16, 16)),
         "MONAI UNet": (own.monai_unet, (16, 16, 16)),
         **{f"shipped {name}": (lambda name=name: nets.load(name, device="cpu").module, (64, 64))
            for name in ("squeezenet1_1", "efficientnet_lite0", "resnet26_half")}}
SEGMENT = "torchvision segmentation", "MONAI UNet"


def wrapped(form: str) -> tuple[nets.Classifier, Tensor]:
    make, sides = FORMS[form]
    net = nets.wrap(copy.deepcopy(make()).eval(), size=sides, mean=own.MEAN, std=own.STD)
    return net, own.pictures(2, *sides, channels=net.channels)


@pytest.mark.parametrize("name", ["squeezenet1_1", "efficientnet_lite0"])
def test_a_shipped_network_is_the_same_by_the_door_for_any(name: str):
    """What is found out about its module agrees with what the course says of it: answers, layers' outputs and maps."""
    known = nets.load(name, device="cpu")
    net = nets.wrap(known.module, mean=known.mean.flatten().tolist(), std=known.std.flatten().tolist(),
                    classes=known.classes, size=known.size)
    x = own.pictures(1, 96, 96, channels=3)
    torch.testing.assert_close(net(x), known(x), rtol=1e-4, atol=1e-4)
    for method in ("gradient", "guided", "Grad-CAM"):
        theirs, ours = (saliency.METHODS[method].map(one, x, "espresso") for one in (known, net))
        if theirs.shape == ours.shape:
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5 * float(theirs.abs().max()))
        else:  # the last layer with a grid is another one
            assert method == "Grad-CAM"


def halved(net: nets.Classifier, images: Tensor) -> None:
    """Move the bias of class 1, so that the network says it of one half of the pictures."""
    count = net(images[:1]).shape[1]
    bias = [one for name, one in net.module.named_parameters() if name.endswith("bias") and one.shape == (count,)][-1]
    bias.data[1] -= audit.score(net, images, 1).sort().values[len(images) // 2 - 1 :][:2].mean()


@pytest.mark.parametrize("form", FORMS)
def test_an_audit_runs_through(form: str, tmp_path):
    """The labels, or outlines, are the network's own answers, so all numbers can be had."""
    net, _ = wrapped(form)
    sides = FORMS[form][1]
    x = own.pictures(8, *sides, channels=net.channels)
    halved(net, x)
    positive = audit.score(net, x, 1) > 0
    outlines = torch.zeros(8, 1, *sides, dtype=torch.bool)
    if form in SEGMENT:
        outlines = odds(net, x, 1)[:, None] > 0
    else:
        outlines[(slice(None), 0, *(slice(side // 4, side // 4 + side // 8) for side in sides))] = True
    report = u3audit.run(net, audit.Cases(x, positive, outlines, [f"patient {n // 2}" for n in range(8)]), positive=1,
                       out=tmp_path)
    assert positive.sum() == 4
    assert {name: part["why"] for name, part in report["parts"].items()} == dict.fromkeys(report["parts"], "")
    assert report["parts"]["Dice by patient" if form in SEGMENT else "accuracy by patient"]["value"][0] == 1
    assert all(torch.tensor(part["value"]).isfinite().all() for part in report["parts"].values())
    page = u3audit.write(report, tmp_path).read_text(encoding="utf-8")
    assert f"Audit of {net.name}" in page and page.count("<img") >= 12
