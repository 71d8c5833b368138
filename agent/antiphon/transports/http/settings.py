"""Where `antiphon serve` listens, and whom it lets in."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from antiphon.errors import UserError
from antiphon.settings import setting
from antiphon.transports.listening import bound

MIN_TOKEN = 16
"""Characters of the shortest token that is taken for a secret."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class HttpSettings:
    """The address, the token and the certificate of everything that is served over HTTP."""

    TABLE: ClassVar[str] = "http"

    host: str = setting("127.0.0.1", "The address that --realtime and the like listen at.")
    port: int = setting(8080, "The port they listen at; 0 takes a free one.")
    token_file: Path | None = setting(
        None,
        "A file with the token that clients must give; without it only this machine is served.",
    )
    tls_cert: Path | None = setting(None, "The server's certificate chain (PEM).")
    tls_key: Path | None = setting(None, "The certificate's private key (PEM).")
    allow_origin: str = setting(
        "", "Web pages of others that may connect: https://example.org, with commas between them."
    )
    max_sessions: int = setting(64, "Conversations at the same time.")
    idle: float = setting(300.0, "Seconds without a message after which a client is dismissed.")

    parts: Mapping[str, Any] = field(default_factory=dict)
    """Sections of the faces by name."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 <= self.port <= 65535:
            raise UserError(f"There is no port {self.port}: choose one from 1 to 65535.")
        if self.max_sessions < 1:
            raise UserError(f"{self.max_sessions} sessions cannot be served: give 1 or more.")
        if not self.idle > 0:
            raise UserError(f"Clients cannot be dismissed after {self.idle:g} s: give more than 0.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host in LOOPBACK_NAMES

    @property
    def origins(self) -> frozenset[str]:
        """Origins of web pages that may connect besides our own."""
        return frozenset(each.strip().rstrip("/") for each in self.allow_origin.split(",")) - {""}

    def token(self) -> str | None:
        """What clients must give; None: nothing.

        Raises:
            UserError: The file holds none, or others could connect without one.
        """
        if self.token_file is None:
            if not self.loopback:
                raise UserError(
                    f"Without a token only this machine is served, but --host is {self.host}: give "
                    "--token-file, or --host 127.0.0.1."
                )
            return None
        try:
            token = self.token_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The token in {self.token_file} cannot be read ({error}).") from error
        if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise UserError(
                f"{self.token_file} holds no token: put {MIN_TOKEN} or more letters and digits "
                f"into it, for example {secrets.token_urlsafe(24)}"
            )
        return token

    def tls(self) -> ssl.SSLContext | None:
        """The certificate, loaded; None: connections are not encrypted.

        Raises:
            UserError: Certificate and key do not fit, or one is missing.
        """
        if self.tls_cert is None and self.tls_key is None:
            return None
        if self.tls_cert is None or self.tls_key is None:
            raise UserError("A certificate needs its key: give both --tls-cert and --tls-key.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.tls_cert, self.tls_key, password=lambda: b"")
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or error
            raise UserError(
                f"The certificate {self.tls_cert} cannot be used with the key {self.tls_key} "
                f"({reason}): give a chain in PEM and the key it was made with."
            ) from error
        return context

    def bind(self) -> socket.socket:
        """A socket at the address; nobody can connect before it is listened at.

        Raises:
            UserError: The port is in use, or the address is not of this machine.
        """
        return bound(self.host, self.port, by_host="--host", by_port="--port")
