"""Wyoming, Home Assistant's protocol for voice: speech to text, text to speech, conversation."""
