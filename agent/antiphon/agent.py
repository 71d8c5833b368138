"""The agent: a question in, speech out while the answer is still being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.messages import Segment, Speech, Turn, Word
from antiphon.t2c.text_to_codec import Plan, Source, TextToCodec
from antiphon.t2c.trigger import BreathTrigger, Trigger
from antiphon_codecs.interruption import interruptible
from antiphon_codecs.unit.unit_codec import UnitCodec
from antiphon_codecs.unit_language.unit_language import UnitLanguage

if TYPE_CHECKING:
    from antiphon.s2t.speech_to_text import Hearing, SpeechToText

Question = "str | NDArray[np.float32] | Hearing"
FIRST_PIECE, PIECE = 18, 86
"""Units of the first piece of sound (0.2 s) and of the longest (1 s).

Each piece may be twice as long as the one before it: it is made while that one sounds.
"""


def never() -> bool:
    """Nobody cancels."""
    return False


class Agent:
    """Answers speech with speech.

    The object holds weights only, so it serves any number of conversations at once; what a
    conversation remembers is the caller's list of turns.

    Args:
        s2t: hears questions and writes answers.
        t2c: speaks tokens with their hidden states as units.
        codec: units to sound.
        trigger: decides when a segment is ready.
        source: hidden states (stage III) or token embeddings (stage II) drive the voice.
        liveliness: how much the rhythm varies.
    """

    def __init__(
        self,
        s2t: SpeechToText,
        t2c: TextToCodec,
        codec: UnitCodec,
        *,
        trigger: Trigger | None = None,
        source: Source = "hidden",
        liveliness: float = 0.3,
    ) -> None:
        self.s2t, self.t2c, self.codec = s2t, t2c, codec
        self.trigger = trigger or BreathTrigger()
        self.source: Source = source
        self.liveliness = liveliness

    @classmethod
    def load(
        cls,
        *,
        voice: str | Path = "voice-joe",
        ears: str = "s2t",
        llm: str = "smollm2-135m-instruct",
        encoder: str = "whisper-tiny.en",
        source: Source = "hidden",
        trigger: Trigger | None = None,
    ) -> Agent:
        """Load everything.

        Args:
            voice: a folder of assets, by name or path.
            ears: "s2t" hears directly, "cascade" transcribes first.
            llm: name of a causal language model.
            encoder: name of a Whisper encoder.
            source: what drives the voice.
            trigger: decides when a segment is ready.

        Raises:
            UserError: if weights are missing and cannot be fetched.
        """
        from antiphon.s2t import load_ears

        s2t = load_ears(ears, llm=llm, encoder=encoder)
        t2c, codec = load_voice(voice, s2t.writer.table)
        return cls(s2t, t2c, codec, source=source, trigger=trigger)

    def respond(
        self,
        question: str | NDArray[np.float32] | Hearing,
        history: Sequence[Turn] = (),
        *,
        max_tokens: int = 160,
        cancelled: Callable[[], bool] = never,
        seed: int = 0,
    ) -> Iterator[Speech]:
        """Answer a question.

        Args:
            question: text, [N] float32 samples at 16 kHz, or a `Hearing` already fed.
            history: the turns before.
            max_tokens: longest answer.
            cancelled: asked between the models' layers; True ends the answer there.
            seed: of the rhythm's variation.

        Yields:
            Pieces of speech in order; closing the iterator cancels, too.
        """
        tokens = self.s2t.reply(question, history, max_tokens=max_tokens)
        yield from self.speak(self.trigger.cut(tokens), cancelled=cancelled, seed=seed)

    def speak(
        self,
        segments: Iterator[Segment],
        *,
        cancelled: Callable[[], bool] = never,
        seed: int = 0,
    ) -> Iterator[Speech]:
        """Speak segments as they come.

        Args:
            segments: from a trigger.
            cancelled: asked between the models' layers, also while a segment is being written.
            seed: of the rhythm's variation.
        """
        return interruptible(self._speak(segments, seed), cancelled)

    def _speak(self, segments: Iterator[Segment], seed: int) -> Generator[Speech, None, None]:
        chance = torch.Generator().manual_seed(seed)
        sentence, lm, stream = self.t2c.start(), self.t2c.lm.start(), self.codec.start()
        hop, rate = self.codec.samples_per_unit, self.codec.sample_rate
        planned = handed = 0
        enough = FIRST_PIECE + self.codec.lookahead
        for segment in segments:
            plan, sentence = self.t2c.plan(
                segment,
                sentence,
                source=self.source,
                liveliness=self.liveliness,
                generator=chance,
            )
            words = placed(plan, planned, hop)
            waiting: list[int] = []
            spoken: list[int] = []
            first = True
            pieces = self.t2c.utter(plan, lm)
            done = False
            while not done:
                try:
                    units, lm = next(pieces)
                    waiting += units.tolist()
                except StopIteration:
                    done = True
                if not done and len(waiting) < enough:
                    continue
                final = done and segment.final
                pcm, stream = self.codec.step(np.array(waiting, np.int64), stream, final)
                spoken, waiting = spoken + waiting, []
                if len(pcm) or done:
                    yield Speech(
                        pcm,
                        rate,
                        handed,
                        segment.text,
                        units=tuple(spoken) if done else (),
                        words=words if first else (),
                        final=final,
                    )
                    first = False
                    enough = min(PIECE, 2 * max(FIRST_PIECE, len(pcm) // hop))
                handed += len(pcm)
            planned += plan.units

    async def respond_async(
        self, question: str | NDArray[np.float32] | Hearing, history: Sequence[Turn] = ()
    ) -> AsyncIterator[Speech]:
        """`respond` for asyncio: the work happens in a thread, cancelling the task stops it."""
        stop = False
        pieces = self.respond(question, history, cancelled=lambda: stop)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            stop = True


def placed(plan: Plan, start: int, hop: int) -> tuple[Word, ...]:
    """Words of a plan with samples in place of units, `start` units into the reply."""
    return tuple(Word(w.text, (start + w.start) * hop, (start + w.end) * hop) for w in plan.words)


def load_voice(voice: str | Path, embeddings: torch.Tensor) -> tuple[TextToCodec, UnitCodec]:
    """Text-to-codec and codec of a voice folder.

    Args:
        voice: name of a folder in the assets, or a path.
        embeddings: [V, H] token embeddings of the language model.
    """
    folder = weights.assets(str(voice))
    language = UnitLanguage.load(folder / "unit_language.safetensors")
    t2c = TextToCodec.load(folder / "t2c.safetensors", language, embeddings, light=True)
    return t2c, UnitCodec.load(folder / "codec.safetensors")
