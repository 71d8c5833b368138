"""A network without a broker for every test that wants one."""

from __future__ import annotations

import os

import pytest
from heard_oracle import COUNTS
from mqtt_network import Net


@pytest.fixture
def net():
    return Net()


@pytest.fixture(scope="session", autouse=True)
def histories():
    """Says how many random histories were tried, if one wanted many."""
    yield
    if "ANTIPHON_HISTORIES" in os.environ:
        print(f"\n{dict(COUNTS)}")
