"""The benchmark of MQTT notices what it is there to notice."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest


@pytest.fixture
def mqtt(load_benchmark):
    return load_benchmark("mqtt")


def test_malformed_messages_are_malformed_and_refused(mqtt):
    found = mqtt.fuzz(1500)
    assert found["fuzz_crashes"] == 0
    assert found["fuzz_refused"] > 500


def test_a_crash_is_counted(mqtt):
    async def work():
        fuzzing = mqtt.Fuzz()
        fuzzing.robot.player.take = lambda packet, now: 1 / 0
        session = fuzzing.server.sessions["R1"]
        session.conversation.step = lambda mic: 1 / 0
        for message in fuzzing.good:
            fuzzing.pass_on(message)
        return fuzzing.crashes

    crashes = asyncio.run(work())
    assert any("broke" in each for each in crashes)
    assert any("ZeroDivisionError" in each for each in crashes)


def test_the_parrot_answers_ten_frames_after_the_question(mqtt):
    parrot = mqtt.Parrot()
    out = [parrot.step(mqtt.buzz()) for _ in range(5)]
    assert parrot.state == "listening"
    out += [parrot.step(np.zeros(320, np.float32)) for _ in range(60)]
    sounding = [index for index, frame in enumerate(out) if frame.any()]
    assert sounding == list(range(5 + mqtt.SILENT - 1, 5 + mqtt.SILENT - 1 + mqtt.ANSWER))
    assert parrot.state == "speaking"  # until the listener has heard it
    parrot.heard(len(out) * mqtt.OUT)
    assert parrot.state == "idle"
