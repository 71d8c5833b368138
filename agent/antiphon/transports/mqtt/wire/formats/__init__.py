"""How sound is written on the wire: PCM, Opus, EnCodec. Knows frames and the codecs."""
