"""Devices that refuse, starve, break and vanish, over a PortAudio that does as it is told."""

from __future__ import annotations

import numpy as np
import pytest
from fake_portaudio import FakePortAudio, Gear

from antiphon.errors import UserError
from antiphon.runtime.audio.device_supervisor import SoundCards
from antiphon.runtime.events import DeviceBack, DeviceLost
from antiphon.runtime.frames import FRAME, RATE

CODEC = 22_050
SILENCE = np.zeros(441, np.float32)
TONE = np.full(441, 0.5, np.float32)


def machine():
    return FakePortAudio(
        Gear("HDA Intel PCH: ALC257 (hw:0,0)", 2, 2), Gear("Robot microphone", 1),
        Gear("Robot speaker", 0, 2), Gear("robot head", 1, 1, 16_000),
    )  # fmt: skip


class Laptop:
    """A conversation of one frame after another."""

    def __init__(self, world, **options):
        self.world, self.events, self.frames, self.heard = world, [], [], []
        self.work = []
        self.cards = SoundCards(
            CODEC, self.events.append, portaudio=world, clock=world,
            background=self.work.append, **options,
        )  # fmt: skip

    def talk(self, count, out=SILENCE):
        """Goes on for so many frames; the search for devices runs after each."""
        if not hasattr(self, "source"):
            self.source = iter(self.cards)
        for _ in range(count):
            self.frames.append(next(self.source))
            self.cards.play(out)
            self.heard.append(self.cards.heard)
            while self.work:
                self.work.pop()()


def loud(frames):
    return float(np.abs(np.concatenate(frames)).max())


def test_the_microphone_arrives_in_frames_and_what_is_said_is_played():
    world = machine()
    laptop = Laptop(world)
    with laptop.cards:
        laptop.talk(50)
        laptop.talk(50, TONE)
        laptop.talk(20)
    sound = np.concatenate(laptop.frames)
    assert sound.shape == (120 * FRAME,) and loud(laptop.frames) == pytest.approx(0.25, abs=0.01)
    played = np.concatenate(world.gear[0].played)
    assert np.isfinite(played).all()
    assert np.count_nonzero(np.abs(played - 0.5) < 0.01) == pytest.approx(48_000, rel=0.02)
    delay = (np.arange(1, 121) * 441 - laptop.heard)[100:] / CODEC
    assert delay.min() > 0.04 and delay.max() < 0.2
    assert not laptop.events and not world.streams


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("robot mic", "Robot microphone"),
        ("ROBOT HEAD", "robot head"),
        (1, "Robot microphone"),
        ("0", "HDA Intel PCH: ALC257 (hw:0,0)"),
        (None, "HDA Intel PCH: ALC257 (hw:0,0)"),
        ("", "HDA Intel PCH: ALC257 (hw:0,0)"),
    ],
)
def test_a_device_is_chosen_by_part_of_its_name_or_number(wanted, found):
    laptop = Laptop(machine(), microphone=wanted)
    with laptop.cards:
        assert laptop.cards.names["input"] == found


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("robot", "'robot' fits several microphones: choose one of 1 Robot mic.*, 3 robot head."),
        ("violin", "There is no microphone 'violin': choose one of 0 HDA"),
        (2, "There is no microphone '2'"),
        ("-1", "There is no microphone '-1'"),
    ],
)
def test_a_device_that_is_not_there_is_one_sentence(wanted, sentence):
    with pytest.raises(UserError, match=sentence), Laptop(machine(), microphone=wanted).cards:
        pass


@pytest.mark.parametrize(
    ("gear", "sentence"),
    [
        ([], "There is no microphone: connect one"),
        ([Gear("mic", 1)], "There is no speaker: connect one"),
        ([Gear("loud", 0, 1)], "There is no microphone: connect one"),
    ],
)
def test_half_a_sound_card_is_one_sentence(gear, sentence):
    with pytest.raises(UserError, match=sentence), Laptop(FakePortAudio(*gear)).cards:
        pass


def test_a_busy_device_is_one_sentence_and_closes_the_other():
    world = machine()
    world.gear[2].busy = True
    with pytest.raises(UserError, match="'Robot speaker' does not work .it is busy"):
        Laptop(world, speaker="robot speaker").cards.__enter__()
    assert not world.streams


def test_a_device_that_never_starts_is_one_sentence():
    world = machine()
    world.gear[1].stuck = True
    with pytest.raises(UserError, match="microphone 'Robot microphone' .*does not start"):
        Laptop(world, microphone=1).cards.__enter__()
    assert not world.streams


@pytest.mark.parametrize("rates", [{44_100}, {8_000}, {96_000}])
def test_a_device_that_refuses_its_own_rate_is_asked_for_others(rates):
    world = FakePortAudio(Gear("odd", 1, 1, rate=12_345, rates=rates))
    laptop = Laptop(world)
    with laptop.cards:
        laptop.talk(20)
    assert {attempt[2] for attempt in world.attempts[-1:]} == rates
    assert loud(laptop.frames[5:]) == pytest.approx(0.25, abs=0.02)


def test_a_device_that_refuses_every_rate_is_one_sentence():
    world = FakePortAudio(Gear("odd", 1, 1, rates=set()))
    with pytest.raises(UserError, match="none of the usual sample rates"):
        Laptop(world).cards.__enter__()


