"""A visitor talks with the page: heard, captioned, answered, interrupted, recorded."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile
from browser import ASKED, PageStage, Speaker, Talker, needs_chromium, state, text_of

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.recognition import recognizer

pytestmark = [needs_chromium, pytest.mark.slow]

LONG = ("today", "reading", "united-states")
"""Recordings that take longer than the visitor waits."""
NEXT, NEXT_BEGINS = "way-out", "how would"
"""What is answered next, and may have begun before the recording was taken."""


def letters(text):
    return re.sub(r"[^a-z ]", "", text.lower())


@pytest.fixture(scope="module")
def recognized():
    """What a recognizer understands of [N] samples at 16 kHz."""
    try:
        model = recognizer.from_pretrained("whisper-tiny.en")
    except UserError as error:
        pytest.skip(str(error))
    return lambda pcm: letters(model.finish(model.feed(pcm, model.start())).text)


async def recording(page, folder):
    """The file a visitor downloads: the visitor's and the agent's side at 16 kHz."""
    await page.click("#open-panel")
    async with page.expect_download() as download:
        await page.click("#download")
    path = folder / "talk.wav"
    await (await download.value).save_as(path)
    both, rate = soundfile.read(path)
    assert rate == 24_000
    sides = []
    for channel in both.T:
        soundfile.write(folder / "side.wav", channel, rate)
        sides.append(audio_file.read(folder / "side.wav"))
    return sides


async def remembered(stage, page):
    """What is left of a reply that was stopped: the same on the page and in the agent's memory.

    A busy machine may end the turn early, and stop a reply of which no word was heard.
    """
    await page.locator(".agent.cut").first.wait_for(timeout=20_000)

    def cut():
        turns = [turn.text for turn in stage.talk.history if turn.role == "assistant"]
        return [turn.removesuffix("—") for turn in turns if turn.endswith("—") and turn != "—"]

    await stage.until(cut)
    left = cut()[0]
    exactly = re.compile(f"^{re.escape(left)}[.,?]?$")  # memory drops a last comma
    await page.locator(".agent.cut p", has_text=exactly).wait_for(timeout=10_000)
    return left


def test_a_question_is_heard_and_captioned_and_its_answer_can_be_understood(
    run, browser, recognized, tmp_path
):
    responder = Speaker("way-out")

    async def main():
        async with PageStage(responder) as stage, browser.visit(stage) as page:
            await page.click("#orb")
            await page.locator(".user p", has_text=ASKED).wait_for(timeout=20_000)
            answer = page.locator(".agent p").first
            await answer.locator(".now").wait_for(timeout=20_000)
            assert await text_of(page.locator("#state")) == "Speaking"
            await answer.locator(".heard >> nth=6").wait_for(timeout=20_000)
            await state(page, "Listening")
            assert await text_of(answer) == responder.answer
            assert int((await text_of(page.locator("#v2v"))).split()[0]) > 0
            assert await page.locator("#steps li").count() >= 4
            return await recording(page, tmp_path)

    visitor, agent = run(main)
    # On a busy machine the same was asked and answered again meanwhile.
    assert recognized(agent).startswith(letters(responder.answer))
    assert recognized(visitor).startswith(letters(ASKED))
    heard = recognized(np.concatenate(responder.streams[0].pcm))
    assert heard and letters(ASKED).startswith(heard)  # a busy machine ends a turn early


def test_a_tap_interrupts_at_the_word_that_was_heard(run, browser, recognized, tmp_path):
    async def main():
        async with PageStage(Speaker(*LONG, then=NEXT)) as stage, browser.visit(stage) as page:
            await page.click("#orb")
            words = page.locator(".agent p span")
            await page.locator(".agent .heard >> nth=4").wait_for(timeout=20_000)
            # Words are there before they sound, and light up one after the other.
            lit = await words.evaluate_all(
                "spans => spans.map(span => span.classList.contains('heard'))"
            )
            assert lit == sorted(lit, reverse=True)
            await page.click("#orb")
            await state(page, "Listening")
            left = await remembered(stage, page)
            return left, await recording(page, tmp_path)

    left, (_, agent) = run(main)
    assert begins(recognized(agent), left)


def test_the_visitor_s_voice_interrupts_and_is_answered(run, browser, recognized, tmp_path):
    async def main():
        async with PageStage(Speaker(*LONG, then=NEXT)) as stage, browser.visit(stage) as page:
            await page.click("#orb")
            left = await remembered(stage, page)
            _, agent = await recording(page, tmp_path)
            await page.keyboard.press("Escape")
            await page.locator(".user p", has_text=ASKED).nth(1).wait_for(timeout=20_000)
            await page.locator(".agent:not(.cut) .heard").first.wait_for(timeout=20_000)
            return left, agent

    left, agent = run(main)
    assert begins(recognized(agent), left)


def test_who_is_muted_is_not_heard(run, browser):
    async def main():
        responder = Talker(ASKED, "Because of the moon.")
        async with PageStage(responder) as stage, browser.visit(stage) as page:
            await page.click("#orb")
            await state(page, "Listening")
            await page.keyboard.press("m")
            await state(page, "Muted")
            assert await page.get_attribute("#mute", "aria-pressed") == "true"
            await page.wait_for_timeout(6_000)  # the first question passes
            assert await page.locator(".turn").count() == 0
            await page.click("#mute")
            await page.locator(".agent .heard").first.wait_for(timeout=20_000)

    run(main)


def begins(understood, left):
    """Whether what was understood is what is left of a reply; its last words were cut somewhere."""
    given, kept = understood.split(NEXT_BEGINS)[0].split(), letters(left).split()
    surely = max(1, len(kept) - 2)
    return given[:surely] == kept[:surely] and abs(len(given) - len(kept)) <= 2


def test_push_to_talk_answers_what_was_said_while_the_key_was_held(run, browser):
    async def main():
        responder = Talker(ASKED, "Because of the moon.")
        async with PageStage(responder) as stage, browser.visit(stage) as page:
            await page.click("#open-panel")
            await page.get_by_label("Push to talk").check()
            await page.keyboard.press("Escape")
            await page.click("#orb")
            await state(page, "Ready")
            await page.keyboard.down(" ")
            await state(page, "I hear you")
            await page.wait_for_timeout(2_500)
            assert not stage.talk.history
            await page.keyboard.up(" ")
            await page.locator(".agent p", has_text="Because of the moon.").wait_for(timeout=20_000)
            assert await text_of(page.locator(".user p")) == ASKED
            await page.reload()
            assert await page.get_by_label("Push to talk").is_checked()

    run(main)
