"""What is said in a recording, outside of a conversation."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from antiphon.runtime.frames import RATE
from antiphon.runtime.responders.responder import Responder


async def hear(responder: Responder[Any], pcm: NDArray[np.float32], rate: int) -> str:
    """The words of [N] samples; empty if there are none, or none that are believed."""

    def work() -> str:
        stream = responder.listen(())
        stream.feed(pcm if rate == RATE else soxr.resample(pcm, rate, RATE))
        heard = stream.finish()
        return "" if heard.doubt else str(heard.text).strip()

    return await asyncio.to_thread(work)
