"""Private brokers: mosquitto on free ports, with and without encryption, users and rules."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import itertools
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from antiphon.runtime.frames import FRAME
from antiphon.runtime.simulated import Simulated
from antiphon.transports.mqtt.broker import Broker
from antiphon.transports.mqtt.ears import Ears
from antiphon.transports.mqtt.robot import Robot
from antiphon.transports.mqtt.server import Server

ROOT = Path(__file__).parents[5]
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
USERS = {"server": "of the server", "owner": "of the owner", "R1": "of R1", "R2": "of R2"}


class Mosquitto:
    """A broker that can be killed, stalled and started again on its port."""

    def __init__(self, folder: Path, settings: str, *, secure: bool = False) -> None:
        self.folder, self.secure = folder, secure
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config = folder / f"{self.port}.conf"
        user = f"user {getpass.getuser()}\n"
        self.config.write_text(f"listener {self.port} 127.0.0.1\n{user}{settings}")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(250):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise RuntimeError("mosquitto does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stall(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def address(self, user=None, **rest):
        ca = self.folder / "ca.crt" if self.secure else None
        password = USERS.get(user)
        return Broker("127.0.0.1", self.port, self.secure, user, password, ca, **rest)


@pytest.fixture(scope="session")
def brokers(tmp_path_factory):
    """Makes brokers; all are gone when the tests are."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    made = []

    def make(settings="allow_anonymous true\nset_tcp_nodelay true\n", **rest):
        made.append(Mosquitto(tmp_path_factory.mktemp("broker"), settings, **rest))
        return made[-1]

    yield make
    for each in made:
        each.go_on()
        each.kill()


@pytest.fixture
def open_broker(brokers):
    return brokers()


@pytest.fixture(scope="session")
def secure_broker(brokers, tmp_path_factory):
    """As `deploy/` has it, with a certificate made here."""
    folder = tmp_path_factory.mktemp("secure")
    certify(folder)
    passwords = folder / "passwords"
    passwords.touch()
    tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    for user, password in USERS.items():
        subprocess.run([tool, "-b", passwords, user, password], check=True, capture_output=True)
    acl = folder / "acl"
    shutil.copy(ROOT / "deploy" / "acl", acl)
    for file in folder.iterdir():
        file.chmod(0o600)
    given = (ROOT / "deploy" / "mosquitto.conf").read_text()
    kept = [line for line in given.splitlines() if not line.startswith(("listener", "persist"))]
    settings = "\n".join(kept).replace("/mosquitto/config", str(folder))
    broker = brokers(settings, secure=True)
    shutil.copy(folder / "ca.crt", broker.folder / "ca.crt")
    return broker


def certify(folder):
    """An authority, and a certificate of it for this machine."""

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", "-days", "2", *signed)


class Body:
    """A robot with a simulated device, in real time."""

    def __init__(self, broker, name="R1", **choices) -> None:
        self.level = 0.0
        frames = (np.full(FRAME, self.level, np.float32) for _ in itertools.count())
        self.duplex = Simulated(frames, 22_050, speed=1.0, keep=True)
        self.said = []
        self.robot = Robot(broker, name, self.duplex, ears=Ears(), say=self.said.append, **choices)

    async def speak(self, seconds=0.3, level=0.5):
        self.level = level
        await asyncio.sleep(seconds)
        self.level = 0.0

    def heard(self, level=0.1):
        """Seconds of sound that were heard, as of replies of one level."""
        return float(self.duplex.listened.sum()) / level / 16_000


class Stage:
    """A server and robots at a broker, in one event loop."""

    def __init__(self, broker, make, gate) -> None:
        self.broker, self.make, self.gate = broker, make, gate
        self.said = []
        self.tasks = []
        self.server = None

    async def __aenter__(self):
        await self.serve()
        return self

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def serve(self):
        self.server = Server(self.broker.address("server"), self.make, say=self.said.append)
        task = asyncio.create_task(self.server.run())
        self.tasks.append(task)
        await self.until(lambda: self.server.link.connected)
        return task

    async def add(self, name="R1", user=None, **choices):
        body = Body(self.broker.address(user or name), name, **choices)
        body.robot._gate = self.gate()
        body.task = asyncio.create_task(body.robot.run())
        self.tasks.append(body.task)
        await self.until(lambda: body.task.done() or body.robot.state is not None)
        return body

    async def until(self, true, seconds=15):
        """Waits until something is true."""
        for _ in range(seconds * 100):
            if true():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never came true")

    def session(self, name="R1"):
        return self.server.sessions[name]

    async def ask(self, body, name="R1"):
        await body.speak()
        await self.until(lambda: self.session(name).conversation.state == "speaking")

    async def finish(self, body, name="R1"):
        await self.until(lambda: self.session(name).conversation.state == "idle")
        await asyncio.sleep(0.1)


@pytest.fixture
def stage(networks):
    """Opens a stage: `stage(broker)`; a reply lasts a second."""

    def make(broker, converse=None):
        made = converse or networks.converse(networks.Mind(words=5))
        return Stage(broker, made, networks.FakeGate)

    return make
