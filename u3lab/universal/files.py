"""A domain as a small file: only what it adds, tied to the source network by the hash of that network's weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from u3lab._system import paths
from u3lab.checks import shown
from u3lab.errors import U3Error
from u3lab.nets.classifier import ready
from u3lab.universal.methods import planned
from u3lab.universal.slots import Domain

if TYPE_CHECKING:
    from u3lab.universal.adapting import Adapted

FORMAT = "u3lab domain 1"
OWN = "own:"  # before the names of the network's own weights


def fingerprint(module: nn.Module) -> str:
    """SHA-256 of all weights and statistics with their names, in single precision, wherever and however they lie."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).contiguous()
        digest.update(f"{name} {tuple(value.shape)} {value.dtype} ".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def contents(domain: Domain) -> dict[str, Tensor]:
    """All numbers of a domain by name: weights, and the statistics of its batch norms."""
    own = {f"{OWN}{name}": weight.detach() for name, weight in domain.own.items()}
    return domain.parts.state_dict() | own


@torch.no_grad()
def fill(domain: Domain, values: dict[str, Tensor]) -> None:
    """Put numbers in the place of a domain's own.

    Raises
    ------
    KeyError, ValueError
        If they are not of such a domain; nothing is changed then.
    """
    places = contents(domain)
    if places.keys() != values.keys() or any(places[name].shape != values[name].shape for name in places):
        raise ValueError("of another domain")
    for name, place in places.items():
        place.copy_(values[name])


def save(net: Adapted, path: str | Path, name: str, images: Tensor | None) -> Path:
    """See :meth:`u3lab.universal.adapting.Adapted.save_domain`."""
    from safetensors.torch import save

    domain, path = net.domain(name), _path(path)
    if not domain.parts:
        raise U3Error(f"{name!r} is the network itself and has nothing to save; give the name of a domain that was "
                      "added")
    values = contents(domain)
    if images is not None and _keeps_classes(net, domain, images):
        values = {key: _halved(value) for key, value in values.items()}
    facts = {"format": FORMAT, "base": net.base, "name": name, "classes": json.dumps(domain.classes),
             "plan": json.dumps(asdict(domain.plan))}
    content = save({key: value.cpu().contiguous() for key, value in values.items()}, metadata=facts)
    try:
        paths.write_atomically(path, content)
    except OSError as error:
        raise U3Error(f"the domain {name!r} cannot be kept in {path} ({error.strerror}); choose another place") from (
            error)
    return path


def _keeps_classes(net: Adapted, domain: Domain, images: Tensor) -> bool:
    """Whether no picture changes its class when the domain's numbers are rounded to half precision."""
    net, kept = ready(net, images), {key: value.clone() for key, value in contents(domain).items()}
    with net.using(domain.name), torch.no_grad():
        before = net(images).argmax(1)
        try:
            fill(domain, {key: _halved(value) for key, value in kept.items()})
            return torch.equal(before, net(images).argmax(1))
        except U3Error:  # infinite in half precision
            return False
        finally:
            fill(domain, kept)


def _halved(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def load(net: Adapted, path: str | Path) -> str:
    """See :meth:`u3lab.universal.adapting.Adapted.load_domain`."""
    path = _path(path)
    facts, values = _read(path)
    damaged = U3Error(f"the file {path.name} is damaged or of another version; save the domain again")
    try:
        name, base, classes = facts["name"], facts["base"], json.loads(facts["classes"])
        plan = planned(**json.loads(facts["plan"]))
    except (KeyError, TypeError, ValueError):  # a U3Error is a ValueError
        raise damaged from None
    if base != net.base:
        raise U3Error(f"the domain {name!r} in {path.name} belongs to a network with other weights than those that "
                      f"{net.name} began with; load it into that network")
    domain = net.add_planned(name, classes, plan)
    try:
        fill(domain, values)
    except ValueError:
        net.remove_domain(name)
        raise damaged from None
    return name


def _path(path: object) -> Path:
    if not isinstance(path, (str, Path)) or not str(path).strip():
        raise U3Error(f"path = {shown(path)}; give the name of a file, such as 'digits.safetensors'")
    return Path(path)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            values = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 — it is no dict
    except OSError as error:
        raise U3Error(f"the file {path} cannot be read ({error.strerror or error}); check its name") from error
    except SafetensorError as error:
        raise U3Error(f"the file {path.name} is damaged or no safetensors file; save the domain again") from error
    if facts.get("format") != FORMAT:
        raise U3Error(f"the file {path.name} holds no domain; give one that net.save_domain(…) wrote")
    return facts, values
