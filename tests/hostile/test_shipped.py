"""Shipped files that are damaged, swapped or planted, and domains that belong to another network: one sentence each."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from tests.helpers import refuses, slip
from tests.hostile import wrong
from u3course.lessons.universal import trials
from u3lab import U3Error, nets, results, universal
from u3lab._system import paths
from u3lab.landmarks import labeller
from u3lab.nets import checkpoints
from u3lab.universal import files

DATA = paths.data()
CHECKED = sorted(name for name in paths.hashes(DATA / "README.md") if not name.endswith((".md", ".json")))


# ---- what ships

@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a few of the shipped files, which may be spoilt."""
    folder = tmp_path / "course" / "data"
    for name in ("README.md", "weights/labeller-cat.safetensors", "weights/labeller-person.safetensors",
                 "weights/squeezenet1_1.safetensors", "weights/imagenet.json", "results/dissected.npz",
                 "results/variants.json", "domains/digits.safetensors", "domains/people.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / name, folder / name)
    monkeypatch.setattr(paths, "_DATA", folder)
    return folder


READERS: dict[str, Callable[[], object]] = {
    "weights/labeller-cat.safetensors": lambda: checkpoints.restore(labeller(), "labeller-cat"),
    "weights/squeezenet1_1.safetensors": lambda: nets.load("squeezenet1_1", device="cpu"),
    "results/dissected.npz": lambda: paths.data("results", "dissected.npz"),
    "domains/digits.safetensors": trials.domain_files}


@pytest.mark.parametrize("name", READERS)
def test_one_bit_of_an_array_is_noticed(name, course):
    READERS[name]()
    content = bytearray((course / name).read_bytes())
    content[-3] ^= 1  # a number, not the header
    (course / name).write_bytes(content)
    refuses(READERS[name], says=(name, "damaged, or another one", "unpack the course again"))


@pytest.mark.parametrize("one, other", [("weights/labeller-cat", "weights/labeller-person"),
                                        ("domains/digits", "domains/people")])
def test_weights_of_the_same_form_under_another_name(one, other, course):
    os.replace(course / f"{other}.safetensors", course / f"{one}.safetensors")
    refuses(READERS[f"{one}.safetensors"], says=(one, "another one"))


@pytest.mark.parametrize("name", CHECKED)
def test_every_array_is_asked_for_its_hash(name, course):
    """Whoever reads them, reads them where this says so: no other code knows the folder."""
    (course / name).parent.mkdir(parents=True, exist_ok=True)
    (course / name).write_bytes(b"planted")
    refuses(paths.data, *name.split("/"), says=(re.escape(name), "another one"))


def test_a_file_is_asked_once_and_again_when_it_changes(course, monkeypatch):
    asked, sha256 = [], paths.sha256
    monkeypatch.setattr(paths, "sha256", lambda path: asked.append(path) or sha256(path))
    for _ in range(3):
        file = paths.data("results", "dissected.npz")
    assert asked == [file]
    os.utime(file, ns=(1, 1))
    paths.data("results", "dissected.npz")
    assert asked == [file, file]


def test_text_for_people_to_edit_may_differ(course):
    (course / "quiz").mkdir()
    (course / "quiz" / "0.md").write_text("my own question")
    assert paths.data("quiz", "0.md").read_text() == "my own question"
    content = json.loads((course / "results" / "variants.json").read_text())
    (course / "results" / "variants.json").write_text(json.dumps(content | {"rows": content["rows"][:3]}))
    assert len(results.table("variants")) == 3


def test_a_table_that_is_no_table(course):
    (course / "results" / "variants.json").write_bytes(b'{"rows": [')
    refuses(results.table, "variants", says=("variants.json is damaged", "unpack"))


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments], check=True,
                   capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("how", ["missing", "damaged", "a bit rotten"])
def test_the_advice_mends_a_clone(how, course):
    """A rotten bit changes neither size nor date, and git takes such a file for sound until it is deleted."""
    for command in (["init"], ["add", "."], ["commit", "-m", "all"]):
        git(course.parent, *command)
    file, ask = course / "results" / "dissected.npz", lambda: paths.data("results", "dissected.npz")
    whole, seen = file.read_bytes(), file.stat()
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if how == "a bit rotten" else whole[:99])
    if how == "a bit rotten":
        os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        paths._digest.cache_clear()
    with slip("git checkout HEAD") as told:
        ask()
    if "delete it and" in str(told.value):
        file.unlink()
    command = re.search("`(git .+)`", str(told.value))[1]
    git(course.parent, *shlex.split(command)[1:])
    assert ask().read_bytes() == whole


def test_the_advice_for_a_wheel_names_its_file(course, monkeypatch):
    monkeypatch.setattr(paths, "_PACKAGE", course.parent)
    (course / "results" / "dissected.npz").write_bytes(b"")
    with slip("install the wheel again") as told:
        paths.data("results", "dissected.npz")
    name = re.search(r"`pip install --force-reinstall --no-deps (\S+)`", str(told.value))[1]
    guide = Path(__file__).resolve().parents[2] / "docs" / "notebooks.md"
    assert not guide.exists() or f"pip install {name}" in guide.read_text(encoding="utf-8")


