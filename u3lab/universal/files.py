"""A domain as a small file: only what it adds, tied to its network by the hash of that network's weights.

What the network does to pictures before its weights see them, and the side that they should have, is in the file, too:
all of it stands in the header, as text.
"""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab._system import paths
from u3lab._system.meanwhile import meanwhile
from u3lab.checks import listed, place
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier
from u3lab.universal.domain import Domain, Plan, named, planned

FORMAT = "u3lab domain 2"
# What ties a domain to a network, and how an error calls what differs.
TIES = {"base": "other weights than {} began with", "mean": "another mean of pictures than {} has",
        "std": "another standard deviation of pictures than {} has", "size": "another size of pictures than {} has"}


class Stored(NamedTuple):
    """What a domain's file holds; ``ties`` as :func:`ties_of` has them."""

    path: Path
    name: str
    ties: dict[str, str]
    classes: tuple[str, ...]
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


def ties_of(net: Classifier, base: str) -> dict[str, str]:
    """What a domain's file says of its network, as text: ``base``, the hash of its weights; mean, std, size."""
    facts = net.facts()
    return {"base": base, **{name: json.dumps(facts[name]) for name in TIES if name != "base"}}


def halved(domain: Domain) -> meanwhile:
    """Round a domain's numbers to half precision, until the block ends; U3Error if that makes one infinite."""
    kept = {name: value.clone() for name, value in domain.contents().items()}
    half = {name: _half(value) for name, value in kept.items()}
    _check_finite(half, f"the domain {domain.name!r}")
    return meanwhile((partial(fill, domain.contents(), half), partial(fill, domain.contents(), kept)))


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def _check_finite(values: dict[str, Tensor], whose: str) -> None:
    if not all(value.float().isfinite().all() for value in values.values() if value.is_floating_point()):
        raise U3Error(f"{whose} has NaN or infinite numbers; train it again, with a smaller rate, and save it then")


def write(path: str | Path, domain: Domain, ties: dict[str, str], *, half: bool) -> Path:
    """Write a domain's file; see :meth:`u3lab.universal.Adapted.save_domain`."""
    from safetensors.torch import save

    path = _path(path)
    _check_finite(domain.contents(), f"the domain {domain.name!r}")
    values = {name: (_half(value) if half else value).cpu().contiguous() for name, value in domain.contents().items()}
    plan = asdict(domain.plan)
    facts = {"format": FORMAT, **ties, "name": domain.name, "classes": json.dumps(domain.classes),
             "plan": json.dumps({"kind": plan.pop("method"), **plan})}  # in files the method is called a kind
    try:
        paths.write_atomically(path, save(values, metadata=facts))
    except OSError as error:
        raise U3Error(f"the domain {domain.name!r} cannot be kept in {path} ({error.strerror}); choose another "
                      "place") from error
    return path


def read(path: str | Path) -> Stored:
    """Read a domain's file.

    Raises:
        U3Error: A file that cannot be read, is damaged, holds no domain, or one with NaN or infinite numbers.
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
    if not facts.get("format", "").startswith(FORMAT.rstrip("0123456789")):
        raise U3Error(f"the file {path.name} holds no domain; give one that net.save_domain(…) wrote")
    if facts["format"] != FORMAT:
        raise damaged(path)
    try:
        plan, classes = json.loads(facts["plan"]), json.loads(facts["classes"])
        found = Stored(path, facts["name"], {name: facts[name] for name in TIES},
                       named(listed("classes", classes, str)), planned(plan.pop("kind"), **plan), values)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):  # a U3Error is a ValueError
        raise damaged(path) from None
    _check_finite(values, f"the domain {found.name!r} in {path.name}")
    return found


def damaged(path: Path) -> U3Error:
    """What is said of a file that is not as it was written."""
    return U3Error(f"the file {path.name} is damaged or of another version; save the domain again")


def _path(path: object) -> Path:
    return place("path", path, "a file, such as 'digits.safetensors'")


@torch.no_grad()
def fill(places: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    """Copy values into tensors of the same names, shapes and kinds: floats, whole numbers, complex ones.

    Raises:
        KeyError, ValueError: If names, shapes or kinds differ; nothing is changed then.
    """
    def kind(value: Tensor) -> tuple:
        return value.shape, value.is_floating_point(), value.is_complex(), value.dtype == torch.bool

    if places.keys() != values.keys() or any(kind(places[name]) != kind(values[name]) for name in places):
        raise ValueError("of another network")
    for name, held in places.items():
        held.copy_(values[name])
