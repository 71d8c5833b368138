"""A device's tools, over MCP: JSON-RPC 2.0 in messages of type `mcp`."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import antiphon
from antiphon.errors import UserError
from antiphon.tools import Result, Tool
from antiphon.tools.tool import MAX_DESCRIPTION
from antiphon.transports.xiaozhi.framing import MalformedError

log = logging.getLogger(__name__)

PROTOCOL = "2024-11-05"
"""The version of MCP that devices speak."""
MAX_PAGES, MAX_TOOLS = 32, 128
"""Pages of the list of tools that are asked for, and tools that are used."""
CALL_SECONDS = 30.0
"""Seconds in which a tool must have answered."""
MAX_WAITING = 16
"""Requests that wait for an answer."""


class McpError(Exception):
    """A device says that something could not be done, or says nothing."""


class McpClient:
    """Asks one device.

    Args:
        send: sends the payload of a message.
    """

    def __init__(self, send: Callable[[Mapping[str, Any]], None]) -> None:
        self._send = send
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._names: dict[str, str] = {}
        """What the device calls its tools, by our names."""

    def take(self, payload: Mapping[str, Any]) -> None:
        """An answer of the device; notifications and what nobody asked for are let go.

        Raises:
            MalformedError: It is none.
        """
        number = payload.get("id")
        if isinstance(number, str) and number.isdecimal():
            number = int(number[:9])
        if "method" in payload or isinstance(number, bool) or not isinstance(number, int):
            return
        future = self._waiting.pop(number, None)
        if future is None or future.done():
            return
        if "result" in payload:
            future.set_result(payload["result"])
            return
        error = payload.get("error")
        said = error.get("message") if isinstance(error, dict) else None
        future.set_exception(McpError(said[:500] if isinstance(said, str) else "it failed"))
        if not isinstance(error, dict):
            raise MalformedError("an answer of MCP has neither result nor error")

    async def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """Ask for something, and wait for the answer.

        Raises:
            McpError: The device says no, or is gone.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise McpError("too many calls are waiting already")
        self._count += 1
        number = self._count
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        told = {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}
        try:
            self._send(told)
            return await future
        finally:
            self._waiting.pop(number, None)

    async def tools(self) -> dict[str, Tool]:
        """The device's tools by our names; those that nobody can ask for are left out.

        Raises:
            McpError: It has none.
        """
        about = {"name": "antiphon", "version": antiphon.__version__}
        # Some clients want to be told where pictures are explained; empty means nowhere.
        able = {"vision": {"url": "", "token": ""}}
        told = {"protocolVersion": PROTOCOL, "capabilities": able, "clientInfo": about}
        await self.request("initialize", told)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        found: dict[str, Tool] = {}
        cursor = ""
        for _ in range(MAX_PAGES):
            page = await self.request("tools/list", {"cursor": cursor})
            listed = page.get("tools") if isinstance(page, dict) else None
            for each in listed if isinstance(listed, list) else []:
                self._add(found, each)
            following = page.get("nextCursor") if isinstance(page, dict) else None
            if not isinstance(following, str) or following in ("", cursor):
                break
            cursor = following
        return found

    def _add(self, found: dict[str, Tool], announced: Any) -> None:
        """Note a tool if it is one."""
        try:
            name, tool = tool_of(announced)
        except UserError as error:
            log.info("%s", error)
            return
        if tool.name not in found and len(found) < MAX_TOOLS:
            found[tool.name], self._names[tool.name] = tool, name

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Result:
        """Use a tool; what goes wrong is in the result."""
        told = {"name": self._names[name], "arguments": dict(arguments)}
        try:
            answer = await asyncio.wait_for(self.request("tools/call", told), CALL_SECONDS)
        except asyncio.TimeoutError:
            return Result(False, error="the device did not answer in time")
        except McpError as error:
            return Result(False, error=str(error))
        return result_of(answer)

    def close(self, reason: str) -> None:
        """Nothing is answered any more."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(McpError(reason))


def tool_of(announced: Any) -> tuple[str, Tool]:
    """A tool as MCP announces it, and its name there.

    Names like `self.audio_speaker.set_volume` lose `self.` and their dots. Of a description, which
    says a lot to a large language model, the first sentence says what the tool does.

    Raises:
        UserError: It is none.
    """
    if not isinstance(announced, dict) or not isinstance(announced.get("name"), str):
        raise UserError("A tool must be an object with a name.")
    name: str = announced["name"]
    ours = re.sub(r"[^A-Za-z0-9_-]", "-", name.removeprefix("self.")).strip("_-")
    about = announced.get("description")
    schema = announced.get("inputSchema") or {}
    told = {"name": ours, "description": about, "parameters": schema}
    if isinstance(about, str):
        first = re.split(r"(?<=[.!?])\s|\n|。", about.strip(), maxsplit=1)[0]
        told["description"] = first[:MAX_DESCRIPTION]
    return name, replace(Tool.parse(told), says=None)


def result_of(answer: Any) -> Result:
    """What came of a call."""
    parts = answer.get("content") if isinstance(answer, dict) else None
    listed = parts if isinstance(parts, list) else []
    texts = [each.get("text") for each in listed if isinstance(each, dict)]
    text = "\n".join(each for each in texts if isinstance(each, str))
    if isinstance(answer, dict) and answer.get("isError") is True:
        return Result(False, error=text or "it failed")
    try:
        return Result(True, json.loads(text))
    except (ValueError, RecursionError):
        return Result(True, text or None)
