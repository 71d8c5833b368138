"""A private broker, the server in a process of its own, and robots in this one."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from antiphon.errors import UserError
from antiphon.transports.mqtt.robot.robot import Robot
from antiphon.transports.mqtt.server.server import Server
from antiphon.transports.mqtt.wire.broker import Broker
from over_mqtt.parrot import EchoProbe, Parrot


class Mosquitto:
    """A private broker."""

    def __init__(self, nodelay: bool = True) -> None:
        self.binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if self.binary is None:
            raise UserError("The broker mosquitto is not installed: sudo apt install mosquitto")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        self.config = Path(self.folder.name) / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n"
            f"set_tcp_nodelay {str(nodelay).lower()}\nmax_queued_messages 200\n"
        )

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.folder.cleanup()

    def start(self) -> None:
        """Starts and waits until somebody may connect."""
        quiet = subprocess.DEVNULL
        command = [str(self.binary), "-c", str(self.config)]
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise UserError("mosquitto does not start: try `mosquitto -v` to see why.")

    def kill(self) -> None:
        """Kills."""
        self.process.kill()
        self.process.wait()


def server_process(port: int, endless: bool, pipe: Connection) -> None:
    """The server; tells its processor time whenever it is asked, and ends on an empty message."""

    async def work() -> None:
        converse: Any = lambda session: Parrot(endless=endless)  # noqa: E731
        server = Server(Broker("127.0.0.1", port), converse)
        loop = asyncio.get_running_loop()
        over = asyncio.Event()

        def answer() -> None:
            if pipe.recv():
                received = sum(s._in.received for s in server.sessions.values())
                pipe.send((time.process_time(), received))
            else:
                over.set()

        loop.add_reader(pipe.fileno(), answer)
        serving = asyncio.create_task(server.run())
        await over.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(work())


@contextlib.contextmanager
def serving(port: int, *, endless: bool = False) -> Iterator[Connection]:
    """The server in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=server_process, args=(port, endless, theirs))
    process.start()
    try:
        yield ours
    finally:
        with contextlib.suppress(OSError):
            ours.send(False)
        process.join(5)
        process.kill()


@contextlib.asynccontextmanager
async def robots(
    port: int, mouths: list[EchoProbe], prefix: str = "R"
) -> AsyncIterator[list[Robot]]:
    """Robots with these mouths, all of them met by the server."""
    made = [
        Robot(Broker("127.0.0.1", port), f"{prefix}{i}", mouth, wait_for_agent=True)
        for i, mouth in enumerate(mouths)
    ]
    tasks = [asyncio.create_task(robot.run()) for robot in made]
    try:
        while any(robot.state is None for robot in made):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
