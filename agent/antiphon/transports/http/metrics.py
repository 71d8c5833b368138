"""What is counted, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from antiphon.runtime import events
from antiphon.runtime.events import Event
from antiphon.runtime.frames import seconds

LATENCIES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Upper bounds in seconds of the classes that latencies are counted in."""


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.sessions = Gauge(
            "antiphon_sessions", "Clients connected now.", ["face"], registry=registry
        )
        self.refused = Counter(
            "antiphon_sessions_refused", "Clients without a place.", ["face"], registry=registry
        )
        self._waiting = Gauge(
            "antiphon_waiting_seconds", "Seconds of sound that wait to be heard.", registry=registry
        )
        self._turns = Counter("antiphon_turns", "Turns that were answered.", registry=registry)
        self._interruptions = Counter(
            "antiphon_interruptions", "Replies that were stopped.", ["reason"], registry=registry
        )
        self._failures = Counter(
            "antiphon_failures", "What went wrong.", ["stage"], registry=registry
        )
        self._voice_to_voice = Histogram(
            "antiphon_voice_to_voice_seconds",
            "From the user's last word to the first sound of the reply.",
            registry=registry,
            buckets=LATENCIES,
        )
        self._first_audio = Histogram(
            "antiphon_first_audio_seconds",
            "From the end of the user's turn to the first sound of the reply.",
            registry=registry,
            buckets=LATENCIES,
        )

    def waiting(self, measure: Callable[[], float]) -> None:
        """How the seconds of waiting sound are found."""
        self._waiting.set_function(measure)

    def observe(self, event: Event) -> None:
        """Count an event of a conversation."""
        if isinstance(event, events.Latency):
            self._turns.inc()
            self._voice_to_voice.observe(event.voice_to_voice_ms / 1000)
            self._first_audio.observe(seconds(event.first_sound - event.turn_end))
        elif isinstance(event, events.Interrupted):
            self._interruptions.labels(event.reason).inc()
        elif isinstance(event, events.Failed):
            self._failures.labels(event.stage).inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
