"""Brokers for the tests that want a real one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mosquitto import MOSQUITTO, Mosquitto, certify, write_passwords

ROOT = Path(__file__).parents[5]


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
    write_passwords(folder / "passwords")
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
