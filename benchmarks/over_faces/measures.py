"""What faces cost, and what they survive."""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from importlib import import_module
from typing import Any

import numpy as np
import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from antiphon.runtime.frames import FRAME
from over_faces.damage import damaged
from over_faces.hosting import SILENT, conversation, serving

SPOKEN = 20
"""Frames of a question."""
STEPS = (10, 25, 50, 100, 150, 200)
"""Sessions that are tried at once."""
CORE_SHARE = 0.8
STRANGERS = ({"origin": "https://evil.example"}, {"host": "evil.example"})
"""Headers of those who may not connect."""
REFUSALS = (1001, 1002, 1008, 1009)
"""Codes with which a server may end a connection for what its client sent (RFC 6455, 7.4.1)."""


def client_of(face: str) -> Any:
    """The module with a face's client; None if there is none."""
    try:
        return import_module(f"over_faces.{face}")
    except ModuleNotFoundError:
        return None


def frames_until_sound() -> int:
    """Frames from the beginning of a question to the first sound of the answer, in process."""
    talk, count = conversation(), 0
    while True:
        level = 0.5 if count < SPOKEN else 0.0
        out = talk.step(np.full(FRAME, level, np.float32))
        count += 1
        if out.any():
            talk.close()
            return count


async def added(face: str, turns: int) -> dict[str, float]:
    """Milliseconds from the frame that makes a conversation answer to the sound of the answer."""
    module, frames = client_of(face), frames_until_sound()
    taken = []
    with serving(face) as (port, _, _):
        async with module.Client(port) as client:
            for _ in range(turns):
                client.sounds.clear()
                begin = time.perf_counter()
                for i in range(frames):
                    await asyncio.sleep(begin + i * 0.02 - time.perf_counter())
                    sent = time.perf_counter()
                    await client.hear(0.02, 0.5 if i < SPOKEN else 0.0)
                while not client.sounds:
                    await client.hear(0.02, 0.0)
                    await asyncio.sleep(0.02)
                taken.append(1000 * (client.sounds[0][0] - sent))
                for _ in range(75):
                    await client.hear(0.02, 0.0)
                    await asyncio.sleep(0.02)
    return {
        "added_ms_median": round(statistics.median(taken), 1),
        "added_ms_p95": round(float(np.percentile(taken, 95)), 1),
    }


async def talking(client: Any, until: float, chance: random.Random) -> None:
    """One client that asks every few seconds, until the time is over."""
    await asyncio.sleep(chance.random())
    frame = 0
    due = time.perf_counter()
    while due < until:
        await client.hear(0.04, 0.5 if frame % 75 < 10 else 0.0)
        frame += 1
        due += 0.04
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def sessions(face: str, seconds: float, steps: tuple[int, ...] = STEPS) -> dict[str, Any]:
    """How many clients that talk all the time leave a fifth of a core."""
    module, chance = client_of(face), random.Random(0)
    found: dict[str, Any] = {"sessions": 0, "core_share": {}}
    for count in steps:
        with serving(face) as (port, _, pid):
            async with contextlib.AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(module.Client(port)) for _ in range(count)
                ]
                until = time.perf_counter() + seconds + 1
                tasks = [asyncio.create_task(talking(c, until, chance)) for c in clients]
                await asyncio.sleep(1)
                server = psutil.Process(pid)
                before, began = server.cpu_times(), time.perf_counter()
                await asyncio.gather(*tasks)
                after, passed = server.cpu_times(), time.perf_counter() - began
                used = after.user + after.system - before.user - before.system
                answered = sum(len(client.sounds) > 0 for client in clients)
        share = round(used / passed, 2)
        found["core_share"][str(count)] = share
        if share > CORE_SHARE or answered < count:
            break
        found["sessions"] = count
    return found


