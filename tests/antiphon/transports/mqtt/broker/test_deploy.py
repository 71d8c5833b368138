"""What `deploy/` starts would start: its files fit together, and broker and agent take them."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import aiomqtt
import pytest
import typer
import yaml
from mosquitto import MOSQUITTO, USERS, Mosquitto, certify, write_passwords

from antiphon.cli.commands import serve
from antiphon.transports.lifecycle import end
from antiphon.transports.mqtt.wire.broker import parse
from antiphon.transports.mqtt.wire.envelope import Outgoing
from antiphon.transports.mqtt.wire.link import Link

ROOT = Path(__file__).parents[5]
DEPLOY = ROOT / "deploy"
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
PAGE = (ROOT / "docs" / "mqtt.md").read_text()


def mounts(service):
    """Paths in a container and what is mounted there, secrets in the folder `secrets`."""
    pairs = (entry.split(":")[:2] for entry in SERVICES[service]["volumes"])
    return {inside: outside for outside, inside in pairs}


def options(command):
    """The options of `antiphon serve` at the end of a command."""
    words = shlex.split(command)
    at = next(i for i, word in enumerate(words) if word.endswith("/antiphon"))
    assert words[at + 1] == "serve"
    return words[at + 2 :]


def understood(words, url):
    """Whether `antiphon serve` takes these options; its parameters."""
    command = typer.main.get_command(serve.app)
    return command.make_context("serve", [*words, "--mqtt", url]).params


def test_containers_find_all_they_are_told_to_use():
    broker, agent = mounts("broker"), mounts("agent")
    paths = re.findall(r"/mosquitto/\S+", (DEPLOY / "mosquitto.conf").read_text())
    named = {path.rstrip(",.").rstrip("/") for path in paths} - {"/mosquitto/config"}
    assert named <= set(broker)
    for outside in [*broker.values(), *agent.values()]:
        if outside.startswith("./secrets/"):  # made by the commands of the page
            assert outside.removeprefix("./secrets/") in PAGE
        elif outside.startswith("."):
            assert (DEPLOY / outside).exists()
    (line,) = (word for word in shlex.split(SERVICES["agent"]["command"]) if "&&" in word)
    setup, _, start = line.partition("&&")
    script = shlex.split(setup)[-1]
    assert agent["/antiphon"] == ".." and os.access(ROOT / script, os.X_OK)
    assert understood(options(start), "mqtt://localhost")["ca"] == Path("/secrets/ca.crt")
    assert "/secrets/ca.crt" in agent


def test_the_agents_address_fits_the_broker():
    url = SERVICES["agent"]["environment"]["ANTIPHON_MQTT"]
    address = parse(re.sub(r"\$\{SERVER_PASSWORD:\?[^}]*\}", "secret", url))
    assert (address.host, address.user, address.password) == ("broker", "server", "secret")
    assert SERVICES["agent"]["depends_on"] == ["broker"]
    assert f"listener {address.port}\n" in (DEPLOY / "mosquitto.conf").read_text()
    assert SERVICES["broker"]["ports"] == [f"{address.port}:{address.port}"]
    assert f"DNS:{address.host}," in PAGE  # as the certificate says


@pytest.mark.skipif(MOSQUITTO is None, reason="needs mosquitto: sudo apt install mosquitto")
def test_the_broker_takes_its_files_as_they_are_mounted(tmp_path):
    """The file of `deploy/` itself, but for folders and port."""
    secrets, data = tmp_path / "secrets", tmp_path / "data"
    secrets.mkdir()
    data.mkdir()
    certify(secrets)
    write_passwords(secrets / "passwords")
    text = (DEPLOY / "mosquitto.conf").read_text()
    for inside, outside in mounts("broker").items():
        place = data if outside == "broker" else secrets / Path(outside).name
        if outside in ("./acl", "./mosquitto.conf"):
            place = shutil.copy(DEPLOY / outside, secrets)
            Path(place).chmod(0o600)
        text = text.replace(inside, str(place))
    assert "/mosquitto/config/" not in text
    before, _, after = text.partition("listener 8883\n")
    assert before
    broker = Mosquitto(secrets, after, secure=True)
    try:
        assert asyncio.run(reaches(broker))
    finally:
        broker.kill()


async def reaches(broker):
    """Whether the agent gets in, and hears its robot."""
    heard = asyncio.Event()
    server = Link(
        broker.address("server"),
        identifier="server",
        topics=[("antiphon/v1/+/hello", 1)],
        handle=lambda message: heard.set(),
    )
    task = asyncio.create_task(server.run())
    hello = Outgoing("antiphon/v1/R1/hello", b"{}", 1, retain=True)
    robot = Link(
        broker.address("R1"), identifier="R1", topics=[], handle=print, opened=lambda: [hello]
    )
    other = asyncio.create_task(robot.run())
    try:
        await asyncio.wait_for(heard.wait(), 10)
    finally:
        await end([task, other])
    return True


def test_a_message_too_large_costs_its_sender_the_line(secure_broker):
    async def play():
        address = secure_broker.address("R1")
        async with aiomqtt.Client(
            address.host, address.port, username="R1", password=USERS["R1"],
            tls_context=address.context(),
        ) as client:  # fmt: skip
            with pytest.raises(aiomqtt.MqttError):
                for _ in range(2):
                    await client.publish("antiphon/v1/R1/audio/in", bytes(200_000), qos=1)

    asyncio.run(asyncio.wait_for(play(), 20))


def unit():
    return (DEPLOY / "antiphon.service").read_text()


def test_the_unit_starts_what_there_is():
    (command,) = re.findall(r"^ExecStart=(.*)$", unit(), re.M)
    given = understood(options(command), "mqtt://localhost")["ca"]
    assert given == Path("/etc/mosquitto/certs/ca.crt")
    assert f"deploy/secrets/{given.name} {given.parent}\n" in PAGE  # as the page puts it there


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path):
    program = tmp_path / "antiphon"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / "antiphon.service"
    copy.write_text(unit().replace("/opt/antiphon/.venv/bin/antiphon", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
