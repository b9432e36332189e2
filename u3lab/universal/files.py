"""A domain as a small file: only what it adds, tied to the source network by the hash of that network's weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from u3lab._system import paths
from u3lab.checks import place
from u3lab.errors import U3Error
from u3lab.training.loop import fill
from u3lab.universal.domain import Domain, Plan
from u3lab.universal.methods import planned

FORMAT = "u3lab domain 1"


class Stored(NamedTuple):
    """What a domain's file holds: ``base`` is the hash of the source network's weights."""

    path: Path
    name: str
    base: str
    classes: list[str]
    plan: Plan
    values: dict[str, Tensor]


def fingerprint(module: nn.Module) -> str:
    """SHA-256 of all weights and statistics with their names, in single precision, wherever and however they lie."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).contiguous()
        digest.update(f"{name} {tuple(value.shape)} {value.dtype} ".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def halved(domain: Domain) -> Iterator[None]:
    """Round a domain's numbers to half precision, until the block ends."""
    kept = {name: value.clone() for name, value in domain.contents().items()}
    try:
        fill(domain.contents(), {name: _half(value) for name, value in kept.items()})
        yield
    finally:
        fill(domain.contents(), kept)


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def write(path: str | Path, domain: Domain, base: str, *, half: bool) -> Path:
    """Write a domain's file; see :meth:`u3lab.universal.Adapted.save_domain`."""
    from safetensors.torch import save

    path = _path(path)
    values = {name: (_half(value) if half else value).cpu().contiguous() for name, value in domain.contents().items()}
    plan = asdict(domain.plan)
    facts = {"format": FORMAT, "base": base, "name": domain.name, "classes": json.dumps(domain.classes),
             "plan": json.dumps({"kind": plan.pop("method"), **plan})}  # in files the method is called a kind
    try:
        paths.write_atomically(path, save(values, metadata=facts))
    except OSError as error:
        raise U3Error(f"the domain {domain.name!r} cannot be kept in {path} ({error.strerror}); choose another "
                      "place") from error
    return path


def read(path: str | Path) -> Stored:
    """Read a domain's file.

    Raises
    ------
    U3Error
        A file that cannot be read, is damaged, or holds no domain.
    """
    from safetensors import SafetensorError, safe_open

    path = _path(path)
    try:
        with safe_open(paths.ordinary(path), framework="pt") as file:
            facts = file.metadata() or {}
            values = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 — it is no dict
    except OSError as error:
        raise U3Error(f"the file {path} cannot be read ({error.strerror or error}); check its name") from error
    except SafetensorError as error:
        raise damaged(path) from error
    if facts.get("format") != FORMAT:
        raise U3Error(f"the file {path.name} holds no domain; give one that net.save_domain(…) wrote")
    try:
        plan = json.loads(facts["plan"])
        return Stored(path, facts["name"], facts["base"], json.loads(facts["classes"]),
                      planned(plan.pop("kind"), **plan), values)
    except (AttributeError, KeyError, TypeError, ValueError):  # a U3Error is a ValueError
        raise damaged(path) from None


def damaged(path: Path) -> U3Error:
    """What is said of a file that is not as it was written."""
    return U3Error(f"the file {path.name} is damaged or of another version; save the domain again")


def _path(path: object) -> Path:
    return place("path", path, "a file, such as 'digits.safetensors'")
