"""The player, taken step by step: what it shows, what is read when, and how it speaks of an error."""

import base64

import pytest
import torch

from tests.helpers import refuses
from tests.u3lab.live.toys import Shadow, Toy, approach, levels
from u3lab import U3Error, figures, live, pixels
from u3lab._system import credits
from u3lab.descent import Step
from u3lab.settings import setting, settings


def test_the_first_picture_is_there_at_once():
    player = live.play(approach, Toy())
    assert player.step.iteration == 0 and not player.playing
    assert player.line.value == player.picture.alt == "step 0 of 6 · E = 1.000"
    data, metadata = player._repr_mimebundle_()
    captioned = figures.Figure(bytes(player.picture.value), player.line.value).captioned(player.line.value)
    assert base64.b64decode(data["image/jpeg"]) == captioned.data
    assert data["text/plain"] == metadata["image/jpeg"]["alt"] == "step 0 of 6 · E = 1.000"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_first_takes_some_steps_at_once():
    player = live.play(approach, Toy(), first=3)
    assert player.step.iteration == 3 and "E after 3 steps" in player.curve.value
    assert player.picture.frame == 1 and len(player._lines["E"]) == 4  # one picture, and a curve of all
    stepped = live.play(approach, Toy())
    for _ in range(3):
        stepped.advance()
    assert (stepped.picture.value, stepped.line.value) == (player.picture.value, player.line.value)
    player.restart()
    assert player.picture.frame == 2 and player.picture.value == live.play(approach, Toy()).picture.value
    assert player.step.iteration == 0 and len(player._lines["E"]) == 1 and "E after 0 steps" in player.curve.value


def test_a_still_is_played_further_where_a_notebook_is_run_to_be_kept(monkeypatch):
    monkeypatch.delenv("U3LAB_STILLS", raising=False)
    assert live.play(approach, Toy(), first=1, still=5).step.iteration == 1
    monkeypatch.setenv("U3LAB_STILLS", "1")
    assert live.play(approach, Toy(), first=1, still=5).step.iteration == 5
    assert live.play(approach, Toy(), first=1).step.iteration == 1


def test_the_badge_holds_for_a_run_in_which_the_readers_own_code_ran():
    def sometimes(settings):
        for step in approach(settings):
            if step.iteration in (1, 3):
                credits.credit("1-train", None, "the library's")
            if step.iteration == 5:
                credits.withdraw("1-train")
            yield step

    player = live.play(sometimes, Toy())
    seen = [player.picture.badge]
    while player.advance():
        seen.append(player.picture.badge)
    assert seen == ["", *["your code: 1-train"] * 4, "", ""]
    player.restart()
    player.advance()
    assert player.picture.badge == "your code: 1-train"
    player.restart()
    assert player.picture.badge == ""


def test_first_steps_beyond_the_end_show_the_end():
    player = live.play(approach, Toy(), first=30)
    assert player.step.iteration == 6 and "finished" in player.line.value
    assert player.picture.frame == 1 and player.picture.alt.startswith("step 6 of 6")


def test_steps_go_to_the_end_and_the_last_one_stays():
    player = live.play(approach, Toy(), "target")
    for iteration in range(1, 7):
        player.step_button.click()
        assert player.step.iteration == iteration
    last = player.picture.value
    assert not player.advance() and player.step.iteration == 6
    assert player.line.value.startswith("step 6 of 6") and player.picture.value == last
    assert "level 0.984" in player.curve.value


def test_restart_gives_the_same_run():
    player = live.play(approach, Toy(noisy=True, seed=5))
    first, picture = levels(player), player.picture.value
    player.restart_button.click()
    assert player.step.iteration == 0
    assert levels(player) == first and player.picture.value == picture
    assert first != levels(live.play(approach, Toy(noisy=True, seed=6)))


def test_a_turned_slider_steers_the_run_that_is_under_way():
    player = live.play(approach, Toy())
    player.advance()
    player.sliders.fields["target"].value = 2.0
    assert player.step.iteration == 1  # nothing begins anew
    assert levels(player) == pytest.approx([0.5, *(2 - 1.5 * 0.5**n for n in range(1, 6))], abs=0.26)
    assert player.step.terms["level"] > 1.9


@pytest.mark.parametrize("name, value", [("start", 0.5), ("steps", 3), ("seed", 9)])
def test_a_setting_that_only_the_start_reads_starts_anew(name, value):
    player = live.play(approach, Toy(), first=2)
    player.sliders.fields[name].value = value
    assert player.step.iteration == 0 and getattr(player.settings, name) == value
    assert len(levels(player)) == player.settings.steps + 1


def test_further_controls_start_anew():
    def two(settings, times, at):
        for step in approach(settings):
            yield step, step.value, f"times {times} at {at}"

    player = live.play(two, Toy(), first=2, times=(1, 5), at=live.Click(0.5, 0.5))
    assert player.line.value.endswith("times 3 at (0.5, 0.5)")
    player.controls["times"].value = 4
    assert player.step.iteration == 0 and player.line.value.endswith("times 4 at (0.5, 0.5)")
    player.advance()
    player.picture.place = [0.0, 1.0]
    assert player.step.iteration == 0 and player.line.value.endswith("times 4 at (0.0, 1.0)")


