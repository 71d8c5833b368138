"""A server that speaks OpenAI's chat completions, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import anyio
import httpx
from pydantic import BaseModel, ValidationError

from antiphon.errors import UserError
from antiphon.llm.server.background_loop import BackgroundLoop
from antiphon.llm.server.chat_reply import ChatReply
from antiphon.llm.server.faults import BROKE_OFF, SEE_LOG, Fault, refusal
from antiphon.settings import LanguageModelServer

KEYS = ("ANTIPHON_LLM_KEY", "OPENAI_API_KEY")
"""Variables of the environment that may hold the key; the first that is set counts."""


class Models(BaseModel):
    """What `/models` says."""

    class Model(BaseModel):
        """One of them."""

        id: str

    data: list[Model]


class ChatServer:
    """A server of language models. Serves any number of threads.

    Args:
        address: of its API, such as http://localhost:11434/v1.
        limits: how long it may take.

    Raises:
        UserError: The address or the key cannot be one.
    """

    def __init__(self, address: str, limits: LanguageModelServer) -> None:
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            url = httpx.URL()
        if not url.host or (url.port or 0) > 65_535:
            raise UserError(
                f"'{address}' is no address of a server: give one such as "
                "http://localhost:11434/v1."
            )
        self._url = url.copy_with(path=url.path.rstrip("/").removesuffix("/chat/completions"))
        self.name = f"The language model's server {url.netloc.decode()}"
        """What sentences about it begin with."""
        self.limits = limits
        self._key = next((name for name in KEYS if name in os.environ), None)
        key = os.environ[self._key].strip() if self._key else ""
        if not key:
            self._key = None
        if not (key.isascii() and key.isprintable()):
            raise UserError(f"{self._key} holds no key: it has characters that no key has.")
        try:
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=httpx.Timeout(None, connect=limits.llm_connect),
                limits=httpx.Limits(max_keepalive_connections=0),  # turns are far apart
            )
        except (ImportError, ValueError) as error:
            raise UserError(
                f"The proxy that the environment names cannot be used: {error}"
            ) from error
        self._loop = BackgroundLoop()

    def models(self) -> list[str]:
        """The names of its models; none if it does not say.

        Raises:
            UserError: It cannot be reached, or not without another key.
        """
        with self._explained():
            return self._loop.run(self._models())

    def chat(self, request: Mapping[str, Any]) -> Generator[str, None, None]:
        """The text of a reply, streamed. Closing the generator closes the connection.

        Args:
            request: the body; see OpenAI's "create chat completion".

        Raises:
            UserError: It fails, is too slow, or what it sends is no reply.
        """
        with self._explained():
            yield from self._loop.iterate(partial(self._chat, request))

    async def _models(self) -> list[str]:
        first = self.limits.llm_first
        try:
            with anyio.fail_after(first):
                response = await self._client.get(self._at("models"))
        except TimeoutError as error:
            raise Fault(
                f"has not said within {first:g} s which models it has: {SEE_LOG}"
            ) from error
        if response.status_code in (401, 403, 429) or response.status_code >= 500:
            raise refusal(response.status_code, response.content, self._key, "", [])
        try:
            return [model.id for model in Models.model_validate_json(response.content).data]
        except ValidationError:
            return []

    async def _chat(self, request: Mapping[str, Any], hand_out: Callable[[str], None]) -> None:
        reply = ChatReply()
        try:
            with anyio.fail_after(self.limits.llm_first) as limit:

                def hand(text: str) -> None:
                    if text:
                        hand_out(text)
                        limit.deadline = anyio.current_time() + self.limits.llm_idle

                async with self._client.stream(
                    "POST", self._at("chat/completions"), json=request
                ) as response:
                    if response.status_code != 200:
                        raise await self._refusal(response, str(request.get("model", "")))
                    async for data in response.aiter_bytes():
                        hand(reply.feed(data))
                        if reply.complete:
                            break
                hand(reply.finish())
        except TimeoutError as error:
            raise Fault(self._slowness(reply)) from error
        reply.require_answer()

    async def _refusal(self, response: httpx.Response, model: str) -> Fault:
        body, names = await response.aread(), list[str]()
        if response.status_code == 404:
            with suppress(Fault, httpx.HTTPError):
                names = await self._models()
        return refusal(response.status_code, body, self._key, model, names)

    def _slowness(self, reply: ChatReply) -> str:
        """What to say of a reply that did not come in time."""
        if reply.begun:
            return f"has sent nothing for {self.limits.llm_idle:g} s within its answer: {SEE_LOG}"
        first = f"{self.limits.llm_first:g} s"
        if reply.reasoned:
            return (
                f"was still reasoning after {first}: turn that off by the setting llm_request, or "
                "choose another model."
            )
        return (
            f"has not begun to answer within {first}: ask again if it is still loading its model, "
            "or choose a smaller one."
        )

    def _at(self, path: str) -> httpx.URL:
        """An address of its API."""
        return self._url.copy_with(path=f"{self._url.path}/{path}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Makes one clear sentence of what goes wrong."""
        try:
            yield
        except Fault as fault:
            raise UserError(f"{self.name} {fault}") from fault
        except (httpx.ConnectTimeout, httpx.ConnectError) as error:
            reason = f" ({error})" if "SSL" in str(error) else ""
            raise UserError(
                f"{self.name} cannot be reached{reason}: start it, or choose another language "
                "model with --llm."
            ) from error
        except httpx.HTTPError as error:
            raise UserError(f"{self.name} {BROKE_OFF}") from error
