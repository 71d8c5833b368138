"""Training corpora, built by a command from a seed and cached. Imports models, no transports."""
