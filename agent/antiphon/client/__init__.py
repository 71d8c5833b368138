"""A client of `antiphon serve --realtime`: asyncio, without models and without PyTorch.

    async with Client("ws://127.0.0.1:8080") as talk:
        await talk.ask("What is the capital of France?")
        async for event in talk:
            if isinstance(event, Sound):
                play(event.pcm)

It speaks OpenAI's Realtime API (docs/realtime-api.md).
"""

from antiphon.client.client import RATE, Client
from antiphon.client.events import (
    Asked,
    Called,
    Done,
    Event,
    Failed,
    Interrupted,
    Interrupting,
    Latency,
    Sound,
    Words,
)

__all__ = [
    "RATE",
    "Asked",
    "Called",
    "Client",
    "Done",
    "Event",
    "Failed",
    "Interrupted",
    "Interrupting",
    "Latency",
    "Sound",
    "Words",
]
