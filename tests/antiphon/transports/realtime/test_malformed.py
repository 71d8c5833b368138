"""What cannot be is answered by an error that says why, and harms nobody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import socket

import pytest
from over_faces.damage import damaged
from over_faces.realtime_messages import MESSAGES
from realtime_client import Stage


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
SESSION = {"type": "realtime"}


def session(**fields):
    return {"type": "session.update", "session": {**SESSION, **fields}}


def item(**fields):
    return {"type": "conversation.item.create", "item": {**ITEM, **fields}}


WRONG = [
    ("no json", "invalid_json", None),
    ("[]", "invalid_json", None),
    ("[" * 10_000, "invalid_json", None),
    ('{"a":' * 10_000, "invalid_json", None),
    ({}, "missing_required_parameter", "type"),
    ({"type": 3}, "invalid_value", "type"),
    ({"type": "response.crate"}, "invalid_value", "type"),
    ({"type": "session.update"}, "missing_required_parameter", "session"),
    ({"type": "session.update", "session": []}, "invalid_type", "session"),
    (session(foo=1), "unknown_parameter", "session.foo"),
    (session(instructions=3), "invalid_type", "session.instructions"),
    (session(output_modalities=["audio", "text"]), "invalid_value", "session.output_modalities"),
    (session(tool_choice="required"), "invalid_value", "session.tool_choice"),
    (session(tool_choice="any"), "invalid_value", "session.tool_choice"),
    (session(tool_choice=[]), "invalid_value", "session.tool_choice"),
    (
        session(tool_choice={"type": "function", "name": "fly"}),
        "invalid_value",
        "session.tool_choice",
    ),
    (session(tool_choice={"type": "mcp"}), "invalid_value", "session.tool_choice"),
    (session(tools=[{"type": "mcp"}]), "invalid_value", "session.tools[0].type"),
    (
        session(audio={"output": {"voice": "nobody"}}),
        "invalid_value",
        "session.audio.output.voice",
    ),
    (session(audio={"output": {"speed": 9.0}}), "invalid_value", "session.audio.output.speed"),
    (
        session(audio={"input": {"format": {"type": "audio/pcm", "rate": 16000}}}),
        "invalid_value",
        "session.audio.input.format.rate",
    ),
    (
        session(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": "a"}}}),
        "invalid_type",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        session(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 9}}}),
        "invalid_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    ({"type": "input_audio_buffer.append", "audio": "###"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
    ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
    (item(type="song"), "invalid_value", "item.type"),
    (item(role=None), "missing_required_parameter", "item.role"),
    (item(content=[]), "missing_required_parameter", "item.content"),
    (item(content=[{"type": "output_text", "text": "a"}]), "invalid_value", "item.content[0].type"),
    (
        item(content=[{"type": "input_text"}]),
        "missing_required_parameter",
        "item.content[0].text",
    ),
    (item(id="x" * 100), "invalid_value", "item.id"),
    ({**item(), "previous_item_id": "none"}, "item_not_found", "previous_item_id"),
    (
        item(type="function_call_output", call_id="c", output="1"),
        "invalid_tool_call_id",
        "item.call_id",
    ),
    ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_not_found", "item_id"),
    ({"type": "conversation.item.delete", "item_id": "x"}, "item_not_found", "item_id"),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "x",
            "content_index": 0,
            "audio_end_ms": -1,
        },
        "invalid_value",
        "audio_end_ms",
    ),
    ({"type": "response.cancel"}, "response_cancel_not_active", None),
    (
        {"type": "response.create", "response": {"conversation": "none", "input": [{}]}},
        "missing_required_parameter",
        "response.input[0].type",
    ),
    ({"type": "response.create", "response": {"input": []}}, "invalid_value", "response.input"),
]


def test_every_wrong_event_is_answered_by_an_error_that_names_the_field():
    async def main():
        async with Stage() as stage, stage.connect() as client:
            for count, (event, code, param) in enumerate(WRONG, 1):
                if isinstance(event, dict):
                    event = json.dumps({**event, "event_id": f"mine_{count}"})
                await client.line.send(event)
                error = (await client.of("error", count))["error"]
                assert (error["code"], error["param"]) == (code, param), error
                assert error["message"].endswith(".")
                if event.startswith('{"type"'):
                    assert error["event_id"] == f"mine_{count}"
            await client.line.send(b"bytes")
            await client.of("error", len(WRONG) + 1)
            await client.ask()
            await client.of("response.done")

    run(main)


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_damaged_events_break_nothing(seed):
    async def main():
        async with Stage() as stage, stage.connect() as neighbour:
            async with stage.connect() as client:
                for message in itertools.islice(damaged(MESSAGES, seed), 400):
                    await client.line.send(message)
                await client.send("conversation.item.retrieve", item_id="the last")
                for _ in range(1000):
                    last = client.all("error")[-1:]
                    if last and "the last" in last[0]["error"]["message"]:
                        break
                    await asyncio.sleep(0.01)
                else:
                    raise AssertionError(client.line.close_reason)
            await neighbour.ask()
            await neighbour.of("response.done")

    run(main)


def test_much_sound_at_once_takes_nothing_from_others():
    async def main():
        async with Stage() as stage, stage.connect() as hostile, stage.connect() as neighbour:
            audio = base64.b64encode(bytes(11 * 2**20)).decode()
            for _ in range(3):
                await hostile.send("input_audio_buffer.append", audio=audio)
            await neighbour.ask()
            await neighbour.of("response.done")
            assert (await hostile.of("error"))["error"]["code"] == "buffer_full"

    run(main)


def test_who_never_reads_is_dismissed(monkeypatch):
    from antiphon.transports.realtime import connection

    monkeypatch.setattr(connection, "MAX_UNSENT", 100_000)

    async def main():
        async with Stage() as stage, stage.connect() as neighbour:
            # Small buffers of the system, so that few messages fill them.
            stage.server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", stage.port))
            request = (
                "GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            )
            line.sendall(request.encode())
            body = b'{"type":"conversation.item.retrieve","item_id":"' + b"x" * 60 + b'"}'
            frame = b"\x81" + bytes([0x80 | len(body)]) + bytes(4) + body
            line.setblocking(False)
            gateway = stage.server.gateway
            await stage.until(lambda: len(gateway.sessions) == 2)
            for _ in range(12_000):
                if len(gateway.sessions) == 1:
                    break
                with contextlib.suppress(OSError):  # its buffer is full, or it is dismissed
                    for _ in range(20):
                        line.send(frame)
                await asyncio.sleep(0.005)
            await stage.until(lambda: len(gateway.sessions) == 1)
            await neighbour.ask()
            await neighbour.of("response.done")
            line.close()

    run(main)


def test_events_of_another_session_mean_nothing_here():
    async def main():
        async with Stage() as stage, stage.connect() as one, stage.connect() as other:
            await one.write("Hello.", id="mine")
            await one.of("conversation.item.done")
            await other.send("conversation.item.delete", item_id="mine")
            assert (await other.of("error"))["error"]["code"] == "item_not_found"
            await one.send("conversation.item.retrieve", item_id="mine")
            await one.of("conversation.item.retrieved")

    run(main)
