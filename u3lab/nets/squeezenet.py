"""SqueezeNet 1.1: AlexNet's accuracy with a fiftieth of its weights (Iandola et al. 2016).

    conv1          64 filters of 3×3, every second place, and ReLU; then a max-pool
    fire2, fire3   2 · 64 channels out of 16; then a max-pool
    fire4, fire5   2 · 128 out of 32; then a max-pool
    fire6, fire7   2 · 192 out of 48
    fire8, fire9   2 · 256 out of 64
    conv10         a filter of 1×1 for each class, and ReLU; a class's score is its mean over all places

A fire module squeezes its input into few channels by filters of 1×1, and expands these by as many filters of 1×1 as of
3×3. The parts are called as torchvision calls them, and so are the weights in the file. It is not torchvision's own,
since ``import torchvision`` loads torch's compiler: a second and 80 MB of every kernel.
"""

import torch
from torch import Tensor, nn

POOL = (0, 0)
PLAN = (POOL, (16, 64), (16, 64), POOL, (32, 128), (32, 128), POOL, (48, 192), (48, 192), (64, 256), (64, 256))


class Fire(nn.Module):
    """(B,inputs,H,W) → (B,2·outputs,H,W), by way of ``squeezed`` channels."""

    def __init__(self, inputs: int, squeezed: int, outputs: int) -> None:
        super().__init__()
        self.squeeze, self.squeeze_activation = nn.Conv2d(inputs, squeezed, 1), nn.ReLU(inplace=True)
        self.expand1x1, self.expand1x1_activation = nn.Conv2d(squeezed, outputs, 1), nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeezed, outputs, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat([self.expand1x1_activation(self.expand1x1(x)),
                          self.expand3x3_activation(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """Pictures (B,3,H,W) → scores (B,1000), with random weights until others are loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(inplace=True))
        channels = 64
        for squeezed, outputs in PLAN:
            if not outputs:
                self.features.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
                continue
            self.features.append(Fire(channels, squeezed, outputs))
            channels = 2 * outputs
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1000, 1), nn.ReLU(inplace=True),
                                        nn.AdaptiveAvgPool2d((1, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)
