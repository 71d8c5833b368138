"""Tells the network that the server is there, so that Home Assistant finds it by itself."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import AsyncIterator

log = logging.getLogger(__name__)

SERVICE = "_wyoming._tcp.local."


@contextlib.asynccontextmanager
async def announced(host: str, port: int) -> AsyncIterator[bool]:
    """Announces a server while it is entered; gives whether that was possible.

    Args:
        host: the address it listens at; of an address that means all of them, the one that other
            machines see is told.
        port: the port.
    """
    try:
        from zeroconf import Error
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
    except ImportError:
        log.warning(
            "Home Assistant cannot find this server by itself: pip install 'antiphon[wyoming]', or "
            "type in its address."
        )
        yield False
        return
    name = f"Antiphon on {socket.gethostname().split('.')[0]}"[:60].replace(".", "-")
    info = AsyncServiceInfo(SERVICE, f"{name}.{SERVICE}", parsed_addresses=[seen(host)], port=port)
    try:
        network = AsyncZeroconf()
        await network.async_register_service(info, allow_name_change=True)
    except (OSError, Error) as error:
        log.warning("This server could not be announced (%s): type in its address.", error)
        yield False
        return
    try:
        yield True
    finally:
        await network.async_unregister_all_services()
        await network.async_close()


def seen(host: str) -> str:
    """The address of this machine that others see."""
    if host not in ("", "0.0.0.0", "::"):
        return socket.getaddrinfo(host, None)[0][4][0]  # type: ignore[return-value]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("224.0.0.251", 1))  # sends nothing: it asks which way it would go
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