def test_a_device_without_mono_is_used_in_stereo():
    world = FakePortAudio(Gear("stereo", 2, 2))
    world.gear[0].least_channels = 2
    laptop = Laptop(world)
    with laptop.cards:
        laptop.talk(30, TONE)
    unfinished, right = world.gear[0].played[-1].reshape(-1, 2).T
    assert np.array_equal(unfinished, right) and unfinished == pytest.approx(0.5, abs=0.01)
    assert loud(laptop.frames) == pytest.approx(0.25, abs=0.02)


def unplug(gear):
    gear.plugged = False


def stick(gear):
    gear.stuck = True


@pytest.mark.parametrize("harm", [unplug, stick])
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_lost_device_is_noticed_within_a_second_and_comes_back(harm, side):
    world = machine()
    laptop = Laptop(world, microphone="robot mic", speaker="robot speaker")
    gear = world.gear[1 if side == "input" else 2]
    with laptop.cards:
        laptop.talk(50)
        began = world.now()
        world.at(0.0, lambda: harm(gear))
        world.at(1.2, lambda: (setattr(gear, "plugged", True), setattr(gear, "stuck", False)))
        while not laptop.events:
            laptop.talk(1, TONE)
        assert world.now() - began < 3.0  # the search is done in between
        frozen = laptop.heard[-1]
        (lost,) = laptop.events
        assert isinstance(lost, DeviceLost) and lost.device == side and lost.name == gear.name
        assert (lost.at - 50 * FRAME) / RATE < 1.0
        laptop.talk(100, TONE)
        back = laptop.events[1]
        assert isinstance(back, DeviceBack) and back.device == side and back.name == gear.name
        assert len(laptop.events) == 2
        assert laptop.cards.names == {"input": "Robot microphone", "output": "Robot speaker"}
        assert loud(laptop.frames[-20:]) == pytest.approx(0.25, abs=0.02)
        assert laptop.heard[-1] > frozen and np.all(np.diff(laptop.heard) >= 0)
        assert 0 < len(laptop.heard) * 441 - laptop.heard[-1] < CODEC // 4
        assert np.abs(world.gear[2].played[-1]).max() == pytest.approx(0.5, abs=0.01)
    assert not world.streams


def test_while_a_device_is_gone_time_goes_on_in_silence_and_nothing_is_heard():
    world = machine()
    laptop = Laptop(world)
    searches = []
    laptop.cards._background = searches.append
    with laptop.cards:
        laptop.talk(20, TONE)
        unplug(world.gear[0])
        while not laptop.events:
            laptop.talk(1, TONE)
        frozen, began, frames = laptop.heard[-1], world.now(), len(laptop.frames)
        laptop.talk(100, TONE)
        assert world.now() - began == pytest.approx(2.0, abs=0.1)
        assert loud(laptop.frames[frames:]) == 0 and laptop.heard[-1] == frozen
        assert laptop.cards.clear() == frozen
        laptop.cards._closing.set()
        searches.pop()()


def test_the_default_takes_the_place_of_what_does_not_come_back():
    world = machine()
    laptop = Laptop(world, speaker="robot speaker")
    with laptop.cards:
        laptop.talk(20)
        unplug(world.gear[2])
        laptop.talk(150, TONE)
        assert [type(event) for event in laptop.events] == [DeviceLost, DeviceBack]
        assert laptop.events[1].name == "HDA Intel PCH: ALC257 (hw:0,0)"
        assert np.abs(world.gear[0].played[-1]).max() == pytest.approx(0.5, abs=0.01)


def test_a_callback_that_raises_is_noticed(monkeypatch):
    world = machine()
    laptop = Laptop(world)
    with laptop.cards:
        laptop.talk(20)
        monkeypatch.setattr(laptop.cards._card._capture, "put", lambda samples: 1 / 0)
        laptop.talk(100)
    lost, back = laptop.events
    assert "ZeroDivisionError" in lost.reason and isinstance(back, DeviceBack)


def test_ten_losses_cost_nothing_but_silence():
    world = machine()
    laptop = Laptop(world)
    with laptop.cards:
        for _ in range(10):
            laptop.talk(30)
            unplug(world.gear[0])
            world.at(0.1, lambda: setattr(world.gear[0], "plugged", True))
            laptop.talk(60)
    assert [type(event) for event in laptop.events] == [DeviceLost, DeviceBack] * 10
    times = [event.at for event in laptop.events]
    assert times == sorted(times) and len(laptop.frames) == 900


def test_leaving_while_a_device_is_searched_ends_the_search():
    world = machine()
    cards = SoundCards(CODEC, lambda event: None, portaudio=world, clock=world)
    with cards:
        frames = iter(cards)
        next(frames)
        for gear in world.gear:
            unplug(gear)
        for _ in range(30):
            next(frames)
    assert cards._idle.is_set() and not world.streams and list(frames) == []


def test_who_iterates_anew_counts_anew():
    """Measuring the echo first must not shift what a conversation hears."""
    world = machine()
    laptop = Laptop(world)
    with laptop.cards:
        laptop.talk(50, TONE)
        laptop.source = iter(laptop.cards)
        laptop.talk(1)
        assert laptop.heard[-1] == 0 == laptop.cards.clear()
        laptop.talk(50)
        assert 0 < 51 * 441 - laptop.heard[-1] < CODEC // 4
        unplug(world.gear[0])
        laptop.talk(40)
    assert RATE < laptop.events[0].at < 2 * RATE
