"""A language model behind a server, by the server's address."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from antiphon import settings
from antiphon.errors import UserError
from antiphon.llm.server.chat_server import ChatServer
from antiphon.llm.server.faults import listed
from antiphon.llm.text_model import Message, TextVocabulary

log = logging.getLogger(__name__)


class ServerModel(TextVocabulary):
    """A text model of a server.

    Args:
        name: what it was loaded by.
        server: that has it.
        model: its name there.
        more: what else is sent with every request; None takes something away.
    """

    def __init__(
        self, name: str, server: ChatServer, model: str, more: dict[str, Any] | None = None
    ) -> None:
        super().__init__(name)
        self._server, self._model, self._more = server, model, more or {}

    def reply(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float, top_p: float
    ) -> Generator[str, None, None]:
        """Answer the last of some messages; see `TextModel`."""
        request = {
            "model": self._model,
            "messages": list(messages),
            "stream": True,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p if temperature else None,
            **self._more,
        }
        return self._server.chat({k: v for k, v in request.items() if v is not None})


def load(name: str, corrections: Path | None = None) -> ServerModel:
    """The model of an address; the server is asked whether it is there.

    Args:
        name: the address of the server's API and, behind #, the model's name; without a name, the
            only model it has.
        corrections: none can be made.

    Raises:
        UserError: The server cannot be reached, or has several models.
    """
    address, _, model = name.partition("#")
    chosen = settings.load(settings.LanguageModelServer)
    server = ChatServer(address, chosen)
    names = server.models()
    if not model:
        if len(names) != 1:
            had = f"has {listed(names)}" if names else "does not say which models it has"
            raise UserError(f"{server.name} {had}: name one, as in --llm {address}#NAME.")
        (model,) = names
    elif names and not {model, f"{model}:latest"} & set(names):
        log.warning("%s does not list %s, but %s.", server.name, model, listed(names))
    return ServerModel(name, server, model, object_of(chosen.llm_request))


def object_of(text: str) -> dict[str, Any]:
    """The setting `llm_request`, read.

    Raises:
        UserError: It is no object in JSON.
    """
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(
            f"llm_request is {text}: give an object in JSON, such as "
            '{"reasoning_effort": "none"}.'
        )
    return found
