"""What all tests share: the same random numbers every time, and no neighbour's cache."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("repeatable")
torch.set_num_threads(1)
os.environ.setdefault("ANTIPHON_LLM", "smollm2-135m-instruct")  # a download of 97 MB, not 1.1 GB


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test starts from the same random numbers, alone or among others."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002, libraries draw from the global generator
    torch.manual_seed(0)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache of weights with nothing in it."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ANTIPHON_CACHE", str(folder))
    return folder
