"""Speech to units and back. Knows no language model, no microphone, no network."""
