"""`antiphon robot`: the body of an agent that thinks elsewhere."""

from __future__ import annotations

import socket
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import antiphon
from antiphon.cli.options import with_settings
from antiphon.errors import UserError
from antiphon.settings import Devices
from antiphon.transports.mqtt.transport import MqttSettings

if TYPE_CHECKING:
    from antiphon.runtime.events import Event
    from antiphon.runtime.turns.stop_word import StopWord
    from antiphon.transports.mqtt.robot.microphone import MicrophoneProcessor
    from antiphon.transports.mqtt.robot.tool_runner import ToolRunner

RATE = 22_050
"""Samples a second of the voice."""

app = typer.Typer(add_completion=False)


@app.command()
@with_settings
def robot(
    broker: MqttSettings,
    devices: Devices,
    id_: Annotated[
        str | None, typer.Option("--id", help="The robot's name; that of this machine if none.")
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.py", help="What it can do: functions with docstrings and type hints."
        ),
    ] = None,
    protocol: Annotated[
        Literal["5", "3.1.1"], typer.Option(help="Version of MQTT that the broker speaks.")
    ] = "5",
    opus: Annotated[
        bool, typer.Option("--opus", help="Opus in place of PCM, if the agent has it, too.")
    ] = False,
    echo: Annotated[
        Literal["cancel", "half", "none"],
        typer.Option(
            help="cancel: take its own voice out of the microphone. half: deaf while it speaks. "
            "none: headphones."
        ),
    ] = "cancel",
) -> None:
    """Be the body of an agent: microphone, speaker and abilities here, antiphon serve elsewhere.

    Needs no language model and no PyTorch.
    """
    from antiphon.runtime import frames
    from antiphon.runtime.audio.open_device import open_device
    from antiphon.transports.lifecycle import run
    from antiphon.transports.mqtt.robot.robot import Robot
    from antiphon.transports.mqtt.wire.broker import parse
    from antiphon.transports.mqtt.wire.formats.negotiation import have

    address = parse(broker.url(), ca=broker.ca, insecure=broker.insecure)
    name = id_ or socket.gethostname().partition(".")[0]
    box, microphone = tool_runner(tools), microphone_processor(echo, real=devices.file is None)
    formats = have(frames.RATE, RATE, opus="yes" if opus else "no", encodec=broker.encodec)
    device_events: deque[Event] = deque()

    def emit(event: Event) -> None:
        print(event, flush=True)
        device_events.append(event)

    duplex = open_device(devices, RATE, emit)

    async def work() -> None:
        body = Robot(
            address,
            name,
            duplex,
            tool_runner=box,
            microphone=microphone,
            rate=RATE,
            formats=formats,
            wait_for_agent=devices.file is not None,
            version=5 if protocol == "5" else 3,
            say=lambda sentence: print(sentence, flush=True),
            device_events=device_events,
        )
        await body.run()

    run(work())


def tool_runner(file: Path | None) -> ToolRunner:
    """The tools of a file, if there is one."""
    from antiphon.transports.mqtt.robot import tool_file
    from antiphon.transports.mqtt.robot.tool_runner import ToolRunner

    return ToolRunner(*tool_file.load(file)) if file is not None else ToolRunner()


def microphone_processor(echo: str, *, real: bool) -> MicrophoneProcessor:
    """What the robot does about its own voice, and about the word "stop"."""
    from antiphon.transports.mqtt.robot.microphone import MicrophoneProcessor

    if not real or echo == "none":
        return MicrophoneProcessor(stop_word=stop_word())
    if echo == "half":
        return MicrophoneProcessor(half=True, stop_word=stop_word())
    from antiphon.runtime.echo.canceller import EchoCanceller

    return MicrophoneProcessor(EchoCanceller(), stop_word=stop_word())


def stop_word() -> StopWord | None:
    """Spots the word "stop" here; None if what it needs is not installed."""
    beside = Path(antiphon.__file__).parent / "assets" / "stop-word"  # installed as a robot
    try:
        from antiphon.runtime.turns.stop_word import StopWord

        return StopWord(beside if beside.is_dir() else None)
    except (ModuleNotFoundError, UserError) as error:
        if (getattr(error, "name", None) or "").startswith("antiphon"):
            raise  # a part of the robot itself is missing, which is a fault
        print("The word stop is spotted by the agent, not here.", flush=True)
        return None
