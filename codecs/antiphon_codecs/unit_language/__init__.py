"""The unit language: words made of units. Knows only `antiphon_codecs`."""
