"""Spoken conversations over the Realtime API: turns, interruptions, and what was heard."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest
from realtime_client import RATE, Stage

WORDS = "r1w0 r1w1 r1w2 r1w3 r1w4 r1w5"


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_question_is_heard_and_answered_in_the_order_clients_rely_on():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
            await client.ask()
            done = await client.of("response.done")
            kinds = client.kinds()
            order = [
                "session.created",
                "session.updated",
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                "conversation.item.input_audio_transcription.delta",
                "conversation.item.input_audio_transcription.completed",
                "response.created",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_audio_transcript.delta",
                "response.output_audio.delta",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.done",
            ]
            first = [kinds.index(kind) for kind in order]
            assert first == sorted(first)
            assert done["response"]["status"] == "completed"
            (item,) = done["response"]["output"]
            assert item["content"] == [{"type": "output_audio", "transcript": WORDS}]
            deltas = client.all("response.output_audio_transcript.delta")
            assert "".join(delta["delta"] for delta in deltas) == WORDS
            seconds = len(client.sound(item["id"])) / RATE
            assert seconds == pytest.approx(6 * 0.2, abs=0.03)
            assert len({event["event_id"] for event in client.events}) == len(client.events)
            assert not client.all("error")

    run(main)


def test_the_sound_is_the_voice_s_own():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.ask()
            await client.of("response.done")
            sound = client.sound()
            middle = sound[len(sound) // 2]
            assert middle == pytest.approx(0.1 + 0.6 * 22_050 * 1e-5, abs=0.003)

    run(main)


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
def test_telephones_talk_in_g711(form):
    async def main():
        async with Stage() as stage, stage.connect() as client:
            form_ = {"format": {"type": form}}
            await client.update(audio={"input": form_, "output": form_})
            loud = {"audio/pcmu": 0x90, "audio/pcma": 0xB0}[form]
            quiet = {"audio/pcmu": 0xFF, "audio/pcma": 0xD5}[form]
            question = bytes([loud] * 3200 + [quiet] * 4000)
            audio = base64.b64encode(question).decode()
            await client.send("input_audio_buffer.append", audio=audio)
            await client.of("response.done")
            deltas = client.all("response.output_audio.delta")
            sent = sum(len(base64.b64decode(delta["delta"])) for delta in deltas)
            assert sent / 8000 == pytest.approx(1.2, abs=0.03)

    run(main)


def test_an_interruption_ends_the_transcript_and_the_memory_at_the_word_that_was_heard():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            stage.responder.words = 20
            await client.ask()
            item_id = (await client.of("response.output_audio.delta"))["item_id"]
            streaming = asyncio.create_task(client.stream(1.5, 0.5))
            await client.of("input_audio_buffer.speech_started", 2)
            await client.send(
                "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=310
            )
            done = await client.of("response.done")
            assert (await client.of("conversation.item.truncated"))["audio_end_ms"] == 310
            response = done["response"]
            assert response["status"] == "cancelled"
            assert response["status_details"]["reason"] == "turn_detected"
            assert response["output"][0]["content"][0]["transcript"] == "r1w0 r1w1"
            assert response["output"][0]["status"] == "incomplete"
            assert [t.text for t in stage.talk.history][-1] == "r1w0 r1w1—"
            await streaming
            await client.append((0.6, 0.0))
            await client.of("response.created", 2)
            await client.of("response.output_item.added", 2)
            history = stage.responder.answered[-1][1]
            assert history[-1].text == "r1w0 r1w1—"

    run(main)


def test_a_reply_that_is_over_can_be_truncated_too():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.ask()
            item = (await client.of("response.done"))["response"]["output"][0]["id"]
            where = {"item_id": item, "content_index": 0}
            await client.send("conversation.item.truncate", **where, audio_end_ms=5000)
            error = (await client.of("error"))["error"]
            assert error["param"] == "audio_end_ms"
            await client.send("conversation.item.truncate", **where, audio_end_ms=750)
            await client.of("conversation.item.truncated")
            assert stage.talk.history[-1].text == "r1w0 r1w1 r1w2 r1w3—"
            await client.send("conversation.item.retrieve", item_id=item)
            found = (await client.of("conversation.item.retrieved"))["item"]
            assert found["content"][0]["transcript"] == "r1w0 r1w1 r1w2 r1w3"

    run(main)


def test_a_client_that_cancels_and_says_how_far_it_came():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            stage.responder.words = 20
            await client.ask()
            item_id = (await client.of("response.output_audio.delta", 10))["item_id"]
            await client.send("response.cancel")
            await client.send(
                "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=110
            )
            response = (await client.of("response.done"))["response"]
            assert response["status_details"]["reason"] == "client_cancelled"
            assert stage.talk.history[-1].text == "r1w0—"
            await client.send("response.cancel", event_id="mine")
            error = (await client.of("error"))["error"]
            assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "mine")

    run(main)


@pytest.mark.parametrize("cancelled", [True, False])
def test_what_is_written_while_a_reply_is_said_is_answered_after_it(cancelled):
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.ask()
            await client.of("response.output_audio.delta", 10)
            if cancelled:
                await client.send("response.cancel")
            await client.write("Who are you?")
            await client.of("response.done")
            await client.send("response.create")
            await client.of("response.output_item.added", 2)
            question, history = stage.responder.answered[-1]
            assert question == "Who are you?"
            assert [turn.role for turn in history] == ["user", "assistant"]
            assert history[-1].text.startswith("r1w0")

    run(main)


def test_turns_are_committed_by_hand():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.update(
                audio={"input": {"turn_detection": None, "transcription": {"model": "x"}}}
            )
            await client.append((1.0, 0.5))
            await client.send("input_audio_buffer.commit")
            committed = await client.of("input_audio_buffer.committed")
            await client.send("response.create", response={"metadata": {"topic": "a"}})
            response = (await client.of("response.done"))["response"]
            assert response["status"] == "completed"
            assert response["metadata"] == {"topic": "a"}
            heard = client.all("conversation.item.input_audio_transcription.completed")[0]
            assert (heard["transcript"], heard["item_id"]) == (
                "heard 49 frames",
                committed["item_id"],
            ) or heard["transcript"] == "heard 50 frames"
            assert [turn.role for turn in stage.talk.history] == ["user", "assistant"]
            assert not client.all("input_audio_buffer.speech_started")
            await client.send("input_audio_buffer.commit")
            assert (await client.of("error"))["error"]["code"] == "input_audio_buffer_commit_empty"

    run(main)


def test_turns_without_an_answer_are_answered_when_it_is_asked_for():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            vad = {"type": "server_vad", "create_response": False, "silence_duration_ms": 300}
            await client.update(audio={"input": {"turn_detection": vad}})
            await client.ask()
            await client.of("conversation.item.done")
            await asyncio.sleep(0.2)
            assert not client.all("response.created")
            await client.send("response.create")
            await client.of("response.done")
            assert len(stage.responder.answered) == 1

    run(main)


def test_a_client_that_wants_no_interruptions_has_none():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            vad = {"type": "semantic_vad", "interrupt_response": False}
            await client.update(audio={"input": {"turn_detection": vad}})
            await client.ask()
            await client.of("response.output_audio.delta")
            await client.stream(0.8, 0.5)
            response = (await client.of("response.done"))["response"]
            assert response["status"] == "completed"

    run(main)


def test_words_state_level_and_latency_are_told_to_who_wants_them():
    async def main():
        async with Stage() as stage, stage.connect("?antiphon=events") as client:
            assert client.events[0]["session"]["antiphon"]["events"]
            await client.ask()
            await client.of("response.done")
            words = [word for event in client.all("antiphon.words") for word in event["words"]]
            assert [word["text"] for word in words] == WORDS.split()
            assert [word["start_ms"] for word in words] == [200 * i for i in range(6)]
            states = [event["state"] for event in client.all("antiphon.state")]
            assert "speaking" in states
            assert states[-1] == "idle" or (await client.of("antiphon.state", len(states) + 1))
            assert client.all("antiphon.level")
            latency = client.all("antiphon.latency")[0]
            assert latency["voice_to_voice_ms"] > 0
            assert latency["response_id"] == client.all("response.created")[0]["response"]["id"]

    run(main)


def test_a_client_can_place_the_answer_on_its_own_clock():
    async def main():
        async with Stage() as stage, stage.connect("?antiphon=events") as client:
            await client.ask()
            await client.of("response.done")
            await client.ask()
            await client.of("response.done", 2)
            first, second = client.all("antiphon.latency")
            # 0.4 s of speech, and 0.3 s of the silence behind it, are enough to answer.
            assert first["microphone_ms"] == pytest.approx(700, abs=41)
            assert second["microphone_ms"] == pytest.approx(900 + 700, abs=41)
            # Meanwhile the server's own time went on: nothing was sent during the answer.
            assert second["first_sound_ms"] > second["microphone_ms"] + 100

    run(main)


def test_the_speed_of_speech():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.update(audio={"output": {"speed": 1.5}})
            await client.ask()
            await client.of("response.done")
            assert len(client.sound()) / RATE == pytest.approx(1.2 / 1.5, abs=0.08)
            assert np.abs(client.sound()).max() < 0.5

    run(main)


def test_who_says_nothing_for_long_is_asked_something():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            vad = {"type": "server_vad", "idle_timeout_ms": 5000}
            await client.update(audio={"input": {"turn_detection": vad}})
            await client.ask()
            await client.of("response.done")
            await client.append((3.0, 0.0))
            await stage.until(lambda: stage.talk.at > 16_000 * 4)
            assert not client.all("input_audio_buffer.timeout_triggered")
            await client.append((2.5, 0.0))
            told = await client.of("input_audio_buffer.timeout_triggered")
            waited = told["audio_end_ms"] - told["audio_start_ms"]
            assert 5000 <= waited < 6100  # a second of sound may be heard at once
            committed = await client.of("input_audio_buffer.committed", 2)
            assert committed["item_id"] == told["item_id"]
            await client.of("response.done", 2)
            asked, history = stage.responder.answered[-1]
            assert "nothing" in asked
            assert [turn.role for turn in history] == ["user", "assistant"]
            assert [turn.role for turn in stage.talk.history] == ["user", "assistant", "assistant"]
            assert not client.all("error")

    run(main)
