"""Which way of writing sound two ends agree upon.

PCM is known to everybody. Opus and EnCodec are written only where both ends have them: the robot
names what it has in its hello, what it likes best first, and the state names what was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from antiphon.errors import UserError
from antiphon.transports.mqtt.wire.formats.format import Format
from antiphon.transports.mqtt.wire.formats.pcm import pcm

SEPARATOR = ", "
"""Stands between the formats of a hello."""


@dataclass(frozen=True)
class Formats:
    """What one end has, what it likes best first."""

    up: Sequence[Format]
    """For the microphone."""
    down: Sequence[Format]
    """For the voice."""


def have(
    up: int, down: int, *, opus: Literal["yes", "no", "if there"], encodec: Path | None = None
) -> Formats:
    """What this machine has.

    Args:
        up: samples a second of the microphone.
        down: samples a second of the voice.
        opus: whether to offer it.
        encodec: folder of EnCodec's weights, to offer it, too.

    Raises:
        UserError: What is wanted is not installed.
    """
    kinds: list[Callable[[int], Format]] = [pcm]
    if opus != "no":
        try:
            from antiphon.transports.mqtt.wire.formats import opus as library

            kinds.insert(0, library.load())
        except UserError:
            if opus == "yes":
                raise
    if encodec is not None:
        from antiphon.transports.mqtt.wire.formats import encodec as codec

        kinds.insert(0, codec.load(encodec))
    return Formats([kind(up) for kind in kinds], [kind(down) for kind in kinds])


def named(formats: Iterable[Format]) -> str:
    """Formats as a hello names them."""
    return SEPARATOR.join(each.content_type for each in formats)


def agree(wanted: str, offered: Iterable[Format]) -> Format | None:
    """The first of what is wanted that is offered.

    Args:
        wanted: as a hello names it.
        offered: by the one who chooses.
    """
    known = {each.content_type: each for each in offered}
    return next((known[name] for name in wanted.split(SEPARATOR) if name in known), None)
