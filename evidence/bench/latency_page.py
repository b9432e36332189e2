"""The notebook of the latency rows, open in pages of a headless browser, and the clock in these pages."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from tests.browser.jupyter import Lab, write_notebook

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

CELLS = (
    """
import u3lab, torch
from u3lab import images, live, nets, pixels, saliency

net = nets.load("squeezenet1_1")
x = images.load("dog", size=net.size)
kept = saliency.forward_pass(net, x)
""",
    """
def by_class(k):
    return pixels.signed_rgb(saliency.backprop(net, x, k, rule="guided")), net.classes[k]

live.explore(by_class, k=(0, 999))
""",
    """
def by_channel(channel):
    return pixels.signed_rgb(kept.backprop(("fire9", channel, 6, 6), rule="guided")), f"channel {channel}"

live.explore(by_channel, channel=(0, 511))
""",
    """
def perturbing(settings):
    for step in saliency.meaningful_perturbation(net, x, "German shepherd", settings=settings):
        yield step, pixels.overlay(x, step.value, scale=1.0), f"mask covers {float(step.value.mean()):.0%}"

live.play(perturbing, saliency.MaskSettings(steps=1000), "lam", "tv", "sigma")
""",
    """
from u3course.lessons.landmarks import parts
from u3course.lessons.landmarks import figures as panels

model, hues = parts.shipped(), panels.hues(parts.K)
face = parts.drawn(1, "test", 9)[0].images
look, home = model.appearance(face), model.keypoints(face)

def handle(dx):
    points = home + torch.tensor([dx / 1250, 0.0]) * (torch.arange(parts.K) == 0)[:, None]
    return panels.dotted(model.draw(look, points.clamp(-1, 1)), points[:, :1], hues[:1]), f"moved by {dx / 1250:.2f}"

live.explore(handle, dx=(-500, 500))
""",
)
EXPLORERS, FIGURES = (1, 2, 4), (1, 2, 3, 4)  # cells
WARM = 4  # moves before the clock counts
PAUSE = 0.06  # seconds from a picture to the next move: the kernel has nothing left to do
PATIENCE_MS = 180_000
RAN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].every(one => /\\d/.test(one.innerText))"""
# The time from each key to the moment when its picture is decoded and the page was drawn with it. A message to oneself
# that is sent before a drawing is handled after it.
CLOCK = """([handle, image]) => {
    const times = [];
    let pressed = null, told = () => {};
    const drawn = () => new Promise(done => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(null);
    }));
    handle.addEventListener("keydown", event => { pressed = event.timeStamp; }, true);
    new MutationObserver(async () => {
        const since = pressed;
        pressed = null;
        if (since === null) return;
        await image.decode().catch(() => null);
        await drawn();
        times.push(performance.now() - since);
        told();
    }).observe(image, { attributes: true, attributeFilter: ["data-frame"] });
    image.answers = count => new Promise(done => {
        const ask = () => {
            if (times.length < count) return;
            told = () => {};  // a picture that is drawn before the next question waits for it
            done(times.splice(0));
        };
        told = ask;
        ask();
    });
}"""
# New pictures a second, after a first second in which the player gets going.
RATE = """async (image, seconds) => {
    const wait = seconds => new Promise(done => setTimeout(done, 1000 * seconds));
    let count = 0;
    const watch = new MutationObserver(() => { count += 1; });
    await wait(1);
    const start = performance.now();
    watch.observe(image, { attributes: true, attributeFilter: ["data-frame"] });
    await wait(seconds);
    watch.disconnect();
    return 1000 * count / (performance.now() - start);
}"""


async def opened(browser: Browser, lab: Lab, name: str) -> Page:
    """A page with the notebook, all cells run, and a clock on each explorer."""
    write_notebook(lab.folder / name, CELLS)
    page = await browser.new_page(viewport={"width": 1280, "height": 1600})
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(lab.address(name))
    await page.locator("#jp-main-statusbar", has_text="| Idle").first.wait_for()
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    await page.wait_for_function(RAN, polling=300)
    for cell in FIGURES:
        view = page.locator(".jp-CodeCell").nth(cell)
        image = view.locator("img.widget-image[data-frame]")
        await image.wait_for()
        if cell in EXPLORERS:
            handle = view.locator(".noUi-handle").first
            await page.evaluate(CLOCK, [await handle.element_handle(), await image.element_handle()])
    return page


async def moves(page: Page, cell: int, count: int) -> list[float]:
    """Milliseconds from the key to the picture, for so many moves of the cell's first slider, one after the other."""
    view = page.locator(".jp-CodeCell").nth(cell)
    image = await view.locator("img.widget-image").element_handle()
    await view.locator(".noUi-handle").first.focus()
    times: list[float] = []
    for _ in range(WARM + count):
        await asyncio.sleep(PAUSE)
        await page.keyboard.press("ArrowRight")
        times += await asyncio.wait_for(image.evaluate("image => image.answers(1)"), PATIENCE_MS / 1000)
    return times[WARM:]


async def frames(page: Page, cell: int, seconds: float) -> list[float]:
    """New pictures a second of the cell's player, from the start of its run."""
    view = page.locator(".jp-CodeCell").nth(cell)
    await view.get_by_role("button", name=re.compile(r"(^|\W)restart$")).click()
    await view.get_by_role("button", name=re.compile(r"(^|\W)play$")).click()
    rate = await view.locator("img.widget-image").evaluate(RATE, seconds)
    await view.get_by_role("button", name=re.compile(r"(^|\W)pause$")).click()
    return [rate]
