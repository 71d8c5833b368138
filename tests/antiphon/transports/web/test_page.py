"""The page in a real browser: its tools, its ways back, whom it lets in, what it fetches."""

from __future__ import annotations

import numpy as np
import pytest
from browser import ASKED, PageStage, Talker, needs_chromium, state, text_of
from fake_choices import FakeChoices
from realtime_client import with_tools

from antiphon.transports.web.face import PAGE

pytestmark = [needs_chromium, pytest.mark.slow]

ANSWER = (
    "The moon pulls on the sea, and the water follows it around the world, twice a day. "
    "That is why the tide you saw this morning will be back this evening."
)


def test_the_lamp_is_lit_by_a_written_request_without_a_microphone(run, browser):
    async def main():
        responder = with_tools([("turn_on_lamp", {})], [("set_lamp_color", {"color": "blue"})])
        async with PageStage(responder) as stage, browser.visit(stage, microphone=False) as page:
            await page.locator("#link.up").wait_for()
            await page.click("#orb")
            notice = page.locator("#notice", has_text="allow the microphone")
            await notice.wait_for(timeout=20_000)
            assert "write" in await text_of(notice)
            await page.keyboard.press("/")
            await page.keyboard.type("Turn on the lamp")
            await page.keyboard.press("Enter")
            await page.get_by_role("img", name="The lamp is on").wait_for(timeout=20_000)
            await page.locator(".agent .heard").first.wait_for(timeout=20_000)
            await state(page, "Say hello")
            await page.fill("#message", "Make it blue")
            await page.keyboard.press("Enter")
            await page.get_by_role("img", name="The lamp is on, blue").wait_for(timeout=20_000)

    run(main)


def test_who_answers_is_chosen_while_it_runs(run, browser):
    async def main():
        choices = FakeChoices()
        async with PageStage(choices=choices) as stage, browser.visit(stage) as page:

            async def answer(text):
                await page.fill("#message", "Who are you?")
                await page.press("#message", "Enter")
                await page.locator(".agent p", has_text=text).wait_for(timeout=20_000)
                await state(page, "Say hello")

            await page.locator("#link.up", has_text="Connected, small").wait_for()
            await page.click("#open-panel")
            choices.go.clear()
            await page.select_option("#language-model", "large")
            await page.locator("#loading", has_text="Until it is there").wait_for()
            await page.locator("#link", has_text="Loading large").wait_for()
            choices.go.set()
            await page.locator("#link", has_text="Connected, large").wait_for()
            await page.select_option("#hearing", "cascade")
            await page.select_option("#voice", "amy")
            await page.wait_for_function("document.querySelector('#loading').textContent === ''")
            await page.keyboard.press("Escape")
            await answer("amy large cascade")
            await page.reload()  # what was chosen is chosen again
            await page.locator("#link", has_text="Connected, large").wait_for()
            await page.click("#open-panel")
            await page.select_option("#language-model", "broken")
            await page.locator("#loading", has_text="damaged").wait_for()
            assert await page.input_value("#language-model") == "small"
            await page.keyboard.press("Escape")
            await answer("joe small s2t")

    run(main)


def test_a_persona_is_told_to_the_language_model(run, browser):
    async def main():
        responder = Talker(ASKED, "Aye, because of the moon.")
        async with PageStage(responder) as stage, browser.visit(stage) as page:
            await page.click("#open-panel")
            await page.select_option("#persona", "A ship’s captain")
            await page.keyboard.press("Escape")
            await page.fill("#message", ASKED)
            await page.press("#message", "Enter")
            await page.locator(".agent .heard").first.wait_for(timeout=20_000)
            asked, history = responder.answered[-1]
            assert asked == ASKED and history[0].role == "system"
            assert "captain" in history[0].text
            await page.click("#open-panel")
            await page.select_option("#persona", "In my own words")
            await page.fill("#instructions", "You are a lighthouse.")
            await page.keyboard.press("Escape")
            await page.fill("#message", "Who are you?")
            await page.press("#message", "Enter")
            await stage.until(lambda: responder.answered[-1][0] == "Who are you?")
            assert responder.answered[-1][1][0].text == "You are a lighthouse."

    run(main)


def test_a_lost_server_is_told_and_found_again(run, browser):
    async def main():
        stage = PageStage()
        await stage.__aenter__()
        async with browser.visit(stage) as page:
            await page.locator("#link.up").wait_for()
            await stage.__aexit__()
            await page.locator("#notice", has_text="Trying again").wait_for()
            async with PageStage(port=stage.port):
                await page.locator("#link.up").wait_for(timeout=20_000)
                assert not await page.locator("#notice").is_visible()

    run(main)


def test_the_token_is_asked_for_or_taken_from_the_address(run, browser, tmp_path):
    async def main():
        file = tmp_path / "token"
        file.write_text("a-token-of-the-tests")
        async with PageStage(token_file=file) as stage, browser.visit(stage) as page:
            await page.locator("#notice", has_text="asks for a token").wait_for()
            await page.fill("#token", "another-token-of-the-tests")
            await page.keyboard.press("Enter")
            await page.locator("#notice", has_text="not the server").wait_for()
            await page.fill("#token", "a-token-of-the-tests")
            await page.keyboard.press("Enter")
            await page.locator("#link.up").wait_for()
            async with browser.visit(stage, "#token=a-token-of-the-tests") as other:
                await other.locator("#link.up").wait_for()

    run(main)


