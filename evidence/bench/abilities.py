"""What each library can do with a network of somebody else: every cell by trying the call.

"works" means that the call gave finite numbers, not all 0; what it raised is kept. Where a library has no such call,
what its source was searched for is kept, with the names that were found and do something else. The libraries: captum,
grad-cam (pytorch_grad_cam), quantus and MONAI.
"""

import copy
import re
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import u3audit
from evidence.bench import table
from evidence.bench.own_networks import LABEL, LIBRARIES, Summed
from tests.audit.test_battery import HONEST, made
from tests.nets import own
from u3lab import U3Error, audit, nets, saliency

PACKAGES = {"captum": "captum", "grad-cam": "grad-cam", "Quantus": "quantus", "MONAI": "monai"}  # as they are installed
KINDS = {"grey": (own.grey, (24, 20), "layer2"), "volumes": (own.of_volumes, (8, 12, 12), "layer1"),
         "dict": (own.segmenter, (24, 20), "backbone.3"),
         "PReLU": (lambda: own.drawn(own.Segmenter(nn.PReLU)), (24, 20), "backbone.3")}
Try = Callable[[], Any]


class Asked:
    """A fresh network and picture of a kind, and how each library is asked about them."""

    def __init__(self, kind: str) -> None:
        make, self.sides, layer = KINDS[kind]
        self.module, self.x = copy.deepcopy(make()), own.pictures(1, *self.sides)
        self.net = nets.wrap(self.module, size=self.sides)
        self.target = LABEL if self.net(self.x).ndim == 2 else nets.Region(LABEL)
        self.name, self.layer = layer, self.module.get_submodule(layer)

    def ours(self, method: str) -> Tensor:
        return saliency.METHODS[method](self.net, self.x, self.target)

    def captum(self, method: str, **options: Any) -> Tensor:
        from captum import attr

        layer = [self.layer] if "Cam" in method else []
        return getattr(attr, method)(self.module, *layer).attribute(self.x, target=LABEL, **options)

    def grad_cam(self, target: Any = None) -> Tensor:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        return GradCAM(self.module, [self.layer])(self.x, [target or ClassifierOutputTarget(LABEL)])

    def grad_cam_guided(self) -> Tensor:
        from pytorch_grad_cam import GuidedBackpropReLUModel

        return GuidedBackpropReLUModel(self.module)(self.x, LABEL)

    def quantus(self, method: str, **options: Any) -> np.ndarray:
        import quantus

        return quantus.explain(self.module, self.x.numpy(), np.array([LABEL]), method=method, **options)

    def judged(self, metric: str, **options: Any) -> list[float]:
        """Quantus's number for a map of gradients."""
        import quantus

        found = getattr(quantus, metric)(disable_warnings=True, **options)(
            model=self.module, x_batch=self.x.numpy(), y_batch=np.array([LABEL]), a_batch=None, device="cpu",
            explain_func=quantus.explain, explain_func_kwargs={"method": "Saliency"})
        return list(found.values()) if isinstance(found, dict) else found

    def monai(self, method: str, *arguments: Any) -> Tensor:
        from monai import visualize

        return getattr(visualize, method)(self.module, *arguments)(self.x, LABEL)

    def monai_occlusion(self) -> Tensor:
        from monai.visualize import OcclusionSensitivity

        return OcclusionSensitivity(self.module, 4, verbose=False)(self.x)[0]


def silently(guided: Callable[[Asked], Any]) -> str:
    """What a guided map of a network without ReLUs is."""
    asked = Asked("PReLU")
    asked.module = Summed(asked.module, torch.ones(1, *asked.sides)).eval()
    try:
        map = torch.as_tensor(guided(asked)).flatten()
    except U3Error:
        return "refused in a sentence"
    plain = saliency.backprop(asked.net, asked.x, asked.target).flatten()
    return "silently the gradient" if torch.allclose(map, plain, rtol=1e-3, atol=1e-6) else "another map"


def empty(cam: Callable[[Asked], Any]) -> str:
    """What is said of a Grad-CAM that is 0 everywhere, since nothing leads to the class."""
    asked = Asked("grey")
    asked.module.fc.weight.data[LABEL] = 0
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        map = torch.as_tensor(cam(asked))
    what = "not finite" if not map.isfinite().all() else "not empty" if map.any() else "0"
    return "called empty" if any("empty" in str(one.message) for one in said) else f"silently {what}"


