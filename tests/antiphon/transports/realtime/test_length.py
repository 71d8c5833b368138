"""How long a response may be: 50 ms of sound are a token, as is what a language model writes."""

from __future__ import annotations

import asyncio

import pytest
from realtime_client import RATE, Stage

LONG = {"type": "incomplete", "reason": "max_output_tokens"}
SPOKEN, WRITTEN = {"output_modalities": ["audio"]}, {"output_modalities": ["text"]}


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


async def asked(client, **how):
    await client.send("response.create", response=how)
    return (await client.of("response.done", len(client.all("response.done")) + 1))["response"]


def test_a_reply_ends_after_so_many_tokens_and_is_remembered_as_far():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.update(max_output_tokens=9)
            await client.ask()
            response = (await client.of("response.done"))["response"]
            assert (response["status"], response["status_details"]) == ("incomplete", LONG)
            assert response["max_output_tokens"] == 9
            (item,) = response["output"]
            assert item["status"] == "incomplete"
            assert len(client.sound()) / RATE == pytest.approx(0.45, abs=0.001)
            # Of the third word, a quarter is heard.
            assert item["content"][0]["transcript"] == "r1w0 r1w1"
            assert stage.talk.history[-1].text == "r1w0 r1w1—"
            response = await asked(client, max_output_tokens="inf")
            assert response["status"] == "completed"

    run(main)


def test_what_is_just_long_enough_is_complete():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.write("What do you see?")
            response = await asked(client, max_output_tokens=25)
            assert (response["status"], response["max_output_tokens"]) == ("completed", 25)
            assert len(stage.talk.history[-1].text.split()) == 6

    run(main)


@pytest.mark.parametrize("conversation", ["auto", "none"])
def test_what_is_written_ends_so_too(conversation):
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.write("What do you see?")
            how = {"conversation": conversation, **WRITTEN}
            response = await asked(client, max_output_tokens=1, **how)
            assert (response["status"], response["status_details"]) == ("incomplete", LONG)
            assert response["output"][0]["content"][0]["text"] == "written"
            response = await asked(client, max_output_tokens=2, **how)
            assert response["status"] == "completed"

    run(main)


def test_what_is_none_of_the_conversation_ends_so_too():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.write("What do you see?")
            response = await asked(client, conversation="none", max_output_tokens=9, **SPOKEN)
            assert (response["status"], response["status_details"]) == ("incomplete", LONG)
            assert len(client.sound()) / RATE == pytest.approx(0.45, abs=0.001)
            assert response["output"][0]["content"][0]["transcript"] == "r1w0 r1w1"

    run(main)


@pytest.mark.parametrize("tokens", [0, 4097, "many", 1.5])
def test_what_is_no_length_is_refused(tokens):
    async def main():
        async with Stage() as stage, stage.connect() as client:
            await client.update(max_output_tokens=tokens)
            error = (await client.of("error"))["error"]
            assert error["param"] == "session.max_output_tokens"
            await client.send("response.create", response={"max_output_tokens": tokens})
            error = (await client.of("error", 2))["error"]
            assert error["param"] == "response.max_output_tokens"

    run(main)
