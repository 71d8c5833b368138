"""Which character is spoken at a state: rising, from the first to the last, silence apart."""

from __future__ import annotations

import pytest
import torch

from antiphon.training.corpora.hearing import spoken_characters
from antiphon.training.corpora.hearing.spoken_characters import SILENT, spoken


def test_places_rise_from_the_first_to_the_last_character(listener, speech):
    frames, text = listener.encoder.whole(speech), "who are you"
    places = spoken(listener, frames, text)
    assert len(places) == len(frames) and places.dtype == torch.int16
    heard = places[places != SILENT]
    assert len(heard) and (heard.diff() >= 0).all()
    assert 0 <= int(heard[0]) <= int(heard[-1]) < len(text)


def test_every_shard_gets_a_file_and_none_is_made_twice(listener, speech, tmp_path, monkeypatch):
    frames = listener.encoder.whole(speech)
    corpus, out = tmp_path / "corpus", tmp_path / "spoken"
    corpus.mkdir()
    for number in range(2):
        row = {"frames": frames.half(), "text": f"Clip, {number}!"}
        torch.save([row] * (number + 1), corpus / f"{number:05d}.pt")
    assert not spoken_characters.build(listener, corpus, out, minutes=0)
    assert spoken_characters.build(listener, corpus, out, minutes=1)
    found = spoken_characters.read(out)
    assert [len(each) for each in found] == 3 * [len(frames)]
    monkeypatch.setattr(spoken_characters, "spoken", None)
    assert spoken_characters.build(listener, corpus, out, minutes=1)


@pytest.mark.parametrize("text", ["", "x" * 900])
def test_texts_of_no_or_many_words_do_no_harm(listener, speech, text):
    frames = listener.encoder.whole(speech)
    assert len(spoken(listener, frames, text)) == len(frames)
