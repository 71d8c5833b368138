"""What this server is made of, to be shown to people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from antiphon.runtime.responders.responder import Responder
from antiphon.transports.realtime.protocol.config import Insights


def insights_of(responder: Responder[Any]) -> Insights:
    """The names of the voice, the language model and the recognizer."""
    from antiphon import settings

    chosen = settings.load(settings.Models)
    agent = getattr(responder, "agent", None)
    llm = getattr(getattr(getattr(agent, "s2t", None), "llm", None), "name", chosen.llm)
    voice = Path(getattr(getattr(agent, "voice", None), "name", chosen.voice)).name
    return Insights(voices=[voice], language_model=str(llm), recognizer=chosen.recognizer)
