"""Corpora: made by a command from a seed, and cached. Knows every model, no transport."""
