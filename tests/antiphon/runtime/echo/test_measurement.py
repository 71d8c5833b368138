"""What is measured of an echo is what was put into the room."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.errors import UserError
from antiphon.runtime.audio.simulated_device import Fault, Simulated
from antiphon.runtime.echo.measurement import Echo, best_mode, measure_echo
from antiphon.runtime.frames import FRAME

CODEC = 22_050
NOTHING = Echo(None, None, -60.0, -60.0, False)


class Room:
    """Delays what is played by whole samples, turns it down, lets it ring."""

    def __init__(self, delay, gain, rings=0.0):
        rng = np.random.default_rng(1)
        self.response = np.zeros(delay + 1 + int(rings * 16_000), np.float32)
        self.response[delay] = gain
        tail = len(self.response) - delay - 1
        decay = np.exp(-6 * np.arange(tail) / max(tail, 1))
        self.response[delay + 1 :] = 0.05 * gain * decay * rng.standard_normal(tail)
        self.past = np.zeros(len(self.response) - 1, np.float32)

    def __call__(self, frame):
        known = np.concatenate([self.past, frame])
        self.past = known[len(known) - len(self.past) :]
        return np.convolve(known, self.response, "valid").astype(np.float32)

    @property
    def loss(self):
        return -10 * np.log10(np.sum(np.square(self.response)))


def measure(room=None, noise=1e-4, **options):
    sound = np.random.default_rng(0).normal(0, noise, 4 * 16_000).astype(np.float32)
    return measure_echo(Simulated(sound, CODEC, echo=room, **options), CODEC)


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("rings", [0.0, 0.2])
def test_delay_and_loss_are_found(gain, rings):
    near, far = Room(100, gain, rings), Room(100 + 16 * 200, gain, rings)
    first, second = measure(near), measure(far)
    assert second.delay_ms - first.delay_ms == pytest.approx(200, abs=0.1)
    assert first.delay_ms < 150
    assert first.loss_db == pytest.approx(near.loss, abs=1.5)
    assert first.noise_db == pytest.approx(-80, abs=1) and not first.clipping


def test_the_latency_of_the_devices_is_part_of_the_delay():
    room = lambda: Room(0, 0.3)  # noqa: E731
    late, soon = measure(room(), latency_ms=240), measure(room(), latency_ms=40)
    assert late.delay_ms - soon.delay_ms == pytest.approx(200, abs=0.1)


@pytest.mark.parametrize("noise", [1e-4, 0.02])
def test_no_echo_is_found_where_there_is_none(noise):
    echo = measure(None, noise)
    assert echo.delay_ms is None and echo.loss_db is None
    assert echo.noise_db == pytest.approx(20 * np.log10(noise), abs=1)


def test_an_echo_is_found_in_noise_as_loud_as_itself():
    assert measure(Room(0, 0.1), noise=0.02).loss_db == pytest.approx(20, abs=3)


def test_a_muted_microphone_is_told_from_headphones():
    muted = measure(None, faults=[Fault("muted", 0, 10**6)])
    assert best_mode(muted, canceller=True)[0] == "ptt"
    assert best_mode(measure(None), canceller=False)[0] == "full"


def test_an_overloaded_microphone_is_noticed():
    echo = measure(lambda frame: np.clip(20 * frame, -1, 1))
    assert echo.clipping and best_mode(echo, canceller=True)[0] == "half"


@pytest.mark.parametrize(
    ("echo", "canceller", "mode"),
    [
        (NOTHING, False, "full"),
        (Echo(120.0, 40.0, -60.0, -50.0, False), False, "full"),
        (Echo(120.0, 10.0, -60.0, -22.0, False), False, "half"),
        (Echo(120.0, 10.0, -60.0, -22.0, False), True, "full"),
        (Echo(1200.0, 10.0, -60.0, -22.0, False), True, "half"),
        (Echo(120.0, -12.0, -60.0, -6.0, False), True, "half"),
        (Echo(120.0, 10.0, -20.0, -18.0, False), True, "ptt"),
    ],
)
def test_the_ladder_follows_what_was_measured(echo, canceller, mode):
    chosen, why = best_mode(echo, canceller)
    assert chosen == mode and why[0].isupper() and why.endswith(".")


def test_a_microphone_that_ends_early_is_one_sentence():
    short = Simulated(np.zeros(FRAME * 10, np.float32), CODEC)
    with pytest.raises(UserError, match="stopped while"):
        measure_echo(short, CODEC)
