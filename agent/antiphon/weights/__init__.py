"""Weights by name: fetched, checked, converted and cached, or committed. Knows no model."""

from antiphon.weights.assets import assets, trained
from antiphon.weights.catalogue import ENTRIES, named
from antiphon.weights.config import read_config
from antiphon.weights.store import cache, damaged, fetch, is_present, is_ready, path

__all__ = [
    "ENTRIES",
    "assets",
    "cache",
    "damaged",
    "fetch",
    "is_present",
    "is_ready",
    "named",
    "path",
    "read_config",
    "trained",
]
