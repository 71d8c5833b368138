"""The public Drax, `aiola/drax-v1`, behind the `Recognizer` protocol.

Its canvas begins with Whisper's prompt, which is kept; end marks fill it behind the text. The
encoder hears thirty seconds, silence behind the audio. The checkpoint comes without a tokenizer:
it writes in the vocabulary of Whisper large-v3, whose texts every multilingual Whisper's tokenizer
reads. Only the marks behind the languages have other ids, and follow from the vocabulary's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition import languages
from antiphon.recognition.drax.candidates import choose
from antiphon.recognition.drax.checkpoint import load_public, spoken_languages
from antiphon.recognition.drax.model import DraxDecoder
from antiphon.recognition.drax.sampler import sample
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Options, Segment, Transcript
from antiphon.recognition.whisper.audio_encoder import (
    MAX_FRAMES,
    AudioEncoder,
    EncoderState,
    silent_mel,
)
from antiphon.recognition.whisper.features import normalize

END, FIRST_LANGUAGE = 50_257, 50_259
"""Ids of Whisper's end mark and first language, in all multilingual vocabularies."""
OTHERS = 51_766
"""Tokens of a multilingual vocabulary that are no languages."""
SINGLE, SEVERAL = 0.01, 0.1
"""Temperatures for one text and for candidates, as in the paper."""


@dataclass(frozen=True)
class PublicState:
    """A recording so far."""

    encoder: EncoderState
    options: Options


class PublicDrax:
    """Writes all of an utterance at once, in one of eight languages.

    Args:
        decoder: of the checkpoint.
        encoder: Whisper's, as the checkpoint holds it.
        tokenizer: of any multilingual Whisper.
        known: codes of the languages that it was trained on.
        name: of the weights.

    Raises:
        UserError: The decoder's vocabulary is not Whisper's.
    """

    longest = MAX_FRAMES * SAMPLE_RATE // 100

    def __init__(
        self,
        decoder: DraxDecoder,
        encoder: AudioEncoder,
        tokenizer: Tokenizer,
        known: tuple[str, ...],
        name: str,
    ) -> None:
        self.decoder, self.encoder, self.tokenizer = decoder, encoder, tokenizer
        self.languages, self.name = known, name
        self._marks = decoder.config.vocab_size - OTHERS
        if not 0 < self._marks <= len(languages.names()):
            raise UserError(
                f"{name} writes {decoder.config.vocab_size} tokens, and Whisper's multilingual "
                "vocabulary of 51,865 or 51,866 was expected."
            )

    def prompt(self, language: str) -> list[int]:
        """Marks in front of a text: its start, language, task, and that it has no times."""
        at = list(languages.names()).index(language)
        behind = FIRST_LANGUAGE + self._marks
        return [END + 1, FIRST_LANGUAGE + at, behind + 1, behind + 5]

    def start(self, options: Options | None = None) -> PublicState:
        """State before the first sample."""
        return PublicState(self.encoder.start(), options or Options())

    def feed(self, pcm: NDArray[np.float32], state: PublicState) -> PublicState:
        """State after `pcm` [N], mono, 16 kHz, of at most `longest` in all."""
        return PublicState(self.encoder.feed(pcm, state.encoder), state.options)

    @torch.no_grad()
    def finish(self, state: PublicState) -> Transcript:
        """The transcript, if the audio ends here."""
        mel = torch.cat([state.encoder.mel, self.encoder.features.finish(state.encoder.audio)])
        mel = mel[:MAX_FRAMES]
        length = len(mel) * SAMPLE_RATE // 100
        if not length:
            return Transcript("", doubt="no speech", recognizer=self.name)
        padded = torch.cat([mel, silent_mel(MAX_FRAMES - len(mel), mel.shape[1])])
        language = state.options.language or (*state.options.languages, "en")[0]
        text, sure = self._write(self.encoder(normalize(padded)[None]), language, state.options)
        segments = (Segment(text, 0, length, (), language, sure),) if text else ()
        return Transcript(
            text,
            None,
            None if text else "no speech",
            language,
            None,
            segments,
            length,
            self.name,
        )

    def _write(self, audio: torch.Tensor, language: str, options: Options) -> tuple[str, float]:
        """Text and confidence of encoder states [1, S, width]."""
        prompt, rows = self.prompt(language), max(1, options.candidates)
        length = self.decoder.config.length
        generator = torch.Generator().manual_seed(options.seed)
        start = torch.randint(self.decoder.config.vocab_size, (rows, length), generator=generator)
        start[:, : len(prompt)] = torch.tensor(prompt)
        kept = (torch.arange(length) < len(prompt)).expand(rows, -1)
        memory = self.decoder.listen(audio)
        drawn = sample(
            lambda tokens, time, keep: self.decoder(tokens, time, memory, None, keep),
            start,
            kept,
            max(1, options.steps),
            temperature=options.temperature or (SINGLE if rows == 1 else SEVERAL),
            generator=generator,
        )
        found = drawn.tokens[:, len(prompt) :]
        texts = [self._text(row) for row in found.tolist()]
        sure = drawn.log_probs[:, len(prompt) :].mean(-1).tolist()
        best = choose(texts, sure, options.scoring)
        return texts[best], float(np.exp(sure[best]))

    def _text(self, tokens: list[int]) -> str:
        """What is in front of the first end mark, marks left out."""
        said = tokens[: tokens.index(END)] if END in tokens else tokens
        text: str = self.tokenizer.decode([token for token in said if token < END])
        return text.strip()


def load(folder: Path, name: str) -> PublicDrax:
    """The Drax in a folder of the public layout, with its own tokenizer if it has one.

    Raises:
        UserError: Something is missing or does not fit.
    """
    decoder, encoder = load_public(folder)
    file = folder / "tokenizer.json"
    if not file.exists():
        file = weights.path("whisper-base") / "ctranslate2" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    return PublicDrax(decoder, encoder, tokenizer, spoken_languages(folder), name)
