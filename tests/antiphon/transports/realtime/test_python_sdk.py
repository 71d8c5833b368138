"""OpenAI's own Python client, unmodified, over a real socket."""

from __future__ import annotations

import asyncio
import base64
import json

import numpy as np
import pytest
from openai import AsyncOpenAI
from realtime_client import RATE, Stage, with_tools

LAMP = {
    "type": "function",
    "name": "set_lamp",
    "description": "Turn the lamp on or off.",
    "parameters": {
        "type": "object",
        "properties": {"on": {"type": "boolean"}},
        "required": ["on"],
    },
}


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


def sdk(stage):
    where = f"{stage.address}/v1"
    return AsyncOpenAI(
        base_url=f"http://{where}", websocket_base_url=f"ws://{where}", api_key="any"
    )


def question(*parts):
    sound = np.concatenate([np.full(round(s * RATE), level) for s, level in parts])
    return base64.b64encode((sound * 32767).astype("<i2").tobytes()).decode()


async def until(line, kind):
    """Events up to the first of a kind, which is the last of them."""
    found = []
    async for event in line:
        assert event.type != "error", event
        found.append(event)
        if event.type == kind:
            return found
    raise AssertionError(kind)


def test_a_spoken_conversation():
    async def main():
        async with Stage() as stage, sdk(stage).realtime.connect(model="gpt-realtime") as line:
            session = {
                "type": "realtime",
                "instructions": "Be brief.",
                "output_modalities": ["audio"],
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 24000},
                        "noise_reduction": {"type": "near_field"},
                        "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
                    },
                    "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
                },
            }
            await line.session.update(session=session)
            updated = (await until(line, "session.updated"))[-1].session
            assert updated.audio.input.turn_detection.silence_duration_ms == 300
            await line.input_audio_buffer.append(audio=question((0.4, 0.5), (0.5, 0.0)))
            events = await until(line, "response.done")
            sound = b"".join(
                base64.b64decode(e.delta) for e in events if e.type == "response.output_audio.delta"
            )
            assert abs(len(sound) / 2 / RATE - 1.2) < 0.03
            response = events[-1].response
            assert response.status == "completed"
            assert response.output[0].content[0].transcript.startswith("r1w0 r1w1")
            assert stage.responder.answered[0][1][0].text == "Be brief."

    run(main)


def test_a_written_conversation():
    async def main():
        async with Stage() as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            await line.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            for asked in ("Say hello!", "And now?"):
                content = [{"type": "input_text", "text": asked}]
                item = {"type": "message", "role": "user", "content": content}
                await line.conversation.item.create(item=item)
                await line.response.create()
                events = await until(line, "response.done")
                text = [e.delta for e in events if e.type == "response.output_text.delta"]
                assert text == ["written", " answer"]
                assert events[-1].response.output[0].content[0].text == "written answer"
            asked, history = stage.responder.answered[-1]
            assert asked == "And now?"
            assert [turn.text for turn in history] == ["Say hello!", "written answer"]

    run(main)


def test_what_is_written_can_be_answered_aloud():
    async def main():
        async with Stage() as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            content = [{"type": "input_text", "text": "Say hello!"}]
            await line.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await line.response.create()
            events = await until(line, "response.done")
            assert any(e.type == "response.output_audio.delta" for e in events)
            assert stage.responder.answered == [("Say hello!", ())]

    run(main)


def test_functions_are_called_and_their_results_are_said():
    async def main():
        turns = with_tools([("set_lamp", {"on": True})])
        async with Stage(turns) as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            await line.session.update(session={"type": "realtime", "tools": [LAMP]})
            await line.input_audio_buffer.append(audio=question((0.4, 0.5), (0.5, 0.0)))
            events = await until(line, "response.done")
            (call,) = events[-1].response.output
            assert (call.type, call.name) == ("function_call", "set_lamp")
            assert json.loads(call.arguments) == {"on": True}
            done = next(e for e in events if e.type == "response.function_call_arguments.done")
            assert (done.call_id, done.arguments) == (call.call_id, call.arguments)
            output = json.dumps({"state": "the lamp is on"})
            result = {"type": "function_call_output", "call_id": call.call_id, "output": output}
            await line.conversation.item.create(item=result)
            await line.response.create()
            events = await until(line, "response.done")
            said = events[-1].response.output[0].content[0].transcript
            assert said == "The lamp is on."
            assert [turn.text for turn in stage.talk.history] == ["heard 20 frames", said]

    run(main)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "open_door"}])
@pytest.mark.parametrize("where", ["session", "response"])
def test_a_function_that_is_required_is_called(choice, where):
    async def main():
        turns = with_tools()
        async with Stage(turns) as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            door = {**LAMP, "name": "open_door", "description": "Open the door."}
            lamp = [LAMP] if choice != "required" else []
            session = {"type": "realtime", "tools": [*lamp, door]}
            chosen = {"tool_choice": choice}
            await line.session.update(session={**session, **(chosen if where == "session" else {})})
            content = [{"type": "input_text", "text": "Hello."}]
            item = {"type": "message", "role": "user", "content": content}
            await line.conversation.item.create(item=item)
            await line.response.create(response=chosen if where == "response" else {})
            (call,) = (await until(line, "response.done"))[-1].response.output
            assert (call.type, call.name) == ("function_call", "open_door")

    run(main)


