"""Talk with `antiphon serve --realtime`; wear headphones, since nothing removes the echo here."""

import asyncio
from collections import deque

import numpy as np
import sounddevice as sd

from antiphon.client import RATE, Asked, Client, Done, Interrupting, Sound


async def main() -> None:
    """Microphone and speaker share one callback; the conversation is this loop."""
    loop, speaker = asyncio.get_running_loop(), deque[float]()

    def sound(mic: np.ndarray, out: np.ndarray, frames: int, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(talk.hear(mic[:, 0].copy()), loop)
        waiting = speaker  # another takes its place if the user interrupts meanwhile
        playing = [waiting.popleft() for _ in range(min(frames, len(waiting)))]
        out[:, 0] = np.pad(playing, (0, frames - len(playing)))

    async with Client() as talk:
        with sd.Stream(RATE, channels=1, callback=sound, blocksize=RATE // 50):
            async for event in talk:
                if isinstance(event, Sound):
                    speaker.extend(event.pcm)
                elif isinstance(event, Interrupting):
                    speaker = deque()
                elif isinstance(event, Asked | Done):
                    print(event.text)


asyncio.run(main())
