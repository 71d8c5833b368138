import pytest
import torch

from antiphon.recognition.whisper.decoding import Transcript
from antiphon.recognition.whisper.doubt import doubt


def transcript(log_prob=-0.2, no_speech=0.05, language=1.0):
    nothing = torch.empty(0, 0)
    return Transcript((), nothing, nothing, torch.full((6,), log_prob), no_speech, language)


TEXT = "What is the capital of France?"


def test_words_heard_well_are_believed():
    assert doubt([transcript()], TEXT) is None


def test_a_low_probability_is_no_doubt_of_a_few_words_heard_well_enough():
    assert doubt([transcript(-0.7)], TEXT) is None


@pytest.mark.parametrize(
    ("heard", "text", "why"),
    [
        (transcript(), "", "no speech"),
        (transcript(-1.0, no_speech=0.85), "you", "no speech"),
        (transcript(-0.3), "I'm not sure if I can. " * 6, "loop"),
        (transcript(language=0.1), TEXT, "language"),
        (transcript(-1.2), "Nay, for copper do I leave your meat?", "unclear"),
    ],
)
def test_what_is_not_believed(heard, text, why):
    assert doubt([heard], text) == why


def test_a_sure_word_is_speech_whatever_the_mark_says():
    assert doubt([transcript(-0.2, no_speech=0.9)], "Go.") is None


def test_a_speaker_may_repeat_a_word():
    assert doubt([transcript()], "No, no, no, no, no.") is None


def test_a_window_of_silence_does_not_unsay_the_others():
    assert doubt([transcript(), transcript(-0.6, no_speech=0.9)], TEXT) is None