def left_alone(call: Callable[[Asked], Any]) -> str:
    """What a map leaves behind on the picture and on the network."""
    asked = Asked("grey")
    before = {name: value.clone() for name, value in asked.module.state_dict().items()}
    call(asked)
    parts = list(asked.module.modules())
    left = {"requires_grad on the picture": asked.x.requires_grad,
            "slopes in the weights": any(one.grad is not None for one in asked.module.parameters()),
            "hooks": any(one._forward_hooks or one._backward_hooks or one._forward_pre_hooks for one in parts),
            "other weights": any(not torch.equal(before[name], value)
                                 for name, value in asked.module.state_dict().items())}
    return "leaves " + ", ".join(found) if (found := [what for what, holds in left.items() if holds]) else "works"


def audited(of: str) -> Try:
    """A number of the audit, on discs with bright squares, by a network that reads the squares."""
    cases = made()
    return {"place": lambda: audit.fixed_place(HONEST, cases, cells=2, pairs=2).moved,
            "lesion": lambda: [*(one := audit.lesion_removed(HONEST, cases)).flipped, 1 + one.elsewhere.value],
            "flips": lambda: [one.positives.value + 1 for one in audit.flips(HONEST, cases).values()]}[of]


def page() -> bool:
    """One HTML file with all five numbers."""
    with tempfile.TemporaryDirectory() as out:
        return u3audit.write(u3audit.run(HONEST, made(), out=out), out).stat().st_size > 10_000


def nifti(write: Callable[[Path, np.ndarray], Path]) -> str:
    """A map of scans with a slanted affine: does the file that was written reach over the same millimetres?"""
    import nibabel

    slanted = np.array([[0, 0, -2.0, 9], [1.1, 0.2, 0, -4], [-0.2, 1.1, 0, 7], [0, 0, 0, 1]])
    with tempfile.TemporaryDirectory() as folder:
        found = nibabel.load(write(Path(folder), slanted))
        corners = [sorted(tuple((one @ [*(np.array(at) * sides - 0.5), 1])[:3].round(3)) for at in np.ndindex(2, 2, 2))
                   for one, sides in ((slanted, (32, 32, 8)), (found.affine, found.shape[:3]))]
        return "works" if np.allclose(*corners, atol=2e-3) and np.any(found.dataobj) else "lies elsewhere"


def scans(folder: Path, affine: np.ndarray) -> Path:
    """The discs of :func:`tests.audit.test_battery.made` as NIfTI, with their labels."""
    import nibabel

    cases = made(volumes=True)
    names = [f"{n}.nii.gz" for n in range(4)]
    for name, volume in zip(names, cases.images[:, 0], strict=False):
        nibabel.save(nibabel.Nifti1Image(volume.permute(2, 1, 0).numpy(), affine), folder / name)
    labels = folder / "labels.csv"
    labels.write_text("file,label\n" + "".join(f"{name},{int(one)}\n" for name, one in zip(
        names, cases.positive.tolist(), strict=False)))
    return labels


def nifti_by_ours(folder: Path, affine: np.ndarray) -> Path:
    cases = u3audit.read(folder, scans(folder, affine), channels=1)
    u3audit.run(HONEST, cases, out=folder / "out")
    return next((folder / "out").rglob("*.nii*"))


def nifti_by_monai(folder: Path, affine: np.ndarray) -> Path:
    from monai.data import MetaTensor
    from monai.transforms import LoadImage, SaveImage
    from monai.visualize import GradCAM

    asked, scan = Asked("volumes"), scans(folder, affine).parent / "1.nii.gz"
    image = LoadImage(ensure_channel_first=True)(scan)
    map = GradCAM(asked.module, asked.name)(image[None].as_tensor(), LABEL)[0]
    SaveImage(folder, "map", separate_folder=False, print_log=False, resample=False)(
        MetaTensor(map, affine=image.affine, meta=image.meta))
    return folder / "1_map.nii.gz"


def region_of_grad_cam() -> Any:
    from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget

    asked = Asked("dict")
    asked.module = Summed(asked.module, None).eval()  # the map alone
    return asked.grad_cam(SemanticSegmentationTarget(LABEL, np.eye(24, 20, dtype=np.float32)))


