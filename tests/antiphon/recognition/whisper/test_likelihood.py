"""Several texts read at once are as likely as each read by itself."""

from __future__ import annotations

import pytest

from antiphon.recognition.whisper.likelihood import log_likelihoods

TEXTS = [[40, 41, 42], [], [7], [40, 41]]


def test_each_text_is_as_likely_as_it_is_alone(listener, speech):
    window, decoder = listener.encoder.encode(speech)[0], listener.decoder
    alone = [decoder.read(window, text, listener.behind).log_probs for text in TEXTS]
    whole = log_likelihoods(decoder, window, TEXTS, listener.behind)
    assert whole == pytest.approx([float(each.sum()) for each in alone], rel=1e-3, abs=1e-3)
    open_ended = log_likelihoods(decoder, window, TEXTS, listener.behind, ended=False)
    expected = [float(each[:-1].sum()) for each in alone]
    assert open_ended == pytest.approx(expected, rel=1e-3, abs=1e-3)
