"""The page in a headless Chromium: its size, when it is ready, what it adds, whom it shuts out.

No model works here: speech is loudness and a reply is numbered words. `v2v` is read off the page's
own recording, as `turns.py` reads it off its own. `over` is how much later an answer begins there
than when the same conversation is given the same microphone without browser and network. `added` is
what the page shows: from the sound the server had heard when it answered to the answer at the ear.

    python benchmarks/page.py [--loads N] [--turns N] [--json]
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile
import soxr
import typer
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from over_faces.hosting import RATE, Words, conversation, listening
from report import script, show

from antiphon.cli.output import Json
from antiphon.errors import UserError
from antiphon.runtime.frames import FRAME
from antiphon.runtime.frames import RATE as HEARD_RATE
from antiphon.runtime.options import Options
from antiphon.transports.http.server import Server
from antiphon.transports.http.settings import HttpSettings
from antiphon.transports.realtime.face import build as realtime
from antiphon.transports.transport import Host
from antiphon.transports.web.face import PAGE
from antiphon.transports.web.face import build as web

FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-device-for-media-stream"
)
SPEECH = Path(__file__).parents[1] / "assets/questions/universe.wav"
Sound = NDArray[np.float64]
SPOKEN, EVERY = 0.9, 4.0
"""Seconds of a question, and from one to the next."""

WATCH = """steps => {
    window.added = [];
    new MutationObserver(() => {
        const [sent, heard] = [".sent b", ".heard b"].map((name) => steps.querySelector(name));
        if (heard) window.added.push(heard.textContent - sent.textContent);
    }).observe(steps, { childList: true });
}"""
"""Keeps what the page shows of every turn."""


def main(
    loads: Annotated[int, typer.Option(min=1, help="How often the page is opened.")] = 20,
    turns: Annotated[int, typer.Option(min=1, help="Questions that are answered.")] = 20,
    json: Json = False,
) -> None:
    """Measure the page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise UserError("Chromium is not installed: see tools/system_packages.sh.")
    files = [file for file in PAGE.rglob("*") if file.is_file()]
    result: dict[str, Any] = {"bytes": sum(f.stat().st_size for f in files), "files": len(files)}
    show(result | asyncio.run(measured(chromium, loads, turns)), json)


async def measured(chromium: str, loads: int, turns: int) -> dict[str, Any]:
    """All that needs a browser."""
    from playwright.async_api import async_playwright

    chosen = HttpSettings(port=0)
    server = Server([realtime, web], chosen, Options(), chosen.bind())
    responder: Any = Words()
    host = Host(lambda peer: conversation(), lambda sentence: None, responder)
    serving = asyncio.create_task(server.run(host))
    await listening(server.port)
    address = f"http://127.0.0.1:{server.port}/"
    with tempfile.TemporaryDirectory() as folder:
        microphone = questions(Path(folder) / "questions.wav", turns + 1)
        args = [*FLAGS.split(), f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=args)
            try:
                found = await ready(browser, address, loads)
                found |= await shut_out(browser, address)
                found |= await added(browser, address, turns)
            finally:
                await browser.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    return found


async def ready(browser: Any, address: str, loads: int) -> dict[str, float]:
    """Milliseconds from asking for the page until it can be used, nothing cached."""
    taken = []
    for _ in range(loads):
        page = await browser.new_page()
        await page.goto(address)
        await page.locator("html[data-ready]").wait_for()
        taken.append(int(await page.locator("html").get_attribute("data-ready")))
        await page.close()
    return {"ready_ms_median": statistics.median(taken), "ready_ms_max": max(taken)}


async def shut_out(browser: Any, address: str) -> dict[str, Any]:
    """What axe-core finds, by its impact."""
    from axe_playwright_python.async_playwright import Axe

    found: dict[str, int] = {}
    for scheme in ("light", "dark"):
        page = await browser.new_page(color_scheme=scheme, reduced_motion="reduce")
        await page.goto(address)
        await page.locator("#link.up").wait_for()
        results = [await Axe().run(page)]
        await page.click("#open-panel")
        results.append(await Axe().run(page))
        for each in (each for result in results for each in result.response["violations"]):
            found[each["impact"]] = found.get(each["impact"], 0) + 1
        await page.close()
    return {"accessibility_findings": found}


async def added(browser: Any, address: str, turns: int) -> dict[str, float]:
    """Milliseconds between the conversation's first sound and the visitor's ear."""
    context = await browser.new_context(permissions=["microphone"])
    page = await context.new_page()
    await page.goto(address)
    await page.locator("#link.up").wait_for()
    await page.locator("#steps").evaluate(WATCH)
    await page.click("#orb")
    await asyncio.sleep(EVERY * (turns + 1))
    taken = await page.evaluate("window.added")
    await page.click("#open-panel")
    async with page.expect_download() as download:
        await page.click("#download")
    recorded, rate = soundfile.read(await (await download.value).path())
    await context.close()
    return {
        "turns": len(taken),
        "added_ms_median": statistics.median(taken),
        "added_ms_p95": round(float(np.percentile(taken, 95))),
        **compared(recorded[:, 0], recorded[:, 1], rate),
    }


def compared(visitor: Sound, agent: Sound, rate: int) -> dict[str, float]:
    """The page beside the same conversation without it, on the same microphone.

    Args:
        visitor: [N] what the page heard.
        agent: [N] what it played meanwhile.
        rate: samples a second of both.
    """
    heard = soxr.resample(visitor, rate, HEARD_RATE).astype(np.float32)
    frames = heard[: len(heard) // FRAME * FRAME].reshape(-1, FRAME)
    alone = conversation()
    said = np.concatenate([alone.step(frame) for frame in frames])
    spoken = np.flatnonzero(np.abs(frames).mean(1) > 0.05) * FRAME / HEARD_RATE
    begun, begun_alone = begins(agent, rate), begins(said, RATE)
    v2v, v2v_alone, over = [], [], []
    for at in begun_alone:
        later = begun[(begun > at - 0.1) & (begun < at + EVERY / 2)]
        if len(later):
            end = spoken[spoken < at].max()
            v2v.append(1000 * (later[0] - end))
            v2v_alone.append(1000 * (at - end))
            over.append(1000 * (later[0] - at))
    return {
        "v2v_ms_median": round(statistics.median(v2v)),
        "v2v_alone_ms_median": round(statistics.median(v2v_alone)),
        "over_ms_median": round(statistics.median(over)),
        "over_ms_p95": round(float(np.percentile(over, 95))),
    }


def begins(sound: Sound, rate: int) -> Sound:
    """Seconds at which something is said after half a second of silence."""
    loud = np.flatnonzero(np.abs(sound) > 0.02) / rate
    return loud[np.diff(loud, prepend=-1.0) > 0.5]


def questions(path: Path, count: int) -> Path:
    """A recording of so many questions: the first words of one that a person asked."""
    asked, rate = soundfile.read(SPEECH)
    one = np.zeros(round(EVERY * rate))
    spoken = asked[: round(SPOKEN * rate)]
    one[: len(spoken)] = 0.5 * spoken / np.abs(spoken).max()
    soundfile.write(path, np.tile(one, count), rate)
    return path


if __name__ == "__main__":
    script(main)
