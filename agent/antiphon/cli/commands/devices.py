"""`antiphon devices`: which microphones and speakers there are, and how well they work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon.cli.options import Only, with_settings
from antiphon.cli.output import Json, print_json
from antiphon.errors import UserError
from antiphon.settings import Devices

if TYPE_CHECKING:
    from antiphon.runtime.audio.device_supervisor import SoundCards
    from antiphon.runtime.echo.measurement import Echo
    from antiphon.runtime.events import Event

RATE = 22_050
"""Samples a second of what is played: the codec's."""
QUIET, LOUD = -55.0, -3.0
"""Levels in dBFS that are too low to have heard the sweep, and near to overload."""

app = typer.Typer(add_completion=False)


@app.command()
@with_settings
def devices(
    chosen: Annotated[Devices, Only("input", "output")],
    test: Annotated[
        bool, typer.Option("--test", help="Play a sound of a second and record it.")
    ] = False,
    echo: Annotated[
        bool, typer.Option("--echo", help="Measure the echo, and which mode of talk it allows.")
    ] = False,
    json: Json = False,
) -> None:
    """List microphones and speakers; test them and measure the echo between them.

    --input and --output name them as for `antiphon talk`. Keep quiet during a test.
    """
    if not test and not echo:
        if chosen.input is not None or chosen.output is not None:
            raise UserError("--input and --output say what to measure: add --test or --echo.")
        listing(json)
        return
    from antiphon.runtime.echo.measurement import measure_echo

    with opened(chosen.input, chosen.output) as cards:
        measured = measure_echo(cards, RATE)
        report = tested(cards, measured) if test else {}
    if echo:
        report |= echoed(measured)
    if json:
        print_json(report)
        return
    for name, value in report.items():
        label = name.removesuffix("_ms").removesuffix("_db").removesuffix("_seconds")
        print(f"{label.replace('_', ' '):<16}{shown(name, value)}")


def listing(json: bool) -> None:
    """Prints all devices."""
    from antiphon.runtime.audio.devices import list_devices
    from antiphon.runtime.audio.portaudio import load, quiet

    library = load()
    with quiet():
        found = list_devices(library)
    if json:
        print_json({"devices": [device.report() for device in found]})
        return
    if not found:
        raise UserError("There is no microphone and no speaker: connect them.")
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("", "name", "in", "out", "rate", "system", ""):
        table.add_column(column, justify="right" if column in ("in", "out", "rate") else "left")
    for device in found:
        marks = [
            text
            for text, is_so in (
                ("microphone", device.default_input),
                ("speaker", device.default_output),
            )
            if is_so
        ]
        default = f"default {' and '.join(marks)}" if marks else ""
        table.add_row(
            str(device.index), f"[bold]{device.name}", str(device.inputs or "-"),
            str(device.outputs or "-"), f"{device.rate:,}", device.api, default,
        )  # fmt: skip
    Console().print(table)


def opened(microphone: str | None, speaker: str | None) -> SoundCards:
    """Microphone and speaker; tests put others here."""
    from antiphon.runtime.audio.device_supervisor import SoundCards

    return SoundCards(RATE, lost, microphone=microphone, speaker=speaker)


def lost(event: Event) -> None:
    """Gives up if a device vanishes in the middle.

    Raises:
        UserError: It did.
    """
    reason = getattr(event, "reason", None)
    if reason is not None:
        raise UserError(f"{reason} Connect it and try again.")


def tested(cards: SoundCards, measured: Echo) -> dict[str, Any]:
    """How the devices worked."""
    return {
        "microphone": cards.names["input"],
        "microphone_rate": cards.rates["input"],
        "speaker": cards.names["output"],
        "speaker_rate": cards.rates["output"],
        "noise_db": measured.noise_db,
        "level_db": measured.level_db,
        "verdict": verdict(measured),
        **cards.counters,
    }


def verdict(measured: Echo) -> str:
    """One sentence about the microphone."""
    if measured.level_db == float("-inf"):
        return "The microphone gives nothing at all: it is muted, or the wrong one."
    if measured.clipping or measured.level_db > LOUD:
        return "The microphone is overloaded: turn it or the speaker down."
    if measured.delay_ms is None:
        return "The microphone works; the sound was not heard, as with headphones."
    if measured.level_db < QUIET:
        return "The sound was heard faintly: turn the speaker up, or go nearer."
    return "Both work: the sound was heard."


def echoed(measured: Echo) -> dict[str, Any]:
    """The echo, and what it allows."""
    from antiphon.runtime.echo.canceller import has_aec3
    from antiphon.runtime.echo.measurement import best_mode

    mode, why = best_mode(measured, has_aec3())
    return {
        "echo_delay_ms": measured.delay_ms,
        "echo_loss_db": measured.loss_db,
        "mode": mode,
        "why": why,
    }


def shown(name: str, value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "no echo"
    if name.endswith("_rate"):
        return f"{value:,} Hz"
    if name.endswith("_db"):
        if value == float("-inf"):
            return "nothing at all"
        return f"{round(value)} {'dB' if name == 'echo_loss_db' else 'dBFS'}"
    if name.endswith("_ms"):
        return f"{value:.0f} ms"
    if name.endswith("_seconds"):
        return f"{value:.2f} s"
    return str(value)
