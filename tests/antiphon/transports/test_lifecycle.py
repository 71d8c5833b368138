"""Tasks come to their ends."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from antiphon.transports.lifecycle import end, until_first_ends


def test_a_task_that_swallows_a_cancellation_ends():
    """As `asyncio.wait_for` does where the result comes with the cancellation."""

    async def stubborn():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def play():
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        await end([task])
        return task.cancelled()

    assert asyncio.run(asyncio.wait_for(play(), 10))


def test_the_others_end_with_the_first_and_its_error_is_raised():
    async def fails():
        raise OSError("the line is gone")

    async def play():
        waits = asyncio.create_task(asyncio.sleep(60))
        with pytest.raises(OSError, match="the line is gone"):
            await until_first_ends([asyncio.create_task(fails()), waits])
        return waits.cancelled()

    assert asyncio.run(asyncio.wait_for(play(), 10))
