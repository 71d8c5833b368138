"""The agent: a question in, speech out while the answer is still being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from antiphon import settings
from antiphon.compute import cpu_threads
from antiphon.errors import UserError
from antiphon.llm.text_model import TextModel
from antiphon.messages import Segment, Speech, Token, Turn
from antiphon.recognition import hearing_rate
from antiphon.settings import Source
from antiphon.t2c import voice as voices
from antiphon.t2c.spelling import text_tokens
from antiphon.t2c.tempo import at_speed
from antiphon.t2c.trigger import BreathTrigger, Trigger
from antiphon.t2c.voice import Voice
from antiphon_codecs.interruption import interruptible

if TYPE_CHECKING:
    from antiphon.s2t.speech_to_text import QuestionStream, SpeechToText


NOT_UNDERSTOOD = "Sorry, I did not understand that. I only speak English."
"""The answer to speech whose words are in doubt: a loop, another language, or mumbling."""


def never() -> bool:
    """Nobody cancels."""
    return False


class Agent:
    """Answers speech with speech.

    The object holds weights only, so it serves any number of conversations at once; what a
    conversation remembers is the caller's list of turns.

    Args:
        s2t: hears questions and writes answers.
        voice: speaks tokens with their hidden states.
        trigger: decides when a segment is ready.
        source: hidden states (stage III) or token embeddings (stage II) drive the voice.
        lexicon: file of a user's words and how they are said (`t2c.pronunciation.own_lexicon`).
        speed: of its speech; 2 is twice as fast, from 0.5 to 2.
        pitch: semitones higher than the voice, from -12 to 12.

    Raises:
        UserError: the voice takes no lexicon, or speed or pitch are out of range.
    """

    def __init__(
        self,
        s2t: SpeechToText,
        voice: Voice,
        *,
        trigger: Trigger | None = None,
        source: Source = "hidden",
        lexicon: Path | None = None,
        speed: float = 1.0,
        pitch: float = 0.0,
    ) -> None:
        if not 0.5 <= speed <= 2:
            raise UserError(f"A speed of {speed:g}: choose 0.5 to 2.")
        if not -12 <= pitch <= 12:
            raise UserError(f"A pitch {pitch:g} semitones higher: choose -12 to 12.")
        self.speed, self.pitch = speed, pitch
        self.s2t = s2t
        self._lexicon = lexicon
        self.voice = self._with_own_words(voice)
        self.trigger = trigger or BreathTrigger()
        self.source: Source = source

    @classmethod
    def from_pretrained(
        cls,
        *,
        voice: str | None = None,
        llm: str | None = None,
        ears: str | None = None,
        recognizer: str | None = None,
        source: Source | None = None,
        persona: str | None = None,
        threads: int | None = None,
        trigger: Trigger | None = None,
        lexicon: Path | None = None,
        speed: float | None = None,
        pitch: float | None = None,
        rate: str | None = None,
    ) -> Agent:
        """Load everything by name or folder; what is None is taken from the settings.

        Args:
            voice: a voice.
            llm: a language model, or the address of a server that has one.
            ears: how questions are heard: "s2t" directly, "cascade" transcribed first.
            recognizer: the recognizer behind the ears.
            source: what drives the voice.
            persona: who the agent is: a text, or a file that holds one.
            threads: of the models of this process; 0 follows the load (`cpu_threads`).
            trigger: decides when a segment is ready.
            lexicon: file of your own words.
            speed: of its speech; 2 is twice as fast.
            pitch: semitones higher than the voice.
            rate: how coarsely a recognizer of several rates hears in this process (`hearing_rate`).

        Raises:
            UserError: if weights are missing and cannot be fetched, or do not fit together.
        """
        from antiphon.s2t.speech_to_text import SpeechToText

        chosen = settings.load(settings.Models)
        cpu_threads.use(chosen.threads if threads is None else threads)
        hearing_rate.use(chosen.rate if rate is None else rate)
        s2t = SpeechToText.from_pretrained(llm, ears=ears, recognizer=recognizer, persona=persona)
        spoken = voices.from_pretrained(voice or chosen.voice, s2t.llm)
        if isinstance(s2t.llm, TextModel):
            source = "text"  # it has no hidden states
        return cls(
            s2t,
            spoken,
            source=source or chosen.source,
            trigger=trigger,
            lexicon=lexicon or chosen.lexicon,
            speed=chosen.speed if speed is None else speed,
            pitch=chosen.pitch if pitch is None else pitch,
        )

    load = from_pretrained

    def with_parts(
        self, *, voice: str | None = None, ears: str | None = None, recognizer: str | None = None
    ) -> Agent:
        """An agent with another voice or other ears; what is None is shared with this one.

        Args:
            voice: a voice.
            ears: how questions are heard.
            recognizer: the recognizer behind the ears; None: that of the settings.

        Raises:
            UserError: if weights are missing and cannot be fetched, or do not fit together.
        """
        other = copy(self)
        if ears is not None:
            recognizer = recognizer or settings.load(settings.Models).recognizer
            other.s2t = self.s2t.heard_by(ears, recognizer)
        if voice is not None:
            other.voice = self._with_own_words(voices.from_pretrained(voice, other.s2t.llm))
        return other

    def _with_own_words(self, voice: Voice) -> Voice:
        return voices.with_lexicon(voice, self._lexicon) if self._lexicon else voice

    def respond(
        self,
        question: str | NDArray[np.float32] | QuestionStream,
        history: Sequence[Turn] = (),
        *,
        max_tokens: int = 160,
        cancelled: Callable[[], bool] = never,
        seed: int = 0,
    ) -> Iterator[Speech]:
        """Answer a question; where nobody speaks, nothing is answered.

        Args:
            question: text, [N] float32 samples at 16 kHz, or a `QuestionStream` already fed.
            history: the turns before.
            max_tokens: longest answer.
            cancelled: asked between the models' steps; True ends the answer there.
            seed: of the rhythm's variation.

        Yields:
            Pieces of speech in order; closing the iterator cancels, too.
        """
        tokens, source = self.reply(question, history, max_tokens=max_tokens)
        yield from self.speak(
            self.trigger.cut(tokens), cancelled=cancelled, source=source, seed=seed
        )

    def reply(
        self,
        question: str | NDArray[np.float32] | QuestionStream,
        history: Sequence[Turn] = (),
        *,
        max_tokens: int = 160,
    ) -> tuple[Iterator[Token], Source]:
        """The tokens of an answer, and what drives the voice for them: see `respond`."""
        if isinstance(question, np.ndarray):
            question = self.s2t.hear(question, history)
        doubt = None if isinstance(question, str) else question.finish().doubt
        if doubt is None:
            return self.s2t.reply(question, history, max_tokens=max_tokens), self.source
        said = "" if doubt == "no speech" else NOT_UNDERSTOOD
        return text_tokens(said, self.s2t.llm), "text"

    def speak(
        self,
        segments: Iterator[Segment],
        *,
        cancelled: Callable[[], bool] = never,
        source: Source | None = None,
        seed: int = 0,
    ) -> Iterator[Speech]:
        """Speak segments as they come.

        Args:
            segments: from a trigger.
            cancelled: asked between the models' steps, also while a segment is being written.
            source: what drives the voice; None: what the agent was made with.
            seed: of the rhythm's variation.
        """
        pieces = self.voice.speak(segments, source=source or self.source, seed=seed)
        spoken = at_speed(pieces, self.speed, self.pitch)
        return interruptible(cpu_threads.following_load(spoken), cancelled)

    def say(
        self, text: str | Iterable[str], *, cancelled: Callable[[], bool] = never
    ) -> Iterator[Speech]:
        """Speak a given text, by the embeddings of its tokens.

        Args:
            text: what to say; pieces of it are spoken as they come.
            cancelled: asked between the models' steps; True ends the speech there.
        """
        tokens = text_tokens(text, self.s2t.llm)
        return self.speak(self.trigger.cut(tokens), cancelled=cancelled, source="text")

    async def respond_async(
        self, question: str | NDArray[np.float32] | QuestionStream, history: Sequence[Turn] = ()
    ) -> AsyncIterator[Speech]:
        """`respond` for asyncio: the work happens in a thread, cancelling the task stops it."""
        stop = False
        pieces = self.respond(question, history, cancelled=lambda: stop)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            stop = True
