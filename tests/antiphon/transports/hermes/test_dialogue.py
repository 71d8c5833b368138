"""Sessions, as somebody who knows Rhasspy expects them."""

from __future__ import annotations

import pytest

STARTED, ENDED, QUEUED = (f"dialogueManager/session{x}" for x in ("Started", "Ended", "Queued"))


def start(kitchen, kind="action", text="one two three", **rest):
    init = {"type": kind, "text": text, **rest.pop("init", {})}
    kitchen.send("dialogueManager/startSession", siteId="kitchen", init=init, **rest)
    kitchen.run(5)


def reasons(kitchen):
    return [each["termination"]["reason"] for each in kitchen.told(ENDED)]


def said(net):
    return [text for role, text in net.texts("kitchen") if role == "assistant"]


def test_a_notification_is_said_and_the_session_ends_when_it_was_played(net, kitchen):
    start(kitchen, "notification", customData="mine", lang="en")
    (begun,) = kitchen.told(STARTED)
    assert (begun["siteId"], begun["customData"], begun["lang"]) == ("kitchen", "mine", "en")
    kitchen.run(20)
    assert not kitchen.told(ENDED)  # it is being said
    kitchen.run(120)
    (over,) = kitchen.told(ENDED)
    assert (over["sessionId"], over["customData"]) == (begun["sessionId"], "mine")
    assert reasons(kitchen) == ["nominal"]
    assert said(net) == ["w0 w1 w2"] and kitchen.seconds == pytest.approx(0.6, abs=0.02)


def test_an_action_says_its_text_and_listens_without_a_wake_word(net, kitchen):
    start(kitchen, init={"intentFilter": ["Nothing"], "sendIntentNotRecognized": True})
    kitchen.run(120)
    assert said(net) == ["w0 w1 w2"] and not kitchen.told(ENDED)
    kitchen.speak(20)
    kitchen.run(300)
    assert [role for role, _ in net.texts("kitchen")] == ["assistant", "user", "assistant"]
    kitchen.run(450)
    assert reasons(kitchen) == ["nominal"]


def test_an_action_without_a_text_listens_at_once_and_ends_when_nobody_answers(net, kitchen):
    start(kitchen, text=None)
    kitchen.speak(20)
    kitchen.run(300)
    assert said(net)
    kitchen.run(450)
    start(kitchen, text=None)
    kitchen.run(450)
    assert reasons(kitchen) == ["nominal", "timeout"]


def test_sessions_wait_for_each_other_unless_they_must_not(net, kitchen):
    start(kitchen, "notification", "one")
    start(kitchen, "notification", "one two", customData=2)
    start(kitchen, init={"canBeEnqueued": False})
    start(kitchen, "notification", "one two three")
    assert [each["customData"] for each in kitchen.told(QUEUED)] == [2, None]
    kitchen.run(400)
    assert said(net) == ["w0", "w0 w1", "w0 w1 w2"]
    assert len(kitchen.told(STARTED)) == len(kitchen.told(ENDED)) == 3
    begun = [each["sessionId"] for each in kitchen.told(STARTED)]
    assert begun[1:] == [each["sessionId"] for each in kitchen.told(QUEUED)]


def test_a_session_ends_with_a_text_and_new_data(net, kitchen):
    kitchen.send("hotword/hey/detected", siteId="kitchen", modelId="hey", sessionId="mine")
    kitchen.run(5)
    (begun,) = kitchen.told(STARTED)
    assert (begun["sessionId"], begun["customData"]) == ("mine", "hey")
    told = {"sessionId": "mine", "text": "good night", "customData": "new"}
    kitchen.send("dialogueManager/endSession", **told)
    kitchen.run(10)
    assert not kitchen.told(ENDED)
    kitchen.run(120)
    assert said(net) == ["w0 w1"]
    assert kitchen.told(ENDED)[0]["customData"] == "new" and reasons(kitchen) == ["nominal"]
    assert len(kitchen.told("hotword/toggleOff")) <= len(kitchen.told("hotword/toggleOn"))


def test_a_session_goes_on_with_a_text(net, kitchen):
    start(kitchen, text="one")
    kitchen.run(80)
    name = kitchen.told(STARTED)[0]["sessionId"]
    kitchen.send("dialogueManager/continueSession", sessionId=name, text="one two")
    kitchen.run(350)
    assert said(net) == ["w0", "w0 w1"] and not kitchen.told(ENDED)
    kitchen.run(200)
    assert reasons(kitchen) == ["nominal"]


def test_the_wake_word_interrupts_what_is_said_and_only_what_was_played_is_remembered(net, kitchen):
    start(kitchen, "notification", " ".join(["word"] * 20))
    kitchen.run(75)
    kitchen.send("hotword/hey/detected", siteId="kitchen")
    kitchen.run(120)
    assert reasons(kitchen) == ["abortedByUser"] and len(kitchen.told(STARTED)) == 2
    (text,) = said(net)
    assert text == " ".join(f"w{i}" for i in range(round(kitchen.seconds / 0.2))) + "—"
    kitchen.speak(20)
    kitchen.run(300)
    assert len(said(net)) == 2


def test_the_satellite_does_not_hear_itself(net, kitchen):
    start(kitchen, text=" ".join(["word"] * 10))
    kitchen.run(40)
    kitchen.speak(60)  # its own voice, from its loudspeaker
    kitchen.run(150)
    assert said(net) == [" ".join(f"w{i}" for i in range(10))]


@pytest.mark.parametrize("init", [None, [], {}, {"type": "else"}])
def test_a_session_of_no_known_kind_is_refused_with_a_sentence(net, kitchen, init):
    kitchen.send("dialogueManager/startSession", siteId="kitchen", init=init)
    kitchen.run(5)
    assert not kitchen.told(STARTED)
    assert any("'action' or 'notification'" in str(each) for each in net.said)


def test_a_queued_session_can_be_ended_before_it_begins(net, kitchen):
    start(kitchen, text="one")
    start(kitchen, text="two")
    name = kitchen.told(QUEUED)[0]["sessionId"]
    kitchen.send("dialogueManager/endSession", sessionId=name)
    kitchen.run(3)
    assert [each["sessionId"] for each in kitchen.told(ENDED)] == [name]
    assert len(kitchen.told(STARTED)) == 1
