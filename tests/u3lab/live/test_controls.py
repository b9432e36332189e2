"""The controls of a settings object: the right widget for each setting, and every value arrives as it was meant."""

import dataclasses
import importlib
import math

import ipywidgets as w
import pytest

from tests import houses
from tests.helpers import refuses
from tests.u3lab.live.toys import Shadow, Toy
from u3lab import live
from u3lab.settings import fields as fields_of
from u3lab.settings import setting, settings


def library() -> list[type]:
    """Every settings class of the library."""
    found = {}
    for name in map(houses.name_of, houses.files(*houses.SHIPPED)):
        if not name.endswith("__main__"):
            for thing in vars(importlib.import_module(name)).values():
                if dataclasses.is_dataclass(thing) and isinstance(thing, type) and thing.__module__ == name:
                    fields = dataclasses.fields(thing)
                    if fields and all("setting" in field.metadata for field in fields):
                        found[thing.__qualname__] = thing
    return list(found.values())


LIBRARY = library()
assert "MaskSettings" in [kind.__name__ for kind in LIBRARY]


def drawn(slider: w.Widget) -> float:
    """The value that a browser writes back when it draws the slider: the nearest on its grid."""
    log = isinstance(slider, w.FloatLogSlider)
    at = math.log(slider.value) / math.log(10) if log else slider.value  # in the browser's own arithmetic
    share = (at - slider.min) / (slider.max - slider.min) * 100
    step = slider.step / (slider.max - slider.min) * 100
    at = slider.min + math.floor(share / step + 0.5) * step / 100 * (slider.max - slider.min)
    return 10.0**at if log else at


def redraw(controls: live.controls) -> None:
    for field in controls.fields.values():
        if isinstance(field, w.FloatSlider | w.FloatLogSlider):
            field.value = drawn(field)


@pytest.mark.parametrize("name, kind", [
    ("target", w.FloatSlider), ("lr", w.FloatLogSlider), ("start", w.FloatSlider), ("steps", w.IntSlider),
    ("seed", w.BoundedIntText), ("shade", w.Dropdown), ("noisy", w.Checkbox)])
def test_every_kind_of_setting_has_its_widget(name, kind):
    controls = live.controls(Toy())
    field, known = controls.fields[name], fields_of(Toy)[name]
    assert type(field) is kind
    assert field.value == getattr(Toy(), name)
    assert field.description == (known.symbol or name)
    assert field.tooltip == f"{name}: {known.help}"
    if kind is w.FloatLogSlider:
        assert (10**field.min, 10**field.max) == pytest.approx((known.low, known.high))
    elif known.low is not None:
        assert (field.min, field.max) == (known.low, known.high)
    assert known.choices == (field.options if kind is w.Dropdown else ())


def test_a_slider_may_end_before_the_range_does_but_holds_what_it_is_given():
    @settings
    class Long:
        batch_size: int = setting(16, 2, 100_000, slide_to=64, help="pictures at each step")
        reach: float = setting(1.0, 0.0, 1000.0, slide_to=10.0, help="how far")

    fields = live.controls(Long()).fields
    assert type(fields["batch_size"]) is w.IntSlider and (fields["batch_size"].max, fields["reach"].max) == (64, 10)
    field = live.controls(Long(batch_size=256)).fields["batch_size"]
    assert (field.max, field.value) == (256, 256)


def test_a_moved_control_writes_and_tells():
    toy, told = Toy(), []
    controls = live.controls(toy)
    controls.on_turn(told.append)
    controls.observe(lambda change: told.append(change["new"]), names="value")
    for name, value in {"target": 0.5, "lr": 0.1, "steps": 9, "seed": 7, "shade": "red", "noisy": True}.items():
        controls.fields[name].value = value
        assert getattr(toy, name) == value and type(getattr(toy, name)) is type(getattr(Toy(), name))
        assert told[-2:] == [name, toy]
    assert controls.value is toy is controls.settings and controls.objects == (toy,)


def test_reset_puts_every_control_back_where_it_was():
    first = {"target": 0.25, "lr": 0.2, "start": 0.5, "steps": 50, "seed": 3, "shade": "red", "noisy": True}
    toy = Toy(**first)
    controls = live.controls(toy)
    for name, value in dataclasses.asdict(Toy()).items():
        controls.fields[name].value = value
    assert toy == Toy()
    controls.reset_button.click()
    assert toy == Toy(**first)
    assert {name: field.value for name, field in controls.fields.items()} == first


def test_named_settings_are_in_view_and_the_rest_in_a_fold():
    controls = live.controls(Toy(), "lr", "target")
    row, fold = controls.children
    assert row.children == (controls.fields["lr"], controls.fields["target"], controls.reset_button)
    assert isinstance(fold, w.Accordion) and fold.selected_index is None
    assert [field.description for field in fold.children[0].children] == ["start", "steps", "seed", "shade", "noisy"]
    assert list(controls.fields) == list(fields_of(Toy))
    (everything,) = live.controls(Toy()).children
    assert len(everything.children) == len(fields_of(Toy)) + 1


def test_the_values_as_text_for_viewers_without_widgets():
    data = live.controls(Toy(target=0.5))._repr_mimebundle_()
    assert "t = 0.5: where the level goes" in data["text/plain"].splitlines()
    assert "application/vnd.jupyter.widget-view+json" in data and "<br>" in data["text/html"]


