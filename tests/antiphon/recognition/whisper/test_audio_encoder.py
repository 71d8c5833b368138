import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.features import normalize


def test_equals_transformers_on_a_full_window(listener, hub_whisper):
    mel = torch.randn(3000, 80)
    with torch.no_grad():
        theirs = hub_whisper.encoder(normalize(mel).T[None]).last_hidden_state[0]
    torch.testing.assert_close(listener.encoder.window(mel), theirs, atol=1e-4, rtol=1e-4)


def test_pieces_equal_the_whole(listener, speech):
    encoder = listener.encoder

    @settings(max_examples=10, deadline=None)
    @given(st.lists(st.integers(0, len(speech)), max_size=5))
    def check(cuts):
        state = encoder.start()
        for piece in np.split(speech, sorted(cuts)):
            state = encoder.feed(piece, state)
        torch.testing.assert_close(
            encoder.states(state), encoder.encode(speech), atol=1e-4, rtol=1e-4
        )

    check()


def test_padding_is_not_seen(listener):
    encoder = listener.encoder
    mels = [torch.randn(50, 80), torch.randn(21, 80)]
    lengths = torch.tensor([50, 21])
    with torch.no_grad():
        batch = encoder(torch.nn.utils.rnn.pad_sequence(mels, batch_first=True), lengths)
        for row, mel in zip(batch, mels, strict=True):
            alone = encoder(mel[None])[0]
            torch.testing.assert_close(row[: len(alone)], alone, atol=1e-4, rtol=1e-4)


def test_a_long_recording_is_heard_in_windows_cut_where_it_is_quiet(listener):
    rng = np.random.default_rng(0)
    pcm = rng.standard_normal(36 * 16_000).astype(np.float32)
    pcm[27 * 16_000 : int(27.5 * 16_000)] *= 1e-4
    windows = listener.encoder.encode(pcm)
    assert len(windows) == 2
    assert 27.0 <= len(windows[0]) / 50 <= 27.5
    assert abs(sum(map(len, windows)) - 36 * 50) <= 1


def test_nothing_heard_is_no_states(listener):
    (only,) = listener.encoder.encode(np.zeros(0, np.float32))
    assert only.shape == (0, 16)


@pytest.fixture
def in_silence(whisper):
    return AudioEncoder.load(whisper, in_silence=True)


def test_short_audio_is_heard_nearly_as_in_a_whole_window_of_silence(listener, in_silence, whisper):
    mel = torch.randn(150, 80) - 6.5  # not so loud that Whisper's floor lies above silence
    alone = AudioEncoder.load(whisper)
    whole = alone.window(torch.cat([mel, torch.full((2850, 80), -10.0)]))[:75]
    assert (in_silence.window(mel) - whole).norm() < 0.5 * (alone.window(mel) - whole).norm()


def test_the_silence_behind_a_window_gives_no_states(in_silence):
    assert in_silence.window(torch.randn(149, 80)).shape == (75, 16)
    full = torch.randn(3000, 80)
    assert in_silence.window(full).shape == (1500, 16)


def test_a_full_window_has_no_silence_behind_it(in_silence, whisper):
    mel = torch.randn(3000, 80)
    torch.testing.assert_close(
        in_silence.window(mel), AudioEncoder.load(whisper).window(mel), atol=1e-4, rtol=1e-4
    )


def test_a_batch_is_heard_in_silence_as_one_by_one(in_silence):
    mels = [torch.randn(50, 80), torch.randn(21, 80)]
    with torch.no_grad():
        batch = in_silence(
            torch.nn.utils.rnn.pad_sequence(mels, batch_first=True), torch.tensor([50, 21])
        )
        for row, mel in zip(batch, mels, strict=True):
            alone = in_silence(mel[None])[0]
            torch.testing.assert_close(row[: len(alone)], alone, atol=1e-4, rtol=1e-4)
