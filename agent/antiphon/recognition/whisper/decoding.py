"""What Whisper's decoder is asked for, remembers and gives."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from antiphon.recognition.whisper.layers import KeyValue


@dataclass(frozen=True)
class Request:
    """What a transcript is to be like."""

    languages: tuple[int, ...] = ()
    """Marks of the languages it may be in; of several the likeliest is written. None: the prompt's
    own."""
    context: tuple[int, ...] = ()
    """Tokens it is read after, as if they had been said before."""


@dataclass(frozen=True)
class DecoderState:
    """What the decoder remembers of one window."""

    audio: tuple[KeyValue, ...]
    """Keys and values of the encoder states, one pair a layer."""
    text: tuple[KeyValue, ...]
    """Keys and values of the tokens so far, one pair a layer; empty before the first."""

    @property
    def length(self) -> int:
        """Tokens so far."""
        return self.text[0][0].shape[2] if self.text else 0

    def crop(self, length: int) -> DecoderState:
        """The state after the first `length` tokens."""
        kept = tuple((k[:, :, :length], v[:, :, :length]) for k, v in self.text)
        return DecoderState(self.audio, kept)


@dataclass(frozen=True)
class Transcript:
    """What Whisper hears in one window."""

    tokens: tuple[int, ...]
    """Text tokens [U], without the end mark."""
    states: torch.Tensor
    """[U + 1, width] post-norm states that chose the tokens and, last, the end mark."""
    looks: torch.Tensor
    """[U + 1, S] where each of them looked, weights over the encoder frames."""
    log_probs: torch.Tensor
    """[U + 1] log probability of each of them."""
    no_speech: float
    """Probability of the mark for a window without speech, in the place of the transcript."""
    language: float = 1.0
    """Probability of the language that is written; 1 if the checkpoint knows no other."""
    mark: int | None = None
    """The mark of that language; None: the checkpoint knows no other."""


def extended(windows: KeyValue, constant: KeyValue) -> KeyValue:
    """Keys and values of windows, and behind them what a longer constant window has there.

    Args:
        windows: [B, heads, S, d].
        constant: [1, heads, T, d].
    """

    def joined(own: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
        rest = more[:, :, own.shape[2] :].to(own.dtype)
        return torch.cat([own, rest.expand(len(own), -1, -1, -1)], 2)

    return joined(windows[0], constant[0]), joined(windows[1], constant[1])
