"""Drax behind the `Recognizer` protocol: the small model that is trained here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from antiphon import weights
from antiphon.recognition.drax import public
from antiphon.recognition.drax.candidates import choose
from antiphon.recognition.drax.checkpoint import DraxModel, is_public, load_small
from antiphon.recognition.drax.middle import Guess
from antiphon.recognition.drax.model import DraxDecoder, Memory
from antiphon.recognition.drax.sampler import Predictor, Sampled, sample
from antiphon.recognition.drax.vocabulary import SubVocabulary
from antiphon.recognition.long_audio import merged
from antiphon.recognition.recognizer import SAMPLE_RATE, Recognizer, folder_of
from antiphon.recognition.transcript import Options, Segment, Transcript, Word
from antiphon.recognition.whisper.audio_encoder import EncoderState
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.recognition.whisper.word_times import grouped, pieces

PAIR = 640
"""Samples of a pair of encoder states."""
SPARE = 1.2
"""How much longer than the text the canvas is."""
EAGER = (0.08, 0.6)
"""Of the middle's other guesses, from which a part of several candidates is drawn."""
SINGLE, SEVERAL = 0.01, 0.1
"""Temperatures for one text and for candidates, as in the paper."""


@dataclass(frozen=True)
class DraxState:
    """A recording so far."""

    encoder: EncoderState
    options: Options


