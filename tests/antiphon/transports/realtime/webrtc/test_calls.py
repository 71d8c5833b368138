"""Conversations over WebRTC: sound by tracks, events over a data channel, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("aiortc")
from webrtc_peer import CallStage


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


def heard_words(text):
    """How many words of a reply a text has."""
    return len(text.removesuffix("—").split())


def test_a_question_is_heard_and_its_answer_comes_by_the_track():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            peer.ask()
            await peer.of("output_audio_buffer.stopped")
            kinds = peer.kinds()
            order = [
                "session.created",
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "response.created",
                "output_audio_buffer.started",
                "response.done",
                "output_audio_buffer.stopped",
            ]
            first = [kinds.index(kind) for kind in order]
            assert first == sorted(first)
            assert "response.output_audio.delta" not in kinds and not peer.all("error")
            response = (await peer.of("response.done"))["response"]
            for event in ("started", "stopped"):
                (told,) = peer.all(f"output_audio_buffer.{event}")
                assert told["response_id"] == response["id"] and told["event_id"]
            assert await peer.words() == 6
            ((asked, _),) = stage.responder.answered
            assert 15 <= int(asked.split()[1]) <= 28  # of 25 frames that were said

    run(main)


def test_a_written_question_is_answered_in_writing_and_aloud():
    async def main():
        async with CallStage() as stage, stage.call(microphone=False) as peer:
            await peer.write("hello")
            await peer.send("response.create", response={"output_modalities": ["text"]})
            text = await peer.of("response.output_text.done")
            assert text["text"] == "written answer"
            await peer.of("response.done")
            await peer.write("and aloud")
            await peer.send("response.create")
            await peer.of("output_audio_buffer.stopped")
            assert stage.responder.answered[-1][0] == "and aloud"
            assert await peer.words() == 6

    run(main)


def test_an_interruption_silences_the_track_and_ends_memory_at_the_word_that_was_heard():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            stage.responder.words = 20
            peer.ask()
            await peer.of("output_audio_buffer.started")
            await asyncio.sleep(0.8)
            peer.microphone.say((1.0, 0.5))
            response = (await peer.of("response.done"))["response"]
            assert response["status_details"]["reason"] == "turn_detected"
            (cleared,) = peer.all("output_audio_buffer.cleared")
            assert cleared["response_id"] == response["id"]
            assert not peer.all("output_audio_buffer.stopped")
            told = response["output"][0]["content"][0]["transcript"]
            assert 2 <= heard_words(told) < 15
            assert abs(await peer.words() - heard_words(told)) <= 1
            await peer.of("response.created", 2)
            await peer.of("output_audio_buffer.started", 2)
            remembered = stage.responder.answered[-1][1][-1].text
            assert heard_words(remembered) == heard_words(told)

    run(main)


@pytest.mark.parametrize("events", [["output_audio_buffer.clear"], ["response.cancel"]])
def test_a_client_cuts_the_sound(events):
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            stage.responder.words = 20
            peer.ask()
            await peer.of("output_audio_buffer.started")
            await asyncio.sleep(0.5)
            for event in events:
                await peer.send(event)
            cleared = await peer.of("output_audio_buffer.cleared")
            response = (await peer.of("response.done"))["response"]
            assert cleared["response_id"] == response["id"]
            assert response["status"] == "cancelled"
            assert 1 <= heard_words(stage.talk.history[-1].text) < 10
            assert abs(await peer.words() - heard_words(stage.talk.history[-1].text)) <= 1
            await peer.send("output_audio_buffer.clear")  # nothing is left, and it is told
            await peer.of("output_audio_buffer.cleared", 2)
            assert not peer.all("error")

    run(main)


def test_a_client_that_says_what_it_played_is_believed():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            peer.ask()
            item = (await peer.of("response.done"))["response"]["output"][0]["id"]
            where = {"item_id": item, "content_index": 0}
            await peer.send("conversation.item.truncate", **where, audio_end_ms=750)
            await peer.of("conversation.item.truncated")
            assert stage.talk.history[-1].text == "r1w0 r1w1 r1w2 r1w3—"

    run(main)


def test_the_client_says_where_turns_end():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            await peer.update(audio={"input": {"turn_detection": None}})
            await peer.of("session.updated")
            await peer.send("input_audio_buffer.clear")
            await peer.of("input_audio_buffer.cleared")
            peer.microphone.say((0.5, 0.5))
            await asyncio.sleep(1)
            await peer.send("input_audio_buffer.commit")
            await peer.of("input_audio_buffer.committed")
            await peer.send("response.create")
            await peer.of("output_audio_buffer.stopped")
            assert 15 <= int(stage.responder.answered[-1][0].split()[1]) <= 28

    run(main)


def test_sound_in_events_is_refused():
    async def main():
        async with CallStage() as stage, stage.call() as peer:
            await peer.send("input_audio_buffer.append", audio="AAAA")
            assert "track" in (await peer.of("error"))["error"]["message"]

    run(main)


def test_responses_outside_of_the_conversation_are_heard_beside_it():
    async def main():
        async with CallStage() as stage, stage.call(microphone=False) as peer:
            await peer.write("hello")
            aside = {"conversation": "none", "metadata": {"n": "1"}}
            await peer.send("response.create", response=aside)
            await peer.of("output_audio_buffer.stopped")
            assert await peer.words() == 6
            assert not stage.talk.history or stage.talk.history[-1].role == "user"

    run(main)


def test_a_session_that_comes_with_the_offer():
    async def main():
        session = '{"type": "realtime", "instructions": "Be brief."}'
        files = {"session": (None, session, "application/json")}
        async with CallStage() as stage, stage.call(files=files) as peer:
            created = await peer.of("session.created")
            assert created["session"]["instructions"] == "Be brief."

    run(main)


def test_a_session_that_comes_with_a_secret(tmp_path):
    import httpx

    token = tmp_path / "token"
    token.write_text("0123456789abcdef")

    async def main():
        async with CallStage(token_file=token) as stage:
            async with httpx.AsyncClient(base_url=f"http://{stage.address}") as http:
                asked = {"session": {"type": "realtime", "instructions": "Be brief."}}
                own = {"authorization": "Bearer 0123456789abcdef"}
                made = await http.post("/v1/realtime/client_secrets", json=asked, headers=own)
            headers = {"content-type": "application/sdp"}
            stranger = stage.call(headers=headers)
            await stranger.dial()
            assert stranger.response.status_code == 401
            await stranger.peer.close()
            headers["authorization"] = f"Bearer {made.json()['value']}"
            async with stage.call(headers=headers) as peer:
                created = await peer.of("session.created")
                assert created["session"]["instructions"] == "Be brief."

    run(main)


def test_the_beta_version_is_spoken_at_its_address():
    async def main():
        async with CallStage() as stage, stage.call(path="/v1/realtime?model=x") as peer:
            created = await peer.of("session.created")
            assert "modalities" in created["session"]
            peer.ask()
            await peer.of("response.audio_transcript.done")

    run(main)
