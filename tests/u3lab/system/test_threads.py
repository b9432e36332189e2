"""How many threads torch gets: U3LAB_THREADS, the user's own OMP_NUM_THREADS, or half of the cores."""

import os
import subprocess
import sys

import pytest

from u3lab._system import threads

COUNT = "import u3lab, torch; print(torch.get_num_threads())"
TORCH_FIRST = "import torch, u3lab; print(torch.get_num_threads())"
CORES = threads.cores()
needs_two_cores = pytest.mark.skipif(CORES < 2, reason="one core leaves no choice")


def ask(code: str, **variables: str) -> tuple[str, str]:
    """What a fresh Python prints, and what it says on stderr; no thread variable is set but these."""
    known = (threads.NAME, "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in known} | variables
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return answer.stdout.strip(), answer.stderr.strip()


@pytest.mark.parametrize("code", [COUNT, TORCH_FIRST])
def test_half_of_the_cores_without_any_variable(code):
    assert ask(code) == (str(threads.default()), "")


@needs_two_cores
@pytest.mark.parametrize("code", [COUNT, TORCH_FIRST])
def test_u3lab_threads_counts_most(code):
    assert ask(code, U3LAB_THREADS="2", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1") == ("2", "")


@needs_two_cores
def test_the_users_own_number_is_respected():
    assert ask(COUNT, OMP_NUM_THREADS="2") == ask(COUNT, OMP_NUM_THREADS="2", U3LAB_THREADS="") == ("2", "")


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", str(CORES + 1), "9" * 5000, "²"])
def test_a_bad_value_warns_and_the_default_is_used(value):
    code = "import os, u3lab; print(os.environ['OMP_NUM_THREADS'], os.environ['MKL_NUM_THREADS'])"
    printed, said = ask(code, U3LAB_THREADS=value)
    assert printed == f"{threads.default()} {threads.default()}"
    assert said.startswith("<string>:1: UserWarning: U3LAB_THREADS=") and said.count("UserWarning") == 1
    assert "is not possible; give" in said


@pytest.mark.parametrize(("cores", "wanted"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4), (64, 4)])
def test_the_default_by_cores(monkeypatch, cores, wanted):
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert threads.default() == wanted


def test_a_good_value_is_no_slip(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 4)
    for value in "", " ", "1", " 4 ":
        monkeypatch.setenv(threads.NAME, value)
        assert threads.slip() == ""
    monkeypatch.setenv(threads.NAME, "5")
    assert threads.slip() == ("U3LAB_THREADS='5' is not possible; give a whole number from 1 to 4, "
                              "the cores there are, or unset it")
