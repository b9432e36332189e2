"""The course's own small networks: their block, and weights as half-precision numbers, read into a fresh network.

Or in eight bits: each row of a matrix, and each filter of a bank, as whole numbers from −127 to 127 and one scale. The
rounding then changes a weight by about 1/254 of the largest one in its row, at most.
"""

from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from u3lab._system import paths
from u3lab.errors import U3Error

Net = TypeVar("Net", bound=nn.Module)
SCALE = ".scale"  # after the name of a weight in eight bits
MOST = 127


def save(net: nn.Module, path: str | Path, *, eight_bits: bool = False, **facts: object) -> None:
    """Write a network's weights with the facts of how they were made.

    Half the size that they have in memory, or with ``eight_bits`` a quarter: matrices and banks of filters then.
    What is too large for half precision, as a running variance may be, is written as it is.
    """
    from safetensors.torch import save

    numbers = {}
    for name, value in net.state_dict().items():
        if eight_bits and value.is_floating_point() and value.ndim > 1:
            numbers[name], numbers[f"{name}{SCALE}"] = _rounded(value)
        else:
            half = value.half() if value.is_floating_point() else value
            numbers[name] = half if half.isfinite().all() else value
    content = save({name: value.contiguous() for name, value in numbers.items()},
                   metadata={name: str(value) for name, value in facts.items()})
    paths.write_atomically(Path(path), content)


def _rounded(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers of the shape of the weight, int8, and the scale of each row, float16, of the same number of axes.

    The scale is a little larger than it need be, so that in half precision it is not too small.
    """
    most = weight.abs().amax(tuple(range(1, weight.ndim)), keepdim=True)
    scale = (most / MOST * (1 + 2**-10)).clamp(min=torch.finfo(torch.float16).tiny).half()
    return (weight / scale).round().clamp(-MOST, MOST).to(torch.int8), scale


def read(path: str | Path) -> dict[str, Tensor]:
    """The weights of a file by name, as float32; whole numbers with a scale have been multiplied by it.

    Raises what safetensors, or the disk, has to say of a file that is damaged or not there.
    """
    from safetensors.torch import load_file

    found = {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
    scales = {name: found.pop(name) for name in list(found) if name.endswith(SCALE)}
    return found | {name.removesuffix(SCALE): found[name.removesuffix(SCALE)] * scale
                    for name, scale in scales.items()}


def restore(net: Net, name: str) -> Net:
    """Fill a fresh network with the shipped weights of that name, and make it ready for use: fixed, in evaluation mode.

    Raises:
        U3Error: If the file is not there, damaged, or of another network.
    """
    from safetensors import SafetensorError

    path = paths.data("weights", f"{name}.safetensors")
    try:
        net.load_state_dict(read(path))
    except (SafetensorError, RuntimeError, OSError, LookupError, ValueError, TypeError) as error:
        raise U3Error(f"{path.name} is damaged or of another version; delete it and "
                      f"{paths.again('data', 'weights', path.name)}") from error
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


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