def shadowed(shadow, settings, times):
    """A solver that takes two settings objects and one further control."""
    for step in approach(settings):
        yield step, step.value, f"depth {shadow.depth}, η {shadow.lr:.3f}, times {times}"


def test_several_settings_objects_go_to_the_solver_in_their_order():
    shadow, toy = Shadow(), Toy()
    player = live.play(shadowed, shadow, toy, "target", "Shadow.lr", first=2, times=(1, 5))
    assert player.settings == (shadow, toy)
    assert player.line.value == "step 2 of 6 · E = 0.062 · depth 1, η 0.010, times 3"
    player.sliders.fields["Shadow.lr"].value = 0.1
    player.sliders.fields["Toy.lr"].value = 1.0
    assert player.step.iteration == 2 and (shadow.lr, toy.lr) == (0.1, 1.0)  # steered, not begun anew
    player.advance()
    assert player.line.value == "step 3 of 6 · E = 0.000 · depth 1, η 0.100, times 3"
    for name, value in {"depth": 3, "Shadow.seed": 4, "Toy.seed": 4, "steps": 9}.items():
        player.advance()
        player.sliders.fields[name].value = value
        assert player.step.iteration == 0
    assert player.line.value == "step 0 of 9 · E = 1.000 · depth 3, η 0.100, times 3"


@settings
class Short:
    """Has a number of steps as well."""

    steps: int = setting(4, 1, 9, help="number of steps")


def test_the_last_object_with_steps_says_how_many():
    def solver(*objects):
        return approach(next(one for one in objects if isinstance(one, Toy)))

    assert live.play(solver, Short(), Toy()).line.value.startswith("step 0 of 6 ")
    player = live.play(solver, Toy(), Short(), Shadow())
    assert player.line.value.startswith("step 0 of 4 ") and ">step 4</text>" in player.curve.value
    player.sliders.fields["Short.steps"].value = 5
    player.advance()
    assert player.line.value.startswith("step 1 of 5 ")
    assert live.play(lambda shadow: approach(Toy()), Shadow()).line.value.startswith("step 0 · ")


def test_what_is_no_picture_is_shown_as_heat():
    mask = torch.linspace(-3, 3, 64).reshape(1, 1, 8, 8)
    both = torch.cat([mask, mask.flip(2)])  # of a batch the first
    player = live.play(lambda settings: iter([Step(0, 1.0, both, {})]), Toy())
    assert player.picture.value == pixels.jpeg(pixels.heat(mask), quality=90)


def broken(error, at=2):
    def solver(settings):
        for step in approach(settings):
            if step.iteration == at:
                raise error
            yield step
    return solver


@pytest.mark.parametrize("error, line", [
    (U3Error("the loss became nan; lower <η>"), '<b role="alert">the loss became nan; lower &lt;η&gt;</b>'),
    (ZeroDivisionError("division by zero"), '<b role="alert">ZeroDivisionError: division by zero</b>')])
def test_an_error_in_the_solver_is_a_line_and_the_picture_stays(error, line):
    player = live.play(broken(error), Toy(), first=1)
    good = player.picture.value
    for _ in range(2):  # a second press of the button does not hide it
        player.step_button.click()
        assert player.line.value == line and player.picture.value == good and player.step.iteration == 1
    player.restart()
    assert player.line.value == "step 0 of 6 · E = 1.000"


def test_an_error_at_the_very_start_is_a_line_too():
    def eager(settings):  # an ordinary function, as meaningful_perturbation is: it raises when it is called
        if settings.start > 0.5:
            raise U3Error("start lower")
        return approach(settings)

    player = live.play(eager, Toy(start=0.75))
    assert "start lower" in player.line.value and player.step is None
    assert not any(key.startswith("image/") for key in player._repr_mimebundle_()[0])
    player.sliders.fields["start"].value = 0.5
    assert player.line.value == "step 0 of 6 · E = 0.250"
    player.sliders.fields["start"].value = 1.0
    assert "start lower" in player.line.value


@pytest.mark.parametrize("yields", [None, 3, "text", torch.ones(2, 2), (), (None, None), [1]])
def test_a_solver_that_yields_no_steps_is_told_as_a_line(yields):
    player = live.play(lambda settings: iter([yields] if yields is not None else ["x"]), Toy())
    assert '<b role="alert">the solver yields' in player.line.value and player.step is None
    assert "what the solver returns is" in live.play(lambda settings: None, Toy()).line.value


def test_without_a_notebook_it_cannot_play_by_itself():
    refuses(live.play(approach, Toy()).play, says="no notebook is running here; take the steps with player.advance()")


def test_unknown_names_and_controls_are_refused():
    refuses(live.play, approach, Toy(), "lam", says="Toy has no setting 'lam'")
    refuses(live.play, approach, Toy(), Shadow(), "lr", says="several settings objects have 'lr'")
    refuses(live.play, approach, says="no settings object was given")
    refuses(live.play, approach, Toy(), at=None, says="no control can be made for at = None")
    refuses(live.play, lambda settings: None, Toy(), at=(0.0, 1.0), says="give a function of the Toy, at that")
    refuses(live.play, approach, Toy(), first=10**9, says="first = 1000000000; give a whole number from 0 to 100000")