def removal_by_grad_cam(kind: str) -> Any:
    from pytorch_grad_cam.metrics.road import ROADMostRelevantFirst
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    asked = Asked(kind)
    return ROADMostRelevantFirst(percentile=75)(asked.x, np.random.default_rng(0).random((1, *asked.sides)),
                                                [ClassifierOutputTarget(LABEL)], asked.module)


def deletion(kind: str) -> Tensor:
    asked = Asked(kind)
    return saliency.deletion_curve(asked.net, asked.x, LABEL, asked.ours("gradient"), steps=2)[1]


def mask(kind: str) -> Tensor:
    asked = Asked(kind)
    settings = saliency.MaskSettings(steps=2, mask_size=4)
    return [*saliency.meaningful_perturbation(asked.net, asked.x, LABEL, settings=settings)][-1].value


def millimetres() -> Tensor:
    """Windows as thick as they are wide, of slices of 3 mm."""
    asked = Asked("volumes")
    net = nets.wrap(asked.module, size=asked.sides, spacing=(3.0, 1.0, 1.0))
    return saliency.occlusion(net, asked.x, LABEL, side=6, step=6)


def sanity() -> list[float]:
    asked = Asked("grey")
    return [float(number) for _, number in saliency.randomisation_check(asked.net, asked.x, LABEL, "gradient")]


def gradient(kind: str) -> dict[str, Try | str]:
    return {"ours": lambda: Asked(kind).ours("gradient"), "captum": lambda: Asked(kind).captum("Saliency"),
            "grad-cam": r"saliency|vanilla|input_?grad", "Quantus": lambda: Asked(kind).quantus("Saliency"),
            "MONAI": lambda: Asked(kind).monai("VanillaGrad")}


def cam(kind: str) -> dict[str, Try | str]:
    return {name: lambda one=one: one(Asked(kind)) for name, one in CAMS.items()}


CAMS = {"ours": lambda asked: asked.ours("Grad-CAM"), "captum": lambda asked: asked.captum("LayerGradCam"),
        "grad-cam": lambda asked: asked.grad_cam(),
        "Quantus": lambda asked: asked.quantus("LayerGradCam", gc_layer=asked.layer),
        "MONAI": lambda asked: asked.monai("GradCAM", asked.name)}
