"""Several people talk at once, as loud as is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from antiphon.errors import UserError
from antiphon.training.corpora.hearing.babble import Babble


@pytest.fixture
def babble() -> Babble:
    rng = np.random.default_rng(0)
    voices = [rng.standard_normal(n).astype(np.float32) * g for n, g in ((500, 1), (9000, 1e-3))]
    return Babble([*voices, np.zeros(30, np.float32)])


@pytest.mark.parametrize("decibel", [-5.0, 0.0, 20.0])
def test_a_voice_is_so_many_decibels_above_it(babble, decibel):
    pcm = np.sin(np.arange(8000) / 9).astype(np.float32)
    heard = babble.over(pcm, decibel, np.random.default_rng(3))
    behind = heard - pcm
    ratio = 10 * np.log10(np.square(pcm).mean() / np.square(behind).mean())
    assert ratio == pytest.approx(decibel, abs=0.01)
    np.testing.assert_array_equal(heard, babble.over(pcm, decibel, np.random.default_rng(3)))
    assert babble.over(pcm, None, np.random.default_rng(3)) is pcm


def test_its_talkers_are_those_of_a_split(tmp_path):
    with pytest.raises(UserError, match="speech/librispeech_subset"):
        Babble.of(tmp_path, "dev")
    folder = tmp_path / "speech" / "librispeech_subset"
    folder.mkdir(parents=True)
    rows = []
    for split, level in (("train", 0.5), ("dev", 0.1)):
        soundfile.write(folder / f"{split}.wav", np.full(3200, level, np.float32), 16_000)
        rows.append({"audio": f"{split}.wav", "split": split})
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (recording,) = Babble.of(tmp_path, "dev").recordings
    assert recording.max() == pytest.approx(0.1, abs=1e-3)
