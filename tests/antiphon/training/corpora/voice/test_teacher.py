"""Piper files that cannot teach: each is refused by one sentence that says why."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from antiphon.errors import UserError
from antiphon.training.corpora.voice.teacher import Teacher, stretched

GOOD = {
    "audio": {"sample_rate": 22050},
    "espeak": {"voice": "en-us"},
    "phoneme_id_map": {"_": [0], "^": [1], "$": [2]},
}


def voice(folder, config=GOOD, graph=True):
    """A voice whose graph is only one addition."""
    path = folder / "voice.onnx"
    one, two = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("one", "two"))
    add = helper.make_node("Add", ["one", "one"], ["two"])
    made = helper.make_graph([add], "voice", [one], [two])
    if graph:
        onnx.save(helper.make_model(made), str(path))
    else:
        path.write_bytes(b"no graph at all")
    if config is not None:
        path.with_name("voice.onnx.json").write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"audio": {"sample_rate": 16000}}, "16000 Hz: give one of 22050 Hz"),
        ({"num_speakers": 4}, "several speakers"),
        ({"phoneme_id_map": {"_": [3]}}, "numbers its phonemes differently"),
        ({"audio": {}}, "does not describe a Piper voice"),
        ({}, "laid out differently"),
    ],
)
def test_a_voice_that_does_not_fit_is_refused(tmp_path, changes, why):
    with pytest.raises(UserError, match=why):
        Teacher(voice(tmp_path, GOOD | changes), tmp_path)


def test_a_voice_needs_its_description(tmp_path):
    with pytest.raises(UserError, match=r"voice.onnx.json does not describe"):
        Teacher(voice(tmp_path, None), tmp_path)


def test_a_voice_is_a_graph(tmp_path):
    with pytest.raises(UserError, match="no ONNX file"):
        Teacher(voice(tmp_path, graph=False), tmp_path)


def test_a_stretched_utterance_says_the_same_more_slowly():
    frames = np.array([1, 3, 2, 4], np.int16)
    latent = np.sin(np.arange(10)[:, None] * [0.3, 0.1]).astype(np.float32)
    longer, slow = stretched(frames, latent, 1.25)
    assert longer.sum() == len(slow) == round(1.25 * len(latent))
    assert np.abs(longer.cumsum() - 1.25 * frames.cumsum()).max() <= 0.5
    np.testing.assert_allclose(
        slow[6], np.sin((6.5 / 1.25 - 0.5) * np.array([0.3, 0.1])), atol=0.02
    )
