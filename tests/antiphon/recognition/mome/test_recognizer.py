"""One recognizer at several rates: streaming is offline, files hold what was learnt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import toy_mome

from antiphon.errors import UserError
from antiphon.recognition import hearing_rate
from antiphon.recognition import recognizer as recognizers
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.mome import checkpoint
from antiphon.recognition.mome.model import Written
from antiphon.recognition.mome.recognizer import FRAME
from antiphon.recognition.transcript import Options


@pytest.fixture(autouse=True)
def automatic():
    yield
    hearing_rate.use("auto")


@pytest.mark.parametrize("rate", toy_mome.CONFIG.rates)
def test_streaming_is_what_the_whole_recording_gives(recognizer, speech, rate):
    options = Options(rate=rate)
    whole = recognizer.finish(recognizer.feed(speech, recognizer.start(options)))
    state, kept = recognizer.start(options), []
    for part in np.array_split(speech, 7):
        kept.append(state)
        state = recognizer.feed(part, state)
        recognizer.finish(state)  # hearing in between changes nothing
    assert recognizer.finish(state) == whole
    assert recognizer.finish(kept[0]).text == "" and recognizer.finish(kept[0]).doubt
    assert whole.duration == len(speech) and whole.language == ("en" if whole.text else None)


def test_a_coarser_rate_reads_less(recognizer, speech):
    frames = recognizer.encoder.whole(speech)
    read = [len(recognizer.model.prompted([frames], rate)[0]) for rate in (1, 2, 4)]
    around = len(recognizer.model.prompt) + 1
    assert [n - around for n in read] == [-(-len(frames) // rate) for rate in (1, 2, 4)]


def test_long_recordings_are_heard_in_parts_with_their_times(recognizer, speech):
    long = np.resize(speech, 30 * 16_000)
    heard = recognizer.finish(recognizer.feed(long, recognizer.start(Options(rate=4, words=True))))
    starts = [segment.start for segment in heard.segments]
    assert starts == sorted(starts) and all(s % FRAME == 0 for s in starts)
    assert all(segment.end <= len(long) for segment in heard.segments)
    assert len(heard.segments) > 1 and any("antiphon align" in note for note in heard.notes)


def test_a_rate_nobody_trained_is_refused_with_those_there_are(recognizer):
    listener = LongAudio(recognizer, segmenter=object(), name="toy")  # type: ignore[arg-type]
    for refuse in (recognizer.start, listener.start):
        with pytest.raises(UserError, match=r"Nobody trained toy at rate 3: choose 1, 2, 4\."):
            refuse(Options(rate=3))
    hearing_rate.use("16")
    with pytest.raises(UserError, match="at rate 16: choose 1, 2, 4"):
        recognizer.start()
    hearing_rate.use("2")
    assert recognizer.rate(recognizer.start().options) == 2
    assert recognizer.rate(Options(rate=4)) == 4


def test_under_load_it_hears_coarser(recognizer, speech, monkeypatch):
    follower = hearing_rate.RateFollower(lambda: 0.0)
    monkeypatch.setattr(hearing_rate, "FOLLOWER", follower)
    written = []
    monkeypatch.setattr(
        recognizer.model, "write", lambda frames, rate: written.append(rate) or [EMPTY]
    )
    state = recognizer.feed(speech, recognizer.start())
    recognizer.finish(state)
    for _ in range(9):
        follower.asked()
    recognizer.finish(state)
    assert written == [1, 2]


EMPTY = Written((), ())


def test_what_was_learnt_is_in_its_folder(recognizer, found, speech, tmp_path):
    folder = tmp_path / "mome"
    checkpoint.save(recognizer.model, folder, variant="mome", seed=3)
    assert not [*folder.glob("*.part")]
    facts = json.loads((folder / "config.json").read_text())
    assert (facts["model_type"], facts["kind"], facts["seed"]) == ("mome", "recognizer", 3)
    again: Any = recognizers.from_pretrained(str(folder))
    assert again.rates == (1, 2, 4)
    frames = recognizer.encoder.whole(speech)
    for rate in again.rates:
        one, other = (r.model.hear([frames], rate)[0] for r in (recognizer, again))
        torch.testing.assert_close(one, other, atol=2e-3, rtol=2e-3)
    for name, value in recognizer.model.added().items():
        torch.testing.assert_close(again.model.added()[name], value, atol=2e-3, rtol=2e-3)


def test_a_folder_that_does_not_fit_is_one_sentence(recognizer, found, tmp_path):
    folder = tmp_path / "mome"
    with pytest.raises(UserError, match=r"no config\.json"):
        checkpoint.load(folder)
    checkpoint.save(recognizer.model, folder)
    config = json.loads((folder / "config.json").read_text())
    for change, said in (
        ({"rates": [1, 2]}, "does not fit its config.json"),
        ({"rates": [2, 1]}, "not rising"),
        ({"adapter": {**config["adapter"], "place": "nowhere"}}, "place"),
    ):
        (folder / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(UserError, match=said):
            checkpoint.load(folder)
    (folder / checkpoint.FILE).unlink()
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"no .*mome\.safetensors"):
        checkpoint.load(folder)


def test_a_language_model_of_another_kind_is_refused(monkeypatch, whisper):
    class Strange:
        def get_decoder(self):
            return self

        def float(self):
            return self

    monkeypatch.setattr("antiphon.weights.path", lambda name: whisper)
    monkeypatch.setattr(checkpoint, "read_model", lambda folder: Strange())
    with pytest.raises(UserError, match="has no layers as Llama"):
        checkpoint.fresh(replace(toy_mome.CONFIG))
