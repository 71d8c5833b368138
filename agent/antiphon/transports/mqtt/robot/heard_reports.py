"""When a robot says what its listener has heard."""

from __future__ import annotations

from antiphon.transports.mqtt.robot.player import Player
from antiphon.transports.mqtt.wire.messages import Heard

INTERVAL_SECONDS = 0.4
"""Seconds after which it is said again, while the agent waits for it: a report may get lost."""


class HeardReports:
    """Reports now and then, and at the end of every sound.

    Args:
        player: what it plays.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self._at = 0
        """How far the listener was when that was said last."""
        self._since = 0.0
        """When that was, in seconds."""

    def due(self, now: float, *, waited_for: bool, always: bool = False) -> list[Heard]:
        """What is to be said `now`, in seconds.

        Args:
            now: on the robot's clock.
            waited_for: whether the agent speaks, as far as the robot knows.
            always: say it in any case.
        """
        player = self._player
        ends = player.at != self._at and not player.sounding
        again = waited_for and now - self._since >= INTERVAL_SECONDS
        if player.stream is None or not (always or ends or again):
            return []
        self._at, self._since = player.at, now
        told = player.stream, player.generation
        return [Heard(*told, end, start) for start, end in player.heard()]