# ---- a domain's file

def saved(folder: Path, method: str = "parallel") -> Path:
    net = universal.adapt(wrong.net(), method, rank=2).add_domain("new", ["p", "q"])
    return net.save_domain(folder / "new.safetensors", "new")


def other(**facts: object) -> universal.Adapted:
    """A network of the same weights."""
    net = wrong.small()
    return universal.adapt(nets.Classifier(net.module, **net.facts() | facts))


@pytest.mark.parametrize("facts, word", [({"mean": (0.5, 0.5, 0.5)}, "mean"), ({"size": 64}, "size"),
                                         ({"std": (1.0, 1.0, 1.0)}, "standard deviation")])
def test_a_network_that_sees_pictures_otherwise(facts, word, tmp_path):
    path, net = saved(tmp_path), other(**facts)
    refuses(net.load_domain, path, says=("'new'", f"another {word}", "load it into that network"))
    assert net.domains == ("source",) and other().load_domain(path) == "new"


def spoilt(path: Path, values: Callable[[dict[str, Tensor]], object] = lambda values: None, **facts: str) -> Path:
    """The file with other numbers or words."""
    with safe_open(path, "pt") as file:
        said = file.metadata()
    held = load_file(path)
    values(held)
    path.write_bytes(save(held, metadata={key: value for key, value in {**said, **facts}.items() if value is not None}))
    return path


def put(value: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Tensor]], object]:
    def change(values: dict[str, Tensor]) -> None:
        name = next(name for name, one in values.items() if one.is_floating_point())
        values[name] = value(values[name]).contiguous()
    return change


VALUES = {"NaN": put(lambda v: v * float("nan")), "infinite": put(lambda v: v + float("inf")),
          "whole numbers": put(lambda v: v.long()), "complex": put(lambda v: v.to(torch.complex64)),
          "of yes and no": put(lambda v: v > 0), "of another shape": put(lambda v: v[None]),
          "one missing": lambda values: values.popitem(), "one more": lambda values: values.update(x=torch.ones(1)),
          "eight bits": put(lambda v: (v * float("nan")).to(torch.float8_e4m3fn))}
FACTS = {name: {"classes": json.dumps(value)} for name, value in {
    "a number": 2, "numbers": [1, 2], "a text": "pq", "one": ["p"], "lists": [["p"], ["q"]]}.items()}
FACTS |= {f"no {name}": {name: None} for name in ("classes", "plan", "base", "mean", "std", "size", "name")}
FACTS |= {f"plan {name}": {"plan": json.dumps(value)} for name, value in {
    "a list": [], "empty": {}, "of another kind": {"kind": "nope"},
    "of words": {"kind": "parallel", "share": "1", "on": None, "rank": 4, "seed": 0}}.items()}
FACTS |= {"a name with a dot": {"name": "a.b"}, "an earlier format": {"format": "u3lab domain 1"},
          "more classes than numbers": {"classes": json.dumps(["p", "q", "r"])}}


@pytest.mark.parametrize("how", [*VALUES, *FACTS])
def test_a_spoilt_domain_gets_one_sentence_and_leaves_the_network_alone(how, tmp_path):
    path = saved(tmp_path)
    spoilt(path, VALUES[how]) if how in VALUES else spoilt(path, **FACTS[how])
    net = other()
    with pytest.raises(U3Error) as told:
        net.load_domain(path)
    assert 10 < len(str(told.value)) <= 300 and "\n" not in str(told.value)
    assert net.domains == ("source",)
    assert net.load_domain(saved(tmp_path)) == "new"


@pytest.mark.parametrize("method", universal.METHODS)
def test_a_domain_that_is_not_finite_is_not_written(method, tmp_path):
    net = universal.adapt(wrong.small(), method, rank=2).add_domain("new", ["p", "q"])
    with torch.no_grad():
        net.domain_parameters("new")[-1].view(-1)[0] = float("nan")
    refuses(net.save_domain, tmp_path / "new", "new", says=("'new'", "NaN", "train it again"))
    assert not list(tmp_path.iterdir())


def test_a_number_too_large_for_half_precision_is_written_whole(tmp_path):
    net = universal.adapt(wrong.small()).add_domain("new", ["p", "q"])
    with torch.no_grad():
        net.domain_parameters("new")[-1].fill_(1e5)  # of both classes: no picture changes its class
    path = net.save_domain(tmp_path / "new", "new", images=torch.rand(2, 3, 32, 32))
    assert max(value.max() for value in load_file(path).values()) == 1e5


def test_the_domains_that_ship_say_what_they_belong_to():
    net = nets.load("squeezenet1_1", device="cpu")
    ties = files.ties_of(net, files.fingerprint(net.module))
    assert len(trials.domain_files()) == 10 and all(files.read(path).ties == ties for path in trials.domain_files())


def test_a_file_of_another_library_is_no_domain(tmp_path):
    save_file({"x": torch.ones(2)}, tmp_path / "x.safetensors", metadata={"format": "pt"})
    refuses(other().load_domain, tmp_path / "x.safetensors", says="holds no domain")
