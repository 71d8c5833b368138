"""The Python client at a real socket; models are replaced."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest
from realtime_client import Stage, with_tools

from antiphon.client import RATE, Asked, Client, Done, Failed, Sound, Words
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
            spoken = np.concatenate([np.full(RATE * 2 // 5, 0.5), np.zeros(RATE // 2)])
            await talk.hear(spoken.astype(np.float32))
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


def test_a_function_is_called_and_its_result_said():
    called = []

    def light(on: bool) -> str:
        """Turn the light on or off."""
        called.append(on)
        return "It is on."

    async def main():
        responders = with_tools([("light", {"on": True})])
        async with (
            Stage(responder=responders) as stage,
            Client(f"ws://{stage.address}", tools=[light]) as talk,
        ):
            spoken = np.concatenate([np.full(RATE * 2 // 5, 0.5), np.zeros(RATE // 2)])
            await talk.hear(spoken.astype(np.float32))
            async for event in talk:
                if isinstance(event, Done) and event.text:
                    return event.text

    assert run(main()) and called == [True]


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
    code = "import antiphon.client, sys; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