def test_nothing_is_fetched_from_elsewhere_and_little_from_here(run, browser):
    async def main():
        async with PageStage() as stage, browser.visit(stage) as page:
            fetched: list[str] = []
            page.on("request", lambda request: fetched.append(request.url))
            await page.reload(wait_until="networkidle")
            await page.click("#orb")
            await state(page, "Listening")
            assert len(fetched) > 10
            assert all(url.startswith(f"http://{stage.address}/") for url in fetched)
        assert sum(f.stat().st_size for f in PAGE.rglob("*") if f.is_file()) < 250_000

    run(main)


RESAMPLE = """async ([from, to, hertz]) => {
    const { Resampler } = await import("/web/audio/resampler.js");
    const made = [], resampler = new Resampler(from, to);
    for (let i = 0; i < from / 4; i++) {
        while (resampler.wanted === 0) made.push(resampler.pull());
        resampler.push(Math.sin(2 * Math.PI * hertz * i / from));
    }
    return made;
}"""


def test_the_resampler_keeps_what_can_be_heard_and_nothing_else(run, browser):
    async def main():
        async with PageStage() as stage, browser.visit(stage) as page:
            for rates in ((48_000, 24_000), (44_100, 24_000), (24_000, 44_100), (16_000, 24_000)):
                kept = np.array(await page.evaluate(RESAMPLE, [*rates, 1_000]))[500:-500]
                assert len(kept) == pytest.approx(rates[1] / 4 - 1000, abs=2)
                time = np.arange(len(kept)) / rates[1]
                basis = np.stack([f(2 * np.pi * 1_000 * time) for f in (np.sin, np.cos)], 1)
                weights, *_ = np.linalg.lstsq(basis, kept, rcond=None)
                assert np.hypot(*weights) == pytest.approx(1, abs=0.01)
                assert np.abs(kept - basis @ weights).max() < 0.002
                if rates[0] > rates[1]:
                    gone = np.array(await page.evaluate(RESAMPLE, [*rates, 15_000]))[500:-500]
                    assert np.abs(gone).max() < 0.01

    run(main)


OWN_RATE = """() => {
    const real = AudioContext.prototype.createMediaStreamSource;
    AudioContext.prototype.createMediaStreamSource = function (stream) {
        if (this.sampleRate === 24000) throw new DOMException("", "NotSupportedError");
        return real.call(this, stream);
    };
}"""


def test_a_browser_that_takes_a_microphone_at_its_own_rate_only_is_heard(run, browser):
    async def main():
        responder = Talker(ASKED, ANSWER)
        async with PageStage(responder) as stage, browser.visit(stage) as page:
            await page.evaluate(OWN_RATE)
            await page.click("#orb")
            await page.locator(".user p", has_text=ASKED).wait_for(timeout=20_000)
            await page.locator(".agent .heard").first.wait_for(timeout=20_000)

    run(main)


ASK_LATE = """() => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.asked = 0;
    navigator.mediaDevices.getUserMedia = async (wanted) => {
        window.asked++;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return real(wanted);
    };
}"""
"""Visitors take their time to allow a microphone."""


def test_who_taps_and_presses_twice_is_asked_and_answered_once(run, browser):
    async def main():
        responder = Talker(ASKED, ANSWER)
        async with PageStage(responder) as stage, browser.visit(stage) as page:
            await page.evaluate(ASK_LATE)
            await page.dblclick("#orb")
            await page.locator(".user p", has_text=ASKED).first.wait_for(timeout=20_000)
            assert await page.evaluate("window.asked") == 1
            await page.reload()
            await page.locator("#link.up").wait_for()
            await page.fill("#message", "Are you there?")
            await page.evaluate("for (const _ of [1, 2]) document.forms.write.requestSubmit()")
            await page.locator(".agent .heard").first.wait_for(timeout=20_000)
            assert await page.locator(".user", has_text="Are you there?").count() == 1

    run(main)


STUCK = """times => {
    const real = AudioContext.prototype.resume;
    const stuck = new WeakSet();
    AudioContext.prototype.resume = function () {
        if (times-- > 0) stuck.add(this);
        if (!stuck.has(this)) return real.call(this);
        return this.suspend().then(() => new Promise(() => {}));
    };
}"""
"""Browsers on busy machines open a speaker too late, and then never."""


def test_a_speaker_that_does_not_open_is_tried_again_and_then_told(run, browser):
    async def main():
        async with PageStage(Talker(ASKED, ANSWER)) as stage, browser.visit(stage) as page:
            await page.evaluate(STUCK, 1)
            await page.click("#orb")
            await page.locator(".user p", has_text=ASKED).first.wait_for(timeout=20_000)
            await page.reload()
            await page.evaluate(STUCK, 9)
            await page.click("#orb")
            notice = page.locator("#notice", has_text="plays no sound")
            await notice.wait_for(timeout=20_000)
            await page.fill("#message", "Are you there?")
            await page.keyboard.press("Enter")
            await page.locator(".agent p", has_text=ANSWER).wait_for(timeout=20_000)

    run(main)
