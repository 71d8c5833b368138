"""The Python client at a real socket; models are replaced."""

import asyncio
import io
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from realtime_client import Stage, with_tools

from antiphon.client import (
    RATE,
    Asked,
    Called,
    Client,
    Done,
    Failed,
    Interrupted,
    Latency,
    Sound,
    Words,
)
from antiphon.errors import UserError


async def until_done(talk):
    """What happened until a reply was over."""
    found = []
    async for event in talk:
        found.append(event)
        if isinstance(event, Done):
            return found
    raise AssertionError("the server went away")


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


def test_a_written_question_is_answered_in_speech():
    async def main():
        async with Stage() as stage, Client(f"ws://{stage.address}") as talk:
            await talk.ask("Are you there?")
            found = await until_done(talk)
            history = stage.talk.history
            return found, history

    found, history = run(main())
    sound = [event for event in found if isinstance(event, Sound)]
    words = [event for event in found if isinstance(event, Words)]
    assert sum(len(event.pcm) for event in sound) > RATE / 10
    assert max(np.abs(event.pcm).max() for event in sound) > 0.01
    assert " ".join(event.text for event in words) == found[-1].text == history[-1].text
    assert history[-2].text == "Are you there?"
    assert {event.item for event in words} == {event.item for event in sound}


def test_a_spoken_question_is_understood_and_answered():
    async def main():
        async with Stage() as stage, Client(f"ws://{stage.address}") as talk:
            await talk.hear(spoken())
            return await until_done(talk)

    found = run(main())
    assert any(isinstance(event, Asked) and event.text for event in found)
    assert found[-1].text


def test_what_was_played_of_a_stopped_reply_is_what_is_remembered():
    async def main():
        async with Stage() as stage, Client(f"ws://{stage.address}") as talk:
            await talk.ask("Talk for long.")
            words, played, stopped = [], 0, False
            async for event in talk:
                words += [event] if isinstance(event, Words) else []
                played += len(event.pcm) * 1000 // RATE if isinstance(event, Sound) else 0
                if not stopped and words and played >= words[0].end_ms:
                    stopped = True
                    await talk.stop(words[0].item, words[0].end_ms)
                if isinstance(event, Done):
                    break
            await asyncio.sleep(0.5)
            return words[0].text.split()[0], stage.talk.history[-1].text

    first, remembered = run(main())
    assert remembered.rstrip("—") == first


def test_what_cannot_be_done_is_told_and_the_conversation_goes_on():
    async def main():
        async with Stage() as stage, Client(f"ws://{stage.address}") as talk:
            await talk.stop("item_of_nobody", 100)
            async for event in talk:
                if isinstance(event, Failed):
                    reason = event.reason
                    break
            await talk.ask("And now?")
            return reason, await until_done(talk)

    reason, found = run(main())
    assert "item_of_nobody" in reason and found[-1].text


