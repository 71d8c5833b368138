"""Voice, language model and hearing chosen while a session goes on."""

from __future__ import annotations

import asyncio

from fake_choices import FakeChoices
from realtime_client import Stage


def run(main):
    asyncio.run(asyncio.wait_for(main(), 30))


async def answer(client, count):
    """What is said to the count-th question."""
    await client.ask()
    done = await client.of("response.done", count)
    return done["response"]["output"][0]["content"][0]["transcript"]


def test_models_are_chosen_while_it_runs_and_the_old_ones_answer_until_then():
    async def main():
        choices = FakeChoices()
        async with Stage(choices=choices) as stage, stage.connect("?antiphon=events") as client:
            made = (await client.of("session.created"))["session"]["antiphon"]
            assert made["language_models"] == ["small", "large", "broken"]
            assert made["hearings"] == ["s2t", "cascade"] and made["voices"] == ["joe", "amy"]
            choices.go.clear()
            await client.update(antiphon={"language_model": "large", "hearing": "cascade"})
            assert (await client.of("antiphon.models"))["state"] == "loading"
            assert await answer(client, 1) == "joe small s2t"
            choices.go.set()
            ready = await client.of("antiphon.models", 2)
            assert ready["state"] == "ready" and ready["language_model"] == "large"
            assert await answer(client, 2) == "joe large cascade"
            await client.update(audio={"output": {"voice": "amy"}})
            await client.of("antiphon.models", 4)
            assert await answer(client, 3) == "amy large cascade"

    run(main)


def test_models_that_cannot_be_had_are_told_and_the_session_keeps_its_own():
    async def main():
        async with Stage(choices=FakeChoices()) as stage, stage.connect() as client:
            await client.update(antiphon={"language_model": "broken"})
            error = (await client.of("error"))["error"]
            assert error["code"] == "model_unavailable" and "damaged" in error["message"]
            after = (await client.of("session.updated", 2))["session"]["antiphon"]
            assert after["language_model"] == "small"
            assert not client.all("antiphon.models")  # nobody asked for events beside OpenAI's
            assert await answer(client, 1) == "joe small s2t"

    run(main)


def test_what_is_not_offered_is_refused_with_its_field():
    async def main():
        async with Stage(choices=FakeChoices()) as stage, stage.connect() as client:
            await client.update(antiphon={"hearing": "guessing", "hearings": ["guessing"]})
            await client.update(antiphon={"language_model": "huge"})
            errors = [(await client.of("error", n))["error"] for n in (1, 2)]
            assert [each["param"] for each in errors] == [
                "session.antiphon.hearing",
                "session.antiphon.language_model",
            ]
            assert "choose s2t, cascade" in errors[0]["message"]

    run(main)


def test_another_session_keeps_its_models():
    async def main():
        async with (
            Stage(choices=FakeChoices()) as stage,
            stage.connect("?antiphon=events") as one,
            stage.connect() as other,
        ):
            await one.update(antiphon={"language_model": "large"})
            await one.of("antiphon.models", 2)
            assert await answer(one, 1) == "joe large s2t"
            assert await answer(other, 1) == "joe small s2t"

    run(main)
