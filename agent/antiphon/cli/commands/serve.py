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
    import numpy as np
    from numpy.typing import NDArray

    from antiphon.messages import Speech, Turn
    from antiphon.runtime.responders.model_choices import Choice, Loaded, ModelChoices, Offer
    from antiphon.runtime.responders.precedence import Precedence
    from antiphon.runtime.responders.responder import Cancelled, Responder, WrittenTurn
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
        Models,
        Only(
            "voice",
            "llm",
            "persona",
            "ears",
            "recognizer",
            "lexicon",
            "speed",
            "pitch",
            "rate",
            "tool_chooser",
            "offer",
            "threads",
        ),
    ],
    **chosen: Any,
) -> None:
    """Serve whoever a transport reaches. Robots come and go: see antiphon robot."""
    from antiphon.runtime.options import Options
    from antiphon.runtime.responders.model_choices import ModelChoices
    from antiphon.runtime.responders.precedence import Precedence
    from antiphon.transports.lifecycle import run
    from antiphon.transports.transport import Host, prepare

    options = replace(Options.chosen(conversation_), mode="full")
    wanted = prepare(chosen, options)
    if not wanted:
        raise UserError(
            "There is nothing to serve: give --realtime, --mqtt URL, or what another transport "
            "takes."
        )
    own, offer = offered(models)
    say("Loading the models …")
    named = {
        "persona": models.persona,
        "recognizer": models.recognizer,
        "lexicon": models.lexicon,
        "speed": models.speed,
        "pitch": models.pitch,
        "rate": models.rate,
        "threads": models.threads,
    }

    def other(choice: Choice, base: Loaded | None) -> Responder[Any]:
        if base is None:
            made = load(voice=choice.voice, llm=choice.llm, ears=choice.ears, **named)
        else:
            made = with_parts(*base, choice, models.recognizer)
        return of_one_rate(made, loaded)

    loaded = load(voice=models.voice, llm=models.llm, ears=models.ears, **named)
    choices = ModelChoices(own, loaded, offer, other)
    responders = Responders(choices, models.tool_chooser)
    precedence = Precedence()

    def begun(peer: Any) -> Conversation:
        return conversation(responders.of(peer), options, precedence)

    host = Host(begun, say, loaded, models, choices)

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


def offered(models: Models) -> tuple[Choice, Offer]:
    """What the server is started with, and what its clients may choose.

    Raises:
        UserError: There is no such model.
    """
    from antiphon.runtime.responders.model_choices import Choice, Offer
    from antiphon.s2t.speech_to_text import way_of_hearing

    ears = way_of_hearing(models.ears, models.llm)
    own = Choice(models.voice, models.llm, ears)
    return own, Offer.of(own, models.offer)


def with_parts(
    before: Choice, responder: Responder[Any], choice: Choice, recognizer: str
) -> Responder[Any]:
    """Another voice or other ears on a language model that is loaded."""
    from antiphon.runtime.responders.agent_responder import AgentResponder

    agent = getattr(responder, "agent", None)
    if agent is None:
        raise UserError("This responder has no parts that could be chosen.")
    voice = None if choice.voice == before.voice else choice.voice
    ears = None if choice.ears == before.ears else choice.ears
    return AgentResponder(agent.with_parts(voice=voice, ears=ears, recognizer=recognizer))


def of_one_rate(made: Responder[Any], own: Responder[Any]) -> Responder[Any]:
    """Checks that conversations which began with one responder can go on with another.

    Raises:
        UserError: Its voice has another sample rate.
    """
    agents = (getattr(each, "agent", None) for each in (made, own))
    rates = [agent.voice.sample_rate for agent in agents if agent is not None]
    if len(set(rates)) > 1:
        raise UserError(
            f"This voice has {rates[0]} samples a second and the server's own {rates[1]}: give it "
            "to antiphon serve by --voice."
        )
    return made


def conversation(responder: Responder[Any], options: Any, precedence: Precedence) -> Conversation:
    """A conversation with threads of its own; the robot has removed its own voice already."""
    from antiphon.runtime.responders.worker import ThreadWorker
    from antiphon.runtime.session.conversation import Conversation

    work = ThreadWorker(precedence=precedence)
    return Conversation(responder, options, work=work, aside=ThreadWorker())


