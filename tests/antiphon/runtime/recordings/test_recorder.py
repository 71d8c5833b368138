"""Recordings: complete however they end, and played through again to the same samples."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile
from fake_conversation import FakeAnalyzer

from antiphon.errors import UserError
from antiphon.runtime import events
from antiphon.runtime.events import from_json
from antiphon.runtime.frames import FRAME
from antiphon.runtime.options import Options
from antiphon.runtime.recordings.recorder import FileRecorder
from antiphon.runtime.recordings.replay import replay

SPEECH = 0.5


@pytest.fixture
def recorded(drive, tmp_path):
    """A conversation with everything in it, and its folder."""
    folder = tmp_path / "recording"
    driver = drive(recorder=FileRecorder(folder, Options(), seed=3), seed=3)
    conversation = driver.conversation
    driver.ask(20).run(20).run(16, SPEECH).run(60)
    conversation.say("the door is open")
    driver.run(30)
    conversation.mute(True)
    driver.run(10, SPEECH)
    conversation.mute(False)
    driver.run(50).ask(12).run(20)
    conversation.notice(events.DeviceLost(0, "output", "speaker", "unplugged"))
    driver.run(40)
    conversation.notice(events.DeviceBack(0, "output", "speaker"))
    driver.run(200).run(7)
    conversation.close()
    return driver, folder


def test_both_channels_are_complete_and_on_one_clock(recorded):
    driver, folder = recorded
    out, rate = soundfile.read(folder / "output.wav", dtype="float32")
    microphone, mic_rate = soundfile.read(folder / "input.wav", dtype="float32")
    assert (rate, mic_rate) == (22_050, 16_000)
    np.testing.assert_array_equal(out, driver.sound)
    assert len(microphone) == len(driver.out) * FRAME


def test_what_is_said_while_muted_is_not_recorded(recorded):
    driver, folder = recorded
    muted = [e.at for e in driver.of(events.Muted)]
    microphone, _ = soundfile.read(folder / "input.wav")
    assert microphone.any() and not microphone[muted[0] : muted[1]].any()


def test_events_are_on_disk_as_they_happened(recorded):
    driver, folder = recorded
    lines = (folder / "events.jsonl").read_text().splitlines()
    assert [from_json(json.loads(line)) for line in lines] == driver.events


def test_a_replay_is_the_same_to_the_last_bit(recorded, tmp_path):
    driver, folder = recorded
    seen = []
    out = tmp_path / "again.wav"
    told = replay(folder, out=out, watch=seen.append, analyzer=FakeAnalyzer())
    assert told.differs_at is None and told.frames == len(driver.out)
    assert out.read_bytes() == (folder / "output.wav").read_bytes()
    assert seen == driver.events


def test_a_replay_says_where_it_differs(recorded):
    driver, folder = recorded
    lines = (folder / "timeline.jsonl").read_text().splitlines()
    kept = [line for line in lines if '"the door is open"' not in line]
    first = next(i for i, line in enumerate(kept) if '"Speech"' in line)
    (folder / "timeline.jsonl").write_text("\n".join(kept[:first] + kept[first + 1 :]))
    told = replay(folder, analyzer=FakeAnalyzer())
    began = driver.of(events.ReplyStarted)[0].at / 16_000
    assert told.differs_at == pytest.approx(began, abs=0.05)


def test_an_exception_leaves_a_complete_recording(drive, tmp_path):
    class Broken(FakeAnalyzer):
        def step(self, mic, reference, **rest):
            if mic.max() > 0.9:
                raise RuntimeError("broken")
            return super().step(mic, reference, **rest)

    folder = tmp_path / "recording"
    driver = drive(recorder=FileRecorder(folder, Options()), analyzer=Broken())
    try:
        with pytest.raises(RuntimeError):
            driver.ask(20).run(33).run(1, 1.0)
    finally:
        driver.conversation.close()
    assert soundfile.info(folder / "output.wav").frames == len(driver.out) * 441


def test_a_killed_process_loses_less_than_a_second(tmp_path):
    program = f"""
        import os, sys
        import numpy as np
        from pathlib import Path
        from antiphon.runtime.options import Options
        from antiphon.runtime.recordings.recorder import FileRecorder
        tape = FileRecorder(Path({str(tmp_path / "recording")!r}), Options())
        for i in range(333):
            tape.frame(np.full(320, 0.25, np.float32), np.full(441, 0.25, np.float32))
        print("ready", flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    sound, _ = soundfile.read(tmp_path / "recording" / "output.wav")
    assert (sound == 0.25).all() and len(sound) > (333 - 50) * 441


def test_a_full_disk_ends_the_recording_and_not_the_conversation(drive, tmp_path):
    recorder = FileRecorder(tmp_path / "recording", Options())
    driver = drive(recorder=recorder).run(5)

    def full(pcm):
        raise OSError(28, "No space left on device")

    recorder._output.write = full
    driver.ask(30).run(200)
    told = [event for event in driver.of(events.Failed) if event.stage == "recording"]
    assert len(told) == 1 and "No space left" in told[0].error
    assert driver.texts()[-1][1].endswith("r1w5")


def test_nothing_is_recorded_over(tmp_path):
    (tmp_path / "something").write_text("precious")
    with pytest.raises(UserError, match="not empty"):
        FileRecorder(tmp_path, Options())


def test_a_folder_without_a_recording_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no recording"):
        replay(tmp_path)
