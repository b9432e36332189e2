"""A domain in a file: small, tied to its network, whole or not at all, in half precision where that costs nothing."""

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.helpers import refuses, squeezenet
from tests.u3lab.universal.networks import network, pictures, shaken, tiny
from u3lab.universal import METHODS, adapt

X = pictures(side=32)


def facts(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


@pytest.mark.parametrize("kind", METHODS)
def test_it_comes_back_bit_by_bit(kind: str, tmp_path: Path):
    net = shaken(adapt(tiny(), kind, rank=2).add_domain("new", ["x", "y", "z"]), "new").use("new")
    path = net.save_domain(tmp_path / "new.safetensors", "new")
    other = adapt(tiny(), kind)  # whatever its own rank: the file has the domain's
    assert other.load_domain(path) == "new" and other.domains == ("source", "new")
    assert torch.equal(other.use("new")(X), net(X)) and other.classes == ("x", "y", "z")
    again = other.save_domain(tmp_path / "again.safetensors", "new")
    one, two = load_file(path), load_file(again)
    assert facts(again) == facts(path) and all(torch.equal(one[key], two[key]) for key in one | two)


def test_a_network_of_one_kind_takes_the_domain_of_another(tmp_path: Path):
    net = shaken(adapt(tiny(), "serial").add_domain("new", 3), "new").use("new")
    path = net.save_domain(str(tmp_path / "new.safetensors"), "new")
    other = adapt(tiny(), "parallel").add_domain("mine", 2)
    other.load_domain(str(path))
    assert torch.equal(other.use("new")(X), net(X))


def test_half_precision_is_written_if_every_picture_keeps_its_class(tmp_path: Path):
    net = shaken(adapt(squeezenet()).add_domain("new", 4), "new", 0.05)
    x = pictures(4)
    before = net.use("new")(x)
    whole = net.save_domain(tmp_path / "whole", "new")
    half = net.use("source").save_domain(tmp_path / "half", "new", images=x)
    assert os.path.getsize(half) < 0.55 * os.path.getsize(whole)
    assert net.used == ("source",) and torch.equal(net.use("new")(x), before)
    other = adapt(squeezenet())
    other.load_domain(half)
    assert torch.equal(other.use("new")(x).argmax(1), before.argmax(1))


def test_half_precision_is_left_if_one_changes_it(tmp_path: Path):
    net = shaken(adapt(tiny()).add_domain("new", 2), "new")
    with torch.no_grad():  # two classes that only the last digits tell apart
        head = list(net.domain("new").parts.values())[-1]
        head.weight[1] = head.weight[0]
        head.bias[:] = torch.tensor([1.0, 1.0 + 1e-5])
    before = net.use("new")(X)
    path = net.save_domain(tmp_path / "new", "new", images=X)
    assert all(value.dtype != torch.float16 for value in load_file(path).values())
    assert torch.equal(net(X), before)
    with torch.no_grad():
        head.bias[0] = -1e6  # infinite in half precision
    assert all(value.isfinite().all() for value in load_file(net.save_domain(path, "new", images=X)).values())


def test_the_hash_is_that_of_the_numbers_only(tmp_path: Path):
    net = adapt(squeezenet()).add_domain("new", 2)
    path = net.save_domain(tmp_path / "new", "new")
    other = squeezenet().module
    for same in (other.to(memory_format=torch.contiguous_format), squeezenet()):
        assert adapt(same).base == net.base == facts(path)["base"]
    assert adapt(network("resnet18")).base != net.base


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return shaken(adapt(tiny()).add_domain("new", 3), "new").save_domain(tmp_path / "new.safetensors", "new")


def test_a_file_for_other_weights(saved: Path):
    refuses(adapt(tiny(seed=1)).load_domain, saved, says=("'new' in new.safetensors", "other weights", "tiny"))


def test_two_domains_of_one_name(saved: Path):
    refuses(adapt(tiny()).add_domain("new", 2).load_domain, saved, says="has a domain 'new' already")


def test_files_that_are_none(saved: Path, tmp_path: Path):
    net = adapt(tiny())
    for wrong in (None, 3, "", "  ", []):
        refuses(net.load_domain, wrong, says="path = ")
        refuses(net.add_domain("x", 2).save_domain, wrong, "x", says="path = ")
        net.remove_domain("x")
    refuses(net.load_domain, tmp_path / "nowhere", says="cannot be read")
    refuses(net.load_domain, tmp_path, says="cannot be read|damaged")
    save_file({"a": torch.ones(1)}, tmp_path / "other")
    refuses(net.load_domain, tmp_path / "other", says="holds no domain")
    assert net.domains == ("source",)


def test_a_file_cut_anywhere_is_refused_and_changes_nothing(saved: Path):
    content, net = saved.read_bytes(), adapt(tiny())
    for length in range(0, len(content), max(1, len(content) // 40)):
        saved.write_bytes(content[:length])
        refuses(net.load_domain, saved, says="damaged|read")
    assert net.domains == ("source",) and not list(net.added.parameters())


@pytest.mark.parametrize("change", [{"plan": "{"}, {"plan": "[]"}, {"plan": "{}"}, {"plan": '{"kind": "x"}'},
                                    {"classes": "1"}, {"classes": '["a"]'}, {"classes": "[1, 2]"}, {"name": "a.b"},
                                    {"plan": '{"kind":"nope","share":1,"on":null,"rank":4,"seed":0}'},
                                    {"plan": '{"kind":"serial","share":"x","on":null,"rank":4,"seed":0}'},
                                    {"plan": '{"kind":"serial","share":1,"on":null,"rank":4,"seed":0}'}])
def test_a_file_whose_facts_are_spoilt(saved: Path, change: dict[str, str]):
    values, net = load_file(saved), adapt(tiny())
    save_file(values, saved, facts(saved) | change)
    refuses(net.load_domain, saved)
    assert net.domains == ("source",)


def test_a_file_whose_numbers_are_of_another_shape(saved: Path):
    values = {key: value[:1] if value.ndim else value for key, value in load_file(saved).items()}
    save_file(values, saved, facts(saved))
    refuses(adapt(tiny()).load_domain, saved, says="damaged")


def test_the_source_and_a_folder_that_is_none(tmp_path: Path):
    net = adapt(tiny()).add_domain("new", 2)
    refuses(net.save_domain, tmp_path / "x", "source", says="'source' is the network itself")
    refuses(net.save_domain, tmp_path / "x", "other", says="no domain 'other'")
    (tmp_path / "file").write_text("")
    refuses(net.save_domain, tmp_path / "file" / "x", "new", says="cannot be kept")
    refuses(net.save_domain, tmp_path / "x", "new", images=torch.ones(3, 3), says="shape")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