def spoken(rate=RATE):
    """A question that ends by itself."""
    sound = np.concatenate([np.full(rate * 2 // 5, 0.5), np.zeros(rate // 2)])
    return sound.astype(np.float32)


def answered_with(*functions, call, seen=lambda event: None):
    """What the agent says after it has called a function."""

    async def main():
        async with (
            Stage(responder=with_tools([call])) as stage,
            Client(f"ws://{stage.address}", tools=functions) as talk,
        ):
            await talk.hear(spoken())
            async for event in talk:
                seen(event)
                if isinstance(event, Done):
                    return event.text

    return run(main())


def test_a_function_is_called_and_its_result_said():
    called, events = [], []

    def light(on: bool) -> str:
        """Turn the light on or off."""
        called.append(on)
        return "It is on."

    assert answered_with(light, call=("light", {"on": True}), seen=events.append)
    assert called == [True]
    assert Called("light", {"on": True}) in events


def test_a_coroutine_is_a_function_too():
    async def light(on: bool) -> str:
        """Turn the light on or off."""
        await asyncio.sleep(0)
        return "It is on."

    assert answered_with(light, call=("light", {"on": True}))


def test_a_function_that_fails_without_a_word_is_told_by_its_kind():
    def light(on: bool) -> str:
        """Turn the light on or off."""
        raise TimeoutError

    assert "TimeoutError" in answered_with(light, call=("light", {"on": True}))


def test_a_slow_function_stops_nothing_else():
    go, events = threading.Event(), []

    def light(on: bool) -> str:
        """Turn the light on or off."""
        assert go.wait(10)
        return "It is on."

    async def main():
        async with (
            Stage(responder=with_tools([("light", {"on": True})])) as stage,
            Client(f"ws://{stage.address}", tools=[light]) as talk,
        ):
            await talk.hear(spoken())
            async for event in talk:
                events.append(event)
                if isinstance(event, Called):
                    await talk.stop("item_of_nobody", 100)
                elif isinstance(event, Failed):
                    go.set()  # events came while the function waited
                elif isinstance(event, Done) and event.text:
                    return

    run(main())
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("Called") < kinds.index("Failed") < kinds.index("Done")


def test_sound_is_heard_and_said_at_any_rate():
    async def main():
        async with (
            Stage() as stage,
            Client(f"ws://{stage.address}", rate_in=16_000, rate_out=48_000) as talk,
        ):
            await talk.hear(spoken(16_000))
            return await until_done(talk), stage.responder.streams

    found, streams = run(main())
    samples = sum(len(event.pcm) for event in found if isinstance(event, Sound))
    words = [event for event in found if isinstance(event, Words)]
    assert samples / 48 == pytest.approx(words[-1].end_ms, abs=60)
    loud = np.abs(np.concatenate(streams[0].pcm)) > 0.1
    assert loud.sum() / 16_000 == pytest.approx(0.4, abs=0.03)


def test_latency_and_what_was_heard_of_a_stopped_reply_are_told():
    async def main():
        async with Stage() as stage, Client(f"ws://{stage.address}") as talk:
            await talk.hear(spoken())
            found, played = [], 0
            async for event in talk:
                found.append(event)
                if isinstance(event, Sound):
                    played += len(event.pcm)
                    if played >= RATE // 2:
                        await talk.stop(event.item, 250)
                        played = 0
                if isinstance(event, Interrupted):
                    return found, stage.talk.history[-1].text

    found, remembered = run(main())
    (latency,) = [event for event in found if isinstance(event, Latency)]
    assert latency.turn_end_ms and 0 < latency.turn_end_ms <= latency.voice_to_voice_ms
    assert found[-1].text == "r1w0" and remembered == "r1w0—"
    assert found[-1].heard_ms == pytest.approx(250, abs=20)


async def all_of(talk):
    return [event async for event in talk]


def test_a_lost_connection_is_one_sentence_and_leaving_is_none():
    async def main():
        stage = Stage()
        await stage.__aenter__()
        async with Client(f"ws://{stage.address}") as talk:
            await asyncio.sleep(0.1)
            await stage.__aexit__()
            with pytest.raises(UserError, match="is lost"):
                async for _ in talk:
                    pass
            with pytest.raises(UserError, match="is lost"):
                await talk.hear(np.zeros(480, np.float32))
        async with Stage() as other, Client(f"ws://{other.address}") as talk:
            reading = asyncio.create_task(all_of(talk))
            await asyncio.sleep(0.1)
            await talk.__aexit__()
            await reading

    run(main())


def test_a_session_that_cannot_begin_leaves_no_connection(monkeypatch):
    async def main():
        async with Stage() as stage:
            talk = Client(f"ws://{stage.address}")
            monkeypatch.setattr(talk, "_send", fails)
            with pytest.raises(RuntimeError, match="no update"):
                await talk.__aenter__()
            await stage.until(lambda: not len(stage.server.gateway.sessions))

    async def fails(*_, **__):
        raise RuntimeError("no update")

    run(main())


class FakeStream:
    """A sound card: the microphone has a question in it, the speaker is kept."""

    speaker: list[np.ndarray]

    def __init__(self, rate, *, channels, callback, blocksize) -> None:
        FakeStream.speaker, self._over = [], threading.Event()
        sound = np.concatenate([np.zeros(rate // 5), spoken(rate), np.zeros(60 * rate)])
        self._mic = sound.astype(np.float32).reshape(-1, blocksize, channels)
        self._callback, self._seconds = callback, blocksize / rate

    def __enter__(self):
        threading.Thread(target=self._run, daemon=True).start()

    def __exit__(self, *_):
        self._over.set()

    def _run(self):
        for block in self._mic:
            out = np.full(block.shape, np.nan, np.float32)
            self._callback(block, out, len(block), None, None)
            FakeStream.speaker.append(out)
            if self._over.wait(self._seconds):
                return


def test_the_example_talks_with_microphone_and_speaker(monkeypatch):
    code = (Path(__file__).parents[3] / "examples" / "microphone.py").read_text("utf-8")
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(Stream=FakeStream))

    async def main():
        async with Stage() as stage:
            here = code.replace("Client()", f"Client('ws://{stage.address}')")
            here = here.replace("asyncio.run(main())", "task = asyncio.ensure_future(main())")
            space: dict = {}
            told = io.StringIO()
            with redirect_stdout(told):
                exec(here, space)
                await stage.until(lambda: "r1w5" in told.getvalue())
            space["task"].cancel()
            await asyncio.gather(space["task"], return_exceptions=True)
            return told.getvalue()

    assert run(main()).startswith("heard ")
    played = np.concatenate(FakeStream.speaker)
    assert np.isfinite(played).all()
    assert np.count_nonzero(np.abs(played) > 0.05) / RATE > 0.5


@pytest.mark.parametrize(
    "address", ["ws://127.0.0.1:9", "ws://nowhere.invalid", "http://127.0.0.1:9", "127.0.0.1:9"]
)
def test_no_server_is_one_sentence(address):
    async def main():
        async with Client(address):
            pass

    with pytest.raises(UserError, match="antiphon serve --realtime"):
        run(main())


def test_a_wrong_token_is_one_sentence(tmp_path):
    (tmp_path / "token").write_text("right-token-of-some-length")

    async def main():
        async with (
            Stage(token_file=tmp_path / "token") as stage,
            Client(f"ws://{stage.address}", token="wrong"),
        ):
            pass

    with pytest.raises(UserError, match="token"):
        run(main())


def test_no_model_is_imported():
    heavy = "{'torch', 'transformers', 'onnxruntime', 'starlette'}"
    code = f"import antiphon.client, sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
