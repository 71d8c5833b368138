"""The benchmark of MQTT notices what it is there to notice."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest


@pytest.fixture
def fuzz(load_benchmark):
    load_benchmark("mqtt")
    from over_mqtt import fuzz

    return fuzz


@pytest.fixture
def parrots(load_benchmark):
    load_benchmark("mqtt")
    from over_mqtt import parrot

    return parrot


def test_malformed_messages_are_malformed_and_refused(fuzz):
    found = fuzz.fuzz(1500)
    assert found["fuzz_crashes"] == 0
    assert found["fuzz_refused"] > 500


@pytest.mark.parametrize("opus", ["yes", "no"])
def test_a_crash_is_counted(fuzz, opus):
    async def work():
        fuzzing = fuzz.Fuzz(opus)
        fuzzing.robot.player.take = lambda packet, now: 1 / 0
        session = fuzzing.server.sessions["R1"]
        session.conversation.step = lambda mic: 1 / 0
        for make in fuzzing.good:
            fuzzing.pass_on(make())
        return fuzzing.crashes

    crashes = asyncio.run(work())
    assert any("broke" in each for each in crashes)
    assert any("ZeroDivisionError" in each for each in crashes)


def test_the_parrot_answers_ten_frames_after_the_question(parrots):
    parrot = parrots.Parrot()
    out = [parrot.step(parrots.buzz()) for _ in range(5)]
    assert parrot.state == "listening"
    out += [parrot.step(np.zeros(320, np.float32)) for _ in range(60)]
    begin = 5 + parrots.SILENT - 1
    sounding = [index for index, frame in enumerate(out) if frame.any()]
    assert sounding == list(range(begin, begin + parrots.ANSWER))
    assert parrot.state == "speaking"  # until the listener has heard it
    parrot.heard(len(out) * parrots.OUT)
    assert parrot.state == "idle"