class Responders:
    """Gives every robot a responder with its own tools, on shared weights.

    Args:
        choices: the models that hear and answer each.
        chooser: what chooses among tools; None: what the settings say.
    """

    def __init__(self, choices: ModelChoices, chooser: str | None = None) -> None:
        self._choices, self._name = choices, chooser
        self._chooser: Any = None
        self._loading = Lock()

    def of(self, peer: Peer) -> Responder[Any]:
        """The responder for a client."""
        return PeerResponder(peer, lambda: self._choices.of(peer), self._acting)

    def _acting(self, peer: Peer, plain: Responder[Any]) -> Responder[Any]:
        """A responder with tools; without them if none can be used."""
        try:
            from antiphon.runtime.responders.tool_responder import ToolResponder
            from antiphon.tools.result_phrasing import phrasing
            from antiphon.tools.toolbox import Toolbox

            tools, required = list(peer.tools.values()), getattr(peer, "must_call", False)
            toolbox = Toolbox(tools, self._choose(plain), required=required)
            seconds = getattr(peer, "call_seconds", CALL_SECONDS)
            phrase = phrasing(language_model(plain))
            return ToolResponder(plain, toolbox, peer.execute, seconds=seconds, phrase=phrase)
        except UserError as error:
            say(f"{peer.robot} cannot use its tools. {error}")
            return plain

    def _choose(self, responder: Responder[Any]) -> Any:
        """What chooses among tools, loaded once; it may ask the responder's language model."""
        from antiphon.tools.tool_chooser import from_pretrained, judged

        if getattr(responder, "agent", None) is None:
            raise UserError("This responder has no language model that could choose among tools.")
        with self._loading:
            self._chooser = self._chooser or from_pretrained(self._name)
        return judged(self._chooser, language_model(responder))


def language_model(responder: Responder[Any]) -> Any:
    """The language model of a responder; None if it has none."""
    return getattr(getattr(getattr(responder, "agent", None), "s2t", None), "llm", None)


class PeerStream:
    """A turn that is being heard, and what hears it: the same answers, whatever is chosen then."""

    def __init__(self, stream: Any, plain: Responder[Any]) -> None:
        self.stream, self.plain = stream, plain

    def feed(self, pcm: NDArray[np.float32]) -> None:
        """Hear [N] samples, mono, 16 kHz."""
        self.stream.feed(pcm)

    def finish(self) -> Any:
        """What was said, if the turn ends here."""
        return self.stream.finish()


class PeerResponder:
    """Answers with whatever models and tools a client has chosen at the moment.

    Args:
        peer: the client.
        chosen: tells what hears and answers, without tools.
        acting: makes of it what uses them, at their first use in the models' thread.
    """

    def __init__(
        self,
        peer: Peer,
        chosen: Callable[[], Responder[Any]],
        acting: Callable[[Peer, Responder[Any]], Responder[Any]],
    ) -> None:
        self._peer, self._chosen, self._acting = peer, chosen, acting
        self._made: tuple[dict[str, Tool], Responder[Any], bool, Responder[Any]] | None = None

    def _on(self, plain: Responder[Any]) -> Responder[Any]:
        """What answers on these models now."""
        tools = dict(self._peer.tools)
        if not tools:
            return plain
        required = bool(getattr(self._peer, "must_call", False))
        if self._made is None or self._made[:3] != (tools, plain, required):
            self._made = tools, plain, required, self._acting(self._peer, plain)
        return self._made[3]

    def listen(self, history: Sequence[Turn]) -> PeerStream:
        """Begin to hear a turn that follows `history`, whoever will answer it."""
        plain = self._chosen()
        self._on(plain)  # made while the user speaks
        return PeerStream(plain.listen(history), plain)

    def respond(
        self,
        stream: PeerStream | WrittenTurn,
        history: Sequence[Turn],
        *,
        cancelled: Cancelled,
        seed: int,
    ) -> Iterator[Speech]:
        """Answer what has been heard, or written."""
        if isinstance(stream, PeerStream):
            plain, heard = stream.plain, stream.stream
        else:
            plain, heard = self._chosen(), stream
        return self._on(plain).respond(heard, history, cancelled=cancelled, seed=seed)

    def write(self, text: str, history: Sequence[Turn], *, cancelled: Cancelled) -> Iterator[str]:
        """Answer a written turn in writing."""
        from antiphon.runtime.responders.responder import Writer

        responder = self._on(self._chosen())
        if isinstance(responder, Writer):
            yield from responder.write(text, history, cancelled=cancelled)

    def say(self, text: str | Iterable[str], *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return self._on(self._chosen()).say(text, cancelled=cancelled)
