"""The block of the course's own small encoders: a convolution, a batch norm and a ReLU."""

from __future__ import annotations

from torch import nn


def conv_block(before: int, after: int, kernel: int = 3, stride: int = 1, *, padding: int | None = None,
               dilation: int = 1, mirrored: bool = False, kaiming: bool = False) -> nn.Sequential:
    """Convolution, batch norm, ReLU; without ``padding`` maps keep their size but for the stride (odd kernels).

    ``mirrored`` continues maps beyond their border by reflection; ``kaiming`` draws weights for ReLUs
    (He, Zhang, Ren & Sun, ICCV 2015), and otherwise they are PyTorch's own.
    """
    conv = nn.Conv2d(before, after, kernel, stride, dilation * (kernel // 2) if padding is None else padding, dilation,
                     bias=False, padding_mode="reflect" if mirrored else "zeros")
    if kaiming:
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())
