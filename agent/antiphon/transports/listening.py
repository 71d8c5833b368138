"""Sockets to be listened at."""

from __future__ import annotations

import socket

from antiphon.errors import UserError


def bound(host: str, port: int, *, by_host: str, by_port: str) -> socket.socket:
    """A socket at an address; nobody can connect before it is listened at.

    Args:
        host: of this machine.
        port: 0 takes a free one.
        by_host: the option that chooses another host.
        by_port: the option that chooses another port.

    Raises:
        UserError: The port is in use, or the address is not of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UserError(f"There is no address {host}: check {by_host}.") from error
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        made.close()
        raise UserError(
            f"{host} port {port} cannot be listened at ({error.strerror}): stop what uses it, or "
            f"choose another {by_port}."
        ) from error
    return made
