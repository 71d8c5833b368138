"""Devices and Home Assistants at once that come, ask, and are cut off at random moments.

Run with benchmarks/ on PYTHONPATH: python -m over_faces.soak [--seconds N] [--clients N]
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing.connection
import random
import time
from collections.abc import Iterator
from typing import Any

import psutil
import typer
from websockets.exceptions import ConnectionClosed

from antiphon.messages import Speech
from antiphon.tools import Call
from over_faces import hosting, wyoming, xiaozhi
from over_faces.hosting import SILENT, Words, serving

ANSWER_SECONDS = 10.0
"""Seconds after which a question that was not answered counts as lost."""
CUT, SILENT_TOOLS, LOST_TOOL = 0.3, 0.2, 0.3
"""Shares of connections that are cut off, and of devices that do not tell their tools, or tell them
and never answer when one is used."""


class Acting(Words):
    """Uses a tool in every reply, and does not wait for it."""

    def __init__(self, peer: Any) -> None:
        super().__init__()
        self._peer = peer

    def respond(self, stream: Any, history: Any, **rest: Any) -> Iterator[Speech]:
        """The words."""
        for name in self._peer.tools:
            self._peer.execute(Call(name))
        return super().respond(stream, history, **rest)


def serve(face: str, words: int, pipe: multiprocessing.connection.Connection) -> None:
    """The XiaoZhi face, with tools that are used."""
    hosting.responder_of = Acting
    hosting.serve(face, words, pipe)


class Counts:
    """What happened to one kind of client."""

    def __init__(self) -> None:
        self.turns = self.lost = self.cut = 0


async def device(port: int, chance: random.Random, counts: Counts) -> None:
    """A device that comes, asks once or twice, and leaves, maybe in the middle."""
    tools, cut = chance.random() > SILENT_TOOLS, chance.random() < CUT
    mode = chance.choice(("auto", "realtime"))
    async with xiaozhi.Client(port, tools=True, mode=mode) as client:
        answering = asyncio.create_task(answer_tools(client, chance)) if tools else None
        asking = asyncio.create_task(ask(client, counts, chance))
        if cut:
            await asyncio.wait([asking], timeout=chance.uniform(0, 4))
            counts.cut += 1
            asking.cancel()
            client.line.transport.abort()
        else:
            await asking
        if answering:
            answering.cancel()


async def ask(client: xiaozhi.Client, counts: Counts, chance: random.Random) -> None:
    """Ask, and wait until the answer was said."""
    for _ in range(chance.choice((1, 2))):
        before = ends(client)
        for i in range(20 + SILENT + 5):
            await client.hear(0.02, 0.5 if i < 20 else 0.0)
            await asyncio.sleep(0.01)
        until = time.perf_counter() + ANSWER_SECONDS
        while ends(client) == before and time.perf_counter() < until:
            await asyncio.sleep(0.02)
        counts.turns += 1
        counts.lost += ends(client) == before
        if client.told and client.told[-1].get("state") == "stop":
            await client.tell(**xiaozhi.LISTEN)


def ends(client: xiaozhi.Client) -> int:
    """Answers that were said to their end."""
    return sum(message.get("state") == "stop" for message in client.told)


async def answer_tools(client: xiaozhi.Client, chance: random.Random) -> None:
    """Tell what the device can do, and do it, unless it is lost."""
    lost = chance.random() < LOST_TOOL
    done = 0
    while True:
        await asyncio.sleep(0.02)
        while done < len(client.told):
            payload = client.told[done].get("payload") or {}
            done += 1
            method = payload.get("method")
            if "id" not in payload or (lost and method == "tools/call"):
                continue
            result = {"tools": [xiaozhi.TOOL]} if method == "tools/list" else {"content": []}
            with contextlib.suppress(ConnectionClosed):
                await client.tell(type="mcp", payload={"id": payload["id"], "result": result})


async def assistant(port: int, chance: random.Random, counts: Counts) -> None:
    """A Home Assistant that asks, has the answer spoken, and is heard; maybe cut off."""
    asking = asyncio.create_task(wyoming.ask(port, "word " * chance.randrange(1, 20)))
    if chance.random() < CUT:
        await asyncio.wait([asking], timeout=chance.uniform(0, 0.1))
        counts.cut += 1
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return
    counts.turns += 1
    try:
        await asking
    except (OSError, asyncio.TimeoutError):
        counts.lost += 1


async def soak(seconds: float, clients: int) -> dict[str, Any]:
    """So many clients of each kind for a while: turns that were lost, and what memory grew by."""
    found: dict[str, Any] = {}
    kinds: dict[str, tuple[Any, Any]] = {
        "xiaozhi": (serve, device),
        "wyoming": (wyoming.serve, assistant),
    }
    async with contextlib.AsyncExitStack() as stack:
        tasks, began = [], time.perf_counter()
        servers: dict[str, tuple[psutil.Process, Counts, list[int]]] = {}
        for name, (target, client) in kinds.items():
            port, _, pid = stack.enter_context(serving(name, target=target))
            servers[name] = psutil.Process(pid), Counts(), []

            async def again(port: int, seed: int, client: Any, counts: Counts) -> None:
                chance = random.Random(seed)
                while time.perf_counter() - began < seconds:
                    with contextlib.suppress(ConnectionClosed):
                        await client(port, chance, counts)
                    await asyncio.sleep(chance.uniform(0, 0.5))

            each = (again(port, seed, client, servers[name][1]) for seed in range(clients))
            tasks += [asyncio.create_task(one) for one in each]
        while time.perf_counter() - began < seconds:
            await asyncio.sleep(seconds / 20)
            for process, _, sizes in servers.values():
                sizes.append(process.memory_info().rss)
        await asyncio.gather(*tasks)
        for name, (_, counts, sizes) in servers.items():
            growth = max(sizes[-5:]) - max(sizes[5:10])  # once everything was used once
            found[name] = {
                "turns": counts.turns,
                "turns_lost": counts.lost,
                "cut": counts.cut,
                "growth_mib": round(growth / 2**20, 1),
            }
    return found


def main(seconds: float = 60.0, clients: int = 10) -> None:
    """Run it."""
    print(asyncio.run(soak(seconds, clients)))


if __name__ == "__main__":
    typer.run(main)
