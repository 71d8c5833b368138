"""Who may connect: the token of the server, and secrets for a short time made from it."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from antiphon.runtime.clock import Clock, WallClock

MAX_SECRETS = 10_000
"""Secrets that are kept; of more, the oldest is given up."""
PREFIX = "ek_"
"""Begins every secret for a short time, as OpenAI's do."""


@dataclass(frozen=True)
class Secret:
    """Lets a client in for a short time."""

    value: str
    expires: float
    """When, in seconds of the clock."""
    session: Any
    """What the face wants to know of whoever uses it."""


class Tokens:
    """Checks tokens.

    Args:
        token: of the server; None: nobody needs one.
        clock: tells when a secret has expired.
    """

    def __init__(self, token: str | None, clock: Clock | None = None) -> None:
        self._token, self._clock = token, clock or WallClock()
        self._secrets: OrderedDict[str, Secret] = OrderedDict()

    @property
    def needed(self) -> bool:
        """Whether clients must give one."""
        return self._token is not None

    def issue(self, seconds: float, session: Any) -> Secret:
        """A secret that lets a client in for so many seconds."""
        value = PREFIX + secrets.token_urlsafe(24)
        self._secrets[value] = secret = Secret(value, self._clock.now() + seconds, session)
        while len(self._secrets) > MAX_SECRETS:
            self._secrets.popitem(last=False)
        return secret

    def secret(self, given: str | None) -> Secret | None:
        """The secret a client gave, if it is one and has not expired."""
        found = self._secrets.get(given or "")
        if found is not None and found.expires < self._clock.now():
            del self._secrets[found.value]
            return None
        return found

    def accept(self, given: str | None) -> bool:
        """Whether a client that gave this may connect."""
        if self._token is None or self.secret(given):
            return True
        return hmac.compare_digest((given or "").encode(), self._token.encode())
