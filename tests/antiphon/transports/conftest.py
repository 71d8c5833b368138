"""A network without a broker for every test that wants one."""

from __future__ import annotations

import pytest
from mqtt_network import Net


@pytest.fixture
def net():
    return Net()
