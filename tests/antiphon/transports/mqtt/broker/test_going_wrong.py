"""What goes wrong with a real broker is over when it is over."""

from __future__ import annotations

import asyncio
import os
import sys

import psutil
import pytest
from mqtt_stage import Stage


def test_the_broker_is_killed_in_mid_reply_and_the_reply_goes_on(open_broker):
    async def play():
        async with Stage(open_broker) as on:
            body = await on.add()
            await on.ask(body)
            await on.sleep(0.3)
            open_broker.kill()
            await on.until(lambda: not (on.server.link.connected or body.robot.link.connected))
            await on.sleep(0.2)
            quiet = body.heard()
            await on.sleep(0.2)
            assert body.heard() == pytest.approx(quiet, abs=0.01)  # nothing goes on by itself
            await asyncio.to_thread(open_broker.start)
            await on.finish(body)
            first = body.heard()
            await on.ask(body)
            await on.finish(body)
            return first, body.heard() - first, on.session().conversation.history

    first, second, history = asyncio.run(play())
    assert 0.8 <= first <= 1.4  # all of it; at most what was on its way twice
    assert second == pytest.approx(2.0, abs=0.3)  # the second reply is twice as loud
    assert [turn.text for turn in history if turn.role == "assistant"] == ["w0 w1 w2 w3 w4"] * 2


def test_a_stalled_broker_leaves_nothing_stale(open_broker):
    async def play():
        async with Stage(open_broker) as on:
            body = await on.add()
            await on.ask(body)
            await on.sleep(0.2)
            open_broker.stall()
            await on.sleep(0.2)
            before = body.heard()
            await body.speak(0.4)  # into the void, for five seconds in all
            await on.sleep(4.8)
            open_broker.go_on()
            await on.sleep(1.0)
            stale = body.heard() - before
            await on.finish(body)
            asked = on.session().conversation.history
            loud = body.heard()
            await on.ask(body)
            await on.finish(body)
            return stale, [turn.role for turn in asked], body.heard() - loud

    stale, roles, fresh = asyncio.run(play())
    assert stale < 0.2
    assert roles.count("user") == 1  # what was said into the void is not answered late
    assert fresh == pytest.approx(2.0, abs=0.3)


def test_the_server_is_started_anew_in_mid_reply(open_broker):
    async def play():
        async with Stage(open_broker) as on:
            body = await on.add()
            await on.ask(body)
            on.tasks[0].cancel()
            await asyncio.gather(on.tasks[0], return_exceptions=True)
            await on.until(lambda: body.robot.state is None)
            await on.sleep(0.3)
            heard = body.heard()
            await on.serve()
            await on.until(lambda: body.robot.state is not None)
            await on.sleep(0.3)
            assert body.heard() == pytest.approx(heard, abs=0.01)
            await on.ask(body)
            await on.finish(body)
            return heard, body.heard() - heard

    before, after = asyncio.run(play())
    assert before < 0.4
    assert after == pytest.approx(2.0, abs=0.3)


def test_two_robots_of_one_name(open_broker):
    async def play():
        async with Stage(open_broker) as on:
            first = await on.add("R1")
            other = await on.add("R2")
            second = await on.add("R1")
            await on.until(first.task.done)
            await on.sleep(0.3)  # the first one's will
            await on.ask(second)
            await on.finish(second)
            await on.ask(other, "R2")
            await on.finish(other, "R2")
            return first.task.exception(), second.heard(), other.heard()

    error, second, other = asyncio.run(play())
    assert "called 'R1', too" in str(error)
    assert second == pytest.approx(1.0, abs=0.15)
    assert other == pytest.approx(2.0, abs=0.3)  # one responder for both: its second reply


def test_a_hundred_megabytes_reach_nobody(brokers):
    broker = brokers()  # which has no limit of its own
    flood = (
        "import sys, paho.mqtt.client as m, paho.mqtt.enums as e\n"
        "c = m.Client(e.CallbackAPIVersion.VERSION2)\n"
        "c.connect('127.0.0.1', int(sys.argv[1])); c.loop_start()\n"
        "for leaf, size in (('audio/in', 100_000_000), ('audio/out', 10_000_000)):\n"
        "    c.publish('antiphon/v1/R1/' + leaf, bytes(size)).wait_for_publish()\n"
        "c.disconnect()\n"
    )

    async def play():
        async with Stage(broker) as on:
            body, other = await on.add("R1"), await on.add("R2")
            before = memory()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", flood, str(broker.port)
            )
            await on.ask(other, "R2")
            await process.wait()
            await on.finish(other, "R2")
            grown = memory() - before
            await on.ask(body)
            await on.finish(body)
            return grown, other.heard(), body.heard()

    grown, other, body = asyncio.run(play())
    assert grown < 30
    assert other == pytest.approx(1.0, abs=0.25)
    assert body == pytest.approx(2.0, abs=0.3)


def memory():
    """MiB of this process."""
    return psutil.Process(os.getpid()).memory_info().rss / 2**20
