"""Where the broker is and how to be let in."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from antiphon.errors import UserError

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """A broker and how to be let in."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """Certificate of the authority that signed the broker's; the system's authorities if None."""
    insecure: bool = False
    """Take any certificate."""

    @property
    def name(self) -> str:
        """What may be shown: no password."""
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"

    def problem(self) -> str | None:
        """Why the broker cannot be reached just now; None if it can.

        Waits two seconds at most.
        """
        try:
            socket.create_connection((self.host, self.port), 2.0).close()
        except OSError as error:
            return error.strerror or str(error)
        return None

    def context(self) -> ssl.SSLContext | None:
        """How to encrypt; None for not at all.

        Raises:
            UserError: The authority's certificate cannot be read.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"'{self.ca}' is no certificate that can be read: give a PEM file with --ca."
            ) from error
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def parse(url: str, *, ca: Path | None = None, insecure: bool = False) -> Broker:
    """Reads `mqtt://…` or `mqtts://user:password@host:port`.

    Args:
        url: of the broker; user and password may be percent-encoded.
        ca: certificate of an authority of one's own.
        insecure: allow what is refused otherwise.

    Raises:
        UserError: It is no such address, or anybody could listen, or anybody could command.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError(f"The broker's address is wrong ({error}): give mqtts://HOST.") from error
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise UserError("The broker's address is wrong: give mqtts://USER:PASSWORD@HOST:PORT.")
    tls = parts.scheme == "mqtts"
    if ca is not None and not tls:
        raise UserError("A certificate is of use with mqtts:// only: change the broker's address.")
    if not insecure and not is_local(parts.hostname):
        if not tls:
            raise UserError(
                f"The way to '{parts.hostname}' is not encrypted: use mqtts://, "
                "or allow it with --insecure."
            )
        if not parts.username:
            raise UserError(
                f"'{parts.hostname}' is asked for entry without a name, so anybody may command "
                "there: use mqtts://USER:PASSWORD@HOST, or allow it with --insecure."
            )
    return Broker(
        parts.hostname,
        port or PORTS[parts.scheme],
        tls,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        ca,
        insecure,
    )


def is_local(host: str) -> bool:
    """Whether only this machine can be meant."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
