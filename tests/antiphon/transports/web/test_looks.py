"""How the page looks, and whom it shuts out, in every state it can be in."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from browser import PageStage, Talker, needs_chromium, state
from realtime_client import Stage

pytestmark = [needs_chromium, pytest.mark.slow]

ASKED = "Why does the sea rise and fall?"
ANSWER = (
    "The moon pulls on the sea, and the water follows it around the world, twice a day. "
    "That is why the tide you saw this morning will be back this evening."
)
PICTURES = os.environ.get("ANTIPHON_PICTURES")
"""A folder for pictures of every state, if wanted; docs/web.png is `speaking-light.png`."""
NO_MICROPHONE = """() => {
    navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("", "NotFoundError");
    };
}"""
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


async def idle(page, stage):
    await page.locator("#link.up").wait_for()


async def listening(page, stage):
    await page.click("#orb")
    await state(page, "I hear you")


async def speaking(page, stage):
    await page.click("#orb")
    await page.locator(".agent .heard >> nth=11").wait_for(timeout=20_000)


async def interrupted(page, stage):
    await speaking(page, stage)
    await page.click("#orb")
    await page.locator(".agent.cut").first.wait_for(timeout=20_000)  # a busy machine cuts more


async def settings(page, stage):
    await idle(page, stage)
    await page.click("#open-panel")


async def no_permission(page, stage):
    await page.click("#orb")
    await page.locator("#notice", has_text="allow the microphone").wait_for(timeout=20_000)


async def no_microphone(page, stage):
    await page.evaluate(NO_MICROPHONE)
    await page.click("#orb")
    await page.locator("#notice", has_text="No microphone was found").wait_for(timeout=20_000)


async def full(page, stage):
    await page.locator("#notice", has_text="are taken").wait_for()


async def lost(page, stage):
    await idle(page, stage)
    await stage.__aexit__()
    await page.locator("#notice", has_text="Trying again").wait_for()


async def a_token_is_asked_for(page, stage):
    await page.locator("#notice", has_text="asks for a token").wait_for()


STATES = {
    each.__name__: each
    for each in (
        idle,
        listening,
        speaking,
        interrupted,
        settings,
        no_permission,
        no_microphone,
        full,
        lost,
        a_token_is_asked_for,
    )
}


@asynccontextmanager
async def staged(name, tmp_path):
    """A server for a state."""
    token = tmp_path / "token"
    token.write_text("a-token-of-the-tests")
    how = {"a_token_is_asked_for": {"token_file": token}, "full": {"max_sessions": 1}}
    async with PageStage(Talker(ASKED, ANSWER), **how.get(name, {})) as stage:
        if name != "full":
            yield stage
            return
        async with Stage.connect(stage):
            yield stage


@pytest.mark.parametrize("name", STATES)
def test_nobody_is_shut_out(run, browser, tmp_path, name):
    async def main():
        from axe_playwright_python.async_playwright import Axe

        how = {"reduced_motion": "reduce", "microphone": name != "no_permission"}
        async with staged(name, tmp_path) as stage, browser.visit(stage, **how) as page:
            await STATES[name](page, stage)
            for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
                await page.set_viewport_size(size)
                await page.emulate_media(color_scheme=scheme)
                assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]
                orb = await page.locator("#orb").bounding_box()
                assert orb["width"] == pytest.approx(orb["height"], abs=1)
                if PICTURES:
                    await page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}.png")
                found = (await Axe().run(page)).response["violations"]
                serious = [
                    (each["id"], [node["html"] for node in each["nodes"]])
                    for each in found
                    if each["impact"] in ("serious", "critical")
                ]
                assert serious == [], scheme

    run(main)
