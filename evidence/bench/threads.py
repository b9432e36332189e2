"""What a busy neighbour does to two threads, by OpenMP's waiting policy: forward and backward of SqueezeNet."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from evidence.bench import table

WORK = """
import os, statistics, time
import torch
from torchvision.models import squeezenet1_1
torch.set_num_threads(2)
torch.manual_seed(0)
net, x = squeezenet1_1().eval(), torch.rand(1, 3, 227, 227, requires_grad=True)
times = []
start = time.perf_counter()
while len(times) < 12 and time.perf_counter() - start < 12:
    begin = time.perf_counter()
    torch.autograd.grad(net(x)[0, 0], x)
    times.append(1e3 * (time.perf_counter() - begin))
print(statistics.median(times[1:] or times))
"""


@contextmanager
def busy_core() -> Iterator[None]:
    """A neighbour that computes all the time."""
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def measure(policy: str | None, busy: bool) -> float:
    """Median ms of forward + backward in a process of its own with two threads; ``policy`` None is OpenMP's default."""
    environment = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")}
    with busy_core() if busy else nullcontext():
        done = subprocess.run([sys.executable, "-c", WORK], check=True, capture_output=True, text=True,
                              env=environment | ({"OMP_WAIT_POLICY": policy} if policy else {}))
    return float(done.stdout)


def report() -> None:
    """Waiting policy against a neighbour that keeps one core busy."""
    table.show_all([{"OMP_WAIT_POLICY": policy or "not set", "one core busy": busy, "ms": measure(policy, busy)}
                    for busy in (False, True) for policy in (None, "PASSIVE")])