async def truncation(face: str, interruptions: int) -> dict[str, int]:
    """Words that memory and truth differ by after replies were stopped at random moments."""
    module, chance = client_of(face), random.Random(0)
    wrong = 0
    for _ in range(interruptions):
        with_words = 40
        async with module.Client(await port_of(face, with_words)) as client:
            for i in range(SPOKEN + SILENT + 2):
                await client.hear(0.02, 0.5 if i < SPOKEN else 0.0)
            while not client.samples:
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0.2, 1.5))
            client.interrupted.clear()
            for _ in range(100):
                await client.hear(0.02, 0.5)
                await asyncio.sleep(0.02)
                if client.interrupted.is_set():
                    break
            sent_ms = client.samples[client.item] * 1000 // module.RATE
            ms = chance.randrange(sent_ms)
            await client.truncate(ms)
            await asyncio.sleep(0.4)  # a client that is late is believed, too
            remembered = ""
            for _ in range(100):
                await asyncio.sleep(0.02)
                said = ask(face, "history")
                if len(said) > 1:
                    remembered = said[1]
                    break
            heard = sum(ms >= 200 * i + 100 for i in range(with_words))
            wrong += abs(len(remembered.removesuffix("—").split()) - heard)
    return {"truncate_error_words": wrong, "interruptions": interruptions}


SERVERS: dict[str, Any] = {}


async def port_of(face: str, words: int) -> int:
    """The port of a server that is kept for a face."""
    if face not in SERVERS:
        context = serving(face, words)
        SERVERS[face] = (context, context.__enter__())
    return int(SERVERS[face][1][0])


def ask(face: str, what: str) -> Any:
    """Ask the server that is kept for a face."""
    pipe = SERVERS[face][1][1]
    pipe.send(what)
    return pipe.recv()


def end_servers() -> None:
    """End those that are kept."""
    for context, _ in SERVERS.values():
        context.__exit__(None, None, None)
    SERVERS.clear()


async def fuzz(face: str, count: int) -> dict[str, Any]:
    """Damaged messages, wrong origins and hosts, while a neighbour talks."""
    module = client_of(face)
    crashes = refused = 0
    with serving(face) as (port, _, pid):
        server = psutil.Process(pid)
        url = f"ws://127.0.0.1:{port}{module.PATH}"
        async with module.Client(port) as neighbour:
            stop = time.perf_counter() + 10**6
            talk = asyncio.create_task(talking(neighbour, stop, random.Random(1)))
            damage = getattr(module, "damage", lambda seed: damaged(module.MESSAGES, seed))
            messages, sent, before = damage(0), 0, 0
            while sent < count:
                if sent >= count // 4 and not before:
                    before = server.memory_info().rss
                async with connect(url, max_size=None) as line:
                    drain = asyncio.create_task(drained(line, getattr(module, "ANSWERED", None)))
                    for good in getattr(module, "FIRST", ()):
                        await line.send(good)
                    batch = getattr(module, "BATCH", 2000)
                    for _ in range(min(batch, count - sent)):
                        try:
                            await line.send(next(messages))
                        except ConnectionClosed as closed:
                            crashes += closed.rcvd is None or closed.rcvd.code not in REFUSALS
                            break
                        sent += 1
                    if last := getattr(module, "LAST", None):  # all of them are taken before it is
                        with contextlib.suppress(ConnectionClosed):
                            await line.send(last)
                            await asyncio.wait_for(drain, 10)
                    drain.cancel()
                for headers in STRANGERS if refused < 100 else ():
                    let_in = await lets_in(url, headers)
                    crashes, refused = crashes + let_in, refused + (not let_in)
            growth = server.memory_info().rss - before
            neighbour.sounds.clear()
            for _ in range(200):
                await asyncio.sleep(0.05)
                if neighbour.sounds:
                    break
            crashes += not neighbour.sounds or not server.is_running()
            talk.cancel()
    return {
        "fuzz_messages": sent,
        "fuzz_crashes": crashes,
        "fuzz_refused": refused,
        "fuzz_growth_mib": round(growth / 2**20, 1),
    }


async def lets_in(url: str, headers: dict[str, str]) -> bool:
    """Whether a client with these headers may connect."""
    try:
        async with connect(url, additional_headers=headers):
            return True
    except InvalidStatus:
        return False


async def drained(line: Any, until: str | None) -> None:
    """Read what comes, up to a text if there is one."""
    with contextlib.suppress(ConnectionClosed):
        async for message in line:
            if until is not None and isinstance(message, str) and until in message:
                return
