import json

import numpy as np
import pytest

from antiphon import audio_file
from antiphon.errors import UserError
from antiphon.evaluation import turn_scenes as scenes
from antiphon.evaluation.turn_scenes import ROOMS, Material
from antiphon.runtime.frames import FRAME, RATE


def sentence(rng) -> np.ndarray:
    """Two bursts of sound with a soft place between them."""
    pcm = 0.2 * rng.normal(size=3 * RATE)
    pcm[int(1.4 * RATE) : int(1.6 * RATE)] *= 0.01
    return pcm.astype(np.float32)


def test_a_pause_is_put_where_it_is_quiet():
    rng = np.random.default_rng(0)
    pcm = sentence(rng)
    longer, [(start, end)] = scenes.interrupted(pcm, rng)
    assert 1.38 * RATE <= start <= 1.62 * RATE
    assert 0.3 * RATE <= end - start <= RATE
    assert np.abs(longer[start:end]).max() < 0.02
    assert abs(len(longer) - (len(pcm) - RATE // 5 + end - start)) <= 2 * FRAME


def test_a_pause_that_is_there_is_made_no_longer_than_a_second():
    rng = np.random.default_rng(0)
    pcm = sentence(rng)
    half = len(pcm) // 2
    for natural in (0.1, 0.6, 1.6):  # and 0.2 s of the sentence itself
        slow = np.concatenate([pcm[:half], np.zeros(int(natural * RATE), np.float32), pcm[half:]])
        longer, [(start, end)] = scenes.interrupted(slow, rng)
        assert 0.3 * RATE <= end - start <= RATE
        level = scenes.frame_levels(longer)[20:-20]
        quiet = (level < level.max() * scenes.MIN_SPEECH_LEVEL).sum() * FRAME
        assert abs(quiet - (end - start)) <= 4 * FRAME
        spoken = len(slow) - int((natural + 0.2) * RATE)
        assert abs(len(longer) - (spoken + end - start)) <= 2 * FRAME


def test_breath_before_the_speech_is_no_speech():
    rng = np.random.default_rng(0)
    voice = rng.normal(0, 0.1, RATE).astype(np.float32)
    click = np.zeros(RATE // 2, np.float32)
    click[1000:1100] = 0.3
    assert len(scenes.from_onset(np.concatenate([click, voice]))) == pytest.approx(RATE, abs=FRAME)
    assert len(scenes.from_onset(voice)) == RATE
    knock = np.pad(rng.normal(0, 0.05, RATE // 10).astype(np.float32), (0, RATE // 3))
    knocked = scenes.from_onset(np.concatenate([knock, voice]))
    assert len(knocked) == pytest.approx(RATE, abs=FRAME)


@pytest.mark.parametrize("room", ROOMS)
def test_an_echo_is_late_and_as_loud_as_its_room(room):
    rng = np.random.default_rng(0)
    reference = (0.1 * rng.normal(size=2 * RATE)).astype(np.float32)
    back = scenes.echo(reference, room, rng, delay=0.1)
    assert np.abs(back[: RATE // 10]).max() < 1e-6
    loudness = back[RATE:].std() / reference.std()
    assert loudness == pytest.approx(1.5 if room == "loud" else 0.35, rel=0.35)


def test_noise_has_the_level_asked_for():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=RATE).astype(np.float32)
    cut = scenes.stretch(noise, 3 * RATE, rng, 0.1, -20)
    assert len(cut) == 3 * RATE
    assert cut.std() == pytest.approx(0.01, rel=0.05)


def test_what_is_no_speech_is_not_too_loud():
    rng = np.random.default_rng(0)
    assert np.abs(scenes.cough(rng)).max() == pytest.approx(0.3)
    assert np.abs(scenes.typing(2, rng)).max() == pytest.approx(0.2)


def test_trimming_keeps_the_sound():
    pcm = np.zeros(RATE, np.float32)
    pcm[FRAME * 10 : FRAME * 20] = np.sin(np.arange(FRAME * 10))
    assert len(scenes.trim(pcm)) == FRAME * 10


def collection(folder, rows):
    (folder / "audio").mkdir(parents=True)
    for row in rows:
        pcm = (0.1 * np.random.default_rng(0).normal(size=2 * RATE)).astype(np.float32)
        audio_file.write(folder / row["audio"], pcm, RATE)
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))


def test_material_keeps_the_splits_apart(tmp_path):
    speech = [
        {"audio": f"audio/{s}{i}.wav", "split": s, "seconds": 2.0, "label": "yes"}
        for s in ("train", "dev")
        for i in range(2)
    ]
    for part in (*scenes.COLLECTIONS, "speech_commands_test"):
        collection(tmp_path / "speech" / part, speech)
    sounds = [{"audio": f"audio/{i}.wav"} for i in range(3)]
    collection(tmp_path / "noise", sounds)
    collection(tmp_path / "rir", [{**row, "dur": 0.05 * (i + 1)} for i, row in enumerate(sounds)])
    drawn = Material.read(tmp_path, "dev", 1, np.random.default_rng(0))
    assert [len(part) for part in (drawn.speech, drawn.words)] == [3, 1]
    assert [len(part) for part in (drawn.noises, drawn.rooms)] == [1, 0]  # too short a room is none
    paths = scenes.clips(tmp_path / "speech" / "kathleen", "dev")
    assert [path.name for path in paths] == ["dev0.wav", "dev1.wav"]


def test_a_missing_collection_is_named(tmp_path):
    with pytest.raises(UserError, match="librispeech_subset"):
        Material.read(tmp_path, "dev", 1, np.random.default_rng(0))
