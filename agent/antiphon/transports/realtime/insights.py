"""Events beside OpenAI's: where words sound, what the agent does, where the time went."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from antiphon.runtime import events
from antiphon.runtime.events import Event
from antiphon.runtime.frames import RATE
from antiphon.runtime.network.driver import Driver
from antiphon.runtime.network.sent_reply import SentReply
from antiphon.runtime.responders.responder import Responder
from antiphon.transports.realtime.protocol import config
from antiphon.transports.transport import Host

LEVEL_SAMPLES = RATE // 10
"""Samples of the microphone between two levels."""


class Insights:
    """Sends them, if they are wanted.

    Args:
        driver: of the conversation to look at.
        send: takes the events.
    """

    def __init__(self, driver: Driver, send: Callable[[dict[str, Any]], None]) -> None:
        self.wanted = False
        self._driver, self._conversation, self._send = driver, driver.conversation, send
        self._state: str | None = None
        self._level_at = 0
        self._words: tuple[SentReply | None, int] = (None, 0)
        self._paused = False

    def follow(self, where: dict[str, Any], reply: SentReply | None) -> None:
        """Look again.

        Args:
            where: the response and the item that are being said.
            reply: that is being sent.
        """
        if not self.wanted:
            return
        talk = self._conversation
        if talk.state != self._state:
            self._state = talk.state
            self._send({"type": "antiphon.state", "state": self._state})
        if talk.at - self._level_at >= LEVEL_SAMPLES:
            self._level_at = talk.at
            self._send({"type": "antiphon.level", "db": round(talk.level_db, 1)})
        if reply is not None and where:
            count = self._words[1] if self._words[0] is reply else 0
            words = reply.words(count)
            self._words = reply, count + len(words)
            if words:
                told = [
                    {"text": w.text, "start_ms": start, "end_ms": end} for w, start, end in words
                ]
                self._send({"type": "antiphon.words", **where, "words": told})

    def event(self, event: Event, where: dict[str, Any], user_item: str | None) -> None:
        """Tell of an event of the conversation.

        Args:
            event: that happened.
            where: the response and the item that are being said.
            user_item: the user's turn that is answered.
        """
        if not self.wanted:
            return
        if isinstance(event, (events.Paused, events.Resumed)):
            kind = "paused" if isinstance(event, events.Paused) else "resumed"
            self._send({"type": f"antiphon.{kind}", **where})
        elif isinstance(event, events.Latency):
            moments = ("speech_end", "soft_end", "turn_end", "understood")
            moments += ("first_piece", "first_sound")  # type: ignore[assignment]
            told = {f"{name}_ms": milliseconds(getattr(event, name)) for name in moments}
            total = {"item_id": user_item, "voice_to_voice_ms": event.voice_to_voice_ms}
            told["microphone_ms"] = int(1000 * self._driver.passed)
            response = {"response_id": where.get("response_id")}
            self._send({"type": "antiphon.latency", **response, **total, **told})
        elif isinstance(event, events.Interrupted):
            said = {"transcript": event.heard_text, "reason": event.reason}
            heard = {"heard_ms": event.heard_ms, **said}
            self._send({"type": "antiphon.interrupted", **where, **heard})


def milliseconds(samples: int | None) -> int | None:
    """Milliseconds of a count of the microphone's samples."""
    return None if samples is None else samples * 1000 // RATE


def insights_of(responder: Responder[Any]) -> config.Insights:
    """The names of the voice, the language model and the recognizer."""
    from antiphon import settings

    chosen = settings.load(settings.Models)
    agent = getattr(responder, "agent", None)
    llm = getattr(getattr(getattr(agent, "s2t", None), "llm", None), "name", chosen.llm)
    voice = Path(getattr(getattr(agent, "voice", None), "name", chosen.voice)).name
    return config.Insights(voices=[voice], language_model=str(llm), recognizer=chosen.recognizer)


def offered_by(host: Host) -> config.Insights:
    """The models that answer a session as it begins, and those it can choose."""
    made = insights_of(host.responder)
    if host.choices is None:
        return made
    own, offer = host.choices.own, host.choices.offer
    return made.model_copy(
        update={
            "language_model": own.llm,
            "hearing": own.ears,
            "voices": list(offer.voices),
            "language_models": list(offer.llms),
            "hearings": list(offer.ears),
        }
    )
