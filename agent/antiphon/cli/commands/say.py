"""`antiphon say`: a written text becomes speech, by the same voice that answers questions."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from antiphon import audio_file
from antiphon.cli.options import Only, with_settings
from antiphon.cli.output import Json, chatter_to_stderr, print_json, require_one_output
from antiphon.cli.player import Player, speaker
from antiphon.errors import UserError
from antiphon.settings import Models

if TYPE_CHECKING:
    from antiphon.agent import Agent
    from antiphon.messages import Token
    from antiphon.s2t.speech_to_text import SpeechToText

app = typer.Typer(add_completion=False)


@app.command()
@with_settings
def say(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What to say; - reads standard input.")
    ],
    models: Annotated[Models, Only("voice", "llm", "lexicon", "speed", "pitch", "threads")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the speech to this sound file; - is standard output. Without it, the "
            "speech is played."
        ),
    ] = None,
    play: Annotated[
        bool | None, typer.Option("--play/--no-play", help="Play the speech, too.")
    ] = None,
    phonemes: Annotated[
        bool,
        typer.Option(
            "--phonemes", help="Print how each word is said, and how that is known; say nothing."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Speak a text. The language model only lends its tokens and their embeddings."""
    require_one_output(out, json)
    if phonemes:
        if out is not None or play:
            raise UserError("--phonemes says nothing: leave --out and --play away.")
        print_phonemes(text, models, json)
        return
    if out is not None:
        audio_file.require_writable(out)
    elif play is None and speaker() is None:
        raise UserError("There is no speaker to play the speech on: give --out FILE.wav.")
    text = given(text)
    from antiphon.compute import cpu_threads

    cpu_threads.use(models.threads)
    from tqdm import tqdm

    from antiphon.cli.timed_reply import read_aloud

    with chatter_to_stderr() if json else nullcontext():
        agent, tokens = load(
            text,
            voice=models.voice,
            llm=models.llm,
            lexicon=models.lexicon,
            speed=models.speed,
            pitch=models.pitch,
        )
        with tqdm(total=len(tokens), desc="say", unit="token", disable=len(tokens) < 500) as bar:
            take = read_aloud(agent, tokens, on_segment=lambda s: bar.update(len(s.tokens)))
        if not take.seconds:
            raise UserError("There is nothing to pronounce in the text: give some English words.")
        if out is not None:
            audio_file.write(out, take.pcm, take.sample_rate)
        with Player(out is None if play is None else play) as player:
            for piece in take.pieces:
                player.play(piece)
    if json:
        report = take.report()
        print_json({"text": text, **{k: v for k, v in report.items() if k not in ONLY_REPLIES}})
    elif str(out) != "-":
        done = "played" if out is None else f"written to {out}"
        print(f"{take.seconds:.1f} s of speech {done}")


ONLY_REPLIES = ("reply", "tokens_before_first_audio", "stages")
"""Keys of a report that mean nothing for a given text."""


def require_speakable(text: str) -> None:
    """Raise a `UserError` if no letter or digit of `text` can be read aloud."""
    from antiphon.text import spoken

    if not any(c.isalpha() for c in spoken(text).text):
        what = "is empty" if not text.strip() else "holds nothing that can be read aloud"
        raise UserError(f"The text {what}: give some English words.")


def given(text: str) -> str:
    """The text of an argument, or of standard input for "-"; a `UserError` if it is silent."""
    if text == "-":
        text = typer.get_text_stream("stdin", "utf-8", "replace").read()
    require_speakable(text)
    return text


def print_phonemes(text: str, models: Models, json: bool) -> None:
    """Print each word of a text, the voice's phonemes for it, and where they come from."""
    from antiphon.t2c.voice import EchoVoice

    text = given(text)
    agent, tokens = load(text, voice=models.voice, llm=models.llm, lexicon=models.lexicon)
    if not isinstance(agent.voice, EchoVoice):
        raise UserError(f"The voice {models.voice} does not tell its phonemes: choose another one.")
    words = list(agent.voice.pronounced(agent.trigger.cut(tokens)))
    if json:
        print_json({"text": text, "words": [asdict(word) for word in words]})
        return
    spelled = max(len(word.text) for word in words)
    sounding = max(len(word.phonemes) for word in words)
    for word in words:
        print(f"{word.text:{spelled}}  {word.phonemes:{sounding}}  {word.origin}")


def load(
    text: str,
    *,
    voice: str,
    llm: str,
    lexicon: Path | None = None,
    speed: float = 1.0,
    pitch: float = 0.0,
) -> tuple[Agent, list[Token]]:
    """An agent that can only speak, and the text as tokens; tests put others here."""
    from antiphon.agent import Agent
    from antiphon.llm.vocabulary import load_vocabulary
    from antiphon.t2c.spelling import text_tokens
    from antiphon.t2c.voice import from_pretrained

    vocabulary = load_vocabulary(llm)
    spoken = from_pretrained(voice, vocabulary)
    nothing = cast("SpeechToText", None)
    agent = Agent(nothing, spoken, source="text", lexicon=lexicon, speed=speed, pitch=pitch)
    return agent, list(text_tokens(text, vocabulary))
