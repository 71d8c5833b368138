"""The robot's end: microphone, speaker and tools. Needs neither torch nor a language model."""
