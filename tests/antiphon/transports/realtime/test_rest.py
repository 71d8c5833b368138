"""The audio endpoints beside the Realtime API, by OpenAI's Python client."""

from __future__ import annotations

import asyncio
import io

import httpx
import numpy as np
import openai
import pytest
import soundfile
from openai import AsyncOpenAI
from realtime_client import Stage
from websockets.asyncio.client import connect

from antiphon.audio_file import read
from antiphon.errors import UserError
from antiphon.recognition import long_audio
from antiphon.recognition.transcript import Partial, Segment, Transcript, Word

TOKEN = "a-token-of-the-tests"


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


def sdk(stage, key="any"):
    return AsyncOpenAI(base_url=f"http://{stage.address}/v1", api_key=key, max_retries=0)


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_a_text_is_spoken_in_every_format(form, tmp_path):
    async def main():
        async with Stage() as stage:
            path = tmp_path / f"said.{form}"
            asked = {"model": "tts-1", "voice": "alloy", "input": "one two three four five"}
            speaking = sdk(stage).audio.speech.with_streaming_response
            async with speaking.create(**asked, response_format=form) as answer:
                await answer.stream_to_file(path)
            if form == "pcm":
                sound = np.frombuffer(path.read_bytes(), "<i2")
                soundfile.write(path.with_suffix(".wav"), sound, 24_000)
            seconds = len(read(path.with_suffix(".wav") if form == "pcm" else path)) / 16_000
            assert seconds == pytest.approx(1.0, abs=0.12)

    run(main)


def test_speech_is_faster_if_asked_for_and_comes_in_events():
    async def main():
        async with Stage() as stage:
            asked = {"model": "tts-1", "voice": "alloy", "input": "one two three four five"}
            answer = await sdk(stage).audio.speech.create(**asked, response_format="pcm", speed=2.0)
            assert len(answer.content) / 48_000 == pytest.approx(0.5, abs=0.05)
            answer = await sdk(stage).audio.speech.create(**asked, stream_format="sse")
            lines = answer.content.decode().split("\n\n")
            assert '"speech.audio.delta"' in lines[0]
            assert '"speech.audio.done"' in lines[-2]

    run(main)


def recording(seconds=1.0):
    file = io.BytesIO()
    soundfile.write(file, np.full(round(16_000 * seconds), 0.5), 16_000, format="WAV")
    file.seek(0)
    file.name = "said.wav"
    return file


