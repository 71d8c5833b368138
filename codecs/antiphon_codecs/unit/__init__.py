"""UnitCodec: one small codebook over the latent of a Piper voice. Knows only `antiphon_codecs`."""
