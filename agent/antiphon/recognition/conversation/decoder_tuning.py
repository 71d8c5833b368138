"""A correction of Whisper's decoder, which then expects what an agent is asked.

Whisper learnt to write subtitles. Where the sound leaves a choice it takes "He wrote the" for "Who
wrote the", and a word it knows for a name that it does not. The correction is of low rank (Hu et
al. 2021, arXiv 2106.09685) and is merged into a copy of the weights, so hearing takes as long as it
did. The encoder stays as it is, and with it everything else that listens to its states.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

from antiphon import weights
from antiphon.llm import lora
from antiphon.recognition.whisper.audio_encoder import MAX_FRAMES
from antiphon.recognition.whisper.text_decoder import TextDecoder
from antiphon.recognition.whisper.transcriber import Transcriber

KIND = "question decoder"
"""What `config.json` in a folder of corrections says."""
FILE = "decoder.safetensors"
TARGETS = (
    *(f"self_attn.{name}_proj" for name in ("q", "k", "v", "out")),
    *(f"encoder_attn.{name}_proj" for name in ("q", "out")),
    "fc1",
    "fc2",
)
"""Layers that are corrected. What is made of the encoder's states is not: those of silence are
computed once, and in training nothing has to be led back through them."""


@dataclass(frozen=True)
class TuningConfig:
    """What the `config.json` beside a correction says."""

    recognizer: str
    """The Whisper whose decoder it corrects."""
    longest: int = MAX_FRAMES // 2
    """States of the longest window that it was taught; of longer ones it skips beginnings."""
    unclear: float = -0.6
    """See `doubt`. A decoder that learnt more is surer, also of what it does not understand; found
    for tiny.en (card of assets/whisper-tiny.en-questions)."""


def attach(decoder: TextDecoder, rank: int) -> dict[str, lora.LoRA]:
    """Give a decoder a correction that can learn; the rest of it is frozen."""
    return lora.attach(decoder, rank, float(rank), targets=TARGETS)


def tune(transcriber: Transcriber, recognizer: str) -> None:
    """Let a decoder with the correction for a recognizer hear short windows, if there is one."""
    for folder in weights.trained(KIND).values():
        config = weights.read_config(folder, TuningConfig)
        if config.recognizer == recognizer:
            table = transcriber.decoder.embed_tokens
            taught = deepcopy(transcriber.decoder, {id(table): table})  # the table is kept once
            lora.merge(taught, folder / FILE)
            transcriber.taught, transcriber.longest = taught, config.longest
            transcriber.unclear = config.unclear
