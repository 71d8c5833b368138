"""OpenAI's audio endpoints and the models list, beside the Realtime API."""
