"""Robots over MQTT: what the way costs, how fast it comes back, and what it survives.

A private mosquitto, the server in one process, robots in another. No model works here: a parrot
takes the conversation's place, which answers a moment after the user has spoken, so that only the
way is measured. Needs mosquitto, and libopus0 for the formats of sound.

    python benchmarks/mqtt.py [--limit N] [--json]
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from over_mqtt.formats import formats
from over_mqtt.fuzz import fuzz
from over_mqtt.measures import busy, idle, latency, recovery
from over_mqtt.processes import Mosquitto, serving
from report import script, show

from antiphon.cli.output import Json


def main(
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many questions, seconds and restarts.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure what MQTT adds, costs and survives."""
    few = limit or 10**9
    result: dict[str, Any] = latency(min(60, few))
    with Mosquitto() as broker, serving(broker.port, endless=True) as pipe:
        result |= asyncio.run(busy(broker.port, pipe, min(15, few)))
    with Mosquitto() as broker, serving(broker.port, endless=True):
        result |= asyncio.run(recovery(broker, min(8, few)))
    with Mosquitto() as broker, serving(broker.port):
        result |= asyncio.run(idle(broker.port, min(40, few)))
    result |= fuzz(min(100_000, 1000 * few))
    result |= formats()
    show(result, json)


if __name__ == "__main__":
    script(main)
