"""Speed and pitch: each changes without the other, and words stay with their sound."""

import numpy as np
import pytest

from antiphon.messages import Speech, Word
from antiphon.t2c.tempo import Tempo, at_speed

RATE = 22_050


def tone(hertz, seconds):
    at = np.arange(int(RATE * seconds)) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def hertz(pcm):
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return np.argmax(spectrum) * RATE / len(pcm)


def changed(pcm, *how):
    tempo = Tempo(RATE, *how)
    pieces = [tempo(piece) for piece in np.array_split(pcm, 7)]
    return np.concatenate([*pieces, tempo.flush()])


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.5, 2])
@pytest.mark.parametrize("pitch", [-12, -3, 0, 5, 12])
def test_speed_and_pitch_are_what_was_asked_for(speed, pitch):
    made = changed(tone(300, 3), speed, pitch)
    assert len(made) / RATE == pytest.approx(3 / speed, rel=0.03)
    assert hertz(made) == pytest.approx(300 * 2 ** (pitch / 12), rel=0.02)


def test_words_sound_where_their_sound_is():
    said = tone(300, 1)
    word = Word("two", RATE // 2, RATE)
    pieces = [
        Speech(said[: RATE // 2], RATE, 0, "one two"),
        Speech(said[RATE // 2 :], RATE, RATE // 2, "one two", words=(word,), final=True),
    ]
    made = list(at_speed(iter(pieces), 2.0, 4.0))
    assert made[1].words == (Word("two", RATE // 4, RATE // 2),)
    assert made[1].start == len(made[0].pcm)
    assert sum(len(piece.pcm) for piece in made) == pytest.approx(RATE // 2, rel=0.1)
    assert made[1].final


def test_a_voice_as_it_is_is_not_touched():
    pieces = [Speech(tone(300, 0.1), RATE, 0, "one")]
    assert list(at_speed(iter(pieces), 1.0)) == pieces
