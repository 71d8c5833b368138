"""The corpus of heard speech."""

import pytest
import torch

from antiphon.training.corpora.hearing import heard_speech


@pytest.mark.parametrize(
    ("heard", "known", "text"),
    [
        ("We call it bear.", "WE CALL IT BEAR", "We call it bear."),
        ("We call it beer.", "WE CALL IT BEAR", "We call it bear"),
        ("I'm in Paris.", "I'M IN PARIS", "I'm in Paris."),
        ("Who is he?", "who is she", "Who is she"),
        (" Hello there. ", "", "Hello there."),
        ("", "I GO", "I go"),
    ],
)
def test_a_prompt_is_written_as_it_was_heard_where_the_words_agree(heard, known, text):
    assert heard_speech.written(heard, known) == text


def test_clips_are_heard_together_as_each_by_itself(listener, speech):
    clips = [speech, speech[:9000]]
    for clip, heard in zip(clips, listener.hear_batch(clips), strict=True):
        alone = listener.encoder.whole(clip)
        torch.testing.assert_close(heard.frames, alone, atol=0.1, rtol=0.1)
        assert len(heard.log_probs) == len(heard.words) == len(heard.pieces)


def test_a_corpus_that_is_there_is_taken_as_it_is(tmp_path, listener):
    folder = heard_speech.folder(tmp_path, "whisper-tiny.en")
    folder.mkdir(parents=True)
    (folder / "00000.pt").touch()
    nowhere = tmp_path / "nowhere"
    assert heard_speech.ensure(nowhere, folder, listener, hours=1, minutes=1)
    assert heard_speech.folder(tmp_path, "somewhere/whisper-base") != folder
    assert list(folder.iterdir()) == [folder / "00000.pt"]
