"""`antiphon talk`: a spoken conversation with microphone and speaker."""

from __future__ import annotations

import logging
import sys
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon.cli.options import Only, with_settings
from antiphon.settings import Conversation as ConversationSettings
from antiphon.settings import Devices, Models

if TYPE_CHECKING:
    from antiphon.runtime.audio.devices import Duplex
    from antiphon.runtime.echo.canceller import EchoCanceller
    from antiphon.runtime.events import Event
    from antiphon.runtime.options import Mode, Options
    from antiphon.runtime.recordings.recorder import FileRecorder
    from antiphon.runtime.responders.responder import Responder
    from antiphon.runtime.session.conversation import Conversation

log = logging.getLogger(__name__)
app = typer.Typer(add_completion=False)


@app.command()
@with_settings
def talk(
    devices: Devices,
    chosen: ConversationSettings,
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
            "threads",
        ),
    ],
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Record everything into a new folder.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Makes what is left to chance repeatable.")] = 0,
) -> None:
    """Talk with it. Interrupt it when you like, or say "stop".

    Keys: m mute, space push-to-talk (press again when done), s stop, q quit.
    """
    from antiphon.cli.keys import Keys
    from antiphon.cli.view import Lines, Screen
    from antiphon.runtime.audio.file_device import EndOfFile
    from antiphon.runtime.echo.canceller import EchoCanceller
    from antiphon.runtime.options import Options
    from antiphon.runtime.responders.worker import ThreadWorker
    from antiphon.runtime.session.conversation import Conversation
    from antiphon.runtime.session.loop import converse

    device_events: deque[Event] = deque()
    options = Options.chosen(chosen)
    closed = opened(devices, options.sample_rate, device_events)
    with ExitStack() as stack:
        keys = stack.enter_context(Keys())
        if devices.file is None:
            with opened(devices, options.sample_rate, deque()):
                pass  # a missing microphone is named before models are loaded, not after
        log.info("Loading the models …")
        responder = load(
            voice=models.voice,
            llm=models.llm,
            ears=models.ears,
            persona=models.persona,
            recognizer=models.recognizer,
            lexicon=models.lexicon,
            speed=models.speed,
            pitch=models.pitch,
            rate=models.rate,
            threads=models.threads,
        )
        duplex = stack.enter_context(closed)
        canceller = None if devices.file else EchoCanceller()
        why, before = "", 0
        if chosen.mode == "auto":
            mode, why, before = best(duplex, options.sample_rate, canceller)
            options = replace(options, mode=mode)
        conversation = Conversation(
            responder,
            options,
            canceller=canceller,
            work=ThreadWorker(),
            aside=ThreadWorker(),
            seed=seed,
            recorder=recorder(record, options, seed, canceller),
        )
        stack.callback(conversation.close)
        live = sys.stdout.isatty() and devices.file is None
        view: Lines = stack.enter_context(Screen(conversation, why) if live else Lines())
        if not live and why:
            print(why, flush=True)

        end = EndOfFile(duplex)

        def each() -> None:
            view.frame()
            for key in keys.pressed():
                press(conversation, key)
            if end.step(conversation.state == "idle"):
                raise Quit

        with suppress(Quit):
            converse(
                conversation,
                duplex,
                device_events=device_events,
                watch=view.event,
                each=each,
                before=before,
            )
    if record is not None:
        print(f"Recorded into {record}: antiphon replay {record}")


class Quit(Exception):  # noqa: N818, not an error
    """The user wants to leave."""


def press(conversation: Conversation, key: str) -> None:
    """What a key does.

    Raises:
        Quit: The key is q.
    """
    if key == "q":
        raise Quit
    if key == "m":
        conversation.mute(not conversation.muted)
    elif key == "s":
        conversation.stop()
    elif key == " ":
        conversation.push_to_talk(not conversation.pressed)


def load(**choices: Any) -> Responder[Any]:
    """The models, warmed up; tests put others here."""
    from antiphon.cli.timed_reply import load_agent
    from antiphon.runtime.responders.agent_responder import AgentResponder

    responder = AgentResponder(load_agent(**choices))
    for _ in responder.say("Hello.", cancelled=lambda: False):
        pass
    responder.listen(())  # what every conversation begins with is read once
    return responder


def best(duplex: Duplex, rate: int, canceller: EchoCanceller | None) -> tuple[Mode, str, int]:
    """The best way to talk here: measured with a sweep of 0.8 s, or as files allow.

    Args:
        duplex: open microphone and speaker.
        rate: samples a second it plays.
        canceller: what will remove the echo; None: there are only files.

    Returns:
        The mode, a sentence about it, and how many samples were played.
    """
    if canceller is None:
        return "full", "", 0
    from antiphon.runtime.echo import measurement as echo
    from antiphon.runtime.frames import played

    mode, why = echo.best_mode(echo.measure_echo(duplex, rate), canceller.aec3)
    names = {"full": "You can interrupt it.", "half": "It is deaf while it speaks."}
    how = names.get(mode, "Press space to talk.")
    return mode, f"{how} {why}", (echo.QUIET + echo.SOUNDING + echo.RINGING) * played(rate)


def opened(devices: Devices, rate: int, device_events: deque[Any]) -> Duplex:
    """Microphone and speaker, or the files in their place; tests put others here."""
    from antiphon.runtime.audio.open_device import open_device

    return open_device(devices, rate, device_events.append)


def recorder(
    folder: Path | None, options: Options, seed: int, canceller: Any
) -> FileRecorder | None:
    """What records the conversation, if wanted."""
    from antiphon.runtime.recordings.recorder import FileRecorder

    if folder is None:
        return None
    kind = None if canceller is None else "aec3" if canceller.aec3 else "suppressor"
    return FileRecorder(folder, options, seed=seed, canceller=kind)
