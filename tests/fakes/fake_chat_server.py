"""A server that speaks OpenAI's chat completions on a real socket, well or badly."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MESSAGES = [{"role": "user", "content": "Hello?"}]


def delta(text: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One event of a stream."""
    return {"choices": [{"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}]}


class Wire:
    """The connection that a request came in on.

    Args:
        handler: of the request.
        closing: set when the server ends.
    """

    def __init__(self, handler: BaseHTTPRequestHandler, closing: threading.Event) -> None:
        self.handler, self.closing = handler, closing

    def head(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> Wire:
        """Begin to answer; the body follows in chunks."""
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        return self

    def send(self, data: bytes) -> Wire:
        """A chunk of the body."""
        if data:
            self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        return self

    def event(self, event: Any) -> Wire:
        """A server-sent event."""
        return self.send(b"data: %s\n\n" % json.dumps(event).encode())

    def end(self) -> None:
        """The body is complete."""
        self.handler.wfile.write(b"0\r\n\r\n")

    def whole(self, body: bytes, status: int = 200, kind: str = "application/json") -> None:
        """A whole answer."""
        self.head(status, kind).send(body).end()

    def wait(self, seconds: float = 20.0) -> float | None:
        """Wait until the client leaves; returns when, or None if it stays."""
        connection, until = self.handler.connection, time.monotonic() + seconds
        while time.monotonic() < until and not self.closing.is_set():
            if select.select([connection], [], [], 0.01)[0]:
                try:
                    if connection.recv(1, socket.MSG_PEEK) == b"":
                        return time.monotonic()
                except OSError:
                    return time.monotonic()
        return None


Answer = Callable[[Wire], object]
"""Answers a request for a reply."""


def saying(*texts: str | None, finish: str | None = "stop", done: bool = True) -> Answer:
    """Answers with texts, each an event of a stream."""

    def answer(wire: Wire) -> None:
        wire.head()
        for text in texts:
            wire.event(delta(text))
        if finish:
            wire.event(delta(finish=finish))
        if done:
            wire.send(b"data: [DONE]\n\n")
        wire.end()

    return answer


def refusing(status: int, body: bytes = b"", kind: str = "application/json") -> Answer:
    """Answers with a status and a body."""
    return lambda wire: wire.whole(body, status, kind)


class FakeChatServer:
    """The server; `with` runs it.

    Args:
        answer: to requests for a reply; may be changed at any time.
        models: the names of its models.
    """

    def __init__(self, answer: Answer | None = None, models: Sequence[str] = ("tiny",)) -> None:
        self.answer = answer or saying("Hello", " there.")
        self.models = models
        self.models_answer: Answer | None = None
        """Answers to requests for the models, in place of their names."""
        self.requests: list[dict[str, Any]] = []
        """What was asked for, the newest last."""
        self.headers: list[dict[str, str]] = []
        """The headers of these requests."""
        closing = self.closing = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fake.headers.append({k.lower(): v for k, v in self.headers.items()})
                wire = Wire(self, closing)
                if fake.models_answer:
                    fake.models_answer(wire)
                elif self.path == "/v1/models":
                    listed = {"data": [{"id": name} for name in fake.models]}
                    wire.whole(json.dumps(listed).encode())
                else:
                    wire.whole(b'{"error": "not found"}', 404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.headers.append({k.lower(): v for k, v in self.headers.items()})
                if self.path != "/v1/chat/completions":
                    Wire(self, closing).whole(b'{"error": "not found"}', 404)
                    return
                fake.requests.append(json.loads(body))
                fake.answer(Wire(self, closing))

            def handle(self) -> None:
                with suppress(OSError):  # the client left
                    super().handle()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> FakeChatServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
