"""Weights by name: fetched, checked, converted and cached, or committed. Knows no model."""

from antiphon.weights.assets import assets
from antiphon.weights.catalogue import ENTRIES
from antiphon.weights.store import cache, damaged, fetch, is_present, is_ready, path

__all__ = ["ENTRIES", "assets", "cache", "damaged", "fetch", "is_present", "is_ready", "path"]
