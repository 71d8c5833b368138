"""Which files a satellite has played, and what counts as heard of a reply."""

from __future__ import annotations

import json

import numpy as np
import pytest

ALL = " ".join(f"w{i}" for i in range(10))


def say(kitchen, words=10, **rest):
    kitchen.send("tts/say", siteId="kitchen", text=" ".join(["word"] * words), **rest)


def said(net):
    return [text for role, text in net.texts("kitchen") if role == "assistant"]


@pytest.fixture
def known(net, kitchen):
    """A satellite that has once said that it has played a file."""
    say(kitchen, 1)
    kitchen.run(100)
    assert said(net) == ["w0"]
    return kitchen


def test_the_whole_of_a_text_is_remembered_and_no_message_is_refused(net, kitchen):
    say(kitchen, id="d0")
    kitchen.run(200)
    assert said(net) == [ALL] and kitchen.seconds == pytest.approx(2.0, abs=0.05)
    assert net.server.sessions["kitchen"].malformed == kitchen.hermes.malformed == 0
    assert kitchen.told("tts/sayFinished") == [{"siteId": "kitchen", "sessionId": None, "id": "d0"}]


def test_of_a_satellite_that_never_says_what_it_played_all_counts_as_heard(net, kitchen):
    kitchen.acknowledge = lambda request: None
    say(kitchen, id="d0")
    kitchen.run(200)
    assert said(net) == [ALL] and len(kitchen.told("tts/sayFinished")) == 1
    assert net.server.sessions["kitchen"].malformed == 0


def test_a_file_that_was_lost_is_not_remembered(net, known):
    lose = iter([True, False])
    known.lost = lambda: next(lose)
    say(known)
    known.run(400)
    assert said(net)[1] == "— w5 w6 w7 w8 w9"


def test_a_satellite_that_dies_in_mid_reply_has_heard_what_it_said_it_played(net, known):
    say(known)
    known.run(130)
    known.restart()
    known.run(500)
    assert said(net)[1] == "w0 w1 w2 w3 w4—"
    assert net.state("kitchen") == "idle"


def test_what_is_said_twice_or_of_an_unknown_file_counts_for_nothing(net, known):
    say(known)
    known.run(60)
    for request in [*known.finished, "never heard of"] * 3:
        topic = "audioServer/kitchen/playFinished"
        known.send(topic, id=request, siteId="kitchen")
    known.run(5)
    known.restart()
    known.lost = lambda: True
    known.run(500)
    assert said(net)[1] == "—"
    assert len(known.finished) == len(set(known.finished))


def test_texts_are_said_one_after_the_other_and_each_end_is_told_with_its_id(net, kitchen):
    for number in range(4):
        say(kitchen, 2, id=str(number), sessionId="mine")
    say(kitchen, 0, id="empty", sessionId="mine")
    kitchen.run(400)
    told = kitchen.told("tts/sayFinished")
    assert sorted(each["id"] for each in told) == ["0", "1", "2", "3", "empty"]
    assert [each["id"] for each in told if each["id"] != "empty"] == ["0", "1", "2", "3"]
    assert all(each["sessionId"] == "mine" for each in told)
    assert said(net) == ["w0 w1"] * 4


def test_a_text_that_is_too_long_for_one_message_is_said_to_its_end(net, kitchen):
    say(kitchen, 450, id="long")
    kitchen.run(5200)
    assert kitchen.seconds == pytest.approx(90.0, abs=0.5)
    assert len(kitchen.told("tts/sayFinished")) == 1


def test_a_pause_in_a_reply_is_played(net, kitchen):
    talk = {}

    def make(session):
        from heard_oracle import converse

        return converse(session, talk)

    net.server.converse = make
    say(kitchen, 4)
    kitchen.run(200)
    words, pauses = 4 * 9, 1 * 2  # frames; the one after the last word is the end
    assert kitchen.seconds == pytest.approx((words + pauses) * 0.02, abs=0.05)
    assert [turn.text for turn in talk["kitchen"].history] == ["w0 w1 w2 w3"]


def test_files_have_names_of_their_own_and_the_first_one_that_of_the_text(net, kitchen):
    for _ in range(2):
        say(kitchen, id="again")
    kitchen.run(500)
    assert len(kitchen.finished) == len(set(kitchen.finished)) == 4
    assert kitchen.finished[0] == "again"


def test_more_satellites_than_places_take_turns(net, kitchen):
    kitchen.hermes._most = net.server.max_robots = 3
    for number in range(8):
        kitchen.send("tts/say", siteId=f"site {number}", text="one")
        kitchen.run(80)
    spoken = {m.topic.split("/")[2] for _, m in net.log if "/playBytes/" in m.topic}
    assert spoken == {f"site {number}" for number in range(8)}
    assert len(kitchen.hermes.satellites) <= 3 and not any("refused" in str(s) for s in net.said)


def test_a_text_given_while_the_server_is_away_is_said_when_it_is_back(net, kitchen):
    kitchen.run(3)
    net.server.link.connected = False
    net.server._lost("test")
    say(kitchen, id="later")
    kitchen.run(30)
    net.join_server()
    kitchen.run(150)
    assert said(net) == [ALL]
    (over,) = [json.dumps(each) for each in kitchen.told("tts/sayFinished")]
    assert "later" in over and np.isfinite(kitchen.seconds)
