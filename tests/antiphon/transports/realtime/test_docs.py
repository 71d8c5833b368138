"""The page about the API says what it does with everything a client can send."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from realtime_client import Stage

from antiphon.transports.realtime.protocol.client_events import EVENTS
from antiphon.transports.realtime.protocol.config import IGNORED, SessionConfig
from antiphon.transports.realtime.rest.encoders import ENCODERS

PAGE = (Path(__file__).parents[4] / "docs" / "realtime-api.md").read_text("utf-8")


def test_every_event_field_and_format_is_described():
    told = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.S)))
    technical = {"id", "object", "expires_at", "client_secret", "audio", "antiphon"}
    wanted = {*EVENTS, *IGNORED, *SessionConfig.model_fields, *ENCODERS} - technical
    assert sorted(each for each in wanted if each not in told) == []


def test_the_example_works(capsys):
    code, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.S)

    async def main():
        async with Stage() as stage:
            here = code.replace("127.0.0.1:8080", stage.address)
            here = here.replace("asyncio.run(main())", "task = asyncio.ensure_future(main())")
            space: dict = {}
            exec(here, space)
            await space["task"]

    asyncio.run(main())
    assert capsys.readouterr().out.startswith("r1w0 r1w1")