class Listener:
    """Hears a word for every second."""

    def start(self, options):
        self.options = options
        return 0

    def feed(self, pcm, state):
        return state + len(pcm)

    def partial(self, state):
        return Partial("one")

    def finish(self, state):
        texts = ["one", "two"][: state // 16_000]
        words = [Word(t, 16_000 * i, 16_000 * (i + 1)) for i, t in enumerate(texts)]
        kept = tuple(words) if self.options.words else ()
        text = " ".join(texts)
        segment = Segment(text, 0, state, kept, self.options.language)
        return Transcript(text, language="en", segments=(segment,), duration=state)


@pytest.fixture
def listener(monkeypatch):
    made = Listener()
    monkeypatch.setattr(long_audio, "from_pretrained", lambda name: made)
    return made


def test_what_is_said_in_a_recording_and_when(listener):
    async def main():
        async with Stage() as stage:
            heard = sdk(stage).audio.transcriptions
            asked = {"model": "whisper-1", "language": "en"}
            answer = await heard.create(**asked, file=recording(2))
            assert answer.text == "one two"
            forms = {}
            for form in ("text", "srt", "vtt"):
                forms[form] = await heard.create(**asked, file=recording(2), response_format=form)
            assert forms["text"] == "one two\n"
            assert "00:00:00,000 --> " in forms["srt"]
            assert forms["vtt"].startswith("WEBVTT")
            words = await heard.create(
                **asked,
                file=recording(2),
                response_format="verbose_json",
                timestamp_granularities=["word"],
            )
            assert [(w.word, w.start, w.end) for w in words.words] == [
                ("one", 0, 1),
                ("two", 1, 2),
            ]
            assert (words.duration, words.segments[0].text) == (2, "one two")
            stream = await heard.create(**asked, file=recording(2), stream=True)
            events = [event async for event in stream]
            assert [e.delta for e in events if e.type == "transcript.text.delta"] == ["one", " two"]
            assert events[-1].text == "one two"

    run(main)


def test_a_recognizer_that_cannot_be_had_is_one_sentence(monkeypatch):
    async def main():
        async with Stage() as stage:
            with pytest.raises(openai.BadRequestError, match="cannot be fetched"):
                await sdk(stage).audio.transcriptions.create(model="x", file=recording())

    def missing(name):
        raise UserError(f"{name} cannot be fetched.")

    monkeypatch.setattr(long_audio, "from_pretrained", missing)
    run(main)


def test_models():
    async def main():
        async with Stage() as stage:
            names = [model.id async for model in sdk(stage).models.list()]
            assert "antiphon" in names
            assert (await sdk(stage).models.retrieve(names[1])).id == names[1]
            with pytest.raises(openai.NotFoundError):
                await sdk(stage).models.retrieve("gpt-9")

    run(main)


def test_a_secret_lets_a_browser_in_with_the_session_it_was_made_for(tmp_path):
    (tmp_path / "token").write_text(TOKEN)

    async def main():
        async with Stage(token_file=tmp_path / "token") as stage:
            with pytest.raises(openai.AuthenticationError):
                await sdk(stage).realtime.client_secrets.create()
            made = await sdk(stage, TOKEN).realtime.client_secrets.create(
                expires_after={"anchor": "created_at", "seconds": 60},
                session={"type": "realtime", "instructions": "Be brief."},
            )
            assert made.value.startswith("ek_")
            assert made.session.instructions == "Be brief."
            protocols: list = ["realtime", f"openai-insecure-api-key.{made.value}"]
            async with connect(f"ws://{stage.address}/v1/realtime", subprotocols=protocols) as line:
                assert line.subprotocol == "realtime"
                assert '"instructions":"Be brief."' in await line.recv()
            async with httpx.AsyncClient(base_url=f"http://{stage.address}/v1") as web:
                headers = {"authorization": f"Bearer {TOKEN}"}
                asked = {"voice": "alloy", "modalities": ["text"]}
                answer = await web.post("/realtime/sessions", json=asked, headers=headers)
                assert answer.json()["client_secret"]["value"].startswith("ek_")
                assert answer.json()["modalities"] == ["text"]

    run(main)


@pytest.mark.parametrize(
    ("path", "given", "param"),
    [
        ("/audio/speech", {"json": {}}, "input"),
        ("/audio/speech", {"json": {"input": " "}}, "input"),
        ("/audio/speech", {"json": {"input": "a", "speed": 9}}, "speed"),
        ("/audio/speech", {"json": {"input": "a", "voice": "nobody"}}, "voice"),
        ("/audio/speech", {"json": {"input": "a", "response_format": "midi"}}, "response_format"),
        ("/audio/speech", {"content": b"["}, None),
        ("/audio/speech", {"content": b"\xff"}, None),
        ("/audio/speech", {"content": b"x" * 2_000_000}, None),
        ("/audio/transcriptions", {"data": {"model": "x"}}, "file"),
        ("/audio/transcriptions", {"files": {"file": b"no sound"}}, None),
        (
            "/audio/transcriptions",
            {"files": {"file": recording().read()}, "data": {"language": "Klingon"}},
            "language",
        ),
        (
            "/audio/transcriptions",
            {"files": {"file": recording().read()}, "data": {"response_format": "midi"}},
            "response_format",
        ),
        (
            "/realtime/client_secrets",
            {"json": {"expires_after": {"seconds": 1}}},
            "expires_after.seconds",
        ),
        ("/realtime/client_secrets", {"json": {"session": {"foo": 1}}}, "session.foo"),
        ("/realtime/sessions", {"json": {"voice": 3}}, "audio.output.voice"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_named(path, given, param):
    async def main():
        async with Stage() as stage:
            async with httpx.AsyncClient(base_url=f"http://{stage.address}/v1") as web:
                answer = await web.post(path, **given)
            assert answer.status_code == 400
            error = answer.json()["error"]
            assert error["type"] == "invalid_request_error"
            assert error["message"].endswith(".")
            assert (error["param"] or "").startswith(param or "")

    run(main)
