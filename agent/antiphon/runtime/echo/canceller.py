"""Echo: takes the agent's own voice out of the microphone, and says how much of it there was.

WebRTC's AEC3 (extra `aec`) makes the clean sound; without it, bands that the echo fills are turned
down, which is enough to detect who speaks, not to understand both at once. Either way `EchoPath`
predicts the echo from what was played, since the agent knows exactly what that was.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.errors import UserError
from antiphon.runtime.echo.echo_path import LAGS, TAPS, EchoPath, edges
from antiphon.runtime.frames import FRAME, RATE, Frame, level_db

Spectrum = NDArray[np.complexfloating[Any, Any]]
"""[321] of two frames."""

ECHO_MARGIN = 2.0
"""How far above its prediction the echo may be and still be taken for the echo."""
MIN_GAIN = 0.05
"""Gain of a band that the echo fills, where there is no AEC3."""
ECHO_TAIL_FRAMES = LAGS + TAPS
"""Frames after the last played sound in which its echo may still be heard."""


@dataclass(frozen=True)
class EchoFrame:
    """A frame of the microphone without the agent."""

    clean: Frame
    """[320] what others said."""
    own: float
    """Share in [0, 1] of the microphone's sound that what was played explains."""
    level_db: float
    """Level in dBFS of the rest, which AEC3's suppression does not touch."""
    removed: bool = False
    """Whether AEC3 took the echo out of `clean`, so that speech in it is the user's."""


def has_aec3() -> bool:
    """Whether the extra `aec` is installed."""
    return find_spec("livekit") is not None and find_spec("livekit.rtc") is not None


class EchoCanceller:
    """Echo cancellation of one microphone and loudspeaker.

    While nothing was played for a while it hands the microphone through and costs nothing.

    Args:
        aec3: use WebRTC's AEC3; none uses it if it is installed.

    Raises:
        UserError: AEC3 is asked for and not installed.
    """

    def __init__(self, aec3: bool | None = None) -> None:
        if aec3 and not has_aec3():
            raise UserError("AEC3 is not installed: pip install 'antiphon[aec]'.")
        self.aec3 = has_aec3() if aec3 is None else aec3
        self._cancel = _Aec3() if self.aec3 else None
        self.path = EchoPath()
        self._mic, self._reference = np.zeros((2, 2 * FRAME), np.float32)
        self._overlap = np.zeros(FRAME, np.float32)
        self._quiet = ECHO_TAIL_FRAMES

    def step(self, mic: Frame, reference: Frame) -> EchoFrame:
        """Takes a frame [320] of the microphone, and what was played meanwhile [320] at 16 kHz."""
        self._quiet = 0 if reference.any() else self._quiet + 1
        self._mic = np.concatenate([self._mic[FRAME:], mic])
        self._reference = np.concatenate([self._reference[FRAME:], reference])
        if self._quiet > ECHO_TAIL_FRAMES:
            self._overlap[:] = 0
            return EchoFrame(mic, 0.0, level_db(mic))
        spectrum = np.fft.rfft(self._mic * _WINDOW)
        heard = _powers(spectrum)
        echo = self.path.step(heard, _powers(np.fft.rfft(self._reference * _WINDOW)))
        explained = np.minimum(ECHO_MARGIN * echo / (heard + 1e-20), 1)
        own = float(explained @ np.sqrt(heard) / (np.sqrt(heard).sum() + 1e-20))
        if self._cancel:
            clean = self._cancel(mic, reference)
        else:
            clean = self._suppress(spectrum, explained)
        rest = level_db(mic) + 10 * np.log10(max(1 - own, 1e-3))
        return EchoFrame(clean, own, float(rest), self.aec3)

    def _suppress(self, spectrum: Spectrum, explained: NDArray[np.float64]) -> Frame:
        """Turns down the bands of the echo; 20 ms late."""
        gains = np.maximum(np.sqrt(1 - explained), MIN_GAIN)
        shaped = np.fft.irfft(spectrum * np.interp(_BINS, _CENTRES, gains)) * _WINDOW
        out = (shaped[:FRAME] + self._overlap).astype(np.float32)
        self._overlap = shaped[FRAME:].astype(np.float32)
        return out


_WINDOW = np.sqrt(np.hanning(2 * FRAME + 1)[:-1]).astype(np.float32)
_EDGES = edges(FRAME + 1)
_BINS = np.arange(FRAME + 1)
_CENTRES = (_EDGES[:-1] + _EDGES[1:] - 1) / 2


def _powers(spectrum: Spectrum) -> NDArray[np.float64]:
    """[BANDS] mean power of a spectrum [321] in dBFS-like units."""
    power = (spectrum.real**2 + spectrum.imag**2) / FRAME**2
    sums = np.add.reduceat(power[: _EDGES[-1]], _EDGES[:-1])
    return np.asarray(sums / np.diff(_EDGES), np.float64)


class _Aec3:
    """WebRTC's AEC3, ten milliseconds at a time."""

    def __init__(self) -> None:
        from livekit import rtc

        self._frame: Any = rtc.AudioFrame
        self._module: Any = rtc.AudioProcessingModule(echo_cancellation=True)

    def __call__(self, mic: Frame, reference: Frame) -> Frame:
        halves = []
        for half in (slice(0, FRAME // 2), slice(FRAME // 2, FRAME)):
            self._module.process_reverse_stream(self._pack(reference[half]))
            packed = self._pack(mic[half])
            self._module.process_stream(packed)
            halves.append(np.frombuffer(packed.data, np.int16))
        return np.concatenate(halves).astype(np.float32) / np.float32(32768)

    def _pack(self, pcm: Frame) -> Any:
        data = (np.clip(pcm, -1, 1) * 32767).astype(np.int16).tobytes()
        return self._frame(data, RATE, 1, len(pcm))
