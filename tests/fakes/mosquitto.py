"""Private brokers: mosquitto on free ports, with and without encryption, users and rules."""

from __future__ import annotations

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from antiphon.transports.mqtt.wire.broker import Broker

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
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self.config)],
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


def write_passwords(file):
    """The passwords of all users, as the broker keeps them."""
    file.touch(0o600)
    tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    for user, password in USERS.items():
        subprocess.run([tool, "-b", file, user, password], check=True, capture_output=True)
