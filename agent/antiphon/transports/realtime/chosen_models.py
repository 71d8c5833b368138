"""The models of one session: those its client chose, as soon as they are loaded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from antiphon.errors import UserError
from antiphon.runtime.responders.model_choices import Choice, ModelChoices
from antiphon.transports.realtime.protocol.config import SessionConfig

log = logging.getLogger(__name__)


class ChosenModels:
    """Loads models beside the event loop, and tells the client how far that is.

    Args:
        choices: of the server.
        client: whose turns they answer.
        send: takes the events.
        settled: called with the models that answer from now on, and why others do not.
    """

    def __init__(
        self,
        choices: ModelChoices,
        client: Any,
        send: Callable[[dict[str, Any]], None],
        settled: Callable[[Choice, str | None], None],
    ) -> None:
        self._choices, self._client = choices, client
        self._send, self._settled = send, settled
        self._wanted = choices.own
        self._task: asyncio.Task[None] | None = None

    def want(self, choice: Choice) -> None:
        """The client wants these; if others are being loaded, after them."""
        if choice == self._wanted:
            return
        self._wanted = choice
        if self._task is None:
            self._task = asyncio.create_task(self._load())

    def close(self) -> None:
        """The client is gone."""
        if self._task is not None:
            self._task.cancel()
        self._choices.leave(self._client)

    async def _load(self) -> None:
        reason = None
        while (wanted := self._wanted) != self._choices.chosen(self._client):
            self._tell("loading", wanted)
            reason = None
            try:
                await asyncio.to_thread(self._choices.choose, self._client, wanted)
            except UserError as error:
                reason = str(error)
            except Exception as error:  # whatever a damaged model raises
                log.exception("models could not be loaded")
                reason = f"The models could not be loaded ({type(error).__name__})."
            if reason and self._wanted == wanted:
                break
        now = self._choices.chosen(self._client)
        self._task, self._wanted = None, now
        self._tell("failed" if reason else "ready", now, reason)
        self._settled(now, reason)

    def _tell(self, state: str, choice: Choice, reason: str | None = None) -> None:
        named = {"voice": choice.voice, "language_model": choice.llm, "hearing": choice.ears}
        self._send({"type": "antiphon.models", "state": state, **named, "reason": reason})


def choice_of(config: SessionConfig, own: Choice) -> Choice:
    """The models that a session names; those of the server where it names none."""
    made, voice = config.antiphon, config.audio.output.voice
    name = voice if isinstance(voice, str) else voice.id
    return Choice(
        name if name in made.voices else own.voice,
        made.language_model or own.llm,
        made.hearing or own.ears,
    )
