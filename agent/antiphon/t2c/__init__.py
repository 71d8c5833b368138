"""Tokens with hidden states into speech: trigger, generator, voices. Knows `llm` and codecs."""
