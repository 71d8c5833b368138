"""Speech to the language model's tokens: ears, adapter, language model."""
