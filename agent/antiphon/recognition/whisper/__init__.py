"""Whisper over exactly the audio there is, with the states that chose each token of its text."""