class DraxRecognizer:
    """Writes all of an utterance at once, in a few steps from noise.

    Args:
        model: decoder and middle.
        transcriber: the Whisper whose encoder it hears with, and whose decoder scores candidates.
        vocabulary: what the model writes in.
        name: of the weights.
    """

    languages = ("en",)
    longest = 12 * SAMPLE_RATE

    def __init__(
        self, model: DraxModel, transcriber: Transcriber, vocabulary: SubVocabulary, name: str
    ) -> None:
        self.model, self.transcriber, self.vocabulary = model, transcriber, vocabulary
        self.name = name

    def start(self, options: Options | None = None) -> DraxState:
        """State before the first sample."""
        return DraxState(self.transcriber.encoder.start(), options or Options())

    def feed(self, pcm: NDArray[np.float32], state: DraxState) -> DraxState:
        """State after `pcm` [N], mono, 16 kHz."""
        return replace(state, encoder=self.transcriber.encoder.feed(pcm, state.encoder))

    def finish(self, state: DraxState) -> Transcript:
        """The transcript, if the audio ends here."""
        windows = self.transcriber.encoder.states(state.encoder)
        frames = torch.cat(windows)
        parts = []
        for start, part in self.cut(frames):
            heard = self.transcribe(part, state.options)
            placed = tuple(each.placed(start, each.end) for each in heard.segments)
            if heard.text:
                parts.append(replace(heard, segments=placed))
        return merged(parts, len(frames) * PAIR // 2, self.name)

    @torch.no_grad()
    def cut(self, frames: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """States [T, width] in parts of at most an utterance, cut where no token begins.

        Yields:
            The first sample of a part, and its states.
        """
        most, start = 2 * self.longest // PAIR, 0
        while len(frames) - start > most:
            late = paired(frames[start + most // 2 : start + most])
            speaking = self.model.middle(late[None]).speaking[0]
            at = start + most // 2 + 2 * int(speaking.argmin())
            yield start * PAIR // 2, frames[start:at]
            start = at
        if len(frames) > start:
            yield start * PAIR // 2, frames[start:]

    @torch.no_grad()
    def transcribe(self, frames: torch.Tensor, options: Options) -> Transcript:
        """The transcript of encoder states [T, width], 50 a second."""
        guess = self.model.middle(paired(frames)[None])
        if guess.count.round() < 1:
            return Transcript("", doubt="no speech", recognizer=self.name)
        drawn = self.draw(frames, guess, options)
        texts = [self.vocabulary.decode(self.until_end(row)) for row in drawn.tokens.tolist()]
        sure = drawn.log_probs.mean(-1).tolist()
        best = choose(texts, sure, options.scoring, lambda text: self.score(frames, text))
        tokens = self.until_end(drawn.tokens[best].tolist())
        log_probs = drawn.log_probs[best, : len(tokens)]
        words = self.words(tokens, guess, log_probs) if options.words else ()
        confidence = float(log_probs.mean().exp()) if tokens else 0.0
        length = len(frames) * PAIR // 2
        segment = Segment(texts[best], 0, length, words, "en", confidence)
        return Transcript(
            texts[best],
            None,
            None if texts[best] else "no speech",
            "en",
            1.0,
            (segment,) if texts[best] else (),
            length,
            self.name,
        )

    def draw(self, frames: torch.Tensor, guess: Guess, options: Options) -> Sampled:
        """Texts for one utterance, of which the middle guesses; 0 steps: its best guess.

        Several candidates are drawn for several guesses: how many tokens there are is what Drax
        knows least, and more noise does not change it.
        """
        canvas = canvas_for(float(guess.count), self.model.decoder.config.length)
        if not options.steps:
            log_probs, tokens = guess.positions(canvas).max(-1)
            return Sampled(tokens, log_probs, 0)
        pairs, generator = paired(frames)[None], torch.Generator().manual_seed(options.seed)
        count = max(1, options.candidates)
        guesses = [guess, *(self.model.middle(pairs, eager=eager) for eager in EAGER[: count - 1])]
        drawn = []
        for i, each in enumerate(guesses):
            share = (count - i + len(guesses) - 1) // len(guesses)
            drawn.append(self._sample(pairs, each, share, options, generator))
        longest = max(each.tokens.shape[1] for each in drawn)
        texts, sure = list[torch.Tensor](), list[torch.Tensor]()
        for each in drawn:
            room = (0, longest - each.tokens.shape[1])
            texts.append(F.pad(each.tokens, room, value=self.model.end))
            sure.append(F.pad(each.log_probs, room))
        return Sampled(torch.cat(texts), torch.cat(sure), options.steps)

    def _sample(
        self,
        pairs: torch.Tensor,
        guess: Guess,
        count: int,
        options: Options,
        generator: torch.Generator,
    ) -> Sampled:
        """So many texts for one guess."""
        canvas = canvas_for(float(guess.count), self.model.decoder.config.length)
        memory = self.model.decoder.listen(averaged(pairs), *guess.told(canvas))
        noise = torch.randint(self.model.end + 1, (count, canvas), generator=generator)
        temperature = options.temperature or (SINGLE if options.candidates <= 1 else SEVERAL)
        return sample(
            reader(self.model.decoder, memory),
            noise,
            torch.zeros_like(noise, dtype=torch.bool),
            options.steps,
            temperature=temperature,
            generator=generator,
        )

    def until_end(self, tokens: list[int]) -> list[int]:
        """Tokens in front of the first end mark."""
        return tokens[: tokens.index(self.model.end)] if self.model.end in tokens else tokens

    def score(self, frames: torch.Tensor, text: str) -> float:
        """Log likelihood of a text by Whisper's decoder, teacher-forced in one pass."""
        ids = self.transcriber.tokenizer.encode(f" {text}", add_special_tokens=False).ids
        read = self.transcriber.decoder.read(frames, ids, self.transcriber.behind)
        return float(read.log_probs.sum()) if ids else -math.inf

    def words(self, tokens: list[int], guess: Guess, log_probs: torch.Tensor) -> tuple[Word, ...]:
        """Words with the times at which the middle heard their tokens begin."""
        places = guess.places[0]
        starts = torch.searchsorted(places, torch.arange(len(tokens) + 1).float()).tolist()
        found: list[Word] = []
        for run in grouped(
            pieces(self.vocabulary.whole(tokens), self.transcriber.tokenizer), spaced=True
        ):
            first = max(starts[run.first], found[-1].end // PAIR if found else 0)
            last = max(starts[run.last], first + 1)
            sure = float(log_probs[run.first : run.last].mean().exp())
            found.append(Word(run.text, first * PAIR, last * PAIR, sure))
        return tuple(found)


def reader(decoder: DraxDecoder, memory: Memory) -> Predictor:
    """The decoder while it draws a text: what it reads is its draft for the next step.

    Self-conditioning (Chen et al., "Analog Bits", arXiv 2208.04202) of discrete tokens.
    """

    def predict(tokens: torch.Tensor, time: torch.Tensor, preserve: torch.Tensor) -> torch.Tensor:
        nonlocal memory
        logits: torch.Tensor = decoder(tokens, time, memory, None, preserve)
        memory = replace(memory, draft=logits.argmax(-1))
        return logits

    return predict


def paired(frames: torch.Tensor) -> torch.Tensor:
    """Encoder states [T, width] as pairs [ceil(T / 2), 2 * width]."""
    if len(frames) % 2:
        frames = torch.cat([frames, frames[-1:]])
    return frames.reshape(len(frames) // 2, -1)


def averaged(pairs: torch.Tensor) -> torch.Tensor:
    """Means [..., width] of pairs [..., 2 * width]."""
    first, second = pairs.chunk(2, -1)
    return (first + second) / 2


def canvas_for(count: float, longest: int) -> int:
    """Positions for a text of about so many tokens: a multiple of eight."""
    return min(longest, 8 * math.ceil((SPARE * count + 4) / 8))


def load(name: str) -> Recognizer:
    """The Drax of a name or folder, of the public layout or trained here.

    Raises:
        UserError: It is not there or does not fit.
    """
    folder = folder_of(name)
    if is_public(folder):
        return public.load(folder, name)
    model, whisper = load_small(folder)
    place = weights.path(whisper)
    vocabulary = SubVocabulary(place / "tokenizer.json", model.kept.tolist())
    transcriber = Transcriber.load(place)
    if model.decoder.config.from_whisper:
        model.share(transcriber.decoder.embed_tokens.weight, transcriber.decoder.end)
    return DraxRecognizer(model, transcriber, vocabulary, name)
