"""Errors as OpenAI's API reports them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Something a client did that cannot be done.

    Args:
        message: one sentence that says what was wrong and what to do.
        code: names the kind of error.
        param: the field it is about, as a path: "session.audio.output.voice".
        kind: whose fault it is: "invalid_request_error" or "server_error".
    """

    def __init__(
        self,
        message: str,
        code: str = "invalid_value",
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.param, self.kind = message, code, param, kind

    def body(self, event_id: str | None = None) -> dict[str, Any]:
        """As it is sent.

        Args:
            event_id: of the client's event that it is about.
        """
        return {
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id,
        }
