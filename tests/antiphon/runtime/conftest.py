"""A driver of conversations without models."""

from __future__ import annotations

import pytest
from fake_conversation import Driver, FakeResponder


@pytest.fixture
def responder():
    return FakeResponder()


@pytest.fixture
def drive(responder):
    """Makes a driver: of the responder `responder` unless another is given."""

    def make(responder_=None, **choices):
        return Driver(responder_ or responder, **choices)

    return make
