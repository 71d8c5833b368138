"""Whisper as the settings have it hear a conversation."""

from __future__ import annotations

import torch

from antiphon import settings, weights
from antiphon.llm.cpu import model
from antiphon.recognition.conversation import decoder_tuning
from antiphon.recognition.conversation.rescorer import Rescorer
from antiphon.recognition.conversation.text_likelihood import TextLikelihood
from antiphon.recognition.whisper.transcriber import Transcriber


def load(recognizer: str, silence: torch.Tensor | None = None) -> Transcriber:
    """The Whisper of a name or folder, which expects what an agent is asked and thinks twice.

    Args:
        recognizer: a name.
        silence: see `Transcriber`.
    """
    transcriber = Transcriber.load(weights.path(recognizer), silence)
    prepare(transcriber, recognizer)
    return transcriber


def prepare(transcriber: Transcriber, recognizer: str) -> None:
    """The same for a Whisper that is there."""
    decoder_tuning.tune(transcriber, recognizer)
    if name := settings.load(settings.Models).rescorer:
        likelihoods = TextLikelihood(model.load(weights.path(name), None, name))
        decoder = transcriber.taught or transcriber.decoder
        transcriber.revise = Rescorer(decoder, transcriber.tokenizer, likelihoods).revise
