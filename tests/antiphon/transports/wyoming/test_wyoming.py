"""Home Assistant talks to the server: the package's own client, over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from fake_conversation import RATE, WORD
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop
from wyoming.tts import SynthesizeVoice as Voice
from wyoming_stage import WyomingStage, on_stage, read_until, send, types


def sound(*parts, rate=16_000, width=2, channels=1):
    """Chunks of 64 ms as Home Assistant sends them; parts are seconds, negative ones of silence."""
    level = np.concatenate([np.full(int(abs(s) * rate), 0.5 if s > 0 else 0.0) for s in parts])
    data = np.repeat(level * 2 ** (8 * width - 1), channels)
    pcm = data.astype({1: "i1", 2: "<i2", 4: "<i4"}[width]).tobytes()
    if width == 1:
        pcm = (np.frombuffer(pcm, np.uint8) ^ 0x80).tobytes()
    size = 1024 * width * channels
    begins = range(0, len(pcm), size)
    return [AudioChunk(rate, width, channels, pcm[begin : begin + size]) for begin in begins]


def recording(*parts, **form):
    chunks = sound(*parts, **form)
    start = AudioStart(chunks[0].rate, chunks[0].width, chunks[0].channels)
    return [Transcribe(language="en"), start, *chunks, AudioStop()]


def test_it_says_what_it_can_do():
    async def play(stage, client):
        await send(client, Describe())
        info = Info.from_event((await read_until(client, "info"))[0])
        asr, tts, handle = info.asr[0], info.tts[0], info.handle[0]
        assert asr.supports_transcript_streaming and tts.supports_synthesize_streaming
        assert handle.supports_handled_streaming and not handle.supports_home_control
        models: list[Any] = [asr.models[0], tts.voices[0], handle.models[0]]
        assert [model.name for model in models][1:] == ["amy", "tiny"]
        for each in (asr, tts, handle, *models):
            assert each.installed and each.version and each.description and each.attribution.name
        assert {tuple(model.languages) for model in models} == {("en",)}
        await send(client, Ping("are you there?"))
        assert (await read_until(client, "pong"))[0].data["text"] == "are you there?"

    on_stage(play)


def test_a_command_is_transcribed():
    async def play(stage, client):
        await send(client, *recording(-0.3, 1.0, -0.5))
        events = await read_until(client, "transcript-stop")
        assert types(events) == [
            "transcript-start",
            "transcript-chunk",
            "transcript",
            "transcript-stop",
        ]
        assert events[1].data["text"] == events[2].data["text"] == "heard 50 frames"

    on_stage(play)


@pytest.mark.parametrize("form", [(48_000, 4, 2), (8_000, 1, 1), (44_100, 2, 1)])
def test_other_formats_are_heard_as_well(form):
    rate, width, channels = form

    async def play(stage, client):
        await send(client, *recording(-0.3, 1.0, -0.5, rate=rate, width=width, channels=channels))
        text = (await read_until(client, "transcript-stop"))[-2].data["text"]
        assert abs(int(text.split()[1]) - 50) <= 1

    on_stage(play)


def test_a_long_recording_is_transcribed_while_its_speaker_pauses():
    async def play(stage, client):
        before, after = [7.0, -1.2], [1.0, -0.2]
        await send(client, Transcribe(), AudioStart(16_000, 2, 1), *sound(*before))
        first = await read_until(client, "transcript-chunk")
        assert first[-1].data["text"] == "heard 350 frames"
        await send(client, *sound(*after), AudioStop())
        events = await read_until(client, "transcript-stop")
        assert types(events) == ["transcript-chunk", "transcript", "transcript-stop"]
        chunks = [e.data["text"] for e in [first[-1], events[0]]]
        assert events[1].data["text"] == "".join(chunks) == "heard 350 frames heard 50 frames"

    on_stage(play)


def test_silence_is_an_empty_transcript():
    async def play(stage, client):
        await send(client, *recording(-1.0))
        events = await read_until(client, "transcript-stop")
        assert types(events) == ["transcript-start", "transcript", "transcript-stop"]
        assert events[1].data["text"] == ""
        stage.responder.doubt = "unclear"
        await send(client, *recording(1.0))
        assert (await read_until(client, "transcript"))[-1].data["text"] == ""

    on_stage(play)


def test_a_text_is_spoken():
    async def play(stage, client):
        await send(client, Synthesize("Good morning to you.", Voice(name="amy")))
        events = await read_until(client, "audio-stop")
        start = AudioStart.from_event(events[0])
        assert (start.rate, start.width, start.channels) == (RATE, 2, 1)
        assert sum(len(event.payload) for event in events[1:-1]) == 2 * 4 * WORD
        await send(client, Synthesize(""))
        assert types(await read_until(client, "audio-stop")) == ["audio-start", "audio-stop"]

    on_stage(play)


def test_a_streamed_text_sounds_while_it_is_written():
    """Home Assistant sends the whole text again before the stop, for servers that do not stream."""

    async def play(stage, client):
        await send(client, SynthesizeStart(Voice(name="amy")), SynthesizeChunk("Good mor"))
        events = await read_until(client, "audio-chunk")
        assert types(events) == ["audio-start", "audio-chunk"]
        await send(client, SynthesizeChunk("ning to"), SynthesizeChunk(" you."))
        await send(client, Synthesize("Good morning to you."), SynthesizeStop())
        events += await read_until(client, "synthesize-stopped")
        assert types(events)[-2:] == ["audio-stop", "synthesize-stopped"]
        assert types(events).count("audio-start") == 1
        await send(client, Synthesize("Again."))
        assert len(await read_until(client, "audio-stop")) == 3

    on_stage(play)


def test_a_conversation_remembers_by_its_id():
    """Home Assistant opens a connection for every question."""

    async def ask(stage, text, name):
        async with stage.client() as client:
            context = {"conversation_id": name} if name else None
            await send(client, Transcript(text, context, "en"))
            return await read_until(client, "handled-stop", "not-handled")

    async def work():
        async with WyomingStage() as stage:
            events = await ask(stage, "Who are you?", "a")
            assert types(events) == [
                "handled-start",
                "handled-chunk",
                "handled-chunk",
                "handled",
                "handled-stop",
            ]
            chunks = [e.data["text"] for e in events if e.type == "handled-chunk"]
            assert events[-2].data["text"] == "".join(chunks) == "0 turns, then: Who are you?"
            assert events[0].data["context"] == {"conversation_id": "a"}
            assert (await ask(stage, "And?", "a"))[-2].data["text"] == "2 turns, then: And?"
            assert (await ask(stage, "And?", "b"))[-2].data["text"] == "0 turns, then: And?"
            assert (await ask(stage, "And?", None))[-2].data["text"] == "0 turns, then: And?"
            assert (await ask(stage, " ", "a"))[0].type == "not-handled"
            failed = (await ask(stage, "fail", "a"))[-1]
            assert failed.data["text"] == "The language model is gone: start it."
            assert (await ask(stage, "And?", "a"))[-2].data["text"].startswith("4 turns")
            async with stage.client() as client:
                for count in (0, 2):
                    await send(client, Transcript("One connection."))
                    text = (await read_until(client, "handled"))[-1].data["text"]
                    assert text.startswith(f"{count} turns")

    asyncio.run(work())


def test_nobody_waits_for_a_client_that_left():
    async def play(stage, client):
        async with stage.client() as other:
            await send(other, SynthesizeStart(), SynthesizeChunk("one "))
            await read_until(other, "audio-chunk")
        for _ in range(500):
            if stage.responder.cancelled.is_set():
                break
            await asyncio.sleep(0.01)
        assert stage.responder.cancelled.is_set()
        await send(client, Synthesize("Still here."))
        assert len(await read_until(client, "audio-stop")) == 4

    on_stage(play)


def test_many_clients_at_once_and_the_surplus_is_told_to_come_back():
    async def work():
        async with WyomingStage() as stage:
            clients = [stage.client() for _ in range(32)]
            for client in clients:
                await client.connect()
            await asyncio.gather(*(send(client, *recording(0.2, -0.1)) for client in clients))
            ends = await asyncio.gather(*(read_until(c, "transcript") for c in clients))
            assert {end[-1].data["text"] for end in ends} == {"heard 10 frames"}
            async with stage.client() as late:
                error = Error.from_event((await read_until(late, "error"))[0])
                assert error.code == "session_limit_reached" and "10 s" in error.text
            for client in clients:
                await client.disconnect()

    asyncio.run(work())


def test_the_end_lets_answers_finish():
    async def work():
        async with WyomingStage() as stage:
            client = stage.client()
            await client.connect()
            await send(client, Transcript("wait"))
            await read_until(client, "handled-chunk")
            stage.task.cancel()
            await asyncio.sleep(0.1)
            stage.responder.go_on.set()
            assert (await read_until(client, "handled-stop"))[-2].data["text"].endswith("wait")
            assert await client.read_event() is None

    asyncio.run(work())
