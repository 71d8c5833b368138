import numpy as np
import pytest

from antiphon import onnx_session
from antiphon.mel import filters, log_mel
from antiphon.runtime.frames import RATE
from antiphon.runtime.turns.smart_turn import features


def test_features_are_whispers_own():
    extractor = pytest.importorskip("transformers").WhisperFeatureExtractor(chunk_length=8)
    rng = np.random.default_rng(0)
    pcm = (0.1 * rng.normal(size=3 * RATE)).astype(np.float32)
    padded = np.pad(pcm, (5 * RATE, 0))  # Smart Turn puts silence in front
    theirs = extractor(padded, sampling_rate=RATE, return_tensors="np", do_normalize=True)
    assert np.abs(features(pcm) - theirs.input_features[0]).max() < 1e-3


def test_only_the_last_eight_seconds_count():
    rng = np.random.default_rng(0)
    pcm = rng.normal(size=10 * RATE).astype(np.float32)
    assert (features(pcm) == features(pcm[2 * RATE :])).all()


def test_silence_has_features():
    assert np.isfinite(features(np.zeros(0, np.float32))).all()
    assert features(np.zeros(RATE, np.float32)).shape == (80, 800)


def test_a_tone_fills_its_band():
    tone = np.sin(np.arange(RATE) * 2 * np.pi * 1000 / RATE).astype(np.float32)
    mel = log_mel(tone, 40)
    assert mel.shape == (98, 40)
    assert (mel.argmax(axis=1) == filters(40)[:, 25].argmax()).all()  # bin 25 is 1 kHz


def test_too_little_sound_has_no_windows():
    assert log_mel(np.zeros(399, np.float32), 40).shape == (0, 40)


def test_inner_values_become_outputs(tmp_path):
    proto = pytest.importorskip("onnx").helper
    nodes = [proto.make_node("Exp", ["x"], ["middle"]), proto.make_node("Neg", ["middle"], ["y"])]
    ends = [proto.make_tensor_value_info(name, 1, [2]) for name in "xy"]
    graph = proto.make_graph(nodes, "g", ends[:1], ends[1:])
    model = proto.make_model(graph, opset_imports=[proto.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    session = onnx_session.session(path, "middle")
    y, middle = session.run(None, {"x": np.array([0, 1], np.float32)})
    assert y == pytest.approx([-1, -np.e])
    assert middle == pytest.approx([1, np.e])
