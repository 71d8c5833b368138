"""`antiphon serve`: the agent for robots at a broker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon.cli.options import Ca, Ears, Encodec, Insecure, LanguageModel, Mqtt, Patience, Voice
from antiphon.errors import UserError

if TYPE_CHECKING:
    from antiphon.messages import Speech, Turn
    from antiphon.runtime.responders.responder import Cancelled, Responder
    from antiphon.runtime.session.conversation import Conversation
    from antiphon.transports.mqtt.server.session import Session

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    mqtt: Mqtt,
    ca: Ca = None,
    insecure: Insecure = False,
    robots: Annotated[int, typer.Option(min=1, help="Robots at the same time.")] = 16,
    hermes: Annotated[
        bool, typer.Option("--hermes", help="Talk with Rhasspy's satellites (Hermes), too.")
    ] = False,
    encodec: Encodec = None,
    patience: Patience = 1.0,
    ears: Ears = "s2t",
    voice: Voice = "voice-joe",
    llm: LanguageModel = "smollm2-135m-instruct",
) -> None:
    """Serve robots at a broker. They come and go as they like: see antiphon robot."""
    from antiphon.runtime.frames import RATE
    from antiphon.runtime.options import Options
    from antiphon.transports.lifecycle import run
    from antiphon.transports.mqtt.server.server import Server
    from antiphon.transports.mqtt.wire.broker import parse
    from antiphon.transports.mqtt.wire.formats.negotiation import have

    broker = parse(mqtt, ca=ca, insecure=insecure)
    options = Options(patience=patience)
    formats = have(RATE, options.sample_rate, opus="if there", encodec=encodec)
    say("Loading the models …")
    responders = Responders(load(ears=ears, voice=voice, llm=llm))

    async def work() -> None:
        server = Server(
            broker,
            lambda session: conversation(responders.of(session), options),
            formats=formats,
            most=robots,
            say=say,
        )
        if hermes:
            from antiphon.transports.hermes.bridge import bridge

            await bridge(server)
        else:
            await server.run()

    run(work())


def say(sentence: str) -> None:
    """Tells the person at the terminal."""
    print(sentence, file=sys.stderr, flush=True)


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
    """

    def __init__(self, responder: Responder[Any]) -> None:
        self.responder = responder
        self._chooser: Any = None
        self._loading = Lock()

    def of(self, session: Session) -> Responder[Any]:
        """The responder for a robot."""
        return LateResponder(lambda: self._acting(session)) if session.tools else self.responder

    def _acting(self, session: Session) -> Responder[Any]:
        """A responder with tools; without them if none can be used."""
        try:
            from antiphon.runtime.responders.tool_responder import ToolResponder
            from antiphon.tools.toolbox import Toolbox

            toolbox = Toolbox(list(session.tools.values()), self._choose())
            return ToolResponder(self.responder, toolbox, session.execute)
        except UserError as error:
            say(f"{session.robot} cannot use its tools. {error}")
            return self.responder

    def _choose(self) -> Any:
        """What chooses among tools, loaded once."""
        from antiphon.tools.chooser import Chooser

        agent = getattr(self.responder, "agent", None)
        if agent is None:
            raise UserError("This responder has no language model that could choose among tools.")
        with self._loading:
            self._chooser = self._chooser or Chooser.load()
        return self._chooser


class LateResponder:
    """A responder that is made where it is used first: in its models' thread, so that nobody waits.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[], Responder[Any]]) -> None:
        self._make = make

    @cached_property
    def responder(self) -> Responder[Any]:
        """The responder itself."""
        return self._make()

    def listen(self, history: Sequence[Turn]) -> Any:
        """Begin to hear a turn that follows `history`."""
        return self.responder.listen(history)

    def respond(
        self, stream: Any, history: Sequence[Turn], *, cancelled: Cancelled, seed: int
    ) -> Iterator[Speech]:
        """Answer what has been heard."""
        return self.responder.respond(stream, history, cancelled=cancelled, seed=seed)

    def say(self, text: str, *, cancelled: Cancelled) -> Iterator[Speech]:
        """Speak a given text."""
        return self.responder.say(text, cancelled=cancelled)
