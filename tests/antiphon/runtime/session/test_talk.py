"""`antiphon talk` and `antiphon replay`, from the terminal and out of it again."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import termios
import textwrap
import time
from contextlib import suppress

import numpy as np
import pytest
import soundfile
from fake_conversation import FakeAnalyzer, FakeResponder
from typer.testing import CliRunner

from antiphon import audio_file
from antiphon.cli import main
from antiphon.cli.commands import talk
from antiphon.cli.view import Lines, Screen, meter, sentence
from antiphon.runtime import events
from antiphon.runtime.audio.file_device import SoundFiles
from antiphon.runtime.recordings import replay
from antiphon.runtime.session import conversation


@pytest.fixture
def faked(monkeypatch):
    """`talk` with a responder that hums, at full speed."""
    responders = []

    def load(**choices):
        responders.append(FakeResponder())
        return responders[-1]

    def files(source, target, rate, *, tail, speed):
        return SoundFiles(source, target, rate, tail=2.0, speed=8.0)

    monkeypatch.setattr(talk, "load", load)
    monkeypatch.setattr("antiphon.runtime.audio.file_device.SoundFiles", files)
    monkeypatch.setattr(conversation, "FrameAnalyzer", lambda options, canceller: FakeAnalyzer())
    return responders


@pytest.fixture
def question(tmp_path):
    pcm = np.concatenate([np.zeros(8000), np.full(16_000, 0.5), np.zeros(16_000)])
    audio_file.write(tmp_path / "in.wav", pcm.astype(np.float32), 16_000)
    return tmp_path / "in.wav"


def run(*args):
    return CliRunner().invoke(main.app, [str(arg) for arg in args])


def test_a_file_is_answered_into_a_file_and_replayed(faked, question, tmp_path):
    out, folder = tmp_path / "out.wav", tmp_path / "recording"
    told = run("talk", "--file", question, out, "--record", folder)
    assert told.exit_code == 0, told.output
    assert "You: heard 50 frames" in told.stdout and "Antiphon: r1w0 r1w1" in told.stdout
    spoken, rate = soundfile.read(out)
    assert rate == 22_050 and np.abs(spoken).max() > 0.1
    assert np.abs(spoken[: 22_050 * 3 // 2]).max() == 0  # nothing before the question is over
    again = replay.replay(folder, analyzer=FakeAnalyzer())
    assert again.differs_at is None


def test_replay_tells_one_object_and_its_exit_code(faked, question, tmp_path, monkeypatch):
    folder = tmp_path / "recording"
    run("talk", "--file", question, tmp_path / "out.wav", "--record", folder)
    told = run("replay", folder, "--json")
    report = json.loads(told.stdout)
    assert told.exit_code == 0 and report["same"] and report["differs_at"] is None
    sound, rate = soundfile.read(folder / "output.wav", dtype="int16")
    sound[-22_050 * 2] += 100
    soundfile.write(folder / "output.wav", sound, rate)
    told = run("replay", folder)
    assert told.exit_code == 1 and "Differs from second" in told.stdout


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (["--patience", "99"], "Patience"),
        (["--file", "missing.wav", "out.wav"], "missing.wav"),
        (["--file", "IN", "out.xyz"], "out.xyz"),
        (["--file", "IN", "out.wav", "--input", "usb"], "not both"),
        (["--file", "IN", "out.wav", "--record", "."], "not empty"),
    ],
)
def test_bad_options_are_one_sentence(faked, question, options, about, monkeypatch):
    monkeypatch.chdir(question.parent)
    told = run("talk", *(question if option == "IN" else option for option in options))
    assert told.exit_code == 2
    assert about in told.stderr and "Traceback" not in told.stderr


def test_keys(drive):
    driver = drive()
    talk.press(driver.conversation, "m")
    assert driver.conversation.muted
    talk.press(driver.conversation, "m")
    talk.press(driver.conversation, " ")
    assert driver.conversation.pressed and driver.conversation.state == "listening"
    talk.press(driver.conversation, " ")
    talk.press(driver.conversation, "s")
    assert driver.conversation.state == "idle"
    with pytest.raises(talk.Quit):
        talk.press(driver.conversation, "q")


def test_the_screen_shows_state_level_words_and_latency(drive):
    from rich.console import Console

    driver = drive()
    screen = Screen(driver.conversation, "You can interrupt it.")
    driver.ask(20).run(12)
    for event in driver.events:
        screen.event(event)
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(screen.picture())
    shown = console.export_text()
    assert "speaking" in shown and "You: heard 20 frames" in shown
    assert "Antiphon: r1w0 r1w1" in shown and "Answered after 280 ms" in shown
    assert "m mute" in shown and "You can interrupt it." in shown


def test_every_failure_has_a_sentence(capsys):
    lines = Lines()
    lines.event(events.Failed(16_000, "reply", "ValueError: no idea"))
    lines.event(events.DeviceLost(32_000, "input", "usb mic", "unplugged."))
    shown = capsys.readouterr().out
    assert "0:01.0" in shown and "goes on" in shown and "usb mic is gone (unplugged)" in shown
    assert sentence(events.Paused(0)) == ""


def test_the_meter_goes_from_nothing_to_full():
    assert "█" not in meter(-100) and "·" not in meter(0)
    assert meter(-20).count("█") > meter(-40).count("█")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "q"])
def test_whatever_ends_it_the_terminal_is_as_before_and_the_recording_complete(tmp_path, how):
    program = f"""
        import sys
        import numpy as np
        sys.path[:0] = {sys.path!r}
        import fake_conversation as parts
        from antiphon.cli import main
        from antiphon.cli.commands import talk
        from antiphon.runtime.session import conversation
        from antiphon.runtime.audio.simulated_device import Simulated
        talk.load = lambda **choices: parts.FakeResponder()
        talk.opened = lambda *args: Simulated(np.zeros(16000 * 60, np.float32), 22050, speed=1.0)
        conversation.FrameAnalyzer = lambda options, canceller: parts.FakeAnalyzer()
        sys.argv = ["antiphon", "talk", "--mode", "half", "--record", {str(tmp_path / "rec")!r}]
        main.run()
    """
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm"},
    )
    shown = b""
    for _ in range(1000):
        shown += os.read(ours, 4096)
        if shown.count(b"idle") >= 3:
            break
    assert termios.tcgetattr(theirs)[3] & termios.ICANON == 0  # keys come one by one
    if how == "q":
        os.write(ours, b"q")
    else:
        process.send_signal(how)
    os.set_blocking(ours, False)
    for _ in range(6000):
        over = process.poll() is not None
        with suppress(BlockingIOError):
            shown += os.read(ours, 65536)
        if over:
            break
        time.sleep(0.01)
    assert process.returncode == (0 if how == "q" else 130)
    assert termios.tcgetattr(theirs) == before
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")  # the cursor is back
    assert b"Traceback" not in shown
    out, microphone = (soundfile.info(tmp_path / "rec" / f"{n}.wav") for n in ("output", "input"))
    assert out.frames * 320 == microphone.frames * 441 > 0
    os.close(ours)
    os.close(theirs)
