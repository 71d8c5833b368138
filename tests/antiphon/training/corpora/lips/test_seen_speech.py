"""Talking heads become states of both encoders, as often as they are heard in other babble."""

from __future__ import annotations

import numpy as np
import torch

from antiphon.recognition.mome.lip_encoder import LipConfig, LipEncoder
from antiphon.training.corpora.hearing.babble import Babble
from antiphon.training.corpora.lips import seen_speech


def test_a_head_is_heard_in_several_kinds_of_babble(listener, speech, tmp_path):
    heads, out = tmp_path / "heads", tmp_path / "seen"
    heads.mkdir()
    pictures = torch.randint(256, (len(speech) // 640, 32, 32), dtype=torch.uint8)
    row = {
        "pictures": pictures,
        "pcm": torch.from_numpy((speech * 32767).astype(np.int16)),
        "text": "Who are you?",
    }
    torch.save(row, heads / "000000.pt")
    encoder = LipEncoder(LipConfig(width=8, channels=2, blocks=1)).eval()
    made = seen_speech.SeenSpeech(heads, listener, encoder, Babble([speech[::-1].copy()]))
    assert not made.build(out, minutes=-1)
    assert made.build(out, minutes=1)
    clips = seen_speech.read(out)
    assert len(clips) == seen_speech.VERSIONS
    assert any(not torch.equal(clip.frames, clips[0].frames) for clip in clips[1:])
    for clip in clips:
        assert clip.lips.shape == (len(pictures), 8) and clip.text == "Who are you?"
        assert len(clip.frames) == len(clip.places)
        torch.testing.assert_close(clip.lips, clips[0].lips)
