"""Measures at the start what comes back into the microphone, and what that allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.runtime.audio.devices import Duplex
from antiphon.runtime.frames import FRAME, RATE, Frame, played
from antiphon.runtime.options import Mode

Pcm = NDArray[np.float32]

QUIET, SOUNDING, RINGING = 40, 40, 65
"""Frames of silence, of the sweep, and of listening after it: 0.8, 0.8 and 1.3 s."""
LOWEST, HIGHEST = 300.0, 6000.0
"""Hz between which the sweep rises; every small loudspeaker plays that."""
SWEEP_AMPLITUDE = 0.25
"""Amplitude of the sweep (-12 dBFS), about that of speech."""
MIN_PEAK_RATIO = 10.0
"""The correlation's peak over its median that an echo takes; noise alone reaches 6."""
FULL_SCALE = 0.99
"""From here on a sample counts as clipped."""
DECAY_SAMPLES = RATE * 3 // 10
"""Samples a room rings on: what belongs to the echo."""

HARMLESS_LOSS_DB = 30.0
"""Echo return loss in dB at which the echo is quieter than people."""
CANCELLABLE_LOSS_DB = -6.0
"""Echo return loss in dB down to which a canceller takes the echo out."""
MAX_DELAY_MS = 1000.0
"""Milliseconds of delay the canceller can follow."""
MAX_NOISE_DB = -25.0
"""Noise in dBFS in which no end of speech can be found."""


@dataclass(frozen=True)
class Echo:
    """What a sweep, played and recorded, says of loudspeaker, room and microphone."""

    delay_ms: float | None
    """From handing a frame to the speaker until it is back; None if nothing came back."""
    loss_db: float | None
    """Echo return loss: how much quieter it came back than it was played."""
    noise_db: float
    """Level of the microphone in silence, in dBFS; -inf if it gives nothing but zeros."""
    level_db: float
    """Level of the microphone during the sweep, in dBFS."""
    clipping: bool
    """The microphone was overloaded."""

    def report(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def measure_echo(duplex: Duplex, rate: int) -> Echo:
    """Plays a sweep of 0.8 s and listens for it; takes 3 s.

    Args:
        duplex: Microphone and speaker, open.
        rate: Samples a second it plays.

    Raises:
        UserError: The microphone stopped before the end.
    """
    silence = np.zeros(played(rate), np.float32)
    sound = sweep(rate).reshape(SOUNDING, -1)
    frames = QUIET + SOUNDING + RINGING
    recorded: list[Frame] = []
    for mic in islice(duplex, frames):
        at = len(recorded) - QUIET
        recorded.append(mic)
        duplex.play(sound[at] if 0 <= at < SOUNDING else silence)
    if len(recorded) < frames:
        raise UserError("The microphone stopped while the echo was measured: try again.")
    return analyse(np.concatenate(recorded))


def sweep(rate: int) -> Pcm:
    """[0.8 s] a tone rising evenly, so that all pitches are equally loud, with soft edges."""
    moments = np.arange(SOUNDING * played(rate)) / rate
    length = SOUNDING * FRAME / RATE
    phase = 2 * np.pi * moments * (LOWEST + (HIGHEST - LOWEST) * moments / (2 * length))
    edge = np.clip(np.minimum(moments, length - moments) / 0.02, 0, 1)
    tone: Pcm = (SWEEP_AMPLITUDE * np.sin(phase) * np.sin(np.pi / 2 * edge) ** 2).astype(np.float32)
    return tone


def analyse(recorded: Pcm) -> Echo:
    """Finds the sweep in what the microphone recorded.

    Args:
        recorded: [N] at 16 kHz: silence, then from the moment the sweep was played.
    """
    quiet, mic = recorded[FRAME * QUIET // 2 : FRAME * QUIET], recorded[FRAME * QUIET :]
    reference = sweep(RATE)
    lags = len(mic) - len(reference)
    size = 1 << (len(mic) + len(reference)).bit_length()
    spectrum = np.fft.rfft(mic, size) * np.conj(np.fft.rfft(reference, size))
    correlation = np.abs(np.fft.irfft(spectrum, size)[:lags])
    lag = int(correlation.argmax())
    found = correlation[lag] > MIN_PEAK_RATIO * np.median(correlation) and correlation[lag] > 1e-6
    heard = mic[lag : lag + len(reference) + DECAY_SAMPLES] if found else mic
    noise = _power(quiet)
    loss = None
    if found:
        energy = max(_power(heard) - noise, 1e-12) * len(heard)
        loss = _decibels(_power(reference) * len(reference)) - _decibels(energy)
    return Echo(
        delay_ms=lag * 1000 / RATE if found else None,
        loss_db=loss,
        noise_db=_decibels(noise),
        level_db=_decibels(_power(mic)),
        clipping=bool(np.count_nonzero(np.abs(mic) >= FULL_SCALE) > len(mic) // 1000),
    )


def best_mode(echo: Echo, canceller: bool) -> tuple[Mode, str]:
    """The best way to talk that the echo allows, and why.

    Args:
        echo: What was measured.
        canceller: Whether AEC3 is installed.

    Returns:
        Full duplex, half duplex or push-to-talk, and one sentence.
    """
    return next(_steps(echo, canceller))


def _steps(echo: Echo, canceller: bool) -> Iterator[tuple[Mode, str]]:
    loss, delay = echo.loss_db, echo.delay_ms
    if echo.level_db == -np.inf:
        yield "ptt", "The microphone gives nothing at all: it is muted, or the wrong one."
    if echo.noise_db > MAX_NOISE_DB:
        yield "ptt", f"It is too noisy here ({echo.noise_db:.0f} dBFS) to hear when you stop."
    if loss is None or delay is None:
        yield "full", "Nothing comes back into the microphone, as with headphones."
        return
    if loss >= HARMLESS_LOSS_DB:
        yield "full", f"The echo is {loss:.0f} dB down and does not matter."
    if echo.clipping:
        yield "half", "The loudspeaker overloads the microphone: turn it down."
    if not canceller:
        yield "half", "There is an echo and no canceller: run `pip install 'antiphon[aec]'`."
    if delay > MAX_DELAY_MS:
        yield "half", f"The echo is {delay:.0f} ms late, more than can be cancelled."
    if loss < CANCELLABLE_LOSS_DB:
        yield "half", f"The echo comes back {-loss:.0f} dB louder than it was played."
    yield "full", f"The echo ({loss:.0f} dB down, {delay:.0f} ms late) is cancelled."


def _power(samples: Pcm) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _decibels(power: float) -> float:
    return float(10 * np.log10(power)) if power > 1e-12 else -np.inf  # less is no sound
