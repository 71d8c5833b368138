"""Antiphon answers speech with speech, thinking while it speaks."""

__version__ = "0.1.0"
