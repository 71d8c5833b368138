"""`antiphon serve`: the agent for robots and other clients, over any transport."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon.cli.options import Only, with_settings
from antiphon.errors import UserError
from antiphon.settings import Conversation as ConversationSettings
from antiphon.settings import Models

if TYPE_CHECKING:
    from antiphon.messages import Speech, Turn
    from antiphon.runtime.responders.responder import Cancelled, Responder
    from antiphon.runtime.session.conversation import Conversation
    from antiphon.tools import Tool
    from antiphon.transports.transport import Peer

log = logging.getLogger(__name__)
app = typer.Typer(add_completion=False)

CALL_SECONDS = 10.0
"""Seconds a tool's result is waited for, unless the peer says otherwise (`call_seconds`)."""


def serve(
    conversation_: Annotated[ConversationSettings, Only("patience")],
    models: Annotated[
        Models, Only("voice", "llm", "persona", "ears", "recognizer", "tool_chooser", "threads")
    ],
    **chosen: Any,
) -> None:
    """Serve whoever a transport reaches. Robots come and go: see antiphon robot."""
    from antiphon.runtime.options import Options
    from antiphon.transports.lifecycle import run
    from antiphon.transports.transport import Host, prepare

    options = replace(Options.chosen(conversation_), mode="full")
    wanted = prepare(chosen, options)
    if not wanted:
        raise UserError(
            "There is nothing to serve: give --realtime, --mqtt URL, or what another transport "
            "takes."
        )
    say("Loading the models …")
    loaded = load(
        voice=models.voice,
        llm=models.llm,
        ears=models.ears,
        persona=models.persona,
        recognizer=models.recognizer,
        threads=models.threads,
    )
    responders = Responders(loaded, models.tool_chooser)
    host = Host(lambda peer: conversation(responders.of(peer), options), say, loaded, models)

    async def work() -> None:
        await asyncio.gather(*(each(host) for each in wanted))

    run(work())


def command() -> Callable[..., None]:
    """`serve` with a parameter for the settings of every transport and its parts."""
    from antiphon.transports.transport import sections

    signature = inspect.signature(serve, eval_str=True)
    own = [each for each in signature.parameters.values() if each.name != "chosen"]
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(name, kind, annotation=section) for name, section in sections().items()
    ]

    def run(**given: Any) -> None:
        serve(**given)

    run.__name__, run.__doc__ = "serve", serve.__doc__
    run.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in [*own, *added]}
    return run


app.command()(with_settings(command()))


def say(sentence: str) -> None:
    """Tells the person at the terminal."""
    log.info(sentence)


def load(**choices: Any) -> Responder[Any]:
    """The models, warmed up; tests put others here."""
    from antiphon.cli.commands import talk

    return talk.load(**choices)


def conversation(responder: Responder[Any], options: Any) -> Conversation:
    """A conversation with threads of its own; the robot has removed its own voice already."""
    from antiphon.runtime.responders.worker import ThreadWorker
    from antiphon.runtime.session.conversation import Conversation

    return Conversation(responder, options, work=ThreadWorker(), aside=ThreadWorker())


class Responders:
    """Gives every robot a responder with its own tools, on shared weights.

    Args:
        responder: hears and answers.
        chooser: what chooses among tools; None: what the settings say.
    """

    def __init__(self, responder: Responder[Any], chooser: str | None = None) -> None:
        self.responder, self._name = responder, chooser
        self._chooser: Any = None
        self._loading = Lock()

    def of(self, peer: Peer) -> Responder[Any]:
        """The responder for a client."""
        return PeerResponder(peer, self.responder, self._acting)

    def _acting(self, peer: Peer) -> Responder[Any]:
        """A responder with tools; without them if none can be used."""
        try:
            from antiphon.runtime.responders.tool_responder import ToolResponder
            from antiphon.tools.toolbox import Toolbox

            toolbox = Toolbox(list(peer.tools.values()), self._choose())
            seconds = getattr(peer, "call_seconds", CALL_SECONDS)
            return ToolResponder(self.responder, toolbox, peer.execute, seconds=seconds)
        except UserError as error:
            say(f"{peer.robot} cannot use its tools. {error}")
            return self.responder

    def _choose(self) -> Any:
        """What chooses among tools, loaded once."""
        from antiphon.tools.tool_chooser import from_pretrained

        agent = getattr(self.responder, "agent", None)
        if agent is None:
            raise UserError("This responder has no language model that could choose among tools.")
        with self._loading:
            self._chooser = self._chooser or from_pretrained(self._name)
        return self._chooser


class PeerResponder:
    """Answers with whatever tools a client has at the moment.

    Args:
        peer: the client.
        plain: answers while it has none.
        acting: makes what uses them, at their first use in the models' thread.
    """

    def __init__(
        self, peer: Peer, plain: Responder[Any], acting: Callable[[Peer], Responder[Any]]
    ) -> None:
        self._peer, self._plain, self._acting = peer, plain, acting
        self._made: tuple[dict[str, Tool], Responder[Any]] | None = None

    @property
    def responder(self) -> Responder[Any]:
        """What answers now."""
        tools = dict(self._peer.tools)
        if not tools:
            return self._plain
        if self._made is None or self._made[0] != tools:
            self._made = tools, self._acting(self._peer)
        return self._made[1]

    def listen(self, history: Sequence[Turn]) -> Any:
        """Begin to hear a turn that follows `history`, whoever will answer it."""
        _ = self.responder  # made while the user speaks
        return self._plain.listen(history)

    def respond(
        self, stream: Any, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Answer what has been heard, or written."""
        return self.responder.respond(stream, history, cancelled=cancelled, seed=seed)

    def write(self, text: str, history: Sequence[Turn], *, cancelled: Cancelled) -> Iterator[str]:
        """Answer a written turn in writing."""
        from antiphon.runtime.responders.responder import Writer

        responder = self.responder
        if isinstance(responder, Writer):
            yield from responder.write(text, history, cancelled=cancelled)

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return self.responder.say(text, cancelled=cancelled)
