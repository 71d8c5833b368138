import numpy as np
import pytest
import torch

from antiphon.runtime.frames import FRAME, RATE
from antiphon.runtime.turns.stop_word import RECEPTIVE_FIELD, StopWord, features
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.corpora.hearing.stop_word_scenes import (
    MAX_DELAY,
    SCENE_SAMPLES,
    Material,
    Scenes,
    ending,
)
from antiphon.training.jobs.stop_word import Measured, Spotter, Training, losses, pad


def sound(seed: int, seconds: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.2 * rng.normal(size=int(seconds * RATE))).astype(np.float32)


def chirp(seconds: float = 0.4) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * (500 + 3000 * time) * time)
    return np.pad(tone, (2000, RATE - 2000 - len(tone))).astype(np.float32)


def test_frame_by_frame_is_the_network_that_was_trained(tmp_path):
    torch.manual_seed(0)
    spotter = Spotter()
    spotter.save(tmp_path, 0.5)
    pcm = sound(0, 2)
    with torch.no_grad():
        whole = torch.sigmoid(spotter(torch.from_numpy(features(pad(pcm)))[None])[0]).numpy()
    runtime = StopWord(tmp_path)
    heard = []
    for frame in pcm.reshape(-1, FRAME):
        runtime.step(frame)
        heard.append(runtime.probability)
    assert heard == pytest.approx(whole.tolist(), abs=1e-4)


def test_it_sleeps_in_silence_and_wakes_to_the_same(tmp_path):
    torch.manual_seed(0)
    Spotter().save(tmp_path, 0.5)
    runtime = StopWord(tmp_path)
    quiet = np.full(FRAME, 1e-4, np.float32)
    for frame in sound(0, 2).reshape(-1, FRAME):
        runtime.step(frame)
    for _ in range(RECEPTIVE_FIELD + 1):
        runtime.step(quiet)
    before = runtime.probability
    for _ in range(20):
        assert not runtime.step(quiet)
    assert runtime.probability == before
    runtime.step(sound(1, 0.02))
    fresh = StopWord(tmp_path)
    for frame in [quiet] * 9:
        fresh._advance(frame)
    assert runtime.probability == pytest.approx(fresh._advance(sound(1, 0.02)), abs=1e-6)


def test_one_word_is_spotted_once(tmp_path):
    Spotter().save(tmp_path, 0.0)
    runtime = StopWord(tmp_path)
    hits = [runtime.step(frame) for frame in sound(0, 0.8).reshape(-1, FRAME)]
    assert sum(hits) == 1


def test_the_word_ends_where_its_sound_does():
    word = np.zeros(RATE, np.float32)
    word[3200:8000] = sound(0)[:4800]
    assert ending(word) == 8000


def test_scenes_hold_the_whole_word_and_room_to_spot_it(tmp_path):
    scenes = Scenes(Material([chirp()], [sound(1, 2)]), Augment(tmp_path), 0)
    for _ in range(10):
        pcm, end = scenes.positive()
        assert pcm.shape == (SCENE_SAMPLES,)
        assert 0 < end <= SCENE_SAMPLES - MAX_DELAY
        assert np.abs(pcm).max() <= 1
        assert np.abs(pcm[end - FRAME * 5 : end]).max() > 0
    assert scenes.negative().shape == (SCENE_SAMPLES,)


def test_firing_after_the_word_is_right_and_elsewhere_wrong():
    ends = torch.tensor([50, -1])
    right, early, deaf = torch.full((3, 2, 150), -8.0)
    right[0, 52:58] = 8
    early[:, 10] = 8
    scores = [float(losses(x, ends)) for x in (right, early, deaf)]
    assert scores[0] < 0.01
    assert min(scores[1:]) > 3


def test_training_learns_a_sound(tmp_path):
    material = Material([chirp()], [sound(seed, 2) for seed in range(6)])
    training = Training(material, Augment(tmp_path), 12, 0)
    with torch.no_grad():
        x, ends = training._batch(16, [])
        before = float(losses(training.spotter(x), ends))
    training.run(30, rounds=2, batch=16)
    with torch.no_grad():
        assert float(losses(training.spotter(x), ends)) < before / 2


def test_the_threshold_allows_as_many_false_alarms_as_asked_for():
    measured = Measured(np.array([0.5, 2.0, 3.0]), np.array([1.0, -1.0, -2.0, -3.0]), 2.0)
    none, one = measured.threshold(0), measured.threshold(0.5)
    assert measured.report(none)["false_alarms_per_hour"] == 0
    assert measured.report(none)["recall"] == pytest.approx(2 / 3)
    assert measured.report(one)["false_alarms_per_hour"] == 0.5
    assert measured.report(one)["recall"] == 1
