"""A satellite of Rhasspy talks with the agent."""

from __future__ import annotations

import io
import json
import wave
from types import SimpleNamespace

import numpy as np
import pytest

from antiphon.transports.hermes.bridge import Hermes
from antiphon.transports.mqtt.wire.envelope import Incoming, Outgoing


def wav(level, frames=4, rate=16_000):
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.full(320 * frames, level * 32767, "<i2").tobytes())
    return made.getvalue()


@pytest.fixture
def satellite(net):
    """Sends for a satellite, and lets time pass."""
    hermes = Hermes(net.server)
    hermes._clock = net.clock
    net.bridge(hermes)

    def send(leaf, payload):
        net.post("satellite", Outgoing(f"hermes/{leaf}", payload))

    def stream(level, packets):
        for _ in range(packets):
            send("audioServer/kitchen/audioFrame", wav(level))
            net.run(4)

    return SimpleNamespace(send=send, stream=stream, hermes=hermes)


def sent(net, begins):
    return [m for _, m in net.log if m.topic.startswith(f"hermes/{begins}")]


def test_wake_word_question_answer_and_sleep(net, satellite):
    satellite.stream(0.5, 3)
    assert not [m for _, m in net.log if m.topic.endswith("audio/in")]  # not woken yet
    satellite.send("hotword/hey/detected", b'{"siteId":"kitchen"}')
    net.run(3)
    satellite.stream(0.5, 6)
    satellite.stream(0.0, 50)
    played = b""
    for message in sent(net, "audioServer/kitchen/playBytes"):
        with wave.open(io.BytesIO(message.payload)) as file:
            assert file.getframerate() == 22_050
            played += file.readframes(10**6)
    loud = np.frombuffer(played, "<i2")
    assert len(loud) / 22_050 == pytest.approx(2.0, abs=0.05)
    assert net.texts("kitchen")[-1][0] == "assistant"
    satellite.stream(0.0, 110)
    assert len(sent(net, "dialogueManager/sessionStarted")) == 1
    (over,) = sent(net, "dialogueManager/sessionEnded")
    assert json.loads(over.payload)["termination"] == {"reason": "nominal"}


def test_a_text_is_said_and_its_end_reported(net, satellite):
    said = {"siteId": "kitchen", "text": "one two", "id": "7"}
    satellite.send("hotword/hey/detected", b'{"siteId":"kitchen"}')
    net.run(5)
    satellite.send("tts/say", json.dumps(said).encode())
    net.run(90)
    assert sent(net, "audioServer/kitchen/playBytes/7")
    (over,) = sent(net, "tts/sayFinished")
    assert json.loads(over.payload)["id"] == "7"


def test_a_session_is_ended_by_its_name(net, satellite):
    """As in Rhasspy's reference, `endSession` names the session and not the satellite."""
    for site in ("kitchen", "hall"):
        satellite.send("hotword/hey/detected", json.dumps({"siteId": site}).encode())
    net.run(2)
    begun = [json.loads(m.payload) for m in sent(net, "dialogueManager/sessionStarted")]
    assert len(sent(net, "hotword/toggleOff")) == 2
    (hall,) = (each for each in begun if each["siteId"] == "hall")
    for name in ("another", hall["sessionId"]):
        satellite.send("dialogueManager/endSession", json.dumps({"sessionId": name}).encode())
        net.run(2)
    (over,) = sent(net, "dialogueManager/sessionEnded")
    told = json.loads(over.payload)
    assert (told["siteId"], told["sessionId"]) == ("hall", hall["sessionId"])
    (on,) = sent(net, "hotword/toggleOn")
    assert json.loads(on.payload)["siteId"] == "hall"


def test_satellites_come_back_with_the_server(net, satellite):
    satellite.send("hotword/hey/detected", b'{"siteId":"kitchen"}')
    net.run(3)
    net.server.link.connected = False
    net.server._lost("test")
    net.run(5)
    assert net.server.sessions["kitchen"].gone_since is not None
    net.join_server()
    net.run(3)
    assert net.server.sessions["kitchen"].gone_since is None
    satellite.send("tts/say", b'{"siteId":"kitchen","text":"one two","id":"8"}')
    net.run(60)
    assert sent(net, "audioServer/kitchen/playBytes/8")


@pytest.mark.parametrize(
    ("leaf", "payload"),
    [
        ("hotword/hey/detected", b"no"),
        ("hotword/hey/detected", b"[1]"),
        ("hotword/hey/detected", b'{"siteId":"a/b"}'),
        ("audioServer/kitchen/audioFrame", b"RIFF"),
        ("audioServer/kitchen/audioFrame", wav(0.1, rate=8_000)),
    ],
)
def test_what_is_malformed_is_dropped(net, satellite, leaf, payload):
    satellite.send("hotword/hey/detected", b'{"siteId":"kitchen"}')
    net.run(2)
    satellite.hermes.handle(Incoming(f"hermes/{leaf}", payload))
    assert satellite.hermes.malformed == 1
