"""An optimisation that is watched and steered while it runs.

    play(lambda settings: meaningful_perturbation(net, image, "espresso", settings=settings), MaskSettings(), "lam")
    play(lambda prior, given: invert(net, "fire5", x, prior=prior, settings=given), TV(), InversionSettings(), "beta")
"""

import html
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as w

from u3lab._system import credits
from u3lab._system.notebook import shared
from u3lab.checks import STEPS, function, is_a, shown, whole
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.figures import COLOURS
from u3lab.live import kernel
from u3lab.live.controls import Controls
from u3lab.live.explorer import Live, row, slip
from u3lab.live.kernel import Pace, take
from u3lab.live.screen import Picture, as_picture

WRITE = 0.1  # seconds between two versions of the numbers and the curve: nobody reads faster, and each costs a message
FASTEST = 60  # frames a second; more cannot be seen
Shown = Step | tuple[Step, Picture] | tuple[Step, Picture, str]  # a step; another picture to show than its value; words
Solver = Callable[..., Iterator[Shown]]
# Of the energy curve, in pixels; more points than these cannot be told apart at its width.
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 300, 170, 40, 20, 8
POINTS = 150


class Player(Live):
    """A running optimisation: buttons, sliders, the picture and the energy curve; made by :func:`play`.

    Attributes:
        settings: The object that the solver reads and the sliders write; the tuple of them if there are several.
        sliders: The :class:`~u3lab.live.controls.Controls` of all settings objects.
        controls: The further controls by name.
        step: The last :class:`~u3lab.descent.Step`, or None before the first.
        playing: Whether it runs.
    """

    def __init__(self, solver: Solver, settings_then_names: tuple[Any, ...], first: int,
                 controls: dict[str, Any]) -> None:
        self.solver = is_a("solver", solver, Callable, "give a function that returns an iterator of steps")
        first, self.sliders = whole("first", first, 0, STEPS), Controls(*settings_then_names)
        super().__init__(controls, paced=True)
        given = ", ".join([*("the " + type(one).__name__ for one in self.sliders.objects), *controls])
        how = f"give a function of {given} that returns an iterator of steps"
        function("solver", solver, len(self.sliders.objects), how, controls)
        self.settings, self.curve = self.sliders.settings, w.HTML()
        self.playing, self._task, self._early = False, None, None
        self._build()
        self.sliders.on_turn(lambda name: self.sliders.known[name].once and self._ask())
        self._begin()
        self._take_first(first)
        kernel.register(self)

    def _build(self) -> None:
        narrow, in_a_row = w.Layout(width="auto"), w.Layout(flex_flow="row wrap")
        self.play_button = w.Button(description="play", icon="play", layout=w.Layout(width="6em"))
        self.step_button = w.Button(description="step", icon="step-forward", layout=narrow)
        self.restart_button = w.Button(description="restart", icon="refresh", layout=narrow)
        self.speed = w.IntSlider(FASTEST, 1, FASTEST, description="speed", tooltip="at most so many steps a second")
        self.play_button.on_click(lambda button: self.pause() if self.playing else self._post(self.play))
        self.step_button.on_click(lambda button: (self.pause(), self._post(self._step)))
        self.restart_button.on_click(lambda button: self._post(self.restart))
        buttons = w.HBox([self.play_button, self.step_button, self.restart_button, self.speed], layout=in_a_row)
        beside = w.HBox([self.picture, self.curve], layout=in_a_row)
        self.box = w.VBox([row(self.controls, self.picture), self.sliders, buttons, beside, self.line])

    def _post(self, work: Callable[[], object]) -> None:
        kernel.post(self._loop, work)

    def _solve(self) -> Iterator[Shown]:
        """The solver's steps. It is called when the first one is asked for, so that what it raises shows as a line."""
        given = {name: control.value for name, control in self.controls.items()}
        yield from is_a("what the solver returns", self.solver(*self.sliders.objects, **given), Iterable,
                        "let it return an iterator of steps")

    def _take_first(self, count: int) -> None:
        """The steps before the student's: at once, or after the cell where a class computes."""
        if self._loop is not None and shared():
            self.advance()
            self._early = self._loop.create_task(take(self.advance, count))
        self._unseen = min(count, self._total() or count)  # pictures of all would be a tenth of a chapter's start
        for _ in range(0 if self._early else count + 1):
            self.advance()

    def _take_over(self) -> None:
        """From now on no step comes by itself but those that are asked for, and each is shown."""
        self._unseen = 0
        if self._early is not None:
            self._early.cancel()

    def _begin(self) -> None:
        """Make a new run; nothing is computed yet."""
        self._take_over()
        self._steps = self._solve()
        self._lines: dict[str, list[float]] = {}
        self._own: credits.Credits = {}  # of the whole run: a piece need not run at each step
        self.step, self._ended, self._written, self._times = None, False, 0.0, deque(maxlen=20)

    def play(self) -> None:
        """Run until the end, a pause, or until nobody looks. Every other player pauses."""
        if self.playing:
            return
        if self._loop is None:
            raise U3Error("no notebook is running here; take the steps with player.advance()")
        kernel.pause_all(but=self)
        self._take_over()
        if self._ended:
            self._begin()
        self._times.clear()
        self._set(True)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._run())

    def pause(self) -> None:
        """Stop after the present step; :meth:`play` goes on from there."""
        self._set(False)

    def interrupt(self) -> None:
        """Stop after the present step, and take no first steps any more."""
        self.pause()
        self._take_over()

    def close(self) -> None:
        """Stop for good and give back the widgets and the run; the picture on the page goes."""
        self.interrupt()
        self._steps = iter(())
        super().close()

    def _step(self) -> None:
        self._take_over()
        self.advance()

    def restart(self) -> None:
        """Begin anew with the present settings, and go on if it was running. The same settings give the same run."""
        self._asked = False
        self._begin()
        self.advance()

    _answer = restart  # a dragged mouse asks for one restart, not for many

    def advance(self) -> bool:
        """Take one step and show it; False if there was none. An error shows as a line."""
        try:
            with credits.noted(self._own):
                shown = next(self._steps, None)
            if shown is not None:
                self._show(*parts(shown))
        except Exception as error:  # nobody sees what a task raises: say it where the student looks
            self._ended = True
            self.line.value = slip(error)
            return False
        if shown is None and not self._ended:
            self._write_last_numbers()
            self._ended = True
            self.line.value += " · finished: <i>play</i> begins anew"
        return shown is not None

    async def _run(self) -> None:
        pace = Pace()
        while self.playing:
            kernel.heed_interrupts()
            begun = time.perf_counter()
            if not await self.picture.on_screen():
                self.line.value = "paused: no page shows this picture any more"
                break
            if self.playing and not self.advance():
                break
            await kernel.breathe(max(1 / self.speed.value - (time.perf_counter() - begun), pace.rest()))
        else:  # paused
            self._write_last_numbers()
        self._set(False)

    def _show(self, step: Step, picture: Picture | None = None, words: str = "") -> None:
        self.step = step
        for name, value in {"E": step.loss, **step.terms}.items():
            self._lines.setdefault(name, []).append(value)
        self._times.append(time.perf_counter())
        progress = f"step {step.iteration}" + (f" of {total}" if (total := self._total()) else "")
        line = " · ".join(filter(None, (progress, f"E = {step.loss:.3f}", words)))
        if len(self._lines["E"]) <= self._unseen:
            return
        self.picture.show(as_picture(step.value) if picture is None else picture, line)
        self.picture.badge = credits.badge(self._own)
        now = time.perf_counter()
        if not self.playing or now - self._written > WRITE:
            self._written = now
            self._write_numbers(step)

    def _write_numbers(self, step: Step) -> None:
        rate = round((len(t) - 1) / (t[-1] - t[0])) if self.playing and len(t := self._times) > 2 else None
        told = "" if rate is None else f" · {rate} step{'s'[rate == 1:]} a second"
        self.line.value = html.escape(self.picture.alt) + told
        self.curve.value = svg(self._lines, self._total(), f"E after {step.iteration} steps")

    def _write_last_numbers(self) -> None:
        """While it runs the numbers lag behind the picture a little; when it stops they must not."""
        if self.step is not None and not self._ended:  # an error has ended it with a line of its own
            self._write_numbers(self.step)

    def _total(self) -> int | None:
        """How many steps there will be: what the last of the settings objects that has ``steps`` says."""
        return next((one.steps for one in reversed(self.sliders.objects) if hasattr(one, "steps")), None)

    def _set(self, playing: bool) -> None:
        self.playing = playing
        self.play_button.description = self.play_button.icon = "pause" if playing else "play"


