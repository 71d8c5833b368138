"""A client of `antiphon serve --realtime`: asyncio, without models and without PyTorch.

    async with Client("ws://127.0.0.1:8080") as talk:
        await talk.ask("What is the capital of France?")
        async for event in talk:
            if isinstance(event, Sound):
                play(event.pcm)

It speaks OpenAI's Realtime API (docs/realtime-api.md) with 24 kHz in both directions.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from antiphon.errors import UserError
from antiphon.tools.tool import Tool

RATE = 24_000
"""Samples a second of all sound."""


@dataclass(frozen=True)
class Asked:
    """What was understood of the user's turn."""

    text: str
    """The words."""


@dataclass(frozen=True)
class Sound:
    """A piece of the reply."""

    pcm: NDArray[np.float32]
    """[N] mono at `RATE`."""
    item: str
    """The reply it belongs to."""


@dataclass(frozen=True)
class Words:
    """Words of the reply, a little before they sound."""

    text: str
    """One or more."""
    start_ms: int
    """Of the first, from the reply's first sample."""
    end_ms: int
    """Of the last."""
    item: str
    """The reply they belong to."""


@dataclass(frozen=True)
class Interrupting:
    """The user began to speak: what is left of the reply is not to be played."""


@dataclass(frozen=True)
class Done:
    """A reply is over."""

    text: str
    """What was said of it; empty if nothing was."""


@dataclass(frozen=True)
class Failed:
    """The server could not do what it was asked; the conversation goes on."""

    reason: str
    """One sentence."""


Event = Asked | Sound | Words | Interrupting | Done | Failed


class Client:
    """One conversation. Iterate over it for what happens.

    Args:
        address: of the server, `ws://HOST:PORT` or `wss://HOST:PORT`.
        token: of the server, if it wants one.
        instructions: told to the language model after its own persona.
        tools: functions the agent may call; docstring and annotations say what they do.

    Raises:
        UserError: A function cannot be a tool.
    """

    def __init__(
        self,
        address: str = "ws://127.0.0.1:8080",
        *,
        token: str = "",
        instructions: str = "",
        tools: Iterable[Callable[..., Any]] = (),
    ) -> None:
        self._address, self._instructions = address, instructions
        self._functions = {Tool.from_function(each).name: each for each in tools}
        self._tools = [Tool.from_function(each) for each in self._functions.values()]
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._line: ClientConnection | None = None

    async def __aenter__(self) -> Client:
        """Connect.

        Raises:
            UserError: There is no such server, or it refuses.
        """
        try:
            self._line = await connect(
                f"{self._address.rstrip('/')}/v1/realtime?antiphon=events",
                additional_headers=self._headers,
                max_size=None,
            )
        except (OSError, InvalidHandshake, InvalidURI, ValueError) as error:
            raise UserError(
                f"{self._address} cannot be talked to ({error}): start antiphon serve --realtime "
                "there, and check the address and the token."
            ) from error
        session: dict[str, Any] = {
            "type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}},
            "tools": [function(tool) for tool in self._tools],
        }
        if self._instructions:
            session["instructions"] = self._instructions
        await self._send("session.update", session=session)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave."""
        if self._line is not None:
            await self._line.close()

    async def hear(self, pcm: NDArray[np.float32]) -> None:
        """Let the agent hear [N] samples of the microphone, mono at `RATE`."""
        samples = (np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes()
        await self._send("input_audio_buffer.append", audio=base64.b64encode(samples).decode())

    async def ask(self, text: str) -> None:
        """Ask in writing; the answer is spoken."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self._send("conversation.item.create", item=item)
        await self._send("response.create")

    async def stop(self, item: str, milliseconds: int) -> None:
        """End a reply of which so much was played: the agent remembers that much.

        Args:
            item: of its `Sound`.
            milliseconds: that were really played.
        """
        await self._send("output_audio_buffer.clear")
        await self._send(
            "conversation.item.truncate",
            item_id=item,
            content_index=0,
            audio_end_ms=milliseconds,
        )

    async def __aiter__(self) -> AsyncIterator[Event]:
        """What happens, until the server is gone."""
        try:
            async for message in self._connected:
                told = json.loads(message)
                if told["type"] == "response.function_call_arguments.done":
                    await self._call(told)
                elif (event := understood(told)) is not None:
                    yield event
        except ConnectionClosed:
            return

    async def _call(self, wanted: Mapping[str, Any]) -> None:
        """Call a function beside the event loop, and tell what came of it."""
        try:
            arguments = json.loads(wanted["arguments"])
            made = await asyncio.to_thread(self._functions[wanted["name"]], **arguments)
            output = json.dumps({"result": made}, default=str)
        except Exception as error:  # whatever a user's function raises
            output = json.dumps({"error": str(error) or type(error).__name__})
        item = {"type": "function_call_output", "call_id": wanted["call_id"], "output": output}
        await self._send("conversation.item.create", item=item)
        await self._send("response.create")

    @property
    def _connected(self) -> ClientConnection:
        if self._line is None:
            raise RuntimeError("the client is not connected: use `async with`")
        return self._line

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._connected.send(json.dumps({"type": kind, **fields}))


def function(tool: Tool) -> dict[str, Any]:
    """A tool as the Realtime API is told it."""
    parameters = {"type": "object", **tool.schema}
    described = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", **described}


def understood(message: Mapping[str, Any]) -> Event | None:
    """An event of the server's; None: one that this client does not tell."""
    kind = message["type"]
    if kind == "response.output_audio.delta":
        raw = np.frombuffer(base64.b64decode(message["delta"]), "<i2")
        return Sound(raw.astype(np.float32) / np.float32(32768), message["item_id"])
    if kind == "antiphon.words":
        words = message["words"]
        text = " ".join(word["text"].strip() for word in words)
        return Words(text, words[0]["start_ms"], words[-1]["end_ms"], message["item_id"])
    if kind == "conversation.item.input_audio_transcription.completed":
        return Asked(message["transcript"])
    if kind == "input_audio_buffer.speech_started":
        return Interrupting()
    if kind == "response.done":
        return Done(said(message["response"]))
    return Failed(message["error"]["message"]) if kind == "error" else None


def said(response: Mapping[str, Any]) -> str:
    """The transcript of a response."""
    contents = (part for item in response["output"] for part in item.get("content", ()))
    return " ".join(part.get("transcript") or part.get("text") or "" for part in contents).strip()
