"""A robot's tools over a real broker: called once, in time, or not at all."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import aiomqtt
import pytest
from mqtt_responders import FakeAnalyzer, FakeResponder
from mqtt_stage import Stage

from antiphon.runtime.responders.worker import ThreadWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.tools import Call
from antiphon.transports.mqtt.robot.tool_file import Function
from antiphon.transports.mqtt.robot.tool_runner import ToolRunner
from antiphon.transports.mqtt.wire.envelope import Outgoing
from antiphon.transports.mqtt.wire.link import Link


class Actor:
    """A responder that uses a tool and says as many words as it returned."""

    def __init__(self, hum, execute) -> None:
        self.hum, self.execute = hum, execute
        self.results = []

    def listen(self, history):
        return self.hum.listen(history)

    def respond(self, hearing, history, *, cancelled, seed):
        future = self.execute(Call("count", {"to": 3}))
        while not future.done():
            if cancelled():
                future.cancel()
                return
            time.sleep(0.005)
        self.results.append(future.result())
        yield from self.hum.hum(self.results[-1].value or 1, cancelled)


@pytest.fixture
def counting():
    """A robot's tool, and conversations whose responders use it."""
    calls, release = [], threading.Event()
    release.set()

    def count(to: int) -> int:
        """Count."""
        calls.append(to)
        release.wait(10)
        return to

    actors = []

    def converse(session):
        actor: Any = Actor(FakeResponder(), session.execute)
        actors.append(actor)
        analyzer: Any = FakeAnalyzer()
        return Conversation(actor, work=ThreadWorker(), analyzer=analyzer)

    return ToolRunner({"count": Function(count)}), converse, calls, release, actors


def test_a_tool_is_called_and_its_result_spoken(open_broker, counting):
    tool_runner, converse, calls, _, actors = counting

    async def play():
        async with Stage(open_broker, converse) as on:
            body = await on.add(tool_runner=tool_runner)
            await on.ask(body)
            await on.finish(body)
            return body.heard()

    assert asyncio.run(play()) == pytest.approx(0.6, abs=0.1)
    assert calls == [3]
    assert actors[0].results[0].ok


def test_what_was_understood_is_shown_before_it_is_done(open_broker, counting):
    tool_runner, converse, calls, _, _ = counting
    shown = []

    async def play():
        async with Stage(open_broker, converse) as on:
            body = await on.add(tool_runner=tool_runner)
            body.robot.say = lambda sentence: shown.append((sentence, list(calls)))
            await on.ask(body)
            await on.finish(body)

    asyncio.run(play())
    assert ("Understood: count to 3.", []) in shown
    assert calls == [3]


def test_what_the_broker_carries_beside_the_bodies(open_broker, counting):
    """As the page on MQTT says it: quality, expiry, and what MQTT 5 tells of sound and calls."""
    tool_runner, converse, _, _, _ = counting
    seen = {}

    async def watch(ready):
        async with aiomqtt.Client(
            "127.0.0.1", open_broker.port, protocol=aiomqtt.ProtocolVersion.V5
        ) as client:
            await client.subscribe("antiphon/v1/R1/#", qos=1)
            ready.set()
            async for message in client.messages:
                seen.setdefault(message.topic.value.partition("R1/")[2], message)

    async def play():
        ready = asyncio.Event()
        watching = asyncio.create_task(watch(ready))
        await ready.wait()
        async with Stage(open_broker, converse) as on:
            body = await on.add(tool_runner=tool_runner)
            await on.ask(body)
            await on.finish(body)
            watching.cancel()
            return body.robot._session, body.robot.player.stream

    session, stream = asyncio.run(play())
    qos = {leaf: message.qos for leaf, message in seen.items()}
    assert {leaf for leaf, level in qos.items() if level == 0} >= {"audio/in", "audio/out"}
    assert all(qos[leaf] for leaf in ("status", "hello", "state", "event", "tool/count/call"))
    for leaf, name, rate in (("audio/in", session, 16_000), ("audio/out", stream, 22_050)):
        told = seen[leaf].properties
        assert told.ContentType == f"audio/pcm;rate={rate};channels=1;encoding=s16le"
        beside = dict(told.UserProperty)
        assert beside["session"] == str(name) and {"generation", "sent", "start"} <= set(beside)
    for leaf in ("audio/in", "audio/out", "event", "tool/count/call", "tool/count/result"):
        assert 0 < seen[leaf].properties.MessageExpiryInterval <= 60
    call = seen["tool/count/call"]
    assert call.properties.ResponseTopic == "antiphon/v1/R1/tool/count/result"
    assert call.properties.CorrelationData.decode() == json.loads(call.payload)["call"]


def test_stop_ends_the_waiting_and_reaches_the_robot(open_broker, counting):
    tool_runner, converse, calls, release, actors = counting
    stopped = []
    tool_runner.on_stop = lambda: stopped.append(True)
    release.clear()

    async def play():
        async with Stage(open_broker, converse) as on:
            body = await on.add(tool_runner=tool_runner)
            stopped.clear()
            await body.speak()
            await on.until(lambda: calls)
            body.robot.halt("button")
            await on.until(lambda: on.session().conversation.state == "idle" and stopped)
            release.set()
            await on.sleep(0.3)
            return body.heard(), on.session().malformed

    assert asyncio.run(play()) == (0, 0)
    assert not any(result.ok for result in actors[0].results)


def test_calls_that_are_doubled_late_or_of_another_stream_are_not_made(open_broker, counting):
    tool_runner, converse, calls, _, _ = counting

    async def play():
        async with Stage(open_broker, converse) as on:
            body = await on.add(tool_runner=tool_runner)
            stream, now = body.robot.player.stream, round(1000 * on.clock.now())
            fresh = {"call": "a", "stream": stream, "arguments": {"to": 1}, "sent": now}
            fresh["expires"] = 2000
            result = {"call": "b", "session": body.robot._session, "ok": True, "value": 5}
            stranger = Link(on.broker.address(), identifier="s", topics=[], handle=print)
            task = asyncio.create_task(stranger.run())
            await on.until(lambda: stranger.connected)

            def send(leaf, fields):
                body = json.dumps(fields).encode()
                stranger.send(Outgoing(f"antiphon/v1/R1/tool/count/{leaf}", body, 1))

            send("call", fresh)
            send("call", fresh)
            send("call", {**fresh, "call": "c", "sent": now - 5000})
            send("call", {**fresh, "call": "d", "stream": stream ^ 1})
            send("call", {**fresh, "call": "e", "arguments": {"to": "many"}})
            send("result", result)
            await on.until(lambda: on.session().malformed >= 4)
            task.cancel()
            return on.session().malformed

    assert asyncio.run(play()) == 4  # a, c and e were answered though nobody had asked; b
    assert calls == [1]


def test_nothing_is_kept_for_a_robot_that_is_away(open_broker, counting):
    tool_runner, converse, calls, _, _ = counting

    async def play():
        async with Stage(open_broker, converse) as on:
            body = await on.add(tool_runner=tool_runner)
            body.task.cancel()
            await on.until(lambda: on.session().gone_since is not None)
            future = on.session().execute(Call("count", {"to": 9}))
            await on.until(future.done)
            again = await on.add(tool_runner=tool_runner)
            await on.sleep(0.3)
            return future.result(), again.heard()

    result, heard = asyncio.run(play())
    assert not result.ok
    assert (calls, heard) == ([], 0)
