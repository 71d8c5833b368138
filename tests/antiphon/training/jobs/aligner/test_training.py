"""The head learns when words are said, and whether, from clips whose times it is told."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from antiphon.errors import UserError
from antiphon.recognition.alignment import whisper_slots
from antiphon.recognition.alignment.slot_head import SlotHead, SlotHeadConfig
from antiphon.recognition.alignment.text_reading import FACTS, ROWS, WINDOW
from antiphon.training.corpora.hearing.timed_sentences import Sentence
from antiphon.training.jobs import aligner as job
from antiphon.training.jobs.aligner.clips import Clip, Clips, read

SMALL = SlotHeadConfig(width=8, bands=4, heads=2, hidden=16, channels=8, products=2, kernel=5)
STATE_S = whisper_slots.STATE_S


def clip(seed: int, words: int = 4) -> Clip:
    """Words that are loud in the spectrogram; attention is up to eight states off."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(8, 30, 2 * words + 1)
    edges = np.cumsum(lengths)
    times = edges.reshape(-1)[: 2 * words].reshape(words, 2) * STATE_S
    count = int(edges[-1])
    mel, looks, firsts = torch.zeros(2 * count, 4), [], []
    said = rng.random(words) > 0.2
    for i in range(words):
        start, end = edges[2 * i], edges[2 * i + 1]
        mel[2 * start : 2 * end] = 1.0
        middle = int(start + end) // 2 + int(rng.integers(-8, 9))
        firsts.append(middle - WINDOW // 2)
        looks.append(torch.zeros(ROWS * 2 + 1, WINDOW))
        looks[-1][:, WINDOW // 2 - 4 : WINDOW // 2 + 4] = 1.0
    sought = torch.zeros(words, 3 * 8 + FACTS)
    sought[:, 0] = torch.from_numpy(said).float()
    sought[:, -1] = sought[:, 0]
    return Clip(
        mel.half(), torch.randn(count, 8).half(), torch.stack(looks).half(), torch.tensor(firsts),
        sought.half(), torch.from_numpy(np.where(said[:, None], times, -1)).float(),
    )  # fmt: skip


@pytest.fixture
def work(tmp_path):
    for kind, numbers in (("heard", range(48)), ("unheard", range(100, 106))):
        folder = tmp_path / "work" / "clips" / kind
        folder.mkdir(parents=True)
        for number in numbers:
            torch.save(vars(clip(number)), folder / f"{number:06d}.pt")
    return tmp_path / "work"


def recipe(work, out):
    return job.Recipe(work, work, out, "whisper-tiny.en", SMALL)


def test_it_learns_where_words_are_and_which_are_said(work, tmp_path):
    assert recipe(work, tmp_path / "out").train(80)
    head, config = whisper_slots.load_head(tmp_path / "out")
    held_out = read(work / "clips" / "unheard")
    found = job.judged(head, held_out)
    assert config.whisper == "whisper-tiny.en" and config.head == SMALL
    assert found["aas_ms"] < 40 and found["said"] > 0.9  # attention alone: about 90 ms


def test_a_run_that_was_cut_ends_as_one_that_was_not(work, tmp_path):
    recipe(work, tmp_path / "whole").train(6)
    other = tmp_path / "again"
    other.mkdir()
    (other / "clips").symlink_to(work / "clips")
    assert not recipe(other, tmp_path / "cut").train(6, minutes=0)
    assert recipe(other, tmp_path / "cut").train(6)
    whole, cut = (load_file(tmp_path / name / "head.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_without_clips_it_says_so(tmp_path):
    with pytest.raises(UserError, match="no clips"):
        recipe(tmp_path, tmp_path / "out").train(1)


def test_times_never_step_back_and_stay_in_the_recording():
    scores = torch.randn(9, 2, 2 * WINDOW).mul(4).log_softmax(-1)
    firsts = torch.tensor([-40, -30, 0, 5, 5, 5, 20, 20, 30])
    times, steady = whisper_slots.placed(scores, firsts, 100)
    flat = times.ravel()
    assert steady.shape == (9,) and (steady >= 0).all() and (steady <= 1).all()
    assert all(a <= b for a, b in pairwise(flat)) and flat[0] >= 0 and flat[-1] <= 100 * STATE_S


def test_a_file_of_other_sizes_is_refused(tmp_path):
    whisper_slots.write(SlotHead(SMALL), "whisper-tiny.en", tmp_path)
    text = (tmp_path / "config.json").read_text().replace('"hidden": 16', '"hidden": 32')
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match="sizes"):
        whisper_slots.load_head(tmp_path)


def test_sentences_are_joined_where_their_words_sound(tmp_path):
    pcm = np.zeros(16_000, np.float32)
    pcm[4000:8000] = 0.5
    sentence = Sentence(pcm, ("hm,", "-"), np.array([[0.25, 0.5], [0.5, 0.6]]), "any")
    clips = Clips([sentence], None, tmp_path)  # type: ignore[arg-type]
    for seed in range(8):
        sound, words, times = clips.sound(np.random.default_rng(seed))
        assert set(words) == {"hm"} and len(times) == len(words)
        for start, end in times:
            inside = sound[int(start * 16_000) + 2 : int(end * 16_000) - 2]
            assert np.all(inside == 0.5)
        assert np.count_nonzero(sound) == 4000 * len(words)
