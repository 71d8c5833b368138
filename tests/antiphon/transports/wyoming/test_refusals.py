"""What cannot be done or understood is refused in a sentence, and harms nobody else."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioStop
from wyoming.event import Event
from wyoming.info import Describe, SelectProgram
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStop
from wyoming.tts import SynthesizeVoice as Voice
from wyoming_stage import on_stage, read_until, send, types

from antiphon.cli import main


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event("synthesize"), "needs a text"),
        (Synthesize("Hi.", Voice(name="bob")), "The only voice is 'amy'"),
        (Synthesize("Hi.", Voice(language="de")), "'de' is not spoken here"),
        (Synthesize("<speak/>", text_format="ssml"), "Only plain text"),
        (Synthesize("word " * 5000), "A text can have 20000 characters"),
        (Event("synthesize", {"text": "Hi.", "voice": ["amy"]}), "A voice is an object"),
        (Transcribe(language="zh"), "'zh' is not spoken here"),
        (Event("transcript", {"text": 7}), "needs a text"),
        (Event("transcript", {"text": "a", "context": {"conversation_id": []}}), "id is a text"),
        (SelectProgram("piper"), "The only program"),
        (Event("ping", {"text": 1}), "needs a text"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(event, said):
    async def play(stage, client):
        async with stage.client() as other:
            await send(other, event)
            assert said in (await read_until(other, "error"))[0].data["text"]
            assert await other.read_event() is None
        await send(client, Describe())
        await read_until(client, "info")

    on_stage(play)


@pytest.mark.parametrize(
    ("rate", "width", "channels", "payload"),
    [(0, 2, 1, b""), (16_000, 5, 1, b""), (16_000, 2, 0, b""), (16_000, 2, 1, b"abc"), ("x",) * 4],
)
def test_sound_that_is_none_is_refused(rate, width, channels, payload):
    async def play(stage, client):
        form = {"rate": rate, "width": width, "channels": channels}
        payload_ = payload if isinstance(payload, bytes) else b""
        await send(client, Transcribe(), Event("audio-chunk", form, payload_), AudioStop())
        assert (await read_until(client, "error"))[-1].data["code"] == "malformed"

    on_stage(play)


def line(**fields):
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"no JSON"),
        (b"[]\n", b"no JSON object"),
        (b"{}\n", b"no type"),
        (line(type=3), b"no type"),
        (line(type="ping", data=[1]), b"no object"),
        (line(type="ping", data_length=-1), b"data_length"),
        (line(type="ping", payload_length=10**12), b"payload_length"),
        (line(type="ping", payload_length=True), b"payload_length"),
        (line(type="ping", data_length="3"), b"data_length"),
        (line(type="ping", data_length=2) + b"[]", b"no JSON object"),
        (b'{"type":"ping","data":' + b"[" * 20_000 + b"]" * 20_000 + b"}\n", b"JSON"),
        (b'{"type":"ping","data":' + b'{"a":' * 100 + b"1" + b"}" * 101 + b"\n", b"deeper"),
        (b"\xff\xfe\n", b"no JSON"),
        (b"x" * 2**17, b"longer than"),
        (b"1" * 5000 + b"\n", b"no JSON"),
    ],
)
def test_what_is_no_message_harms_nobody(data, said):
    async def play(stage, client):
        assert said in await stage.raw(data)
        await send(client, Describe())
        await read_until(client, "info")

    on_stage(play)


def test_half_a_character_and_unknown_events_are_no_harm():
    async def play(stage, client):
        await send(client, Event("detection"), Event("_answer"), Event("audio_start"), AudioStop())
        await send(client, SynthesizeChunk("early"), SynthesizeStop())
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b'{"type":"transcript","data":{"text":"a \\ud800"}}\n')
        assert b"handled" in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        await send(client, Describe())
        assert types(await read_until(client, "info")) == ["info"]

    on_stage(play)


def test_a_model_that_breaks_ends_one_connection():
    async def play(stage, client):
        async with stage.client() as other:
            await send(other, Synthesize("crash"))
            assert (await read_until(other, "error"))[-1].data["code"] == "failed"
        await send(client, Synthesize("fine"))
        await read_until(client, "audio-stop")

    on_stage(play)


def test_too_many_requests_at_once_are_refused():
    async def play(stage, client):
        await send(client, *[Transcript("wait")] * 12)
        assert (await read_until(client, "error"))[-1].data["code"] == "too-many-requests"
        assert await client.read_event() is None

    on_stage(play)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://127.0.0.1:10300", "is no address"),
        ("tcp://127.0.0.1", "is no address"),
        ("tcp://127.0.0.1:99999", "is no address"),
        ("tcp://no.such.name.invalid:1", "There is no address"),
        ("tcp://192.0.2.1:10300", "cannot be listened at"),
    ],
)
def test_an_address_that_does_not_do_is_said_before_models_are_loaded(uri, said):
    result = CliRunner().invoke(main.app, ["serve", "--wyoming", "--wyoming-uri", uri])
    assert result.exit_code == 2 and said in result.stderr.replace("\n", " ")
