"""What make installs and says, with stand-ins for Python, pip and uv: nothing is downloaded."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make and a Unix shell")
TOOLS = ("make", "sh", "cat", "cp", "id", "mkdir", "printf", "rm", "sed", "test", "touch")
# Writes down how it was called. FAILING names calls that fail, as "pip install uv" does without a network.
PYTHON = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
case "$*" in
"-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
*find_spec*) exit 1 ;;
*"${FAILING:-no call}"*) exit 1 ;;
esac
"""
PIP, UV = ".venv/bin/python -m pip install -e .", "--torch-backend=cpu -e ."
CHOICE, INSTEAD, KEPT = "== no NVIDIA driver here", "== the CPU build of torch cannot be had", "== .venv keeps torch"
no_driver = pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="this machine has an NVIDIA driver")


class Checkout:
    """A folder with the Makefile and a PATH of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs, self.calls = folder / "checkout", folder / "bin", folder / "calls"
        for path in self.folder, self.programs:
            path.mkdir()
        for name in "Makefile", "pyproject.toml":
            shutil.copy(ROOT / name, self.folder)
        for name in TOOLS:
            (self.programs / name).symlink_to(shutil.which(name))
        self.program("python3", PYTHON)
        self.program("uname", "#!/bin/sh\necho Linux\n")

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def make(self, *arguments: str, failing: str = "") -> tuple[str, list[str]]:
        """What a successful make prints, and the calls of Python, each as one line."""
        self.calls.write_text("")
        variables = {"PATH": str(self.programs), "CALLS": str(self.calls), "FAILING": failing or "no call"}
        answer = subprocess.run(["make", *arguments], cwd=self.folder, env=variables, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout, self.calls.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@no_driver
def test_without_a_driver_the_choice_is_named_before_the_download(checkout):
    said, calls = checkout.make("lab")
    assert said.count(CHOICE) == 1 and said.index(CHOICE) < said.index("pip install")
    line = next(line for line in said.splitlines() if line.startswith(CHOICE))
    assert "make lab TORCH=cpu" in line and "3.0 GB" in line and "0.2 GB" in line
    assert PIP in calls and not [call for call in calls if "uv" in call.split()]
    said, calls = checkout.make("lab")  # the second time nothing is installed
    assert CHOICE not in said and not [call for call in calls if " install " in call]


def test_with_a_driver_the_choice_is_not_named(checkout):
    checkout.program("nvidia-smi", "#!/bin/sh\n")
    said, calls = checkout.make("lab")
    assert CHOICE not in said and PIP in calls


@pytest.mark.parametrize("arguments", [(), ("TORCH=cpu",)])
def test_on_macos_pip_has_the_cpu_build_anyway(checkout, arguments):
    checkout.program("uname", "#!/bin/sh\necho Darwin\n")
    said, calls = checkout.make("lab", *arguments)
    assert CHOICE not in said and PIP in calls and not [call for call in calls if "uv" in call.split()]


@no_driver
def test_where_torch_is_installed_already_there_is_no_choice(checkout):
    checkout.program("python3", PYTHON.replace("*find_spec*) exit 1", "*find_spec*) exit 0"))
    said, calls = checkout.make("lab")
    assert CHOICE not in said and PIP in calls


def test_the_cpu_build_comes_by_uv(checkout):
    said, calls = checkout.make("lab", "TORCH=cpu")
    assert [call for call in calls if call.endswith(UV)] and PIP not in calls
    assert CHOICE not in said and INSTEAD not in said
    assert CHOICE not in checkout.make("quick", "TORCH=cpu")[0]


def test_a_lab_is_the_command_start_with_its_options_after_a_dash(checkout):
    assert checkout.make("lab")[1][-1] == ".venv/bin/python -m u3lab start --"
    _, calls = checkout.make("lab", "FRESH=06 07b", "ARGS=--no-browser --port 8890")
    assert calls[-1] == ".venv/bin/python -m u3lab start --fresh=06 --fresh=07b -- --no-browser --port 8890"


@pytest.mark.parametrize("failing", ["pip install uv", "--torch-backend"])
def test_without_uv_or_its_place_pip_goes_on_and_one_line_says_so(checkout, failing):
    said, calls = checkout.make("lab", "TORCH=cpu", failing=failing)
    assert said.count(INSTEAD) == 1 and "going on with plain pip" in said
    assert calls.index(PIP) < calls.index(next(call for call in calls if "-m u3lab start" in call))
    assert (checkout.folder / ".venv" / "u3lab-lab").exists()


def test_cuda_libraries_that_are_there_stay_and_one_line_says_so(checkout):
    checkout.make("lab")
    (checkout.folder / ".venv" / "lib" / "python3.12" / "packages" / "nvidia").mkdir(parents=True)
    assert checkout.make("lab", "TORCH=cpu")[0].count(KEPT) == 1
    assert KEPT not in checkout.make("lab")[0]


def test_another_torch_is_refused_before_anything_is_made(checkout):
    with pytest.raises(AssertionError, match="TORCH=cup is not known: TORCH=cpu is"):
        checkout.make("lab", "TORCH=cup")
    assert not (checkout.folder / ".venv").exists()


def test_newest_has_a_folder_of_its_own_and_makes_it_anew(checkout):
    checkout.make("lab")
    (checkout.folder / ".venv-newest").mkdir()
    old = checkout.folder / ".venv-newest" / "old"
    old.touch()
    _, calls = checkout.make("newest")
    assert not old.exists() and not [call for call in calls if call.startswith(".venv/") and " -c pass" not in call]
    newest = [call.removeprefix(".venv-newest/bin/python -m ") for call in calls if call.startswith(".venv-newest/")]
    assert "pip install -e .[docs,test]" in newest
    (tested,) = (call for call in newest if call.startswith("pytest"))
    assert tested.endswith(" tests evidence --ignore=tests/browser")
    ignored = (ROOT / ".gitignore").read_text().splitlines()  # ruff and the tests on tracked files leave them out too
    assert {".venv/", ".venv-newest/", "mine/", "my/"} <= set(ignored)
