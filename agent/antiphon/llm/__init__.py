"""Language models behind one protocol: tokens with hidden states. Knows only `antiphon_codecs`."""
