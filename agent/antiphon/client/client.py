"""One conversation with `antiphon serve --realtime`, over OpenAI's Realtime API."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from antiphon.client.events import Called, Done, Event, Sound, understood
from antiphon.errors import UserError
from antiphon.runtime.audio.resampling import Resampler
from antiphon.tools.tool import Tool

RATE = 24_000
"""Samples a second on the wire, and of all sound unless a client says otherwise."""


class Client:
    """One conversation. Iterate over it for what happens.

    Args:
        address: of the server, `ws://HOST:PORT` or `wss://HOST:PORT`.
        token: of the server, if it wants one.
        instructions: told to the language model after its own persona.
        tools: functions the agent may call, plain or async; docstring and annotations say what
            they do. Plain ones are called in threads of their own.
        rate_in: samples a second of what is heard.
        rate_out: samples a second of what is said.

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
        rate_in: int = RATE,
        rate_out: int = RATE,
    ) -> None:
        self._address, self._instructions = address, instructions
        self._functions = {Tool.from_function(each).name: each for each in tools}
        self._tools = [Tool.from_function(each) for each in self._functions.values()]
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._line: ClientConnection | None = None
        self._leaving = False
        self._calls: set[asyncio.Task[None]] = set()
        self._inward, self._outward = Resampler(rate_in, RATE), Resampler(RATE, rate_out)
        self._said = ""
        """The reply whose sound came last."""

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
        try:
            await self._send("session.update", session=session)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave; what functions still do has no answer."""
        self._leaving = True
        for call in self._calls:
            call.cancel()
        if self._line is not None:
            await self._line.close()

    async def hear(self, pcm: NDArray[np.float32]) -> None:
        """Let the agent hear [N] samples of the microphone, mono at `rate_in`.

        Raises:
            UserError: The connection is lost.
        """
        samples = (np.clip(self._inward(pcm), -1, 1) * 32767).astype("<i2").tobytes()
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
        """What happens, until this client leaves.

        Raises:
            UserError: The connection is lost, or the server dismisses us.
        """
        while True:
            try:
                told = json.loads(await self._connected.recv())
            except ConnectionClosed as error:
                if self._leaving:
                    return
                raise self._lost(error) from error
            for event in self._events(told):
                yield event

    def _events(self, told: Mapping[str, Any]) -> Iterator[Event]:
        """What a message of the server means."""
        kind = told["type"]
        if kind == "response.output_audio.delta":
            if told["item_id"] != self._said:
                self._outward.clear()
                self._said = told["item_id"]
            raw = np.frombuffer(base64.b64decode(told["delta"]), "<i2")
            pcm = self._outward(raw.astype(np.float32) / np.float32(32768))
            yield Sound(pcm, told["item_id"])
        elif kind == "response.output_audio.done" and told["item_id"] == self._said:
            if len(rest := self._outward.flush()):
                yield Sound(rest, told["item_id"])
            self._said = ""
        elif kind == "response.done":
            response = told["response"]
            calls = [item for item in response["output"] if item["type"] == "function_call"]
            if calls and response["status"] == "completed":
                yield from (Called(call["name"], arguments_of(call)) for call in calls)
                task = asyncio.create_task(self._answer(calls))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)
            else:
                yield Done(said(response))
        elif (event := understood(told)) is not None:
            yield event

    async def _answer(self, calls: Sequence[Mapping[str, Any]]) -> None:
        """Call what a reply asks for, and ask for the answer to what came of it."""
        with suppress(UserError):  # a lost connection is told where events are read
            await asyncio.gather(*map(self._call, calls))
            await self._send("response.create")

    async def _call(self, call: Mapping[str, Any]) -> None:
        try:
            function, given = self._functions[call["name"]], arguments_of(call)
            if inspect.iscoroutinefunction(function):
                made = await function(**given)
            else:
                made = await asyncio.to_thread(function, **given)
            output = json.dumps({"result": made}, default=str)
        except Exception as error:  # whatever a user's function raises
            output = json.dumps({"error": str(error) or type(error).__name__})
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
        await self._send("conversation.item.create", item=item)

    @property
    def _connected(self) -> ClientConnection:
        if self._line is None:
            raise RuntimeError("the client is not connected: use `async with`")
        return self._line

    async def _send(self, kind: str, **fields: Any) -> None:
        try:
            await self._connected.send(json.dumps({"type": kind, **fields}))
        except ConnectionClosed as error:
            raise self._lost(error) from error

    def _lost(self, error: ConnectionClosed) -> UserError:
        told = error.rcvd.reason if error.rcvd else ""
        why = f" ({told.rstrip('.')})" if told else ""
        return UserError(f"The connection to {self._address} is lost{why}: connect again.")


def function(tool: Tool) -> dict[str, Any]:
    """A tool as the Realtime API is told it."""
    parameters = {"type": "object", **tool.schema}
    described = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", **described}


def arguments_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call."""
    given: dict[str, Any] = json.loads(call["arguments"] or "{}")
    return given


def said(response: Mapping[str, Any]) -> str:
    """The transcript of a response."""
    contents = (part for item in response["output"] for part in item.get("content", ()))
    return " ".join(part.get("transcript") or part.get("text") or "" for part in contents).strip()