SANITY, DELETION, NIFTI = r"sanity|parameter_?randomi", r"delet|pixel_?flip|^road", r"nifti|affine"
REGION = r"region_?target|segmentation_?target|semantic"
ROWS: dict[str, dict[str, Try | str]] = {  # what is asked → library → a call to try, or what its source is searched for
    "gradient, one channel": gradient("grey"), "Grad-CAM, one channel": cam("grey"),
    "Grad-CAM, answer in a dict as it comes": cam("dict"),
    "a region of a segmentation as target": {
        "ours": lambda: Asked("dict").ours("Grad-CAM"), "grad-cam": region_of_grad_cam,
        **dict.fromkeys(("captum", "Quantus", "MONAI"), REGION)},
    "gradient, volumes": gradient("volumes"), "Grad-CAM, volumes": cam("volumes"),
    "guided, volumes": {
        "ours": lambda: Asked("volumes").ours("guided"), "captum": lambda: Asked("volumes").captum("GuidedBackprop"),
        "grad-cam": lambda: Asked("volumes").grad_cam_guided(), "Quantus": r"guided",
        "MONAI": lambda: Asked("volumes").monai("GuidedBackpropGrad")},
    "occlusion, volumes": {
        "ours": lambda: Asked("volumes").ours("occlusion"),
        "captum": lambda: Asked("volumes").captum("Occlusion", sliding_window_shapes=(1, 4, 4, 4)),
        "grad-cam": r"occlu", "Quantus": lambda: Asked("volumes").quantus("Occlusion", window=(1, 4, 4, 4)),
        "MONAI": lambda: Asked("volumes").monai_occlusion()},
    "windows in millimetres": {"ours": millimetres, **dict.fromkeys(LIBRARIES, r"spacing|millimet|pixdim")},
    "a mask that is searched for, volumes": {
        "ours": lambda: mask("volumes"), **dict.fromkeys(LIBRARIES, r"meaningful|extremal|mask_?optim|learn\w*_?mask")},
    "guided, of a network without ReLUs": {
        "ours": lambda: silently(lambda asked: saliency.backprop(asked.net, asked.x, asked.target, rule="guided")),
        "captum": lambda: silently(lambda asked: asked.captum("GuidedBackprop")),
        "grad-cam": lambda: silently(lambda asked: asked.grad_cam_guided()), "Quantus": r"guided",
        "MONAI": lambda: silently(lambda asked: asked.monai("GuidedBackpropGrad"))},
    "a Grad-CAM that is 0 everywhere": {name: lambda one=one: empty(one) for name, one in CAMS.items()},
    "leaves picture and network as they were": {name: lambda one=one: left_alone(one) for name, one in CAMS.items()},
    "a map against shuffled weights": {
        "ours": sanity, "Quantus": lambda: Asked("grey").judged("MPRT"),
        **dict.fromkeys(("captum", "grad-cam", "MONAI"), SANITY)},
    "deletion by a map": {
        "ours": lambda: deletion("grey"), "grad-cam": lambda: removal_by_grad_cam("grey"),
        "Quantus": lambda: Asked("grey").judged("PixelFlipping", features_in_step=120),
        **dict.fromkeys(("captum", "MONAI"), DELETION)},
    "deletion by a map, volumes": {
        "ours": lambda: deletion("volumes"), "grad-cam": lambda: removal_by_grad_cam("volumes"),
        "Quantus": lambda: Asked("volumes").judged("RegionPerturbation", patch_size=4),
        **dict.fromkeys(("captum", "MONAI"), DELETION)},
    "a map as NIfTI that lies over its scan": {
        "ours": lambda: nifti(nifti_by_ours), "MONAI": lambda: nifti(nifti_by_monai),
        **dict.fromkeys(("captum", "grad-cam", "Quantus"), NIFTI)},
    "cells carried between classes": {
        "ours": audited("place"), **dict.fromkeys(LIBRARIES, r"transplant|swap|cut_?mix|paste|exchange")},
    "a lesion filled in, beside a floor": {
        "ours": audited("lesion"), **dict.fromkeys(LIBRARIES, r"in_?paint|lesion|counterfact")},
    "flips by class and direction": {"ours": audited("flips"), **dict.fromkeys(LIBRARIES, r"flip|invarian")},
    "all of it on one page": {"ours": page, **dict.fromkeys(LIBRARIES, r"report|html|one_?page")}}


@cache
def names(package: str) -> list[str]:
    """The public classes and functions in a library's source."""
    folder = Path(find_spec(package).origin).parent
    return sorted({name for file in folder.rglob("*.py")
                   for name in re.findall(r"^(?:class|def) ([A-Za-z]\w*)", file.read_text(encoding="utf-8"), re.M)})


def cell(call: Try | str, library: str) -> dict[str, Any]:
    """What came of one try: ``said``; what was raised; or what was looked for, and the names that have it in them."""
    if isinstance(call, str):
        found = [name for name in names(LIBRARIES[library]) if re.search(call, name, re.I)]
        return {"said": "no such call", "looked for": call, "found": found}
    try:
        came = call()
    except Exception as error:  # a peer may fail in any way: what it says is the finding
        return {"said": f"raises {type(error).__name__}", "why": " ".join(str(error).split())[:200]}
    if isinstance(came, str):
        return {"said": came}
    numbers = torch.as_tensor(np.asarray(came.detach() if isinstance(came, Tensor) else came)).double()
    return {"said": "not finite" if not numbers.isfinite().all() else "works" if numbers.any() else "all 0"}


def report() -> dict[str, Any]:
    """Try each call of each library that is installed, and print the table."""
    there = ["ours", *(name for name, package in LIBRARIES.items() if find_spec(package))]
    can = []
    for what, calls in ROWS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            can.append({"what": what, "cells": {name: cell(calls[name], name) for name in there}})
        table.show({"": what} | {name: f"{one['said']} {one.get('why', '')}" for name, one in can[-1]["cells"].items()},
                   head=len(can) == 1)
    return {"rows": can, "versions": {name: version(PACKAGES[name]) for name in there[1:]}}
