"""Conversations over a real broker, encrypted or not, and who is let in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aiomqtt
import pytest
from mqtt_stage import Stage

from antiphon.errors import UserError
from antiphon.transports.lifecycle import end
from antiphon.transports.mqtt.wire.broker import Broker
from antiphon.transports.mqtt.wire.envelope import Outgoing
from antiphon.transports.mqtt.wire.link import Link

STOLEN = b'{"cmd":"stop","text":"of a thief"}'


@pytest.mark.parametrize("version", [5, 3])
def test_a_conversation(open_broker, version):
    async def play():
        async with Stage(open_broker, steady=True) as on:
            body = await on.add(version=version)
            await on.ask(body)
            await on.finish(body)
            return body.heard(), on.session().conversation.history, on.server.link.failures

    heard, history, failures = asyncio.run(play())
    assert heard == pytest.approx(1.0, abs=0.15)
    assert [turn.text for turn in history][-1] == "w0 w1 w2 w3 w4"
    assert failures == 0


def test_encrypted_with_users_and_rules(secure_broker):
    async def play():
        async with Stage(secure_broker, steady=True) as on:
            one, two = await on.add("R1"), await on.add("R2")
            await on.ask(one)
            assert on.session("R1")._in.received > 0
            thief = Link(  # knows R2's password, and writes where R1 does
                secure_broker.address("R2"), identifier="thief", topics=[], handle=print
            )
            task = asyncio.create_task(thief.run())
            await on.until(lambda: thief.connected)
            await on.finish(one)
            arrived, handle = [], on.server.link.handle
            on.server.link.handle = lambda message: (arrived.append(message), handle(message))
            for leaf in ("R1/audio/in", "R1/cmd", "R1/stop", "R1/hello", "R2/cmd"):
                thief.send(Outgoing(f"antiphon/v1/{leaf}", STOLEN, 1))
            await on.until(lambda: any(each.payload == STOLEN for each in arrived))
            task.cancel()
            # One line keeps its order: what was sent before the last would have come before it.
            assert [m.topic for m in arrived if m.payload == STOLEN] == ["antiphon/v1/R2/cmd"]
            assert on.session("R1").malformed == 0
            return one.heard(), two.heard(), on.session("R1").conversation.history

    one, two, history = asyncio.run(play())
    assert one == pytest.approx(1.0, abs=0.15)
    assert [turn.text for turn in history][-1] == "w0 w1 w2 w3 w4"
    assert two == 0


@pytest.mark.parametrize(
    "change", [{"password": "wrong"}, {"user": None, "password": None}], ids=["password", "nobody"]
)
def test_who_is_not_let_in_is_told_so(secure_broker, change):
    address = replace(secure_broker.address("R1"), **change)

    async def play():
        link = Link(address, identifier="x", topics=[], handle=print)
        await asyncio.wait_for(link.run(), 10)

    with pytest.raises(UserError, match="refuses this user"):
        asyncio.run(play())


def test_a_certificate_of_nobody_known_is_not_trusted(secure_broker):
    address = replace(secure_broker.address("R1"), ca=None)
    reasons = []

    async def play(address):
        link = Link(address, identifier="x", topics=[], handle=print, lost=reasons.append)
        task = asyncio.create_task(link.run())
        while not (link.connected or reasons):
            await asyncio.sleep(0.01)
        task.cancel()
        return link.connected

    assert not asyncio.run(play(address))
    assert "CERTIFICATE_VERIFY_FAILED" in reasons[0]
    reasons.clear()
    assert asyncio.run(play(replace(address, insecure=True)))


def test_the_line_says_offline_when_it_is_closed(open_broker):
    said = []

    async def play():
        will = Outgoing("t/status", b"offline", 1, retain=True)
        link = Link(open_broker.address(), identifier="a", topics=[], handle=print, will=will)
        task = asyncio.create_task(link.run())
        while not link.connected:
            await asyncio.sleep(0.01)
        await end([task])
        async with aiomqtt.Client("127.0.0.1", open_broker.port) as client:
            await client.subscribe("t/status")
            async for message in client.messages:
                said.append(message.payload)
                return

    asyncio.run(asyncio.wait_for(play(), 10))
    assert said == [b"offline"]


def test_an_address_nobody_listens_at_is_tried_again_and_again():
    reasons = []

    async def play():
        broker = Broker("127.0.0.1", 9)
        link = Link(broker, identifier="a", topics=[], handle=print, lost=reasons.append)
        task = asyncio.create_task(link.run())
        while len(reasons) < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        assert not link.send(Outgoing("t", b""))

    asyncio.run(asyncio.wait_for(play(), 10))
    assert "refused" in reasons[0].lower()
