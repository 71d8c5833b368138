"""Addresses of brokers."""

from __future__ import annotations

import socket

import pytest

from antiphon.errors import UserError
from antiphon.transports.mqtt.wire import broker


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mqtt://example.org", "not encrypted"),
        ("mqtts://example.org", "anybody may command"),
        ("http://example.org", "address is wrong"),
        ("mqtts://", "address is wrong"),
        ("mqtts://host:port", "address is wrong"),
        ("mqtts://u:p@host/topic", "address is wrong"),
        ("mqtt://u:p@192.168.1.5", "not encrypted"),
    ],
)
def test_addresses_that_are_refused(url, error):
    with pytest.raises(UserError, match=error):
        broker.parse(url)


def test_addresses():
    found = broker.parse("mqtts://R1:p%40ss@example.org")
    assert (found.host, found.port, found.tls) == ("example.org", 8883, True)
    assert (found.user, found.password) == ("R1", "p@ss")
    assert "p@ss" not in repr(found) and "p@ss" not in found.name
    assert broker.parse("mqtt://localhost:1900").port == 1900
    assert broker.parse("mqtt://[::1]").host == "::1"
    assert broker.parse("mqtt://example.org", insecure=True).port == 1883


def test_a_certificate_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="with --ca"):
        broker.parse("mqtts://u:p@h", ca=tmp_path / "none.pem").context()
    with pytest.raises(UserError, match="mqtts:// only"):
        broker.parse("mqtt://localhost", ca=tmp_path / "none.pem")


def test_a_broker_that_is_not_there_is_noticed():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.listen()
        assert broker.parse(f"mqtt://127.0.0.1:{port}").problem() is None
    assert "refused" in (broker.parse(f"mqtt://127.0.0.1:{port}").problem() or "")
    assert broker.parse("mqtt://no.such.host.invalid", insecure=True).problem()
