"""Each experiment, in its short form: the files that it promises, of the shipped form, and nothing else touched."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from u3lab import images
from u3lab._system import paths

EXPERIMENTS = Path(importlib.import_module("u3lab.experiments").__file__).parent
RUNS = {
    "colouring": ("weights", [], ["colouring.safetensors"]),
    "learnet": ("", [], ["results/learnet-squeezenet1_1.json", "weights/learnet-lights.safetensors"]),
    "start": ("results", [], ["start.json"]),
    "sensitivity": ("results", [], ["sensitivity.json"]),
    "animals": ("weights", [], ["labeller-animals.safetensors"]),
    "finder": ("weights", [], ["finder.safetensors"]),
    "tissues": ("results", [], ["tissues.json"]),
    "invented": ("results", [], ["invented-brain1.png"]),
    "shrinkage": ("results", [], ["shrinkage-squeezenet1_1.json"]),
    "bolted": ("results", [], ["adapters-resnet26_plain.json", "adapters-resnet26_serial.json"]),
    "clusters": ("results", [], ["clusters.json"]),
    "naturals": ("results", [], ["naturals.json"]),
    "carried": ("", [], ["results/carried.json", "weights/labeller-brain.safetensors"]),
    "labellers": ("", [], ["results/labellers.json", *(f"weights/labeller-{which}.safetensors"
                                                       for which in ("cat", "person", "person-warps"))]),
    "rabbits": ("", [], ["results/rabbits.json", *(f"weights/labeller-rabbit-{delta}.safetensors"
                                                   for delta in (1, 6))]),
    "pretexts": ("results", [], ["pretexts.json"]),
    "poses": ("", [], ["results/poses.json", "weights/pose-chair.safetensors"]),
    "keypoints": ("", [], ["results/keypoints.json", "weights/keypoints-chair.safetensors",
                           "weights/keypoints.safetensors"]),
    "segments": ("results", [], ["segments.json"]),
    "tasks": ("results", [], ["tasks-squeezenet1_1.json"]),
    "pointing_game": ("results", [], ["pointing_game.json"]),
    **{name: ("results", [], [f"{name}.json"]) for name in ("removal", "variants", "forgetting", "attacks", "moving",
                                                            "joints", "layers")},
    "dissected": ("results", [], ["dissected.npz"]),
    "detection": ("results", [], ["detection.json"]),
    "restoring": ("results", [], ["restoring.json", *(f"restoring-{task}.jpg" for task in ("half", "hole", "large",
                                                                                          "shapes", "text", "wide"))]),
    "impedance": ("results", [], ["impedance.jpg", "impedance.json"]),
    "stopping": ("results", [], ["stopping.json"]),
    "adversarial_patch": ("", [], ["patches/bubble.png", "results/adversarial_patch.json"]),
    "mask_riddles": ("quiz/6", [], ["1.jpg", "2.jpg", "index.json"]),
    "icons": ("quiz/5", [], ["1.jpg", "2.jpg", "index.json"]),
    "icon_table": ("results", [], ["channels.json", "icons-alone.jpg", "icons.jpg", "icons.json"]),
    "inversion_table": ("results", [], ["inversion-efficientnet_lite0.jpg", "inversion-squeezenet1_1.jpg",
                                        "inversion.json"]),
    "deep_codes": ("results", [], ["deep-starts.jpg", "deep.jpg", "deep.json"]),
    "coded_lesions": ("results", [], ["lesions.jpg", "lesions.json"]),
    "five_priors": ("results", [], ["priors.jpg", "priors.json"]),
    "readouts": ("results", [], ["readouts.json"]),
    "adapters": ("results", [], ["adapters-squeezenet1_1.json"]),
    "domains": ("", [], ["domains/digits.safetensors", "results/domains.json"]),
    "restorers": ("weights", ["denoiser"], ["denoiser.safetensors"]),
    "inverters": ("weights", ["fire9-perceptual"], ["inverter-fire9-perceptual.safetensors"]),
    "unrolled": ("weights", ["fire5"], ["unrolled-fire5.safetensors"]),
    "resnet26": ("weights", [], ["resnet26_half.safetensors"]),
}


def test_every_experiment_is_here_and_has_no_effect_on_import():
    names = sorted(file.stem for file in EXPERIMENTS.glob("*.py") if not file.stem.startswith("_"))
    assert names == sorted(RUNS)
    for name in names:
        kinds = {type(part) for part in ast.parse((EXPERIMENTS / f"{name}.py").read_text(encoding="utf-8")).body}
        assert kinds <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef}


def test_the_door_lists_what_there_is_and_names_what_is_near(capsys):
    from u3lab.experiments.__main__ import listed, main

    assert sorted(listed()) == sorted(RUNS) and all(listed().values())
    assert main([]) == 0
    said = capsys.readouterr().out.split()
    assert set(RUNS) <= set(said)
    assert main(["remval"]) == 1 and capsys.readouterr().err.count("removal") == 1


@pytest.mark.parametrize("name", RUNS)
def test_the_short_form_writes_what_the_long_one_does(name: str, tmp_path: Path, capsys):
    folder, arguments, wanted = RUNS[name]
    importlib.import_module(f"u3lab.experiments.{name}").main([*arguments, "--short", "--out", str(tmp_path)])
    made = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file())
    assert made == sorted(wanted)
    said = capsys.readouterr().out
    for file in made:
        assert paths.sha256(tmp_path / file) in said
        _of_the_same_form(tmp_path / file, paths.data(*folder.split("/"), *file.split("/")) if folder
                          else paths.data(*file.split("/")))


def _of_the_same_form(made: Path, shipped: Path) -> None:
    """Pictures are pictures, tables have the same keys, weights the same names and shapes."""
    if made.suffix == ".safetensors":
        new, old = load_file(made), load_file(shipped)
        assert {key: value.shape for key, value in new.items()} == {key: value.shape for key, value in old.items()}
        assert all(value.dtype != torch.float32 for value in new.values())
        with safe_open(made, "pt") as a, safe_open(shipped, "pt") as b:
            assert a.metadata().keys() == b.metadata().keys()
            if made.parent.name != "domains":  # those name their network instead
                assert a.metadata()["recipe"].split()[:4] == b.metadata()["recipe"].split()[:4]
    elif made.suffix == ".json":
        new, old = (json.loads(file.read_text(encoding="utf-8")) for file in (made, shipped))
        new, old = (table[0] if isinstance(table, list) else table for table in (new, old))
        assert new.keys() == old.keys()
        assert new.get("recipe", "").split()[:3] == old.get("recipe", "").split()[:3]
    elif made.suffix == ".npz":
        with np.load(made) as new, np.load(shipped) as old:
            assert {key: new[key].dtype.kind for key in new.files} == {key: old[key].dtype.kind for key in old.files}
    else:
        assert images.load(made).shape[1] == 3


def test_without_a_folder_a_short_run_leaves_data_alone(capsys):
    before = {file: file.stat().st_mtime_ns for file in paths.data().rglob("*")}
    importlib.import_module("u3lab.experiments.mask_riddles").main(["--short"])
    assert {file: file.stat().st_mtime_ns for file in paths.data().rglob("*")} == before
    assert "u3lab-" in capsys.readouterr().out


def test_under_torchrun_the_table_is_that_of_one_process(tmp_path: Path):
    """SqueezeNet has no batch norm, so that two processes that share each batch take the steps of one."""
    module = ["-m", "u3lab.experiments", "adapters", "--short", "--out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    for folder, launcher in (("one", []), ("two", ["-m", "torch.distributed.run", "--nproc_per_node", "2"])):
        subprocess.run([sys.executable, *launcher, *module, str(tmp_path / folder)], check=True, env=environment,
                       timeout=300)
    one, two = (json.loads((tmp_path / folder / "adapters-squeezenet1_1.json").read_text())["rows"]
                for folder in ("one", "two"))
    assert [row[:5] for row in one] == [row[:5] for row in two]
    for a, b in zip(one, two, strict=True):
        assert a[5:] == pytest.approx(b[5:], abs=0.02)  # sums in another order may turn a picture or two of 60


def test_what_a_table_has_is_not_computed_again(tmp_path: Path, monkeypatch):
    from u3lab.experiments import adapters

    adapters.main(["--short", "--out", str(tmp_path)])
    file, = tmp_path.glob("*.json")
    before = file.read_bytes()
    monkeypatch.setattr(adapters.trials, "train", None)  # would fail
    adapters.main(["--short", "--out", str(tmp_path)])
    assert file.read_bytes() == before
    table = json.loads(before)
    file.write_text(json.dumps({**table, "pictures": "others"}))
    with pytest.raises(SystemExit, match="other pictures"):
        adapters.main(["--short", "--out", str(tmp_path)])
