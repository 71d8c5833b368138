"""What finds faces, where it is installed."""

from __future__ import annotations

import pytest

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.lips.faces import Faces


@pytest.fixture(scope="session")
def faces() -> Faces:
    pytest.importorskip("ai_edge_litert")
    try:
        return Faces(weights.path("faces"))
    except UserError as error:
        pytest.skip(str(error))
