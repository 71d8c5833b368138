"""Transcripts: recognizers behind one protocol, a package each. Knows `llm` and the codecs."""
