import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import WhisperFeatureExtractor

from antiphon.recognition.whisper.features import LogMel, normalize

LOG_MEL = LogMel(80)


def whole(pcm):
    mel, state = LOG_MEL.step(pcm, LOG_MEL.start())
    return torch.cat([mel, LOG_MEL.finish(state)])


def test_equals_whispers_own_features(speech):
    theirs = WhisperFeatureExtractor()(speech, sampling_rate=16_000, return_tensors="pt")
    frames = -(-len(speech) // 160)
    mine = normalize(whole(speech))
    assert mine.shape == (frames, 80)
    torch.testing.assert_close(mine, theirs.input_features[0, :, :frames].T, atol=1e-4, rtol=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3000), st.lists(st.integers(0, 900), max_size=8))
def test_pieces_equal_the_whole(length, cuts):
    pcm = np.random.default_rng(length).standard_normal(length).astype(np.float32)
    state, found = LOG_MEL.start(), []
    for piece in np.split(pcm, sorted(min(cut, length) for cut in cuts)):
        mel, state = LOG_MEL.step(piece, state)
        found.append(mel)
    found.append(LOG_MEL.finish(state))
    torch.testing.assert_close(torch.cat(found), whole(pcm), atol=1e-4, rtol=0)
    assert len(torch.cat(found)) == -(-length // 160)