@settings
class Odd:
    """Defaults that no round step meets, and ends whose power of ten overshoots."""

    third: float = setting(1 / 3, 0.0, 5.0, help="not a decimal number")
    fine: float = setting(0.123, 0.0, 5.0, help="finer than a hundredth of the range")
    shifted: float = setting(0.7, 0.2, 1.3, help="a range that begins in the middle of nowhere")
    edge: float = setting(0.05, 0.05, 7.0, scale="log", help="the default is the end")
    near: float = setting(0.051, 0.05, 50.0, scale="log", help="the default is close to the end")
    prime: float = setting(7.3, 0.7, 37.0, scale="log", help="nothing round")


@pytest.mark.parametrize("kind", [*LIBRARY, Toy])
def test_a_browser_that_draws_the_sliders_leaves_the_defaults(kind):
    odd = Odd()
    redraw(live.controls(odd))
    assert dataclasses.asdict(odd) == pytest.approx(dataclasses.asdict(Odd()), rel=1e-8)
    made = kind()
    controls = live.controls(made)
    redraw(controls)
    assert made == kind()
    for name, field in controls.fields.items():  # and again after a walk to the far end and back
        if isinstance(field, w.FloatSlider | w.FloatLogSlider):
            field.value = 10**field.max if isinstance(field, w.FloatLogSlider) else field.max
            assert getattr(made, name) == fields_of(kind)[name].high
    controls.reset()
    redraw(controls)
    assert made == kind()


@pytest.mark.parametrize("kind", [*LIBRARY, Toy])
def test_every_slider_has_about_a_hundred_places_and_both_ends(kind):
    made = kind()
    for name, field in live.controls(made).fields.items():
        if isinstance(field, w.FloatSlider | w.FloatLogSlider):
            assert 40 <= (field.max - field.min) / field.step <= 250, name
            for end in "low", "high":
                edge = getattr(fields_of(kind)[name], end)
                field.value = edge
                assert getattr(made, name) == edge


def test_several_settings_objects_share_a_row():
    toy, shadow, told = Toy(), Shadow(), []
    controls = live.controls(toy, shadow, "target", "Shadow.lr", "depth")
    controls.on_turn(told.append)
    controls.observe(lambda change: told.append(change["new"]), names="value")
    assert list(controls.fields) == list(controls.known) == [
        "target", "Toy.lr", "start", "steps", "Toy.seed", "shade", "noisy", "Shadow.lr", "depth", "Shadow.seed"]
    assert [controls.fields[f"{kind}.seed"].description for kind in ("Toy", "Shadow")] == ["Toy.seed", "Shadow.seed"]
    row, fold = controls.children
    assert row.children == (*map(controls.fields.get, ("target", "Shadow.lr", "depth")), controls.reset_button)
    assert len(fold.children[0].children) == 7
    for name, value in {"target": 0.5, "Toy.lr": 0.1, "Shadow.lr": 0.02, "Shadow.seed": 7, "depth": 2}.items():
        controls.fields[name].value = value
        assert told[-2:] == [name, (toy, shadow)]
    assert (toy, shadow) == (Toy(target=0.5, lr=0.1), Shadow(lr=0.02, seed=7, depth=2))
    assert controls.value is controls.settings and controls.settings == controls.objects == (toy, shadow)
    controls.reset_button.click()
    assert (toy, shadow) == (Toy(), Shadow())


@pytest.mark.parametrize("given, words", [
    ((Toy(), "speed"), "Toy has no setting 'speed'; it has target, lr"),
    ((Toy(), Shadow(), "lr"), r"several settings objects have 'lr'; write Toy\.lr or Shadow\.lr"),
    ((Toy(), Shadow(), "Toy.target"), "Toy and Shadow have no setting 'Toy.target'; they have target, Toy.lr"),
    ((Toy(), "Toy.lr"), "Toy has no setting 'Toy.lr'; it has target, lr"),
    ((Toy(), Shadow(), Toy(), "target"), "2 settings objects are of class Toy; give one of each class"),
    ((Toy(), "target", Shadow()), "a Shadow stands after a name; give all settings objects first, then names"),
    ((), "no settings object was given; give one such as"), (("lr",), "no settings object was given; give one such as"),
    ((None,), "None is no settings object"), ((Toy, "lr"), "Toy'> is no settings object")])
def test_what_does_not_make_a_row_is_refused(given, words):
    refuses(live.controls, *given, says=words)


def test_every_place_of_a_log_slider_is_allowed():
    made = Odd()
    for name in "edge", "near", "prime":
        slider = live.controls(made).fields[name]
        for k in range(401):
            slider.value = 10 ** (slider.min + k / 400 * (slider.max - slider.min))  # a refused one would raise
            assert getattr(made, name) == pytest.approx(slider.value, rel=1e-6)


@settings
class Priced:
    """A logarithmic setting that may be 0."""

    lam: float = setting(0.0, 0.0, 10.0, scale="log", help="price")


@pytest.mark.parametrize("start", [0.0, 1e-5, 0.02, 10.0])
def test_the_left_end_of_a_log_slider_stands_for_zero_where_that_is_allowed(start: float):
    made = Priced(lam=start)
    slider = live.controls(made).fields["lam"]
    assert made.lam == start
    for at in (math.log10(0.3), slider.min, slider.min + slider.step, 1.0):
        slider.value = 10.0**at
        assert made.lam == pytest.approx(0 if at == slider.min else 10.0**at, rel=1e-6)


@settings
class Thirds:
    """Ends that nine digits do not hold."""

    share: float = setting(0.5, 1 / 3, 2 / 3, scale="log", help="share")


def test_an_end_of_many_digits_is_reached():
    made = Thirds()
    slider = live.controls(made).fields["share"]
    for at, end in (slider.min, 1 / 3), (slider.max, 2 / 3):
        slider.value = 10.0**at
        assert made.share == pytest.approx(end) and 1 / 3 <= made.share <= 2 / 3
