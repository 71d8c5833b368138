import numpy as np
import pytest

from antiphon.errors import UserError
from antiphon.runtime.echo import canceller
from antiphon.runtime.echo.canceller import ECHO_TAIL_FRAMES, EchoCanceller, has_aec3
from antiphon.runtime.echo.echo_path import BANDS, LAGS, edges
from antiphon.runtime.frames import FRAME, RATE, level_db

DELAY = 0.1
KINDS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not has_aec3(), reason="needs the extra aec")),
]


def babble(seconds: float, seed: int) -> np.ndarray:
    """Noise that comes and goes like syllables, in changing colours."""
    rng = np.random.default_rng(seed)
    pieces = []
    for _ in range(int(seconds / 0.15)):
        size = int(0.15 * RATE)
        white = rng.normal(size=size)
        width = int(rng.integers(2, 20))
        coloured = np.convolve(white, np.ones(width) / width, "same")
        pieces.append(coloured * np.hanning(size) * rng.choice([0.0, 0.3, 1.0]))
    return (0.2 * np.concatenate(pieces)).astype(np.float32)


def returned(reference: np.ndarray, gain: float = 0.3, seed: int = 1) -> np.ndarray:
    """What a small room gives back."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(0.06 * RATE)) / RATE
    response = rng.normal(size=len(time)) * np.exp(-6.9 * time / 0.06)
    response *= gain / np.sqrt((response**2).sum())
    late = np.pad(reference, (int(DELAY * RATE), 0))[: len(reference)]
    hiss = rng.normal(size=len(reference)) * 1e-4
    return (np.convolve(late, response)[: len(reference)] + hiss).astype(np.float32)


def run(canceller, mic, reference):
    pairs = zip(mic.reshape(-1, FRAME), reference.reshape(-1, FRAME), strict=True)
    return [canceller.step(m, r) for m, r in pairs]


def whole(pcm):
    return pcm[: len(pcm) // FRAME * FRAME]


@pytest.mark.parametrize("aec3", KINDS)
def test_the_agents_own_sound_is_known_and_removed(aec3):
    reference = whole(babble(8, 0))
    mic = returned(reference)
    canceller = EchoCanceller(aec3)
    after = run(canceller, mic, reference)[200:]
    loud = [f for f, m in zip(after, mic.reshape(-1, FRAME)[200:], strict=True) if m.std() > 0.01]
    assert np.median([f.own for f in loud]) > 0.9
    clean = np.concatenate([f.clean for f in after])
    assert clean.std() < 0.3 * mic[200 * FRAME :].std()
    assert canceller.path.delay == pytest.approx(DELAY * 50, abs=2)


@pytest.mark.parametrize("aec3", KINDS)
def test_others_are_not_taken_for_the_agent(aec3):
    reference = whole(babble(8, 0))
    other = whole(babble(8, 7))
    other[: 6 * RATE] = 0
    after = run(EchoCanceller(aec3), returned(reference) + other, reference)
    spoken = [f for f, o in zip(after, other.reshape(-1, FRAME), strict=True) if o.std() > 0.03]
    assert np.median([f.own for f in spoken]) < 0.6
    assert np.median([level_db(f.clean) for f in spoken]) > -45


def test_nothing_played_leaves_the_microphone_alone():
    mic = whole(babble(3, 0))
    silent = np.zeros_like(mic)
    frames = run(EchoCanceller(False), mic, silent)
    assert np.concatenate([f.clean for f in frames[ECHO_TAIL_FRAMES + 1 :]]) == pytest.approx(
        mic[(ECHO_TAIL_FRAMES + 1) * FRAME :]
    )
    assert {f.own for f in frames} == {0.0}


def test_without_aec3_a_silent_speaker_only_delays_by_a_frame():
    mic = whole(babble(1, 0))
    frames = run(EchoCanceller(False), mic, np.full_like(mic, 1e-9))
    clean = np.concatenate([f.clean for f in frames])
    assert clean[FRAME:] == pytest.approx(mic[:-FRAME], abs=1e-4)


def test_a_missing_aec3_is_named(monkeypatch):
    monkeypatch.setattr(canceller, "has_aec3", lambda: False)
    with pytest.raises(UserError, match=r"antiphon\[aec\]"):
        EchoCanceller(True)
    assert not EchoCanceller().aec3


def test_bands_follow_each_other_without_holes():
    first = edges(FRAME + 1)
    assert len(first) == BANDS + 1
    assert (np.diff(first) > 0).all()
    assert first[-1] <= FRAME


def test_a_late_echo_is_found():
    reference = whole(babble(8, 3))
    late = np.pad(reference, (FRAME * (LAGS // 2), 0))[: len(reference)] * np.float32(0.5)
    canceller = EchoCanceller(False)
    run(canceller, late, reference)
    assert canceller.path.delay == pytest.approx(LAGS // 2, abs=1)
    assert canceller.path.certainty > 0.8
