"""A server with faces at a real socket, in the event loop of a test; models are replaced."""

from __future__ import annotations

import asyncio
from typing import Any

from fake_conversation import FakeAnalyzer, FakeResponder

from antiphon.cli.commands.serve import Responders
from antiphon.runtime.options import Options
from antiphon.runtime.responders.worker import InlineWorker, ThreadWorker
from antiphon.runtime.session.conversation import Conversation
from antiphon.transports.http.server import Server
from antiphon.transports.http.settings import HttpSettings
from antiphon.transports.transport import Host


class HttpStage:
    """Serves faces while it is entered.

    Args:
        builds: of the faces.
        responder: of all conversations, or a function of the peer that makes one.
        choices: what clients may choose; it makes the responders then.
        chosen: settings of the server; it takes a free port if none is given.
    """

    def __init__(self, *builds, responder=None, choices=None, **chosen) -> None:
        self.settings = HttpSettings(**{"port": 0, **chosen})
        self.choices = choices
        if choices is not None:
            responder = Responders(choices).of
        self.responder: Any = responder or FakeResponder()
        self.said: list[str] = []
        self.conversations: list[Conversation] = []
        bound = self.settings.bind()
        self.server = Server(builds, self.settings, Options(), bound, self.settings.tls())
        self.port = self.server.port
        self.address = f"127.0.0.1:{self.port}"

    def converse(self, peer) -> Conversation:
        own = callable(self.responder)
        responder = self.responder(peer) if own else self.responder
        analyzer: Any = FakeAnalyzer()
        work = ThreadWorker() if own else InlineWorker()  # a call is waited for
        made = Conversation(responder, Options(), work=work, analyzer=analyzer)
        self.conversations.append(made)
        return made

    async def __aenter__(self):
        outside: Any = self.responder
        host = Host(self.converse, self.said.append, outside, choices=self.choices)
        self.task = asyncio.create_task(self.server.run(host))
        for _ in range(500):
            if self.task.done():
                self.task.result()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                break
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def until(self, true, seconds=15):
        """Waits until something is true."""
        for _ in range(seconds * 100):
            if true():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never came true")
