"""Settings: defaults, ranges, choices, the same checks when one is turned at run time; and each moves its method."""

import dataclasses
import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests import houses
from tests.helpers import rates_of_adam
from tests.u3lab.adversarial.attacked import small
from tests.u3lab.universal.networks import tiny
from u3lab import U3Error, adversarial, dissection, equivariance, inversion, landmarks, prior, saliency, selfsup
from u3lab import universal as uni
from u3lab.inversion.maximising import DreamSettings, dream
from u3lab.landmarks.places import cells
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


@pytest.mark.parametrize("field, value", [
    ("lam", 0.0), ("lam", 5), ("lam", np.float32(0.25)), ("lr", 1e-3), ("lr", 1), ("grid", 7), ("grid", 56.0),
    ("grid", np.int64(14)), ("fill", "noise"), ("jitter", True)])
def test_a_setting_takes_its_range_with_both_ends_and_keeps_its_kind(field: str, value):
    made = Made()
    setattr(made, field, value)
    assert getattr(made, field) == value == getattr(Made(**{field: value}), field)
    assert type(getattr(made, field)) is type(getattr(Made(), field)) and Made() != made  # not the class's own


BAD = [("lam", -0.1, "0.0 to 5.0"), ("lam", 5.1, "0.0 to 5.0"), ("lam", float("nan"), "number from"),
       ("lam", float("inf"), "number from"), ("lam", "1", "number from"), ("lam", None, "number from"),
       ("lam", True, "number from"), ("grid", False, "number from"), ("grid", 28.5, "whole number"),
       ("grid", 6, "7 to 56"), ("fill", "black", "blur, grey, noise"), ("fill", None, "blur, grey, noise"),
       ("lr", 0.0, "0.001 to 1.0"), ("lam", [1], "number from"),
       ("jitter", 1, "True or False"), ("jitter", "yes", "True or False"), ("jitter", None, "True or False")]


@pytest.mark.parametrize("field, value, wanted", BAD)
def test_bad_values_are_named_and_leave_the_old_one(field: str, value, wanted: str):
    made = Made()
    for turn in (lambda: Made(**{field: value}), lambda: setattr(made, field, value)):
        with pytest.raises(U3Error) as caught:
            turn()
        assert isinstance(caught.value, ValueError)
        assert all(words in str(caught.value) for words in (f"Made.{field}", repr(value), wanted))
    assert made == Made()


def test_unknown_fields():
    with pytest.raises(U3Error, match="Made has no setting 'lambda_'; it has lam, lr, grid, fill"):
        Made().lambda_ = 1.0
    with pytest.raises(TypeError, match="lambda_"):
        Made(lambda_=1.0)


# ---- each setting of each method moves it ----------------------------------------------------------------------------

