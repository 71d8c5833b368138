"""Shards depend on seed and number alone, hold states with their text, and are never half."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from antiphon.training.corpora.hearing import recognition
from antiphon.training.corpora.hearing.recognition import RecognitionCorpus, build, read
from antiphon.training.corpora.hearing.synthetic_voices import Voice

RATE = 16_000


@pytest.fixture
def data(tmp_path):
    """A data folder with four recordings and a few texts."""
    folder = tmp_path / "data" / "speech" / "kathleen"
    folder.mkdir(parents=True)
    rows = []
    for i in range(4):
        soundfile.write(folder / f"{i}.wav", 0.1 * np.random.default_rng(i).normal(size=RATE), RATE)
        split = "train" if i < 3 else "dev"
        rows.append({"audio": f"{i}.wav", "text": f"text {i}", "split": split, "seconds": 1.0})
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    texts = tmp_path / "data" / "text"
    for name, row in {
        "qa/webquestions_train": {"question": "Who is that?", "answers": ["x"]},
        "qa/webquestions_val": {"question": "Who was he in 1984?", "answers": ["x"]},
        "qa/opentriviaqa": {"question": "What is this thing?", "answers": ["x"]},
        "dialogue/self_dialogue": {"turns": ["I like that film a lot."]},
        "dialogue/sgd_train": {"turns": [["user", "Book a table please."]]},
        "dialogue/chatterbot_en": {"turns": ["How are you doing today?"]},
        "intent/clinc150": {"text": "what is the weather"},
        "intent/snips": {"text": "play some music"},
    }.items():
        path = texts / f"{name}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") as file:
            file.write(json.dumps(row) + "\n")
    return tmp_path / "data"


@pytest.fixture
def corpus(data, monkeypatch):
    monkeypatch.setattr(recognition, "SHARD", 4)
    voice = Voice("toy", lambda text: np.full(len(text) * 400, 0.1, np.float32))
    return RecognitionCorpus(data, 5, 2, voices=[voice])


def test_training_clips_are_there_so_many_times_and_held_out_ones_never(corpus):
    assert corpus.shards == 3
    texts = [text for number in range(3) for _, text in corpus.clips(number, 0)]
    assert sorted(t for t in texts if t.startswith("text")) == sorted(
        2 * ["text 0", "text 1", "text 2"]
    )
    assert len(texts) == 11 and not any("1984" in text for text in texts)


def test_fewer_clips_are_the_first_of_all(corpus):
    first = [text for _, text in corpus.clips(0, 0)]
    corpus.limit = 4
    assert corpus.shards == 1 and [text for _, text in corpus.clips(0, 0)] == first


def test_a_run_that_was_cut_makes_what_a_whole_one_makes(corpus, listener, tmp_path):
    encoder = listener.encoder
    assert build(corpus, encoder, tmp_path / "whole", minutes=9, seed=1)
    assert not build(corpus, encoder, tmp_path / "cut", minutes=-1, seed=1)
    recognition.write(tmp_path / "cut" / "00001.pt", corpus.clips(1, 1), encoder)
    assert build(corpus, encoder, tmp_path / "cut", minutes=9, seed=1)
    whole, cut = read(tmp_path / "whole"), read(tmp_path / "cut")
    assert [clip.text for clip in whole] == [clip.text for clip in cut]
    assert all(torch.equal(a.frames, b.frames) for a, b in zip(whole, cut, strict=True))
    assert whole[0].frames.dtype == torch.float16 and whole[0].frames.shape[1] == 16


def test_held_out_clips_are_made_once_beside_the_corpus(data, listener, tmp_path, monkeypatch):
    monkeypatch.setattr(recognition, "DEV", ("kathleen",))
    monkeypatch.setattr(recognition, "training_voices", lambda limit: [])
    sizes: dict[str, Any] = {"synthetic": 0, "versions": 1, "limit": None, "minutes": 9, "seed": 1}
    assert recognition.make(data, tmp_path / "work", listener, **sizes)
    made = [clip.text for clip in read(tmp_path / "work" / recognition.CORPUS)]
    assert sorted(made) == ["text 0", "text 1", "text 2"]
    (held_out,) = recognition.read_dev(tmp_path / "work")
    assert held_out.text == "text 3" and held_out.frames.shape[1] == 16
    monkeypatch.setattr(recognition, "dev_clips", lambda data: [])
    assert recognition.make(data, tmp_path / "work", listener, **sizes)
    assert len(recognition.read_dev(tmp_path / "work")) == 1


def test_too_long_clips_are_left_out(corpus, monkeypatch):
    monkeypatch.setattr(recognition, "LONGEST", RATE // 2)
    assert all(len(pcm) <= RATE // 2 for pcm, _ in corpus.clips(0, 0))


def test_recordings_without_a_text_are_labelled_in_parts(data):
    more = data / "speech" / "librispeech_subset"
    more.mkdir()
    soundfile.write(more / "a.wav", np.full(RATE, 0.1), RATE)
    (more / "manifest.jsonl").write_text('{"audio": "a.wav", "split": "train", "seconds": 1.0}')
    voice = Voice("toy", lambda text: np.full(len(text) * 400, 0.1, np.float32))
    heard = RecognitionCorpus(data, 0, voices=[voice], label=lambda pcm: f"heard {len(pcm)}")
    known = RecognitionCorpus(data, 0, voices=[voice])
    found = [text for _, text in heard.clips(0, 0)]
    assert len(heard.people) == len(known.people) + 1
    assert f"heard {RATE}" in found
    assert sorted(t for t in found if t.startswith("text")) == ["text 0", "text 1", "text 2"]
    silent = RecognitionCorpus(data, 0, voices=[voice], label=lambda pcm: "")
    assert len(list(silent.clips(0, 0))) == 3  # an unsure label is none


def test_a_long_recording_is_cut_where_it_is_quietest():
    pcm = np.full(18 * RATE, 0.5, np.float32)
    pcm[7 * RATE : 8 * RATE] = 0.0
    found = recognition.parts(pcm)
    assert len(found) == 2 and np.array_equal(np.concatenate(found), pcm)
    assert 7 * RATE <= len(found[0]) <= 8 * RATE
    assert all(len(part) <= recognition.LONGEST for part in found)


def test_words_come_from_people_and_from_what_agents_are_asked(data):
    found = recognition.texts(data)
    assert found.count("text 0") == recognition.OFTEN and "Who is that?" in found
