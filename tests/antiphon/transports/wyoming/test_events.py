"""Whatever comes off the wire is an event, the end, or refused; never anything else."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event

from antiphon.transports.wyoming.events import MAX_LINE, RefusedError, read

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
trees = st.recursive(values, lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=4)
heads = st.fixed_dictionaries(
    {},
    optional={
        "type": trees | st.just("ping"),
        "data": trees,
        "data_length": trees | st.integers(0, 9),
        "payload_length": trees | st.integers(0, 9),
    },
)


def events(data):
    """All events in some bytes, and what ended them."""

    async def work():
        reader, found = asyncio.StreamReader(MAX_LINE), []
        reader.feed_data(data)
        reader.feed_eof()
        try:
            while (event := await read(reader)) is not None:
                found.append(event)
        except RefusedError as error:
            return found, error
        return found, None

    return asyncio.run(work())


@given(st.binary(max_size=200))
def test_any_bytes(data):
    found, _ = events(data)
    assert all(isinstance(event, Event) for event in found)


@settings(max_examples=50)
@given(heads, st.binary(max_size=20))
def test_any_head_with_any_body(head, body):
    found, error = events(json.dumps(head).encode() + b"\n" + body)
    for event in found:
        assert isinstance(event.type, str) and isinstance(event.data, dict)
    assert error is None or str(error).endswith(".")


@given(st.text(min_size=1), st.dictionaries(st.text(), st.text()), st.binary(min_size=1))
def test_what_is_written_well_is_read(kind, more, payload):
    data = json.dumps(more).encode()
    head = {"type": kind, "data_length": len(data), "payload_length": len(payload)}
    found, _ = events(2 * (json.dumps(head).encode() + b"\n" + data + payload))
    assert found == 2 * [Event(kind, more, payload)]


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_a_message_that_breaks_off_is_the_end(cut):
    head = b'{"type":"audio-chunk","data_length":2,"payload_length":8}\n'
    assert events((head + b"{}12345678")[: -cut or None])[0] == []