def test_functions_are_called_in_writing_too():
    async def main():
        turns = with_tools([("set_lamp", {"on": False})])
        async with Stage(turns) as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            await line.session.update(
                session={"type": "realtime", "tools": [LAMP], "output_modalities": ["text"]}
            )
            content = [{"type": "input_text", "text": "Lamp off."}]
            item = {"type": "message", "role": "user", "content": content}
            await line.conversation.item.create(item=item)
            await line.response.create()
            (call,) = (await until(line, "response.done"))[-1].response.output
            result = {"type": "function_call_output", "call_id": call.call_id, "output": "Off"}
            await line.conversation.item.create(item=result)
            await line.response.create()
            events = await until(line, "response.done")
            assert events[-1].response.output[0].content[0].text == "Off."

    run(main)


def test_an_interruption_is_truncated_where_the_client_stopped():
    async def main():
        async with Stage() as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            stage.responder.words = 20
            await line.input_audio_buffer.append(audio=question((0.4, 0.5), (0.5, 0.0)))
            item = (await until(line, "response.output_audio.delta"))[-1].item_id

            async def speak():
                for _ in range(40):
                    await line.input_audio_buffer.append(audio=question((0.04, 0.5)))
                    await asyncio.sleep(0.04)

            speaking = asyncio.create_task(speak())
            await until(line, "input_audio_buffer.speech_started")
            await line.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=510)
            events = await until(line, "response.done")
            assert events[-1].response.status == "cancelled"
            assert stage.talk.history[-1].text == "r1w0 r1w1 r1w2—"
            await speaking

    run(main)


def test_a_response_outside_of_the_conversation_leaves_no_trace():
    async def main():
        async with Stage() as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            content = [{"type": "input_text", "text": "Is this about lamps?"}]
            await line.response.create(
                response={
                    "conversation": "none",
                    "output_modalities": ["text"],
                    "instructions": "Answer yes or no.",
                    "metadata": {"topic": "classification"},
                    "input": [{"type": "message", "role": "user", "content": content}],
                }
            )
            response = (await until(line, "response.done"))[-1].response
            assert response.metadata == {"topic": "classification"}
            assert response.output[0].content[0].text == "written answer"
            assert not response.conversation_id
            asked, history = stage.responder.answered[0]
            assert (asked, history[0].text) == ("Is this about lamps?", "Answer yes or no.")
            await line.response.create(response={"conversation": "none"})
            events = await until(line, "response.done")
            assert any(e.type == "response.output_audio.delta" for e in events)
            assert not stage.talk.history

    run(main)


def test_items_are_put_in_order_given_back_and_taken_out():
    async def main():
        async with Stage() as stage, sdk(stage).realtime.connect(model="antiphon") as line:
            for name, text, after in (("b", "two", None), ("a", "one", "root"), ("c", "3", "b")):
                role = {"a": "user", "b": "assistant", "c": "user"}[name]
                kind = "output_text" if role == "assistant" else "input_text"
                content = [{"type": kind, "text": text}]
                item = {"type": "message", "role": role, "content": content, "id": name}
                more = {} if after is None else {"previous_item_id": after}
                await line.conversation.item.create(item=item, **more)
                await until(line, "conversation.item.done")
            assert [turn.text for turn in stage.talk.history] == ["one", "two", "3"]
            await line.conversation.item.retrieve(item_id="b")
            found = (await until(line, "conversation.item.retrieved"))[-1].item
            assert found.content[0].text == "two"
            await line.conversation.item.delete(item_id="c")
            await until(line, "conversation.item.deleted")
            assert [turn.text for turn in stage.talk.history] == ["one", "two"]

    run(main)


def test_the_names_of_the_beta_version():
    async def main():
        async with Stage() as stage, sdk(stage).beta.realtime.connect(model="gpt-4o") as line:
            await line.session.update(
                session={
                    "modalities": ["text", "audio"],
                    "voice": "alloy",
                    "input_audio_format": "pcm16",
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
                    "input_audio_transcription": {"model": "whisper-1"},
                    "temperature": 0.7,
                }
            )
            session = (await until(line, "session.updated"))[-1].session
            assert session.input_audio_format == "pcm16"
            await line.input_audio_buffer.append(audio=question((0.4, 0.5), (0.5, 0.0)))
            events = await until(line, "response.done")
            kinds = {event.type for event in events}
            assert {"response.audio.delta", "response.audio_transcript.done"} <= kinds
            assert "conversation.item.created" in kinds
            part = events[-1].response.output[0].content[0]
            assert (part.type, part.transcript[:9]) == ("audio", "r1w0 r1w1")

    run(main)
