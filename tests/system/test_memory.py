"""Freed memory stays with the process: counted in page faults, which do not depend on how busy the machine is."""

import subprocess
import sys

import pytest

from u3lab._system import memory

FAULTS = """
import resource, sys
if sys.argv[1] == "with":
    import u3lab
import torch
torch.set_num_threads(1)
x = torch.rand(1, 3, 227, 227)
def work():
    for _ in range(50):
        (x * 2 + x.square()).exp().sum()
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


glibc = pytest.mark.skipif(not memory.keep(), reason="another C library than glibc")


def counted(program: str, *arguments: str) -> int:
    """The number that a fresh Python prints."""
    run = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    return int(run.stdout)


@glibc
def test_tensors_of_a_picture_reuse_memory():
    """Some versions of torch keep memory by themselves: then there is nothing to gain, and nothing may be lost."""
    kept, without = (counted(FAULTS, how) for how in ("with", "without"))
    assert kept < 100 and (without < 100 or kept < without / 10)


def test_another_system_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory.keep() is False and memory.give_back() is False


def test_a_c_library_without_mallopt_is_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    assert memory.keep() is False and memory.give_back() is False


HOLES = """
import psutil, u3lab
from u3lab._system import memory
import torch
kept, parts = [], []
for n in range(400):  # large blocks between small ones that stay: the small ones keep the heap long
    parts.append(torch.ones(2**18))
    kept.append(torch.ones(64))
before = psutil.Process().memory_info().rss
parts.clear()
memory.give_back()
print((before - psutil.Process().memory_info().rss) >> 20)
"""


@glibc
def test_holes_between_blocks_in_use_go_back_to_the_system():
    assert counted(HOLES) > 300  # of 400 MB
