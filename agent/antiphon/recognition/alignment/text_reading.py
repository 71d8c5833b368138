"""How a Whisper reads a known text along with a recording: what places its words starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from antiphon.recognition.whisper.attention_alignment import monotonic
from antiphon.recognition.whisper.features import normalize
from antiphon.recognition.whisper.transcriber import Transcriber
from antiphon.recognition.whisper.word_times import AHEAD

Sound = NDArray[np.float32]

WINDOW = 96
"""Encoder states (1.92 s) around the middle of a word, by the decoder's attention, in which its
start and end are sought."""
ROWS = 5
"""Rows of attention for a word and a head."""
FACTS = 4
"""Numbers about a word's tokens: log-probability of the first, the mean, the least; how many."""


@dataclass(frozen=True)
class Reading:
    """A text and the recording it is read along with."""

    mel: torch.Tensor
    """[2 T, bands] scaled log-mel frames, 100 a second."""
    frames: torch.Tensor
    """[T, width] encoder states, 50 a second."""
    looks: torch.Tensor
    """[U + 1, heads, T] where each token looked, and last the end mark; weights."""
    states: torch.Tensor
    """[U + 1, width] decoder states that predicted them."""
    log_probs: torch.Tensor
    """[U + 1] log-probability of each of them."""
    spans: torch.Tensor
    """[W, 2] first token of each word and one past its last."""


class TextReader:
    """Reads texts along with recordings.

    Args:
        transcriber: Whisper.
    """

    def __init__(self, transcriber: Transcriber) -> None:
        self.whisper = transcriber

    @torch.no_grad()
    def read(self, pcm: Sound, words: Sequence[str]) -> Reading:
        """A text in a recording [N] of one window at most.

        Args:
            pcm: the recording.
            words: of the text, without punctuation; what goes beyond the decoder's room is as if
                it were not said.
        """
        encoder, decoder = self.whisper.encoder, self.whisper.decoder
        mel, state = encoder.features.step(pcm, encoder.features.start())
        mel = torch.cat([mel, encoder.features.finish(state)])
        frames = encoder.window(mel)
        tokens, spans = list[int](), list[tuple[int, int]]()
        room = decoder.config.max_target_positions - len(decoder.prompt)
        for word in words:
            ids = self.whisper.tokenizer.encode(f" {word}", add_special_tokens=False).ids
            first = len(tokens)
            tokens += ids[: max(0, room - first)]
            spans.append((min(first, room - 1), max(len(tokens), min(first, room - 1) + 1)))
        given = torch.tensor([[*decoder.prompt, *tokens]])
        states, looks, _ = decoder.step_by_heads(
            given, decoder.start(frames[None], self.whisper.behind)
        )
        at = len(decoder.prompt) - 1
        states, looks = states[0, at:], looks[:, 0, at:, : len(frames)]
        wanted = torch.tensor([*tokens, decoder.end])
        logits = F.linear(states, decoder.embed_tokens.weight)
        log_probs = logits.gather(1, wanted[:, None])[:, 0] - logits.logsumexp(1)
        even = F.pad(mel, (0, 0, 0, 2 * len(frames) - len(mel)), value=-10.0)
        return Reading(
            normalize(even), frames, looks.transpose(0, 1), states, log_probs, torch.tensor(spans)
        )


def word_states(reading: Reading) -> torch.Tensor:
    """[W, 3 width + FACTS] what the decoder makes of each word: before it, in it, and behind it."""
    rows = []
    for first, end in reading.spans.tolist():
        inside, sure = reading.states[first:end].mean(0), reading.log_probs[first:end]
        facts = torch.stack([sure[0], sure.mean(), sure.min(), torch.tensor(float(end - first))])
        rows.append(torch.cat([reading.states[first], inside, reading.states[end], facts / 5]))
    return torch.stack(rows)


def word_windows(reading: Reading) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each word is looked for, and where the decoder looked there.

    Returns:
        [W] the encoder state at which each word's window begins, maybe before the recording, and
        [W, ROWS heads + 1, WINDOW]: where all heads looked before the word, at its first and last
        token and all of them on average, and after it, on a logarithmic scale; last, 1 where the
        likeliest path through them is in the word.
    """
    looks, count = reading.looks, len(reading.frames)
    path = monotonic(looks.mean(1).numpy())
    begun = np.searchsorted(path, np.arange(len(looks) + 1))
    begun[1:] = np.minimum(begun[1:] + AHEAD, count)
    padded = F.pad(looks, (WINDOW, WINDOW))
    firsts, rows = [], []
    for first, end in reading.spans.tolist():
        start, stop = int(begun[first]), int(begun[end])
        at = (start + stop) // 2 - WINDOW // 2
        firsts.append(at)
        cut = padded[:, :, at + WINDOW : at + 2 * WINDOW]
        before = cut[first - 1] if first else torch.zeros_like(cut[0])
        parts = [before, cut[first], cut[end - 1], cut[first:end].mean(0), cut[end]]
        places = torch.arange(at, at + WINDOW)
        inside = ((places >= start) & (places < stop)).float()[None]
        rows.append(torch.cat([(torch.cat(parts) + 1e-4).log() / 4 + 1.5, inside]))
    return torch.tensor(firsts), torch.stack(rows)
