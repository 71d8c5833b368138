"""EnCodec behind the `Codec` protocol, whole and streaming. Knows only `antiphon_codecs`."""
