"""Tools of devices as ours, whatever a device answers."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.tools import Result, Tool
from antiphon.transports.xiaozhi import mcp
from antiphon.transports.xiaozhi.framing import MalformedError
from antiphon.transports.xiaozhi.mcp import MAX_TOOLS, McpClient, McpError, result_of, tool_of

values = st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=5)
keys = st.sampled_from(["id", "result", "error", "tools", "name", "nextCursor", "content"])
trees = st.recursive(
    values, lambda of: st.lists(of, max_size=2) | st.dictionaries(keys, of), max_leaves=6
)


def test_a_name_loses_its_dots_and_a_description_its_instructions():
    level = {"type": "object", "properties": {"volume": {"type": "integer", "maximum": 100}}}
    name, tool = tool_of(
        {
            "name": "self.audio_speaker.set_volume",
            "description": "Set the volume. If it is unknown, call self.get_device_status first.",
            "inputSchema": level,
        }
    )
    assert name == "self.audio_speaker.set_volume"
    assert (tool.name, tool.description) == ("audio_speaker-set_volume", "Set the volume.")
    assert tool.parameters[0].maximum == 100


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"content": [{"type": "text", "text": "true"}], "isError": False}, Result(True, True)),
        ({"content": [{"type": "text", "text": "30 degrees"}]}, Result(True, "30 degrees")),
        ({"content": [{"text": '{"a":'}, {"text": "1}"}]}, Result(True, {"a": 1})),
        ({"content": [{"text": "no"}], "isError": True}, Result(False, error="no")),
        ({"content": []}, Result(True, None)),
        (None, Result(True, None)),
    ],
)
def test_what_came_of_a_call(answer, result):
    assert result_of(answer) == result


@given(trees)
def test_any_answer_is_a_result(answer):
    assert isinstance(result_of(answer), Result)
    with suppress(UserError):
        assert isinstance(tool_of(answer)[1], Tool)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(keys, trees), max_size=8))
def test_a_device_that_answers_anything_has_tools_or_none(answers):
    async def work():
        asked = []
        client = McpClient(asked.append)
        listing = asyncio.create_task(client.tools())
        for answer in answers:
            await asyncio.sleep(0)
            with suppress(MalformedError):
                client.take(answer)
        await asyncio.sleep(0)
        client.close("the device is gone")
        try:
            assert len(await listing) <= MAX_TOOLS
        except McpError as error:
            assert str(error)

    asyncio.run(work())


def test_a_tool_that_never_answers_is_given_up_and_others_are_used(monkeypatch):
    monkeypatch.setattr(mcp, "CALL_SECONDS", 0.05)

    async def work():
        client = McpClient(lambda payload: None)
        client._names["lamp"] = "self.lamp"
        outcomes = await asyncio.gather(*(client.call("lamp", {}) for _ in range(18)))
        errors = [outcome.error for outcome in outcomes]
        assert errors.count("the device did not answer in time") == 16
        assert errors.count("too many calls are waiting already") == 2
        monkeypatch.undo()
        asked = []
        client._send = asked.append
        using = asyncio.create_task(client.call("lamp", {}))
        await asyncio.sleep(0.01)
        client.take({"id": asked[0]["id"], "result": {"content": [{"text": "lit"}]}})
        assert await using == Result(True, "lit")

    asyncio.run(work())


def test_a_list_without_end_is_given_up():
    async def work():
        asked = []

        def answer(payload):
            asked.append(payload)
            if "id" not in payload:
                return
            many = [{"name": f"t{len(asked)}-{i}", "description": "A tool."} for i in range(10)]
            page = {"tools": many, "nextCursor": f"{len(asked)}"}
            told = json.loads(json.dumps({"id": payload["id"], "result": page}))
            asyncio.get_running_loop().call_soon(client.take, told)

        client = McpClient(answer)
        assert len(await client.tools()) == MAX_TOOLS
        assert len(asked) < 50

    asyncio.run(work())
