"""The teacher's latents on disk."""

from __future__ import annotations

import numpy as np

from antiphon.training.corpora.voice.teacher import Utterance
from antiphon.training.corpora.voice.teacher_latents import Corpus, write


def test_shards_round_trip(tmp_path):
    spoken = [
        Utterance("One.", np.array([1, 5, 2], np.int16), np.array([2, 3, 1], np.int16), z)
        for z in (np.ones((6, 192), np.float16), np.zeros((6, 192), np.float16))
    ]
    write(spoken, tmp_path / "00000.npz")
    corpus = Corpus.load(tmp_path)
    assert corpus.texts == ["One.", "One."]
    assert [z.shape for z in corpus.latents] == [(6, 192)] * 2
    assert corpus.durations[1].tolist() == [2, 3, 1]
