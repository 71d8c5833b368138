"""Devices that do what no device should, beside one that is to notice nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.typing import Origin
from xiaozhi_stage import BareDevice, XiaozhiStage, stops

from antiphon.transports.xiaozhi import connection

HELLO = json.dumps({"type": "hello", "version": 1, "transport": "websocket"})


def beside(play, **how):
    """Runs a test; another device is answered after it."""

    async def work():
        async with XiaozhiStage(**how) as stage, BareDevice(stage.talk) as good:
            stage.responder.words = 1
            await good.hello()
            await good.tell(type="listen", state="start", mode="auto")
            await play(stage)
            await good.say(7, -6)
            assert (await good.hear(until=stops))[-1]["state"] == "stop"

    asyncio.run(work())


async def closed(line):
    """Why the server closes a connection."""
    with pytest.raises(websockets.ConnectionClosed) as end:
        while True:
            await asyncio.wait_for(line.recv(), 15)
    return end.value.rcvd.code, end.value.rcvd.reason


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("x", "no JSON"),
        (b"\x00\x01", "has no type"),
        ('{"type":"listen"}', "hello first"),
        ('{"type":"hello","version":9}', "no version 9"),
        ('{"type":"hello","audio_params":{"format":"pcm"}}', "Opus"),
        ("[" * 10_000, "no JSON"),
    ],
)
def test_a_device_that_says_no_hello_is_let_go(first, said):
    async def play(stage):
        async with connect(stage.talk) as line:
            await line.send(first)
            code, reason = await closed(line)
            assert code == 1002 and said in reason

    beside(play)


def test_a_silent_device_is_let_go(monkeypatch):
    monkeypatch.setattr(connection, "HELLO_SECONDS", 0.2)

    async def play(stage):
        async with connect(stage.talk) as line:
            assert "did not say hello" in (await closed(line))[1]

    beside(play)


def test_what_is_not_understood_is_told_three_times_and_then_enough():
    async def play(stage):
        async with connect(stage.talk) as line:
            await line.send(HELLO)
            for wrong in (
                '{"type":"listen","state":"sing"}',
                b"",
                b"no opus",
                '{"type":"mcp","payload":3}',
            ):
                await line.send(wrong)
            await line.recv()
            told = [json.loads(await asyncio.wait_for(line.recv(), 5)) for _ in range(3)]
            assert {each["type"] for each in told} == {"alert"}
            assert told[0]["message"].startswith("Not understood:")
            for _ in range(60):
                await line.send("{")
            assert (await closed(line))[0] == 1008

    beside(play)


def test_a_device_that_never_reads_is_let_go(monkeypatch):
    monkeypatch.setattr(connection, "MAX_UNREAD", 20)

    async def play(stage):
        async with connect(stage.talk, max_queue=1) as line:
            await line.send(HELLO)
            await stage.until(lambda: len(stage.conversations) == 2)
            long = json.dumps({"type": "listen", "state": "detect", "text": "Why? " * 180})
            with contextlib.suppress(websockets.ConnectionClosed):
                for _ in range(20_000):  # a question is answered with its text; sockets hold MiB
                    await line.send(long)
            assert (await closed(line))[0] == 1008

    beside(play)


def test_a_message_of_16_mib_ends_one_connection():
    async def play(stage):
        async with connect(stage.talk, max_size=None) as line:
            await line.send(HELLO)
            with pytest.raises(websockets.ConnectionClosed):
                await line.send(bytes(17 * 2**20))
                await closed(line)
                raise websockets.ConnectionClosedOK(None, None)

    beside(play)


def test_connections_cut_in_the_middle_leave_nothing_behind():
    async def play(stage):
        for step in range(6):
            device = BareDevice(stage.talk)
            async with device:
                if step:
                    await device.hello(mcp=step % 2 == 0)
                    await device.tell(type="listen", state="start", mode="realtime")
                if step > 2:
                    await device.say(7, -6)
                if step > 4:
                    await device.hear(until=lambda m: m.get("state") == "start")
                device.line.transport.abort()
        await stage.until(lambda: len(stage.server.gateway.sessions) == 1)

    beside(play)


def test_the_surplus_is_told_to_come_back():
    async def play(stage):
        with pytest.raises(websockets.InvalidStatus) as full:
            async with connect(stage.talk):
                pass
        assert full.value.response.status_code == 503
        assert full.value.response.headers["retry-after"] == "10"

    beside(play, max_sessions=1)


def test_pages_of_others_and_idle_devices_are_sent_away():
    async def play(stage):
        with pytest.raises(websockets.InvalidStatus) as other:
            async with connect(stage.talk, origin=Origin("https://evil.example")):
                pass
        assert other.value.response.status_code == 403

    beside(play)

    async def idle():
        async with XiaozhiStage(idle=0.3) as stage, BareDevice(stage.talk) as device:
            await device.hello()
            assert "Nothing was sent" in (await closed(device.line))[1]

    asyncio.run(idle())
