"""OpenAI's Realtime API, and the REST addresses beside it (docs/realtime-api.md)."""