def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def moved(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs of pictures, x and x a pixel farther, and all cells of both."""
    x = torch.rand(count, 3, 24, 24, generator=generator)
    here = cells(torch.zeros(12, 12)).expand(count, -1, -1)
    return x, x.roll(1, 3), here, here + 1 / 12


def concepts(chosen: Any) -> Tensor:
    masks = noise(4, 6, 6, seed=1) > 0.6
    return dissection.net2vec(noise(4, 5, 3, 3) > 0.5, masks, settings=chosen)


def labelled(chosen: Any) -> Iterable:
    """Both losses that have settings of their own, in turns."""
    runs = (landmarks.train_labeller(landmarks.labeller(4, 3), moved, loss=loss, settings=chosen)
            for loss in ("labelling", "landmarks"))
    return chain.from_iterable(zip(*runs, strict=True))


def tasks() -> uni.Tasks:
    return uni.Tasks(tiny(), ["1"], {"what": uni.Task("label", 4)})


def stitched() -> Any:
    return equivariance.stitch(tiny(), "2", tiny(seed=1), "2", X)


NET, X, Y = small()[0], noise(12, 3, 16, 16), torch.arange(12) % 3
FEW = {"steps": 4}
SEEN = inversion.InversionSettings(steps=4)
# Settings → a short run with them, and the values that it is made with.
RUNS: dict[type, tuple[Callable[[Any], Iterable | Tensor], dict[str, Any]]] = {
    adversarial.AttackSettings: (lambda s: adversarial.pgd(*small(), "a", settings=s), FEW | {"eps": 0.01}),
    adversarial.DeepFoolSettings: (lambda s: adversarial.deepfool(*small(5), "a", settings=s),
                                   {"steps": 3, "classes": 1}),
    adversarial.PatchSettings: (lambda s: adversarial.adversarial_patch(NET, X, "b", settings=s), FEW | {"side": 8}),
    dissection.Net2VecSettings: (concepts, FEW),
    equivariance.StitchSettings: (lambda s: equivariance.distil(stitched(), X, settings=s), FEW | {"batch_size": 4}),
    DreamSettings: (lambda s: dream(NET, "1", noise(1, 3, 96, 80), settings=s), {"steps": 2, "octaves": 3}),
    inversion.InversionSettings: (lambda s: inversion.invert(NET, "1", X[:1], settings=s), FEW | {"jitter": 1}),
    inversion.MaximiseSettings: (lambda s: inversion.maximise(NET, "logits", "a", prior=inversion.Pixels(), size=16,
                                                              settings=s), FEW),
    inversion.SampleSettings: (lambda s: inversion.sample(NET, "1", noise(1, 3, 32, 32), settings=s), FEW),
    **{kind: (lambda s: inversion.invert(NET, "1", noise(1, 3, 16, 16), prior=s, settings=SEEN),
              {"depth": 2, "skip": 2} if "depth" in fields(kind) else {}) for kind in inversion.PRIORS.values()},
    landmarks.AutoencodeSettings: (lambda s: landmarks.autoencode(
        landmarks.KeypointAutoencoder(2, width=2), (X, X.flip(3)), settings=s), FEW | {"batch_size": 4}),
    landmarks.LabelSettings: (labelled, FEW | {"batch_size": 2, "queries": 100}),
    landmarks.PoseSettings: (lambda s: landmarks.learn_pose(
        landmarks.pose_encoder(2, "2d"), landmarks.rotated_pairs(X), settings=s), FEW | {"batch_size": 4}),
    prior.PriorSettings: (lambda s: prior.fit(prior.generator(size=16, depth=1), X[:1], settings=s), FEW),
    saliency.MaskSettings: (lambda s: saliency.meaningful_perturbation(*small(), "a", settings=s),
                            FEW | {"mask_size": 4}),
    selfsup.ClusterSettings: (lambda s: selfsup.cluster(selfsup.digit_encoder(2), X, 3, settings=s),
                              FEW | {"batch_size": 6, "heads": 1}),
    selfsup.PretextSettings: (lambda s: selfsup.pretrain(selfsup.encoder(2), noise(8, 3, 64, 64), "upright",
                                                         settings=s), FEW | {"batch_size": 4}),
    selfsup.SegmentSettings: (lambda s: selfsup.segment(selfsup.texture_encoder(2), noise(6, 3, 32, 32), 3, settings=s),
                              FEW | {"batch_size": 4, "heads": 1, "reach": 1}),
    uni.LearnetSettings: (lambda s: uni.train_learnet(net := uni.adapt(tiny()).add_domain("a", 3).add_domain("b", 3),
                                                      uni.learnet(net, "a"), {"a": (X, Y), "b": (1 - X, Y)},
                                                      settings=s), FEW | {"batch_size": 4, "shots": 3, "lr": 0.05}),
    uni.TasksSettings: (lambda s: uni.train_tasks(tasks(), X, {"what": Y}, settings=s), FEW | {"batch_size": 4}),
    uni.UniversalSettings: (lambda s: uni.train_domain(uni.adapt(tiny()).add_domain("new", 3), "new", X, Y,
                                                       settings=s), FEW | {"batch_size": 4}),
}
# What has to be on for a setting to count.
WITH: dict[tuple[str, str], dict[str, Any]] = {
    ("AttackSettings", "seed"): {"random": True}, ("UniversalSettings", "prior"): {"lam": 1.0},
}
EACH = pytest.mark.parametrize("kind, name", [pytest.param(kind, name, id=f"{kind.__name__}.{name}")
                                              for kind in RUNS for name in fields(kind)])


def course(kind: type, given: dict[str, Any], turn: tuple[str, Any] | None = None) -> list[tuple]:
    """All that a run with these settings yields, as plain numbers; one may be turned when its second step is seen."""
    chosen, seen = kind(**given), []
    made = RUNS[kind][0](chosen)
    for n, step in enumerate([made] if isinstance(made, Tensor) else made):
        value, terms = (step, {}) if isinstance(step, Tensor) else (step.value, step.terms)
        seen.append((value.shape, value.flatten().tolist(), *terms.values()))
        if turn and n == 1:
            setattr(chosen, *turn)
    return seen


@pytest.mark.parametrize("kind", [kind for kind in RUNS if "lr" in fields(kind)], ids=lambda kind: kind.__name__)
def test_the_rate_falls_where_its_help_says_so_and_stays_elsewhere(kind: type):
    with rates_of_adam() as rates:
        list(RUNS[kind][0](kind(**RUNS[kind][1])))
    falls = "it falls" in fields(kind)["lr"].help
    each = rates[::2] if kind is landmarks.LabelSettings else rates  # two runs in turns
    if kind is not dissection.Net2VecSettings:  # its optimiser is another one
        assert len(each) == 4 and (each[-1] < each[0] / 2) == falls
        assert each == sorted(set(each) if falls else each, reverse=True)


def others(known: Setting, now: Any) -> list[Any]:
    """Other values of a setting: all choices, or a number that is a little larger or, at the end, smaller."""
    if known.choices or known.low is None:
        return [one for one in known.choices or (True, False) if one != now]
    step = 1 if isinstance(known.low, int) else now if known.scale == "log" and now else (known.high - known.low) / 10
    return [now + step if now + step <= known.high else now - step / 2]


def test_no_settings_of_a_method_are_forgotten():
    sources = [path.read_text(encoding="utf-8") for path in houses.files(*houses.SHIPPED)]
    named = {name for text in sources for name in re.findall(r"^@settings\nclass (\w+)", text, re.MULTILINE)}
    assert named == {kind.__name__ for kind in RUNS}, "give each a short run in RUNS"


@cache
def plain_course(kind: type, given: tuple[tuple[str, Any], ...]) -> list[tuple]:
    return course(kind, dict(given))


@pytest.mark.parametrize("kind", RUNS, ids=lambda kind: kind.__name__)
def test_a_run_is_a_matter_of_its_seed_and_takes_nobodys_random_numbers(kind: type):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    plain = plain_course(kind, tuple(RUNS[kind][1].items()))
    assert plain == course(kind, RUNS[kind][1]) and torch.equal(before, torch.get_rng_state())


@EACH
def test_every_setting_moves_its_method_from_the_start_and_while_it_runs(kind: type, name: str):
    """While it runs: but for what is marked ``once``, which a run does not look at again."""
    given = RUNS[kind][1] | WITH.get((kind.__name__, name), {})
    known = fields(kind)[name]
    for value in others(known, getattr(kind(**given), name)):
        plain = plain_course(kind, tuple(given.items()))
        assert plain != course(kind, given | {name: value})
        if len(plain) > 1:
            turned = course(kind, given, (name, value))
            assert turned[:2] == plain[:2] and (turned == plain) == known.once
