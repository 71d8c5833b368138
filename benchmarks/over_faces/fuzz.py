"""Malformed messages and bad manners without end, while a neighbour goes on talking."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time
from functools import partial
from typing import Any

from tqdm import tqdm
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from over_faces.client import module_of
from over_faces.damage import damaged
from over_faces.hosting import Hosted, serving

STRANGERS = ({"origin": "https://evil.example"}, {"host": "evil.example"})
"""Headers of those who may not connect."""
REFUSALS = (1000, 1001, 1002, 1008, 1009)
"""Codes with which a server may end a connection for what its client sent (RFC 6455, 7.4.1)."""
WARM = 0.25
"""Share of the messages after which memory is no longer expected to grow."""
PATIENCE = 30.0
"""Seconds in which a connection has to stand."""
ANSWER_SECONDS, HANGS_SECONDS = 30.0, 300.0
"""Seconds of a neighbour's talk in which it has to be answered, so that a slow machine is none of
its server's faults; and on the wall, for a neighbour that cannot even talk."""
RUDE, NEVER_READ = 50, 3
"""Strangers of each kind, and clients that ask and never read."""


class Tally:
    """What came of it."""

    def __init__(self) -> None:
        self.crashes: list[str] = []
        self.sent = self.refused = 0


async def fuzz(face: str, count: int, seed: int = 0) -> dict[str, Any]:
    """Send damaged messages and count what should not have happened.

    A crash is a server that ends, a mistake of its own that it logs, a connection that ends without
    one of the protocol's reasons, a stranger who is let in, or a neighbour who is not answered.

    Args:
        face: that is sent them.
        count: of messages.
        seed: of the damage.
    """
    module, tally = module_of(face), Tally()
    with serving(face) as hosted:
        port, begun = hosted.ports[face], 0
        async with module.Client(port, "neighbour") as neighbour:
            talk = asyncio.create_task(talking(neighbour))
            rude = asyncio.create_task(bad_manners(module, port, tally))
            progress = tqdm(total=count, desc=f"malformed for {face}", unit="message", leave=False)
            attack = getattr(module, "attack", partial(websocket_attack, module))
            async for _ in attack(port, count, seed, tally):
                progress.update(tally.sent - progress.n)
                if tally.sent >= WARM * count and not begun:
                    begun = hosted.memory()
                if not hosted.process.is_running():
                    break
            await rude
            growth = hosted.memory() - begun
            await unharmed(neighbour, hosted, tally)
            if talk.done():
                tally.crashes.append(f"a neighbour had to end: {talk.exception()!r}")
            talk.cancel()
    return {
        "fuzz_messages": tally.sent,
        "fuzz_crashes": len(tally.crashes),
        **({"fuzz_first_crash": tally.crashes[0]} if tally.crashes else {}),
        "fuzz_strangers_refused": tally.refused,
        "fuzz_growth_mib": round(growth / 2**20, 1),
    }


async def talking(client: Any) -> None:
    """Ask every three seconds."""
    while True:
        await client.speak(0.4, 0.5)
        await client.speak(2.6, 0.0)


async def unharmed(neighbour: Any, hosted: Hosted, tally: Tally) -> None:
    """Whether a neighbour is still answered."""
    neighbour.sounds.clear()
    until, hangs = neighbour.talked + ANSWER_SECONDS, time.perf_counter() + HANGS_SECONDS
    while not neighbour.sounds and neighbour.talked < until and time.perf_counter() < hangs:
        await asyncio.sleep(0.05)
    if not hosted.process.is_running():
        tally.crashes.append("the server has ended")
        return
    tally.crashes += hosted.faults()
    if not neighbour.sounds:
        tally.crashes.append("a neighbour is not answered")


# Over WebSockets


async def websocket_attack(module: Any, port: int, count: int, seed: int, tally: Tally) -> Any:
    """Damaged messages over one WebSocket after another; yields now and then.

    Args:
        module: of the face's client: `PATH`, `MESSAGES` or `damage`, and what it knows of order:
            `FIRST` and `LAST` are sent before and after the `BATCH` of damaged ones.
        port: of the server.
        count: of messages.
        seed: of the damage.
        tally: of what comes of it.
    """
    make = getattr(module, "damage", lambda seed: damaged(module.MESSAGES, seed))
    messages, url = make(seed), f"ws://127.0.0.1:{port}{module.PATH}"
    batch = getattr(module, "BATCH", 500)
    while tally.sent < count:
        async with connect(url, max_size=None, open_timeout=PATIENCE) as line:
            reading = asyncio.create_task(read(line, getattr(module, "ANSWERED", None)))
            try:
                for good in getattr(module, "FIRST", ()):
                    await line.send(good)
                for _ in range(min(batch, count - tally.sent)):
                    await line.send(next(messages))
                    tally.sent += 1
                if last := getattr(module, "LAST", None):  # all of them are taken before it is
                    await line.send(last)
                    await asyncio.wait_for(reading, PATIENCE)
            except ConnectionClosed as closed:
                if closed.rcvd is None or closed.rcvd.code not in REFUSALS:
                    tally.crashes.append(f"closed: {closed}")
            except asyncio.TimeoutError:
                tally.crashes.append("damaged messages were not all taken")
            await line.close()  # while what comes is still read, so that nobody waits for it
            reading.cancel()
        yield


async def read(line: Any, until: str | None) -> None:
    """Read what comes, up to a text if there is one."""
    with contextlib.suppress(ConnectionClosed):
        async for message in line:
            if until is not None and isinstance(message, str) and until in message:
                return


async def bad_manners(module: Any, port: int, tally: Tally) -> None:
    """Strangers, who are to be refused, and clients that never read or vanish in the middle."""
    path = getattr(module, "PATH", None)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(NEVER_READ if path is not None else 0):
            url = f"ws://127.0.0.1:{port}{path}"
            line = await stack.enter_async_context(
                connect(url, max_queue=1, open_timeout=PATIENCE, close_timeout=1)
            )
            with contextlib.suppress(ConnectionClosed, asyncio.TimeoutError):
                for good in (*getattr(module, "FIRST", ()), *module.ASKING * 2000):
                    await asyncio.wait_for(line.send(good), 5)
        await strangers(module, path, port, tally)


async def strangers(module: Any, path: str | None, port: int, tally: Tally) -> None:
    """Those who may not connect, and those who do it by halves."""
    for _ in range(RUDE):
        if path is not None:
            for headers in STRANGERS:
                await stranger(f"ws://127.0.0.1:{port}{path}", headers, tally)
        await half_open(port, path)
        await asyncio.sleep(0.05)


async def stranger(url: str, headers: dict[str, str], tally: Tally) -> None:
    """Try to connect with headers of one who may not."""
    try:
        async with connect(url, additional_headers=headers, open_timeout=PATIENCE):
            tally.crashes.append(f"a stranger was let in: {headers}")
    except InvalidStatus:
        tally.refused += 1


async def half_open(port: int, path: str | None) -> None:
    """Begin to connect, or to say something, and vanish, some with a reset."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    chance = random.Random(port)
    if path is not None:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        writer.write(request[: chance.randrange(len(request))].encode())
    else:
        writer.write(b'{"type": "transcr')
    if chance.random() < 0.5:
        held: socket.socket = writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
