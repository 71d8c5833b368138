"""Random histories at a real broker: what is remembered is what was confirmed."""

from __future__ import annotations

import asyncio
import random

import pytest
from heard_oracle import HeardOracle, converse
from mqtt_stage import Stage


@pytest.mark.parametrize("seed", range(3))
def test_what_is_remembered_is_what_was_confirmed(open_broker, seed):
    chance, talks = random.Random(seed), []

    def make(session):
        talks.append(converse(session, {}, words=5))
        return talks[-1]

    async def play():
        async with Stage(open_broker, make) as on:
            body = await on.add()
            for what in ("ask", chance.choice(["interrupt", "stall", "kill"]), "robot", "ask"):
                await on.sleep(chance.uniform(0.1, 0.8))
                if what == "ask":
                    await on.ask(body)
                elif what == "interrupt":
                    await body.speak(0.4)
                elif what == "stall":
                    open_broker.stall()
                    await on.sleep(chance.uniform(0.1, 2.0))
                    open_broker.go_on()
                elif what == "kill":
                    open_broker.kill()
                    await on.until(lambda: not on.server.link.connected)
                    await asyncio.to_thread(open_broker.start)
                    await on.until(lambda robot=body.robot: robot.state is not None)
                else:
                    body.task.cancel()
                    await on.until(lambda: on.session().gone_since is not None)
                    body = await on.add(version=chance.choice([3, 5]))
                    await on.finish(body)
            await on.finish(body)

    with HeardOracle() as oracle:
        asyncio.run(play())
    assert not oracle.wrong
    for talk in talks:
        said = [turn.text for turn in talk.history if turn.role == "assistant"]
        assert said == oracle.remembered[id(talk._turns.agent_turn)]
        assert said[-1] == "w0 w1 w2 w3 w4"  # the robot that came back is believed
