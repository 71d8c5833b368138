"""Parts of `antiphon eval`."""
