"""Whether what Whisper wrote can be believed: by loops, by the language, and by its own doubt."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch

from antiphon.messages import Doubt
from antiphon.recognition.whisper.decoding import Transcript

COMPRESSION = 2.4
"""Ratio from which a text is a loop, as in Whisper's own fallback."""
NO_SPEECH = 0.6
"""Probability of no speech from which a doubtful window holds none, likewise."""
SILENT_LOG_PROB = -0.5
"""Mean log probability of a token below which such a window is doubtful."""
UNCLEAR_LOG_PROB = -0.8
"""The same below which it is not known what was said: so are nine of ten German and Dutch sentences
that tiny.en hears, and one of 154 of native English."""
LANGUAGE = 0.5
"""Probability of the language that is written below which another one is spoken."""


def doubt(
    transcripts: Sequence[Transcript], text: str, unclear: float = UNCLEAR_LOG_PROB
) -> Doubt | None:
    """Why not to believe a recording's text; None: there is no reason.

    Args:
        transcripts: of its windows.
        text: all they say.
        unclear: mean log probability of a token below which it is not known what was said.
    """
    if not text:
        return "no speech"
    log_prob = float(torch.cat([t.log_probs for t in transcripts]).mean())
    no_speech = min(t.no_speech for t in transcripts)
    if no_speech > NO_SPEECH and log_prob < SILENT_LOG_PROB:
        return "no speech"
    if compression(text) > COMPRESSION:
        return "loop"
    if max(t.language for t in transcripts) < LANGUAGE:
        return "language"
    return "unclear" if log_prob < unclear else None


def compression(text: str) -> float:
    """How many times shorter a text is when it is compressed: much if it repeats itself."""
    written = text.encode()
    return len(written) / len(zlib.compress(written))
