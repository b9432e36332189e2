"""``python -m tests.bench.auditing [pictures | volumes] [COUNT]``: what an audit costs, with the network's own work.

CPU seconds and the greatest memory of the process: SqueezeNet on pictures of one channel, 227×227, and torchvision's
ResNet-18 on volumes of 32×64×64. What the networks answer is known, so that all five numbers can be had: half of the
pictures have a bright, outlined block, and an answer is how bright a picture is where it is brighter than a half.
"""

import os
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from tests.bench.table import brief
from u3lab import audit, nets

SIDES = {"pictures": (227, 227), "volumes": (32, 64, 64)}


class Known(nn.Module):
    """A network's passes, counted, and another answer."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.passes = net, 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += len(x)
        bright = (x - 0.5).clamp(min=0).flatten(1).sum(1) / 5 - 1
        return torch.stack([-bright, bright], 1) + 1e-9 * self.net(x).clamp(-1, 1)


def network(kind: str) -> nn.Module:
    """Of two classes, for one channel."""
    if kind == "pictures":
        from torchvision.models import squeezenet1_1

        net = squeezenet1_1(num_classes=2)
        net.features[0] = nn.Conv2d(1, 64, 3, 2)
    else:
        from torchvision.models.video import r3d_18

        net = r3d_18(num_classes=2)
        net.stem[0] = nn.Conv3d(1, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
    return Known(net.eval()).eval()


def cases(count: int, sides: tuple[int, ...]) -> audit.Cases:
    """Grey ellipses in noise; in every other one a block somewhere. Four pictures a patient."""
    draw = torch.Generator().manual_seed(0)
    axes = torch.meshgrid(*[torch.linspace(-1, 1, side) for side in sides], indexing="ij")
    x = 0.3 * (sum(one.square() for one in axes) < 0.7).float().expand(count, 1, *sides)
    x = x + 0.02 * torch.rand(x.shape, generator=draw)
    outlines = torch.zeros(x.shape, dtype=torch.bool)
    for n in range(1, count, 2):
        at = [int(side * (0.3 + 0.25 * torch.rand((), generator=draw))) for side in sides]
        outlines[(n, 0, *(slice(one, one + side // 8) for one, side in zip(at, sides, strict=True)))] = True
    return audit.Cases(torch.where(outlines, 0.9, x), torch.arange(count) % 2 == 1, outlines,
                       [f"patient {n // 4}" for n in range(count)])


def main(kind: str = "pictures", count: str = "100") -> None:
    """Audit once, and print a line."""
    import resource

    torch.set_num_threads(1)
    module, given = network(kind), cases(int(count), SIDES[kind])
    net = nets.wrap(module, channels=1, size=SIDES[kind])
    net(given.images[:1])  # once beforehand
    module.passes = 0
    before, cpu, wall = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        audit.write(audit.run(net, given, out=out), out)
    print(f"{brief()}\n{count} {kind}: {module.passes} passes, {time.process_time() - cpu:.0f} s of CPU time, "
          f"{time.perf_counter() - wall:.0f} s on the wall, {before / 1024:.0f} MB before and at most "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