def play(solver: Solver, *settings_then_names: Any, first: int = 0, still: int | None = None,
         **controls: Any) -> Player:
    """Show an optimisation that the student plays, pauses, steps, restarts and steers.

    It pauses when another player starts, when a cell is run, when the kernel is interrupted, and when no page shows the
    picture any more. On a machine that is full it rests between steps, so that others' sliders are answered.

    Args:
        solver: Called with the settings objects, in the order given, and one value for each of ``controls`` by name;
            returns an iterator that yields a :class:`~u3lab.descent.Step`, or (Step, picture) or (Step, picture, line
            of text) to show something else than ``step.value``. It reads the settings at every step.
        settings_then_names: One or more objects of classes made with :func:`u3lab.settings.settings`, each of another
            class; their sliders write into them at once. A field that is read only at the start (``once``) starts the
            run anew. Then the names of the fields in view, all if none is named; the others are in a fold. "TV.lam" if
            several have a "lam".
        first: How many steps to take at once, so that the first picture shows something; if it is more than there are,
            all, and *play* begins anew. Where a class computes on one machine (``U3LAB_SHARED=1``) they follow the
            cell, a minute later at most, and rest while others wait.
        still: How many in place of ``first`` where a notebook is run to be kept (``U3LAB_STILLS=1``, which
            tools/notebooks.py sets): for a run of minutes, for which *Run All* should not wait.
        controls: Further controls, as for :func:`~u3lab.live.explore`; moving one starts the run anew.

    Raises:
        U3Error: No settings object or two of one class, a name that is unknown or that several have, a value without a
            control, or a solver that does not take just these.
    """
    if still is not None and os.environ.get("U3LAB_STILLS") == "1":
        first = still
    return Player(solver, settings_then_names, first, controls)


