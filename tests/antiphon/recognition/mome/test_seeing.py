"""A recognizer that sees lips: which pictures reach the model, and that they count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import toy_mome

from antiphon.errors import UserError
from antiphon.recognition import recognizer as recognizers
from antiphon.recognition.lips.lip_pictures import SAMPLES, SIZE, LipPictures
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.mome import checkpoint, lip_encoder
from antiphon.recognition.mome.lip_encoder import LipConfig, LipEncoder
from antiphon.recognition.mome.model import Written
from antiphon.recognition.mome.recognizer import FRAME, MomeRecognizer
from antiphon.recognition.transcript import Options

WIDTH = 8


def flickering(count, seed=0):
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 255, (count, SIZE, SIZE), dtype=np.uint8)
    return LipPictures(pictures, np.ones(count, bool))


@pytest.fixture
def seer(listener) -> MomeRecognizer:
    torch.manual_seed(2)
    lips = LipEncoder(LipConfig(WIDTH, channels=2, blocks=1)).eval()
    config = replace(
        toy_mome.CONFIG, audio_width=listener.encoder.config.d_model,
        lips="toy", lip_rates=(1, 2), lip_width=WIDTH,
    )  # fmt: skip
    model = toy_mome.awake(toy_mome.model(config)).eval()
    return MomeRecognizer(model, listener.encoder, "toy", lips)


def heard(recognizer, pcm, **options):
    return recognizer.finish(recognizer.feed(pcm, recognizer.start(Options(**options))))


def test_lips_count(seer, speech):
    count = len(speech) // SAMPLES
    alone, one, other = (
        heard(seer, speech, rate=4, lips=lips)
        for lips in (None, flickering(count), flickering(count, 1))
    )
    assert len({each.segments[0].confidence for each in (alone, one, other)}) == 3


def test_streaming_with_lips_is_what_the_whole_recording_gives(seer, speech):
    options = Options(rate=2, lips=flickering(len(speech) // SAMPLES))
    state = seer.start(options)
    for part in np.array_split(speech, 5):
        state = seer.feed(part, state)
        seer.finish(state)
    assert seer.finish(state) == heard(seer, speech, rate=2, lips=options.lips)


def test_each_part_of_a_recording_has_its_pictures(seer, speech, monkeypatch):
    given = []

    def write(frames, rate, lips=(), lip_rate=0):
        given.append((len(frames[0]), lips, lip_rate))
        return [Written((), ())]

    monkeypatch.setattr(seer.model, "write", write)
    lips = flickering(16 * 25)  # of a recording of 30 s, which is heard 12 s at a time
    heard(seer, np.resize(speech, 30 * 16_000), rate=4, lips=lips)
    assert [frames for frames, _, _ in given] == [600, 600, 300]
    (first, second), (_, none, _) = given[:2], given[2]
    for (_, (states,), lip_rate), pictures in zip(
        (first, second), (lips.pictures[:300], lips.pictures[300:]), strict=True
    ):
        wanted = seer.lips(torch.from_numpy(pictures)[None].float() / 255)[0]
        torch.testing.assert_close(states, wanted)
        assert lip_rate == 1
    assert none == ()
    assert FRAME * 2 == SAMPLES


def test_one_that_only_hears_refuses_lips(recognizer):
    listener = LongAudio(recognizer, segmenter=object(), name="toy")  # type: ignore[arg-type]
    for refuse in (recognizer.start, listener.start):
        with pytest.raises(UserError, match="toy sees no lips"):
            refuse(Options(lips=flickering(5)))


def test_a_folder_names_its_lip_encoder(seer, found, speech, tmp_path):
    lip_encoder.save(seer.lips, tmp_path / "lips")
    seer.model.config = replace(seer.model.config, lips=str(tmp_path / "lips"))
    checkpoint.save(seer.model, tmp_path / "mome")
    again: Any = recognizers.from_pretrained(str(tmp_path / "mome"))
    assert again.sees
    lips = flickering(len(speech) // SAMPLES)
    one, other = (heard(each, speech, rate=4, lips=lips) for each in (seer, again))
    assert one.segments[0].confidence == pytest.approx(other.segments[0].confidence, rel=0.1)
