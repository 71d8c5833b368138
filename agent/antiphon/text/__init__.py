"""Text as it is spoken."""

from antiphon.text.spoken import SpokenText, spoken

__all__ = ["SpokenText", "spoken"]
