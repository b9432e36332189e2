"""Settings: defaults, ranges, choices, and the same checks when a setting is turned at run time."""

from __future__ import annotations

import dataclasses

import pytest

from u3lab import U3Error
from u3lab.settings import Setting, fields, setting, settings


@settings
class Made:
    """Settings as a chapter would write them."""

    lam: float = setting(0.5, 0.0, 5.0, symbol="λ", help="price of a large mask")
    lr: float = setting(0.1, 1e-3, 1.0, scale="log", help="size of a step")
    grid: int = setting(28, 7, 56, help="cells of the mask")
    fill: str = setting("blur", choices=("blur", "grey", "noise"), help="what replaces the perturbed")
    seed: int = setting(0, 0, 99, once=True, help="seed of the noise")
    jitter: bool = setting(False, help="shift the picture at random")


def test_defaults_and_keywords():
    assert Made() == Made(lam=0.5, lr=0.1, grid=28, fill="blur", seed=0, jitter=False)
    assert dataclasses.asdict(Made(lam=2, fill="grey", jitter=True)) == {
        "lam": 2.0, "lr": 0.1, "grid": 28, "fill": "grey", "seed": 0, "jitter": True}
    with pytest.raises(TypeError):
        Made(0.5)  # positions would break as soon as a field is added


def test_what_a_slider_needs():
    assert list(fields(Made)) == ["lam", "lr", "grid", "fill", "seed", "jitter"] == list(fields(Made()))
    assert fields(Made)["lam"] == Setting(0.0, 5.0, (), "linear", "λ", "price of a large mask", False, 5.0)
    assert fields(Made)["lr"].scale == "log"
    assert fields(Made)["fill"].choices == ("blur", "grey", "noise")
    assert fields(Made)["jitter"] == Setting(None, None, (), "linear", "", "shift the picture at random", False, None)
    assert [name for name, known in fields(Made).items() if known.once] == ["seed"]  # read when a run starts, only


@pytest.mark.parametrize("field, value", [("lam", 0.0), ("lam", 5.0), ("lr", 1e-3), ("lr", 1), ("grid", 7),
                                          ("grid", 56.0), ("fill", "noise"), ("jitter", True), ("jitter", False)])
def test_ends_of_a_range_are_allowed(field: str, value):
    made = Made(**{field: value})
    assert getattr(made, field) == value


def test_numbers_get_the_type_of_their_range():
    made = Made(lam=2, grid=14.0)
    assert isinstance(made.lam, float) and isinstance(made.grid, int)


BAD = [("lam", -0.1, "0.0 to 5.0"), ("lam", 5.1, "0.0 to 5.0"), ("lam", float("nan"), "number from"),
       ("lam", float("inf"), "number from"), ("lam", "1", "number from"), ("lam", None, "number from"),
       ("lam", True, "number from"), ("grid", False, "number from"), ("grid", 28.5, "whole number"),
       ("grid", 6, "7 to 56"), ("fill", "black", "blur, grey, noise"), ("fill", None, "blur, grey, noise"),
       ("lr", 0.0, "0.001 to 1.0"), ("lam", [1], "number from"),
       ("jitter", 1, "True or False"), ("jitter", "yes", "True or False"), ("jitter", None, "True or False")]


@pytest.mark.parametrize("field, value, wanted", BAD)
def test_bad_values_are_named(field: str, value, wanted: str):
    with pytest.raises(U3Error) as caught:
        Made(**{field: value})
    message = str(caught.value)
    assert f"Made.{field}" in message and repr(value) in message and wanted in message


@pytest.mark.parametrize("field, value, wanted", BAD)
def test_a_refused_value_leaves_the_old_one(field: str, value, wanted: str):
    made = Made()
    with pytest.raises(U3Error, match=wanted):
        setattr(made, field, value)
    assert made == Made()


def test_turning_a_setting():
    made = Made()
    made.lam = 3
    assert made.lam == 3.0 and Made().lam == 0.5  # its own value, not the class's


def test_unknown_fields():
    with pytest.raises(U3Error, match="Made has no setting 'lambda_'; it has lam, lr, grid, fill"):
        Made().lambda_ = 1.0
    with pytest.raises(TypeError, match="lambda_"):
        Made(lambda_=1.0)


def test_a_u3error_is_a_value_error():
    with pytest.raises(ValueError):
        Made(lam=-1)


def test_numpy_numbers():
    """Sliders and arrays hand them over."""
    import numpy as np

    assert Made(lam=np.float64(2)).lam == 2.0
    assert Made(grid=np.int64(14)).grid == 14
    assert Made(lam=np.float32(0.25)).lam == 0.25
