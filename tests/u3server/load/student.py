"""A student: opens a chapter's live figures, then moves sliders after some thought, plays, or solves an exercise.

Or runs a whole chapter.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field

import aiohttp
import nbformat

from tests.browser.jupyter import NOTEBOOKS
from tests.u3server.load.line import Line, Model
from u3server import demo

EXPLORERS, PLAYER = ("06", "01", "00"), "04"  # chapters with sliders on the stage; every fifth place plays
THINKING = 2.0  # seconds on average between an answer and the next move
WRITING = 6.0  # seconds on average in which the next answer to an exercise is written; every fifth place does that
EXERCISE = """from u3course import course
assert course.check("6-guided", lambda p, through: {answer}).passed is {passes}"""
ANSWERS = {"through(p)": False, "through(p).relu()": True}
PATIENCE = 60.0  # seconds to wait for a picture, after which the student counts as lost
SLIDERS = ("IntSliderModel", "FloatSliderModel")


@dataclass
class Report:
    """What a student saw: seconds until all was ready, from each move to its picture; frames; what went wrong.

    ``checks`` are the seconds from each answer to an exercise until it was judged.

    ``entered`` are the seconds until there was a server; ``answered`` and ``ready``, from then on, those until the
    kernel answered and until all cells had run.
    """

    chapter: str
    entered: float = 0.0
    answered: float = 0.0
    ready: float = 0.0
    answers: list[float] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)
    frames: int = 0
    failures: list[str] = field(default_factory=list)


class Student:
    """One place in the room. The view's part is played, too: each third frame is reported, as screen.js does.

    With a ``chapter`` all of its cells are run; else the live figures of the chapter that belongs to the place. Who is
    ``warm`` takes the kernel that waits for the notebook; without that, each has a kernel of one's own on any server.
    """

    def __init__(self, number: int, seed: int = 0, *, chapter: str = "", warm: bool = False) -> None:
        self.number, self.random, self._whole = number, random.Random(seed * 1000 + number), bool(chapter)
        self._warm = warm
        self.plays, self.writes, self.patience = number % 5 == 4, number % 5 == 3, PATIENCE
        own = PLAYER if self.plays else EXPLORERS[0 if self.writes else number % len(EXPLORERS)]
        self.report = Report(chapter or own)
        self.file = next(NOTEBOOKS.glob(f"{self.report.chapter}_*.ipynb"))
        self.line: Line | None = None
        self.figures: list[list[Model]] = []  # the widgets of each
        self._came = asyncio.Event()

    async def begin(self, session: aiohttp.ClientSession, url: str) -> None:
        """Start a kernel and run the cells of the chapter's live figures, or all."""
        start = time.monotonic()
        self.line = await Line.open(session, url, self.file.name if self._warm else "")
        self.line.heard = self.heard
        self.report.answered = time.monotonic() - start
        for source in self.cells():
            await self.run(source)
        self.report.ready = time.monotonic() - start

    def cells(self) -> list[str]:
        """The code of the chapter's live figures, or all of it."""
        notebook = nbformat.read(self.file, as_version=4)
        return [cell.source for cell in (notebook if self._whole else demo.page(notebook)).cells
                if cell.cell_type == "code"]

    async def run(self, source: str) -> None:
        """Run a cell; if it makes a figure, keep its widgets."""
        made = await self.line.run(source)
        if any("frame" in model.state for model in made):
            self.figures.append(made)

    async def work(self, seconds: float) -> None:
        """Play, solve an exercise again and again, or think and move, for so long."""
        end = time.monotonic() + seconds
        if self.plays:
            button = next(filter(None, (_button(figure, "play") for figure in self.figures)))
            await self.line.tell(button, {"event": "click"})
            await asyncio.sleep(max(0.0, end - time.monotonic()))
            if button.state["description"] != "play":  # a run may be at its end already
                await self.line.tell(button, {"event": "click"})
            return
        while time.monotonic() < end:
            await asyncio.sleep(self.random.expovariate(1 / (WRITING if self.writes else THINKING)))
            await (self.check() if self.writes else self.move())

    async def leave(self) -> None:
        if self.line:
            await self.line.close()

    async def move(self) -> None:
        """Move a slider to another value, and wait for a newer picture."""
        slider, screen = self.random.choice([
            (slider, screen) for figure in self.figures if not _button(figure, "play")
            for screen in figure if "frame" in screen.state for slider in figure if _moves(slider)])
        low, high, now = (slider.state[name] for name in ("min", "max", "value"))
        value = now
        while value == now:
            value = self.random.uniform(low, high) if slider.name == SLIDERS[1] else self.random.randint(low, high)
        frame, start = screen.state["frame"], time.monotonic()
        await self.line.change(slider, value=value)
        while screen.state["frame"] == frame:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), self.patience)
        self.report.answers.append(time.monotonic() - start)

    async def check(self) -> None:
        """Have an answer judged, right or wrong; a judgement that is not true counts as a failure."""
        start, (answer, passes) = time.monotonic(), self.random.choice(list(ANSWERS.items()))
        await asyncio.wait_for(self.line.run(EXERCISE.format(answer=answer, passes=passes)), self.patience)
        self.report.checks.append(time.monotonic() - start)

    def heard(self, model: Model) -> None:
        """Count a frame, and report each third as a view does."""
        if "frame" not in model.state:
            return
        self.report.frames += 1
        self._came.set()
        if model.state.get("paced") and model.state["frame"] % 3 == 0:
            asyncio.get_running_loop().create_task(self.line.tell(model, {"seen": model.state["frame"]}))


def _button(figure: list[Model], label: str) -> Model | None:
    """The button of a figure with this label; only a player has one to play."""
    return next((model for model in figure if model.name == "ButtonModel" and model.state.get("description") == label),
                None)


def _moves(model: Model) -> bool:
    return model.name in SLIDERS and not model.state.get("disabled") and model.state["min"] < model.state["max"]
