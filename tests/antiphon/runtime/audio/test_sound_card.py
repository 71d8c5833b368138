"""The real way of a sound: PortAudio, ALSA and PulseAudio, whose monitor is the microphone."""

from __future__ import annotations

import contextlib
import os
import threading

import numpy as np
import pulse
import pytest

from antiphon.errors import UserError
from antiphon.runtime.audio import portaudio
from antiphon.runtime.audio.device_supervisor import SoundCards
from antiphon.runtime.audio.devices import list_devices
from antiphon.runtime.echo.measurement import measure_echo
from antiphon.runtime.events import DeviceBack, DeviceLost
from antiphon.runtime.frames import RATE

# Real time on a machine that may be busy with something else: what fails once is tried again.
pytestmark = pytest.mark.flaky(reruns=2)

CODEC = 22_050
SILENCE = np.zeros(441, np.float32)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    if why := pulse.missing():
        pytest.skip(why)
    server = pulse.Pulse(tmp_path_factory.mktemp("pulse"))
    before = {key: os.environ.get(key) for key in server.environment}
    os.environ.update(server.environment)
    try:
        yield server
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
        server.close()
        with contextlib.suppress(UserError):
            portaudio.restart(portaudio.load())  # other tests shall see the machine's own devices


@pytest.fixture
def library(daemon):
    try:
        return portaudio.load()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def plugged(daemon, library):
    """Connects the card at a rate, and lets PortAudio look."""

    def connect(rate=48_000):
        daemon.plug(rate)
        portaudio.restart(library)

    return connect


def speech(seconds):
    """Noise below 3 kHz that swells and fades; unlike itself at any other time."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(round(seconds * CODEC)))
    spectrum[int(3000 * seconds) :] = 0
    sound = np.fft.irfft(spectrum, round(seconds * CODEC))
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


class Talk:
    """Plays a sound and then silence; what was recorded meanwhile, and the positions heard."""

    def __init__(self, cards):
        self.cards, self.frames = cards, iter(cards)

    def __call__(self, sound, count):
        recorded, heard = [], []
        for index in range(count):
            recorded.append(next(self.frames))
            part = sound[index * 441 : (index + 1) * 441]
            self.cards.play(part if len(part) == 441 else SILENCE)
            heard.append(self.cards.heard)
        return np.concatenate(recorded), np.array(heard)


def aligned(recorded, sound):
    """How alike the recording is to the sound played, at the best delay, and that delay."""
    import soxr

    reference = soxr.resample(sound, CODEC, RATE)
    size = 1 << (len(recorded) + len(reference)).bit_length()
    found = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(reference, size)))
    lag = int(np.argmax(found[: len(recorded)]))
    part = recorded[lag : lag + len(reference)]
    return np.corrcoef(part, reference[: len(part)])[0, 1], lag


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_what_is_played_comes_back_intact(plugged, rate):
    plugged(rate)
    events = []
    with SoundCards(CODEC, events.append) as cards:
        talk = Talk(cards)
        talk(SILENCE, 25)
        sound = speech(1.0)
        recorded, heard = talk(sound, 100)
    likeness, lag = aligned(recorded, sound)
    assert likeness > 0.9
    assert lag / RATE < 1.0 and not events
    assert np.all(np.diff(heard) >= 0)
    pushed = 441 * 125
    assert pushed - CODEC < heard[-1] < pushed


def test_what_counts_as_heard_has_sounded(plugged):
    """A second sound is heard as late as the monitor says."""
    plugged()
    with SoundCards(CODEC, lambda event: None) as cards:
        talk = Talk(cards)
        talk(SILENCE, 50)
        sound = speech(0.5)
        recorded, heard = talk(sound, 100)
    _, lag = aligned(recorded, sound)
    begun = int(np.argmax(heard >= 50 * 441)) * 320
    assert abs(begun - lag) / RATE < 0.15


def test_clearing_silences_at_once(plugged):
    plugged()
    with SoundCards(CODEC, lambda event: None) as cards:
        talk = Talk(cards)
        talk(SILENCE, 50)
        recorded, _ = talk(speech(1.0), 25)
        end = cards.clear()
        after, heard = talk(SILENCE, 60)
    sounding = np.flatnonzero(np.abs(after) > 0.01)
    assert 50 * 441 < end <= 75 * 441 and heard[-1] >= 75 * 441
    assert np.abs(recorded).max() > 0.1
    assert not len(sounding) or sounding[-1] / RATE < 0.5


def test_the_echo_of_the_loop_is_found(plugged):
    plugged()
    with SoundCards(CODEC, lambda event: None) as cards:
        echo = measure_echo(cards, CODEC)
    assert echo.loss_db == pytest.approx(0, abs=3)
    assert echo.delay_ms and 10 < echo.delay_ms < 1000 and echo.noise_db < -60 and not echo.clipping


def test_a_card_unplugged_in_mid_sound_is_noticed_and_the_conversation_goes_on(daemon, plugged):
    plugged()
    events, sound = [], speech(1.0)
    with SoundCards(CODEC, events.append) as cards:
        talk = Talk(cards)
        talk(SILENCE, 50)
        talk(sound, 25)
        daemon.unplug()
        at = 75 * 320
        talk(sound, 50)
        (lost,) = events
        assert isinstance(lost, DeviceLost) and (lost.at - at) / RATE < 1.0

        plugging = threading.Thread(target=daemon.plug)
        plugging.start()
        for _ in range(200):
            talk(SILENCE, 5)
            if len(events) > 1:
                break
        plugging.join()
        assert isinstance(events[1], DeviceBack) and events[1].name == lost.name
        talk(SILENCE, 50)
        recorded, heard = talk(sound, 150)
    likeness, _ = aligned(recorded, sound)
    assert likeness > 0.9 and len(events) == 2 and heard[-1] > lost.at


def test_a_card_is_chosen_by_its_name(plugged, library):
    plugged()
    assert {"robot", "default"} <= {device.name for device in list_devices(library)}
    with SoundCards(CODEC, lambda event: None, speaker="Rob") as cards:
        talk = Talk(cards)
        assert cards.names == {"input": "default", "output": "robot"}
        talk(SILENCE, 10)


def test_no_card_is_one_sentence(daemon, library):
    daemon.unplug()
    portaudio.restart(library)
    with pytest.raises(UserError) as told, SoundCards(CODEC, lambda event: None):
        pass
    assert "\n" not in str(told.value) and "microphone" in str(told.value)


def test_nothing_is_printed_by_the_libraries(daemon, plugged, capfd):
    plugged()
    with SoundCards(CODEC, lambda event: None) as cards:
        talk = Talk(cards)
        talk(SILENCE, 25)
        daemon.unplug()
        talk(SILENCE, 50)
    said = capfd.readouterr()
    assert said.out == said.err == ""
