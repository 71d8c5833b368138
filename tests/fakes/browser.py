"""The page in a headless Chromium with a recording as its microphone; models are replaced."""

from __future__ import annotations

import re
import shutil
import wave
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from fake_conversation import RATE, FakeResponder
from http_stage import HttpStage

from antiphon import audio_file
from antiphon.messages import Speech, Word
from antiphon.transports.realtime.face import build as realtime
from antiphon.transports.web.face import build as web

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser"])), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
QUESTION = Path("assets/questions/universe.wav")
ASKED = "What about the shape of the universe?"
"""What is said in it."""
SAID = {
    "way-out": "How would you get out of this?",
    "today": "What do you want to remember about today?",
    "reading": "What do you want to read about?",
    "united-states": "What part of the United States is your home?",
}
"""What people say in other recordings."""


class PageStage(HttpStage):
    """A server with the page and the Realtime API."""

    def __init__(self, responder=None, **chosen) -> None:
        super().__init__(realtime, web, responder=responder, **chosen)

    @property
    def talk(self):
        """The conversation that was begun last."""
        return self.conversations[-1]


class Talker(FakeResponder):
    """Hears one question whatever is said, and answers it by one text."""

    def __init__(self, asked, answer) -> None:
        super().__init__()
        self.asked, self.answer = asked, answer

    def respond(self, stream, history, *, cancelled, seed):
        self.answered.append((stream.finish().text, tuple(history)))
        yield from self.hum(0, cancelled, self.answer)

    def listen(self, history):
        hearing = super().listen(history)
        finish = hearing.finish

        def heard():
            understood = finish()
            understood.text = understood.text and self.asked
            return understood

        hearing.finish = heard
        return hearing


class Speaker(Talker):
    """Answers with recordings of people: a recognizer can tell what was heard of it.

    Args:
        recordings: the answer.
        then: the answer once something was heard of that; None: the same.
    """

    def __init__(self, *recordings, then=None) -> None:
        super().__init__(ASKED, " ".join(SAID[name] for name in recordings))
        self._recordings, self._then = recordings, then

    def respond(self, stream, history, *, cancelled, seed):
        self.answered.append((stream.finish().text, tuple(history)))
        start, recordings = 0, self._recordings
        if self._then and any(turn.role == "assistant" and turn.text != "—" for turn in history):
            recordings = (self._then,)
        for name in recordings:
            pcm = audio_file.read(QUESTION.with_name(f"{name}.wav"), RATE)
            texts = SAID[name].split()
            # A word lasts as long as it is written, between the silences at both ends.
            letters = np.cumsum([0, *map(len, texts)])
            loud = np.flatnonzero(np.abs(pcm) > 0.02)
            bounds = start + loud[0] + (loud[-1] - loud[0]) * letters // letters[-1]
            words = tuple(map(Word, texts, bounds[:-1].tolist(), bounds[1:].tolist()))
            final = name == recordings[-1]
            yield Speech(pcm, RATE, start, f" {SAID[name]}", (1,), words, final)
            start += len(pcm)


class Browser:
    """Chromium; its microphone plays a file whenever a page opens it."""

    def __init__(self, microphone) -> None:
        self._microphone = Path(microphone).resolve()

    async def start(self) -> None:
        from playwright.async_api import async_playwright

        self._playwright = await async_playwright().start()
        sound = f"--use-file-for-fake-audio-capture={self._microphone}%noloop"
        self._chromium = await self._playwright.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=[*QUIET, "--use-fake-device-for-media-stream", sound],
        )

    async def close(self) -> None:
        await self._chromium.close()
        await self._playwright.stop()

    @asynccontextmanager
    async def visit(self, stage, fragment="", *, microphone=True, **how):
        """The page of a server; errors of its scripts fail the test."""
        how = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", **how}
        permissions = ["microphone"] if microphone else []
        context = await self._chromium.new_context(permissions=permissions, **how)
        try:
            page = await context.new_page()
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            await page.goto(f"http://{stage.address}/{fragment}")
            yield page
            assert not problems
        finally:
            await context.close()


def sequence(path, *parts, rate=16_000):
    """A recording: seconds of silence, and the samples of other recordings."""
    sounds = []
    for part in parts:
        if isinstance(part, (int, float)):
            sounds.append(np.zeros(round(part * rate), "<i2"))
        else:
            with wave.open(str(part)) as file:
                sounds.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.concatenate(sounds).tobytes())
    return path


def text_of(locator):
    """What a visitor reads there."""
    return locator.evaluate("element => element.innerText.trim()")


async def state(page, word):
    """Waits until the page says what it does."""
    await page.locator("#state", has_text=re.compile(f"^{word}$")).wait_for(timeout=20_000)
