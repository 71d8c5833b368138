"""Replies in frames with soft edges."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.messages import Speech
from antiphon.runtime.session.playback import Playback, Reply


def test_playback_never_plays_what_was_stopped_and_hands_out_every_sample_once():
    playback, reply = Playback(22_050), Reply(1)
    reply.add(Speech(np.full(1000, 0.5, np.float32), 22_050, 0, "a"))
    reply.complete = True
    playback.play(reply)
    out = np.concatenate([playback.next() for _ in range(4)])
    assert np.count_nonzero(out) == 1000 and reply.heard.count == 1000
    other = Reply(2)
    other.add(Speech(np.full(9000, 0.5, np.float32), 22_050, 0, "b"))
    playback.play(other)
    playback.next()
    playback.stop()
    faded = playback.next()
    assert faded[0] == pytest.approx(0.5) and abs(faded[-1]) < 1e-3
    assert (np.diff(faded) <= 0).all()
    assert not playback.next().any()


def test_a_reply_that_runs_dry_ends_and_begins_softly():
    playback, reply = Playback(22_050), Reply(1)
    reply.add(Speech(np.full(600, 0.5, np.float32), 22_050, 0, "a"))
    playback.play(reply)
    sound = [playback.next() for _ in range(3)]
    reply.add(Speech(np.full(900, 0.5, np.float32), 22_050, 600, "a"))
    reply.complete = True
    sound += [playback.next() for _ in range(3)]
    out = np.concatenate(sound)
    inner = out[: 441 * 5]
    assert np.abs(np.diff(inner[441:])).max() < 0.02 and playback.underruns == 1


def test_where_models_cannot_keep_up_replies_begin_with_a_cushion():
    playback = Playback(22_050)

    def reply(number, pieces, silence):
        """Frames of silence before a reply sounds and in it, if its pieces are late."""
        made, out = Reply(number), []
        playback.play(made)
        for i in range(pieces):
            made.add(Speech(np.full(4410, 0.5, np.float32), 22_050, i * 4410, "a"))
            made.complete = i == pieces - 1
            out += [playback.next() for _ in range(silence)]
        while not made.over:
            out.append(playback.next())
        sounds = [bool(frame.any()) for frame in out]
        return sounds.index(True), sounds[sounds.index(True) :].count(False)

    begins, gaps = zip(*(reply(i, 12, 12) for i in range(4)), strict=True)
    assert begins[0] == 0 and begins[-1] > 5 and gaps[-1] < gaps[0]
    begins, gaps = zip(*(reply(i, 12, 5) for i in range(8)), strict=True)
    assert begins[-1] == 0 and set(gaps) == {0}  # the cushion is forgotten


def test_after_a_pause_the_frame_that_was_faded_out_is_played_again():
    playback, reply = Playback(22_050), Reply(1)
    ramp = np.linspace(0.1, 0.9, 20 * 441, dtype=np.float32)
    reply.add(Speech(ramp, 22_050, 0, "a"))
    reply.complete = True
    playback.play(reply)
    whole = [playback.next() for _ in range(5)]
    playback.pause()
    faded = playback.next()
    assert faded[0] > 0 and abs(faded[-1]) < 1e-3 and not playback.next().any()
    playback.resume()
    again = playback.next()
    assert abs(again[0]) < 0.05 and again[-1] == pytest.approx(ramp[6 * 441 - 1], abs=1e-3)
    whole += [again, *(playback.next() for _ in range(14))]
    assert np.abs(np.concatenate(whole)[6 * 441 :] - ramp[6 * 441 :]).max() < 1e-6
