"""A PortAudio of whose devices a test disposes, and the clock they run on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

BLOCK = 0.01
"""Seconds between two callbacks."""


class PortAudioError(Exception):
    pass


class Gear:
    """A device: what it can do, and what is wrong with it."""

    def __init__(self, name, inputs=0, outputs=0, rate=48_000, rates=None):
        self.name, self.inputs, self.outputs, self.rate = name, inputs, outputs, rate
        self.rates = rates
        self.least_channels = 1
        self.plugged = True
        self.busy = False
        self.stuck = False
        self.tone = 0.25
        self.loop = 0.0
        self.played = []


class Stream:
    def __init__(self, world, side, device, samplerate, channels, callback, finished_callback, **_):
        gear = world.listed[device]
        self.world, self.side, self.gear, self.rate = world, side, gear, samplerate
        self.channels, self.callback, self.finished = channels, callback, finished_callback
        self.latency, self.running, self.phase = 0.04, False, 0
        world.attempts.append((side, gear.name, samplerate, channels))
        if not gear.plugged:
            raise PortAudioError("Error opening stream: Device unavailable", -9985)
        if gear.busy:
            raise PortAudioError("Error opening stream: Device unavailable", -9985)
        if channels < gear.least_channels:
            raise PortAudioError("Error opening stream: Invalid number of channels", -9998)
        if gear.rates is not None and samplerate not in gear.rates:
            raise PortAudioError("Error opening stream: Invalid sample rate", -9997)

    def start(self):
        self.running = True
        self.world.streams.append(self)

    def abort(self):
        self.stop()

    def close(self):
        self.stop()

    def stop(self):
        if self.running:
            self.running = False
            self.world.streams.remove(self)

    def run(self):
        if not self.gear.plugged:
            self.stop()
            self.finished()
            return
        if self.gear.stuck:
            return
        count = int(self.rate * BLOCK)
        if self.side == "input":
            moments = (self.phase + np.arange(count)) / self.rate
            sound = np.sin(2 * np.pi * 440 * moments) * self.gear.tone
            buffer = sound.astype(np.float32).repeat(self.channels)
            if self.gear.loop and self.gear.played:
                buffer += self.gear.loop * self.gear.played[-1]
            self.phase += count
        else:
            buffer = np.full(count * self.channels, np.nan, np.float32)
        self.callback(buffer, count, SimpleNamespace(), None)
        if self.side == "output":
            self.gear.played.append(buffer)


class FakePortAudio:
    """Looks like the module `sounddevice`, as far as it is used, and like a `Clock`."""

    PortAudioError = PortAudioError

    def __init__(self, *gear):
        self.gear = list(gear)
        self.listed = list(gear)
        self.streams, self.attempts = [], []
        self.default = SimpleNamespace(device=[-1, -1])
        self.time, self.rest = 50.0, 0.0
        self.plans = []

    def at(self, seconds, action):
        """Does something so many seconds from now."""
        self.plans.append((self.time + seconds, action))

    # What sounddevice offers.
    def _terminate(self):
        for stream in list(self.streams):
            stream.stop()

    def _initialize(self):
        self.listed = [gear for gear in self.gear if gear.plugged]

    def query_devices(self):
        return [
            {
                "name": gear.name,
                "hostapi": 0,
                "max_input_channels": gear.inputs,
                "max_output_channels": gear.outputs,
                "default_samplerate": float(gear.rate),
            }
            for gear in self.listed
        ]

    def query_hostapis(self):
        def first(channels):
            return next((i for i, gear in enumerate(self.listed) if channels(gear)), -1)

        return (
            {
                "name": "ALSA",
                "default_input_device": first(lambda gear: gear.inputs),
                "default_output_device": first(lambda gear: gear.outputs),
            },
        )

    def RawInputStream(self, **options):  # noqa: N802
        return Stream(self, "input", **options)

    def RawOutputStream(self, **options):  # noqa: N802
        return Stream(self, "output", **options)

    # What a clock does.
    def now(self):
        return self.time

    def sleep(self, seconds):
        self.rest += max(seconds, 0)
        while self.rest >= BLOCK - 1e-9:
            self.rest -= BLOCK
            self._tick()

    def wait(self, signal, seconds):
        end = self.time + seconds
        while not signal.is_set() and self.time < end - 1e-9:
            self._tick()
        return signal.is_set()

    def _tick(self):
        self.time += BLOCK
        for plan in [plan for plan in self.plans if plan[0] <= self.time]:
            self.plans.remove(plan)
            plan[1]()
        for stream in list(self.streams):
            stream.run()
