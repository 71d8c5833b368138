"""Whisper as an ear: what the alignment adapter is given to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn import functional as F

from antiphon.compute.precision import mixed_precision
from antiphon.messages import Doubt
from antiphon.recognition.whisper.attention_alignment import monotonic
from antiphon.recognition.whisper.audio_encoder import (
    MAX_FRAMES,
    AudioEncoder,
    EncoderState,
    silent_mel,
)
from antiphon.recognition.whisper.decoding import DecoderState, Request, Transcript
from antiphon.recognition.whisper.doubt import UNCLEAR_LOG_PROB, doubt
from antiphon.recognition.whisper.features import normalize
from antiphon.recognition.whisper.text_decoder import TextDecoder

Revise = Callable[[torch.Tensor, Transcript, DecoderState, "Request | None"], Transcript]
"""A second transcript of a window, from its states, the first, and how it was heard."""
POSITION_FEATURES = 4
"""Cosines that encode how much of a word has been said."""


@dataclass(frozen=True)
class Transcription:
    """A recording as Whisper hears it."""

    frames: torch.Tensor
    """[T, width] encoder states, 50 a second."""
    words: torch.Tensor
    """[U, width] decoder states, one a token of Whisper's transcript and one a window's end."""
    path: torch.Tensor
    """[ceil(T / 2)] which of `words` is being said, by pair of frames."""
    text: str
    """Whisper's transcript."""
    pieces: tuple[str, ...] = ()
    """[U] what each of `words` adds to the text, in its tokenizer's letters; ends add nothing."""
    log_probs: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    """[U] log probability of each of them."""
    doubt: Doubt | None = None
    """Why the text is not to be believed."""

    @property
    def wide(self) -> torch.Tensor:
        """[ceil(T / 2), 3 * width + PLACE]: frame pairs, what is being said, and how far into it.

        The last is what a label needs to know to be one of several in a word.
        """
        even = F.pad(self.frames, (0, 0, 0, len(self.frames) % 2))
        both = even.reshape(len(even) // 2, -1)
        path = self.path.long()
        spans = torch.bincount(path, minlength=len(self.words))
        firsts = spans.cumsum(0) - spans
        done = (torch.arange(len(path)) - firsts[path] + 0.5) / spans[path]
        place = torch.cos(torch.pi * done[:, None] * torch.arange(1, POSITION_FEATURES + 1))
        return torch.cat([both, self.words[path], place.to(both.dtype)], 1)


@dataclass(frozen=True)
class Hearing:
    """A recording as far as it has been heard, by windows."""

    windows: tuple[torch.Tensor, ...] = ()
    """[T, width] encoder states."""
    transcripts: tuple[Transcript, ...] = ()
    """What the decoder wrote of each."""
    finished: int = 0
    """Windows that are over: they are never heard again, however long the recording grows."""


class Transcriber:
    """Whisper's encoder and decoder over exactly the audio there is.

    Both have only ever met windows of thirty seconds, and say the last word twice of a shorter one.
    So each is shown, behind the audio, what the encoder makes of silence: constants, computed once.

    Args:
        encoder: Whisper's encoder.
        decoder: Whisper's decoder.
        tokenizer: of the decoder's tokens.
        silence: [1500, width] encoder states of silence; None computes them.
        revise: thinks what was heard of a window over: see `Rescorer.revise`.
    """

    taught: TextDecoder | None = None
    """Hears short windows in the decoder's place; its keys of the audio are the same."""
    longest = MAX_FRAMES // 2
    """States of the longest window that it hears."""
    unclear = UNCLEAR_LOG_PROB
    """How unlikely is what was not understood: see `doubt`."""

    def __init__(
        self,
        encoder: AudioEncoder,
        decoder: TextDecoder,
        tokenizer: Tokenizer,
        silence: torch.Tensor | None = None,
        revise: Revise | None = None,
    ) -> None:
        self.revise = revise
        self.encoder, self.decoder, self.tokenizer = encoder, decoder, tokenizer
        self.silence = silence_states(encoder) if silence is None else silence.float()
        with torch.no_grad():
            self.behind = decoder.start(self.silence[None])

    @classmethod
    def load(cls, folder: Path, silence: torch.Tensor | None = None) -> Transcriber:
        """The listener of the Whisper checkpoint in `folder`."""
        tokenizer = Tokenizer.from_file(str(folder / "ctranslate2" / "tokenizer.json"))
        return cls(
            AudioEncoder.load(folder, in_silence=True), TextDecoder.load(folder), tokenizer, silence
        )

    def hear(
        self, state: EncoderState, before: Hearing | None = None, request: Request | None = None
    ) -> Hearing:
        """What is heard, if the audio ends here.

        Args:
            state: the recording.
            before: its last hearing. What it finished is kept; the rest is a draft, which saves
                time and never changes the result.
            request: language and context.
        """
        before = before or Hearing()
        known = before.transcripts
        windows = tuple(window for window in self.encoder.states(state) if len(window))
        found = known[: before.finished]
        for i in range(len(found), len(windows)):
            draft = known[i].tokens if i < len(known) else ()
            heard = self._decoder(windows[i]).transcribe(windows[i], draft, self.behind, request)
            found += (self._revised(windows[i], heard, request),)
        return Hearing(windows, found, len(state.done))

    def _decoder(self, window: torch.Tensor) -> TextDecoder:
        """Who hears a window."""
        short = len(window) <= self.longest
        return self.taught if self.taught is not None and short else self.decoder

    def _revised(
        self, window: torch.Tensor, heard: Transcript, request: Request | None = None
    ) -> Transcript:
        """What was heard of a window, after a second thought if there is one."""
        if self.revise is None or len(window) > self.longest:
            return heard
        return self.revise(window, heard, self.behind, request)

    @torch.no_grad()
    def hear_together(
        self, states: Sequence[EncoderState], request: Request | None = None
    ) -> list[Hearing]:
        """What `hear` hears in each of several recordings, of one window each: in one batch.

        Args:
            states: the recordings.
            request: language and context of all.
        """
        windows = [self.encoder.states(state)[0] for state in states]
        starts = [self.decoder.start(window[None], self.behind).audio for window in windows]
        audio = tuple(
            (torch.cat([key for key, _ in layer]), torch.cat([value for _, value in layer]))
            for layer in zip(*starts, strict=True)
        )
        lengths = [len(window) for window in windows]
        found = self.decoder.transcribe_batch(DecoderState(audio, ()), lengths, request)
        return [Hearing((w,), (t,)) for w, t in zip(windows, found, strict=True)]

    def transcription(self, hearing: Hearing) -> Transcription:
        """The windows of a hearing as one recording."""
        return self._join(hearing.windows, hearing.transcripts)

    def languages(self) -> dict[str, int]:
        """Marks of the languages the checkpoint knows, by code; empty: English alone."""
        marks = {mark: self.tokenizer.id_to_token(mark) for mark in self.decoder.languages}
        return {token[2:-2]: mark for mark, token in marks.items() if token}

    @torch.no_grad()
    def hear_batch(self, clips: Sequence[NDArray[np.float32]]) -> list[Transcription]:
        """What `hear` hears in whole clips [N] of at most thirty seconds, faster; bfloat16."""
        mels = []
        for clip in clips:
            mel, state = self.encoder.features.step(clip, self.encoder.features.start())
            mels.append(torch.cat([mel, self.encoder.features.finish(state)]))
        tailed = [normalize(self.encoder.with_tail(mel)) for mel in mels]
        lengths = torch.tensor([len(mel) for mel in tailed])
        with mixed_precision():
            batch = self.encoder(torch.nn.utils.rnn.pad_sequence(tailed, batch_first=True), lengths)
            counts = [(len(mel) + 1) // 2 for mel in mels]
            windows = [row[:count].float() for row, count in zip(batch, counts, strict=True)]
            found: dict[int, Transcript] = {}
            for decoder in {self._decoder(window) for window in windows}:
                rows = [i for i, window in enumerate(windows) if self._decoder(window) is decoder]
                padded = [torch.cat([windows[i], self.silence[counts[i] :]]) for i in rows]
                start = decoder.start(torch.stack(padded))
                heard = decoder.transcribe_batch(start, [counts[i] for i in rows])
                found |= zip(rows, heard, strict=True)
        revised = [self._revised(window, found[i]) for i, window in enumerate(windows)]
        return [self._join([w], [t]) for w, t in zip(windows, revised, strict=True)]

    def _join(self, windows: Sequence[torch.Tensor], found: Sequence[Transcript]) -> Transcription:
        """Windows and their transcripts as one recording; odd windows repeat their last frame."""
        frames, path, before = [], [], 0
        for window, transcript in zip(windows, found, strict=True):
            if len(windows) > 1 and len(window) % 2:
                window = torch.cat([window, window[-1:]])
            looks = F.pad(transcript.looks, (0, transcript.looks.shape[1] % 2))
            rows = monotonic(looks.view(len(looks), -1, 2).sum(2).float().numpy())
            path.append(torch.from_numpy(rows) + before)
            frames.append(window)
            before += len(transcript.states)
        width = self.encoder.config.d_model
        text = "".join(self.tokenizer.decode(list(t.tokens)) for t in found).strip()
        return Transcription(
            torch.cat(frames) if frames else torch.empty(0, width),
            torch.cat([t.states.float() for t in found]) if found else torch.empty(0, width),
            torch.cat(path) if path else torch.empty(0, dtype=torch.long),
            text,
            tuple(piece for t in found for piece in (*map(self.piece, t.tokens), "")),
            torch.cat([t.log_probs for t in found]) if found else torch.empty(0),
            doubt(found, text, self.unclear),
        )

    def piece(self, token: int) -> str:
        """A token in the letters of its vocabulary, one a byte."""
        return self.tokenizer.id_to_token(token) or ""


def silence_states(encoder: AudioEncoder) -> torch.Tensor:
    """[1500, width] encoder states of thirty seconds of silence."""
    return encoder.window(silent_mel(MAX_FRAMES, encoder.config.num_mel_bins))