def parts(given: Shown) -> tuple:
    """What a solver yields as a tuple, if it begins with a step."""
    found = given if isinstance(given, tuple) else (given,)
    if not 1 <= len(found) <= 3 or not isinstance(found[0], Step):
        raise U3Error(f"the solver yields {shown(given)}; let it yield a Step, (Step, picture), or these and a text")
    return found


def svg(lines: Mapping[str, Sequence[float]], total: int | None, name: str) -> str:
    """Named curves over the steps from 0 to ``total`` (or as far as they go), with their last values in a legend.

    ``name`` is what the picture is called for a screen reader. Text and axes take the colour of the page, so that the
    curve is readable in the dark theme.
    """
    finite = [value for line in lines.values() for value in line if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(0.0, *finite), max(0.0, *finite)
    high = high if high > low else low + 1.0
    length = max(total or 0, max(map(len, lines.values())) - 1, 1)

    def at(step: float, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - 6) * step / length
        return f"{x:.1f},{HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low):.1f}"

    drawn, legend = [], []
    for index, (label, line) in enumerate(lines.items()):
        stride = -(-len(line) // POINTS)
        kept = sorted({*range(0, len(line), stride), len(line) - 1})
        points = " ".join(at(step, line[step]) for step in kept if math.isfinite(line[step]))
        colour = "currentColor" if index == 0 else COLOURS[(index - 1) % len(COLOURS)]
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        legend.append(f'<span style="color:{colour}">━</span> {html.escape(label)} {line[-1]:.3f}')
    corner, axes = at(0, low), f"{at(0, high)} {at(0, low)} {at(length, low)}"
    words = f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{high:.2g}</text>' \
            f'<text x="{LEFT - 4}" y="{corner.split(",")[1]}" text-anchor="end">{low:.2g}</text>' \
            f'<text x="{WIDTH - 6}" y="{HEIGHT - 6}" text-anchor="end">step {length}</text>'
    return (f'<div style="line-height:1.5"><svg role="img" aria-label="{html.escape(name, quote=True)}" '
            f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="11" fill="currentColor">'
            f'<polyline points="{axes}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>{"".join(drawn)}{words}'
            f'</svg><br/>{"<br/>".join(legend)}</div>')
