"""A satellite at a network of the tests."""

from __future__ import annotations

import pytest
from satellite import Satellite


@pytest.fixture
def kitchen(net):
    """A satellite that plays files and says so."""
    return Satellite(net, "kitchen")
