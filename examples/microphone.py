"""Talk with `antiphon serve --realtime`; wear headphones, since nothing removes the echo here."""

import asyncio

import numpy as np
import sounddevice as sd

from antiphon.client import RATE, Asked, Client, Done, Interrupting, Sound


async def main() -> None:
    """Microphone and speaker share one callback; the conversation is this loop."""
    loop, speaker = asyncio.get_running_loop(), np.zeros(0, np.float32)

    def sound(mic: np.ndarray, out: np.ndarray, frames: int, *_: object) -> None:
        nonlocal speaker
        out[:, 0] = np.pad(speaker[:frames], (0, max(0, frames - len(speaker))))
        speaker = speaker[frames:]
        asyncio.run_coroutine_threadsafe(talk.hear(mic[:, 0].copy()), loop)

    async with Client() as talk:
        with sd.Stream(RATE, channels=1, callback=sound, blocksize=RATE // 50):
            async for event in talk:
                if isinstance(event, Sound):
                    speaker = np.concatenate([speaker, event.pcm])
                elif isinstance(event, Interrupting):
                    speaker = speaker[:0]
                elif isinstance(event, Asked | Done):
                    print(event.text)


asyncio.run(main())
