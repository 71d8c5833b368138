"""What the way over the broker costs, and how fast it comes back."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from antiphon.runtime.frames import FRAME_MS
from over_mqtt.parrot import EchoProbe, Parrot
from over_mqtt.processes import Mosquitto, robots, serving


def local_waits(questions: int) -> list[float]:
    """The same without a network: the parrot at the device itself."""
    mouth, parrot = EchoProbe(True), Parrot()
    for frame in mouth:
        mouth.play(parrot.step(frame))
        if len(mouth.waits) >= questions:
            return mouth.waits
    return []


async def remote_waits(port: int, questions: int, others: int = 0) -> list[float]:
    """Seconds from the frame that is answered to the first sound, over the broker."""
    crowd = [EchoProbe(True) for _ in range(others)]
    mouth = EchoProbe(True)
    async with robots(port, crowd, "crowd"), robots(port, [mouth]):
        while len(mouth.waits) < questions:
            await asyncio.sleep(0.1)
    return mouth.waits


def quantile(values: list[float], share: float) -> float:
    """In milliseconds."""
    return round(1000 * float(np.quantile(values, share)), 2)


def latency(questions: int) -> dict[str, Any]:
    """What the way adds to the first audio; and with ten busy robots, with and without nodelay."""
    found: dict[str, Any] = {}
    local = statistics.median(local_waits(max(3, questions // 5)))
    with Mosquitto() as broker, serving(broker.port):
        waits = asyncio.run(remote_waits(broker.port, questions))
    added = [wait - local for wait in waits]
    found["added_ms_p50"], found["added_ms_p95"] = quantile(added, 0.5), quantile(added, 0.95)
    found["questions"] = len(added)
    for nodelay in (True, False):
        with Mosquitto(nodelay) as broker, serving(broker.port):
            busy = asyncio.run(remote_waits(broker.port, max(3, questions // 2), others=9))
        added = [wait - local for wait in busy]
        key = "nodelay_on" if nodelay else "nodelay_off"
        found[f"{key}_ms_p50"] = quantile(added, 0.5)
        found[f"{key}_ms_p95"] = quantile(added, 0.95)
    return found


async def busy(port: int, pipe: Connection, seconds: float) -> dict[str, Any]:
    """Ten robots that are spoken to and speak at the same time."""
    mouths = [EchoProbe(False) for _ in range(10)]
    async with robots(port, mouths):
        await asyncio.sleep(2.0)
        begin, work = time.perf_counter(), ask(pipe)
        sounds = sum(mouth.sounds for mouth in mouths)
        await asyncio.sleep(seconds)
        spent = [b - a for a, b in zip(work, ask(pipe), strict=True)]
        lasted = time.perf_counter() - begin
        heard = sum(mouth.sounds for mouth in mouths) - sounds
    return {
        "server_core_percent_10": round(100 * spent[0] / lasted, 2),
        "frames_played_share": round(heard / (10 * lasted * 1000 / FRAME_MS), 3),
        "packets_in_per_s": round(spent[1] / lasted, 1),
    }


def ask(pipe: Connection) -> tuple[float, int]:
    """Processor seconds of the server so far, and packets."""
    pipe.send(True)
    answer: tuple[float, int] = pipe.recv()
    return answer


async def recovery(broker: Mosquitto, rounds: int) -> dict[str, Any]:
    """Seconds from the restart of a killed broker to the next sound of a reply."""
    mouth = EchoProbe(False)
    found = []
    async with robots(broker.port, [mouth]):
        for number in range(rounds):
            seen = mouth.sounds
            await until(lambda: mouth.sounds > seen + 20)  # noqa: B023
            broker.kill()
            await asyncio.sleep(1.0 + 0.13 * number)
            before = mouth.sounds
            await asyncio.to_thread(broker.start)
            begin = time.perf_counter()
            await until(lambda: mouth.sounds > before)  # noqa: B023
            found.append(time.perf_counter() - begin)
            await asyncio.sleep(0.5)
    return {
        "recover_s": round(max(found), 3),
        "recover_s_median": round(statistics.median(found), 3),
    }


async def until(true: Callable[[], bool]) -> None:
    """Waits until something is true."""
    while not true():
        await asyncio.sleep(0.005)


async def idle(port: int, seconds: float) -> dict[str, Any]:
    """Bytes a second between an idle robot and the broker, both ways, without TCP's headers."""
    count = 0

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while data := await reader.read(1 << 16):
            count += len(data)
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, back), forward(there, writer))

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    mouth = EchoProbe(True)
    mouth.voice = mouth.silence
    async with robots(proxy.sockets[0].getsockname()[1], [mouth]):
        await asyncio.sleep(2.0)
        begin, before = time.perf_counter(), count
        await asyncio.sleep(seconds)
        used = (count - before) / (time.perf_counter() - begin)
    proxy.close()
    return {"idle_bytes_per_s": round(used, 2), "idle_seconds": seconds}
