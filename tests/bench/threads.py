"""What a busy neighbour does to two threads, by OpenMP's waiting policy: forward and backward of SqueezeNet."""

import os
import subprocess
import sys

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
BUSY = "while True: pass"


def measure(policy: str | None, busy: bool) -> float:
    """Median ms of forward + backward in a process of its own with two threads; ``policy`` None is OpenMP's default."""
    environment = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")}
    if policy:
        environment["OMP_WAIT_POLICY"] = policy
    neighbour = subprocess.Popen([sys.executable, "-c", BUSY]) if busy else None
    try:
        done = subprocess.run([sys.executable, "-c", WORK], env=environment, check=True, capture_output=True, text=True)
    finally:
        if neighbour:
            neighbour.kill()
            neighbour.wait()
    return float(done.stdout)


def report() -> str:
    """A small table: waiting policy against a neighbour that keeps one core busy."""
    lines = ["", f"Two threads of {os.cpu_count()} cores, forward + backward of SqueezeNet at 227 px:", "",
             "| OMP_WAIT_POLICY | neighbour | ms |", "|---|---|---|"]
    for busy in (False, True):
        for policy in (None, "PASSIVE"):
            neighbour = "one core busy" if busy else "none"
            lines.append(f"| {policy or 'not set'} | {neighbour} | {measure(policy, busy):.0f} |")
    return "\n".join(lines)
