"""A small optimisation and the helpers of the tests of live figures."""

import asyncio
import functools
import io
import time
from collections.abc import Callable, Coroutine, Iterator

import torch
from PIL import Image

from u3lab.descent import Step
from u3lab.live import PictureBox, Player
from u3lab.settings import setting, settings


@settings
class Toy:
    """One setting of every kind."""

    target: float = setting(1.0, 0.0, 2.0, symbol="t", help="where the level goes")
    lr: float = setting(0.5, 0.05, 1.0, scale="log", symbol="η", help="share of the way that one step makes")
    start: float = setting(0.0, 0.0, 1.0, once=True, help="the level at first")
    steps: int = setting(6, 1, 100, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the noise")
    shade: str = setting("grey", choices=("grey", "red"), help="colour of the picture")
    noisy: bool = setting(False, help="add a little noise to every step")


@settings
class Shadow:
    """A second settings object, two of whose fields are called like the toy's."""

    lr: float = setting(0.01, 0.001, 0.1, scale="log", symbol="η", help="how fast it falls")
    depth: int = setting(1, 0, 5, symbol="d", once=True, help="how far it falls")
    seed: int = setting(0, 0, 9, once=True, help="seed of its place")


def approach(settings: Toy, **controls: object) -> Iterator[Step]:
    """The level goes from the start to the target, each step a share of what is left of the way."""
    generator = torch.Generator().manual_seed(settings.seed)
    level = settings.start
    for iteration in range(settings.steps + 1):
        picture = torch.full((1, 3, 8, 8), level / 2)
        if settings.shade == "red":
            picture[:, 1:] = 0
        yield Step(iteration, (settings.target - level) ** 2, picture, {"level": level})
        level += settings.lr * (settings.target - level)
        if settings.noisy:
            level += 0.01 * torch.rand((), generator=generator).item()


def levels(player: Player) -> list[float]:
    """The level at every step from the present one to the end."""
    found = [player.step.terms["level"]]
    while player.advance():
        found.append(player.step.terms["level"])
    return found


def looked_at(player: Player) -> Player:
    """Somebody looks at it: every frame is reported as seen at once, as a browser does."""
    def report(change: dict) -> None:
        player.picture._handle_custom_msg({"seen": change["new"]}, [])

    report({"new": player.picture.frame})
    player.picture.observe(report, names="frame")
    return player


def in_a_loop(test: Callable[..., Coroutine]) -> Callable[..., None]:
    """Run an asynchronous test in a loop of its own, as a cell runs in the kernel's."""
    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        asyncio.run(test(**fixtures))
    return run


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the loop turn until something holds; on a full machine players rest for a second after each step."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.002)


def upload(box: PictureBox, name: str, content: bytes) -> None:
    """Do what the browser does when the student chooses a file."""
    file = {"name": name, "type": "", "size": len(content), "content": memoryview(content), "last_modified": 0}
    box.upload.set_state({"value": [file]})


def png(colour: str) -> bytes:
    """The bytes of a small plain picture."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()
