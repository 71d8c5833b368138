"""Speech into a language model: question encoders, adapter, replies. Knows `recognition`, `llm`."""
