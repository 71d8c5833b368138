"""MoME behind the `Recognizer` protocol: one file that hears at several rates and may see lips."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon import weights
from antiphon.compute import torch_device
from antiphon.recognition import hearing_rate
from antiphon.recognition.lips import lip_pictures
from antiphon.recognition.long_audio import merged
from antiphon.recognition.mome import checkpoint as checkpoints
from antiphon.recognition.mome import lip_encoder
from antiphon.recognition.mome.lip_encoder import LipEncoder
from antiphon.recognition.mome.model import MomeModel
from antiphon.recognition.recognizer import SAMPLE_RATE, folder_of
from antiphon.recognition.transcript import Options, Segment, Transcript
from antiphon.recognition.whisper.audio_encoder import AudioEncoder, EncoderState

FRAME = 320
"""Samples of an encoder state."""
WORDS_NOTE = "This recognizer knows no times of words: `antiphon align` finds them."


@dataclass(frozen=True)
class MomeState:
    """A recording so far."""

    encoder: EncoderState
    options: Options
    samples: int = 0


class MomeRecognizer:
    """Hears with Whisper's encoder, averages its states, and writes with a language model.

    Args:
        model: what was trained.
        encoder: of Whisper.
        name: of the weights.
        lips: the encoder of lips; None: it only hears.
    """

    languages = ("en",)
    longest = 12 * SAMPLE_RATE

    def __init__(
        self, model: MomeModel, encoder: AudioEncoder, name: str, lips: LipEncoder | None = None
    ) -> None:
        self.model, self.encoder, self.name, self.lips = model, encoder, name, lips
        self.rates = model.config.rates
        """At which it can hear, rising."""
        self.sees = lips is not None
        """Whether it reads lips, too."""

    def start(self, options: Options | None = None) -> MomeState:
        """State before the first sample.

        Raises:
            UserError: Nobody trained the rate that is asked for, or it sees no lips and is shown
                some.
        """
        options = options or Options()
        if options.lips is not None:
            lip_pictures.require(self.sees, self.name)
        hearing_rate.require(options.rate or hearing_rate.fixed(), self.rates, self.name)
        return MomeState(self.encoder.start(), options)

    def feed(self, pcm: NDArray[np.float32], state: MomeState) -> MomeState:
        """State after `pcm` [N], mono, 16 kHz; the encoder is the same for all rates."""
        encoder = self.encoder.feed(pcm, state.encoder)
        return replace(state, encoder=encoder, samples=state.samples + len(pcm))

    def rate(self, options: Options) -> int:
        """At which it hears now: as it was asked to, else by the load of this process."""
        return options.rate or hearing_rate.chosen(self.rates)

    def finish(self, state: MomeState) -> Transcript:
        """The transcript, if the audio ends here."""
        parts, start = [], 0
        frames, rate = torch.cat(self.encoder.states(state.encoder)), self.rate(state.options)
        for part in frames.split(self.longest // FRAME) if len(frames) else ():
            end = start + len(part) * FRAME
            heard = self.transcribe(part, rate, state.options.part(start, end - start))
            if heard.text:
                placed = (replace(heard.segments[0], start=start, end=end),)
                parts.append(replace(heard, segments=placed))
            start = end
        return replace(merged(parts, state.samples, self.name), rate=rate)

    @torch.no_grad()
    def transcribe(self, frames: torch.Tensor, rate: int, options: Options) -> Transcript:
        """The transcript of encoder states [T, width], 50 a second, at a rate.

        Lips of the options are those of the same time, and are seen at the finest lip rate.
        """
        if options.lips is None or self.lips is None:
            (written,) = self.model.write([frames], rate)
        else:
            pictures = torch.from_numpy(options.lips.pictures).float() / 255
            seen = self.lips(pictures[None])[0]
            (written,) = self.model.write([frames], rate, [seen], self.model.config.lip_rates[0])
        text = self.model.decode(written.tokens)
        sure = float(np.exp(np.mean(written.log_probs))) if written.log_probs else 0.0
        length = len(frames) * FRAME
        segment = Segment(text, 0, length, (), "en", sure)
        return Transcript(
            text,
            None,
            None if text else "no speech",
            "en",
            1.0,
            (segment,) if text else (),
            length,
            self.name,
            (WORDS_NOTE,) if options.words and text else (),
        )


def load(name: str) -> MomeRecognizer:
    """The MoME of a name or folder.

    Raises:
        UserError: It is not there or does not fit.
    """
    model = checkpoints.load(folder_of(name), torch_device.chosen())
    encoder = AudioEncoder.load(weights.path(model.config.whisper), in_silence=True)
    lips = lip_encoder.load(model.config.lips) if model.config.lips else None
    return MomeRecognizer(model, encoder, name, lips)
