"""The network of the papers on residual adapters, at any width.

    stem      3×3 convolution, 3 → w/2 channels
    blockS_N  stage S = 1, 2, 3 of w, 2w and 4w channels, four blocks N each; the first of a stage halves the sides
    end       batch norm and ReLU; then the mean over all places, and one linear layer

Each block is  y = relu(x + norm(f₂ ∗ relu(norm(f₁ ∗ x)))) with 3×3 filters. Its shortcut has no weights: where sides
halve, x is averaged over 2×2 pixels, and the channels that it lacks are zero. So there is no filter that a domain could
not share: Rebuffi, Bilen & Vedaldi, NIPS 2017 and CVPR 2018, have w = 64, and 25 filter banks besides the last layer.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STAGES, BLOCKS = 3, 4


class Block(nn.Module):
    """Two banks of 3×3 filters beside a shortcut, (B,inputs,H,W) → (B,outputs,⌈H/stride⌉,⌈W/stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.lacking = stride, outputs - inputs
        self.conv1, self.norm1, self.relu1 = filters(inputs, outputs, stride), nn.BatchNorm2d(outputs), nn.ReLU()
        self.conv2, self.norm2, self.relu2 = filters(outputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        return self.relu2(y + self.shortcut(x))

    def shortcut(self, x: Tensor) -> Tensor:
        """x at the size of the output: averaged, and with channels of zeros."""
        if self.stride > 1:
            x = F.avg_pool2d(x, self.stride, ceil_mode=True)  # of an odd side, the last average has fewer pixels
        return F.pad(x, (0, 0, 0, 0, 0, self.lacking))


class ResNet26(nn.Module):
    """Pictures (B,3,H,W) → scores (B,classes); ``width`` is w."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        channels = width // 2
        self.stem = nn.Sequential(OrderedDict(conv=filters(3, channels), norm=nn.BatchNorm2d(channels), relu=nn.ReLU()))
        for stage in range(STAGES):
            outputs = width << stage
            for block in range(BLOCKS):
                self.add_module(f"block{stage + 1}_{block + 1}", Block(channels, outputs, 1 if block else 2))
                channels = outputs
        self.end = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, classes)

    def maps(self, x: Tensor) -> Tensor:
        """The last layer of maps, (B,4w,⌈H/8⌉,⌈W/8⌉)."""
        for name, part in self.named_children():
            x = x if name == "classifier" else part(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.maps(x).mean((2, 3)))


def filters(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A bank of 3×3 filters that keeps the size of what it is given: normal with variance 2 / (9 · outputs)."""
    with torch.random.fork_rng(devices=[]):  # those that PyTorch draws are not used
        bank = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(bank.weight, mode="fan_out", nonlinearity="relu")
    return bank
