"""A server, and the replies of its model."""

from __future__ import annotations

import pytest
from fake_chat_server import MESSAGES, FakeChatServer

from antiphon.llm.language_model import from_pretrained


@pytest.fixture
def server(monkeypatch):
    """A server that says hello, and an environment without keys."""
    for name in ("ANTIPHON_LLM_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with FakeChatServer() as server:
        yield server


@pytest.fixture
def reply(server):
    """Asks for a reply; what stands behind the server's address may be given."""

    def reply(behind="", model=None, **choices):
        model = model or from_pretrained(server.address + behind)
        return model.reply(
            MESSAGES, **{"max_tokens": 50, "temperature": 0.0, "top_p": 0.9, **choices}
        )

    return reply


@pytest.fixture
def ask(reply):
    """The whole text of a reply."""
    return lambda *given, **choices: "".join(reply(*given, **choices))
