"""Messages of a device, and what no device should send."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.transports.xiaozhi import messages
from antiphon.transports.xiaozhi.framing import MalformedError
from antiphon.transports.xiaozhi.messages import Hello, Listen

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
trees = st.recursive(values, lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=4)
names = ["version", "features", "audio_params", "transport", "state", "mode", "text"]


@settings(max_examples=50)
@given(st.fixed_dictionaries({"type": st.just("hello")}, optional=dict.fromkeys(names, trees)))
def test_any_fields_are_a_message_or_malformed(fields):
    message = messages.parse(json.dumps(fields))
    with suppress(MalformedError):
        assert isinstance(messages.hello(message, "1"), Hello)
    with suppress(MalformedError):
        assert isinstance(messages.listen(message), Listen)


@given(st.text() | st.binary())
def test_any_text_is_a_message_or_malformed(text):
    with suppress(MalformedError):
        assert isinstance(messages.parse(text)["type"], str)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 10_000, "no JSON"),
        ('{"type":"x","a":' + "[" * 40 + "]" * 40 + "}", "levels"),
        ('{"type":"x","a":"' + "a" * 2**16 + '"}', "characters"),
        ("{}", "has no type"),
        ("[1]", "no JSON object"),
        ("1" * 5000, "no JSON"),
    ],
)
def test_what_is_no_message_is_told_why(text, said):
    with pytest.raises(MalformedError, match=said):
        messages.parse(text)


def test_a_hello_as_the_firmware_says_it():
    sound = {"format": "opus", "sample_rate": 16000, "channels": 1, "frame_duration": 60}
    said = {"type": "hello", "version": 1, "features": {"mcp": True}, "transport": "websocket"}
    assert messages.hello({**said, "audio_params": sound}) == Hello(1, 60, True, False)
    assert messages.hello({"type": "hello"}, "3") == Hello(3, 60, False, False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "listen"}, "say hello first"),
        ({"version": 4}, "no version 4"),
        ({"version": True}, "no version True"),
        ({"transport": "udp"}, "only the transport websocket"),
        ({"audio_params": {"format": "pcm"}}, "has to be Opus"),
        ({"audio_params": {"channels": 2}}, "has to be Opus"),
        ({"features": []}, "has to be an object"),
    ],
)
def test_a_hello_that_asks_for_what_is_not_there(change, said):
    with pytest.raises(MalformedError, match=said):
        messages.hello({"type": "hello", **change})


def test_a_wake_word_of_half_a_character_is_mended():
    said = messages.parse('{"type":"listen","state":"detect","text":" a\\ud800 \\n b "}')
    assert messages.listen(said) == Listen("detect", "auto", "a? b")
