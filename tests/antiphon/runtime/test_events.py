"""Events as JSON."""

from __future__ import annotations

import pytest

from antiphon.errors import UserError
from antiphon.runtime import events

EVENTS = [
    events.SpeechStarted(1, 0),
    events.SpeechStopped(2, 1),
    events.TurnEnded(3),
    events.Transcript(4, 'Wer? \u2014 "you"'),
    events.ReplyStarted(5, 2),
    events.ReplyText(6, "I am"),
    events.Paused(7),
    events.Resumed(8),
    events.Interrupted(9, 120, "I", "stop word"),
    events.ReplyFinished(10, "I am."),
    events.Said(9, "dinner", "Dinner is"),
    events.Latency(11, 1, None, 3, 4, None, 11),
    events.ToolCalled(12, "drive", '{"meters": 2}', "drive 2 meters"),
    events.Failed(12, "reply", "no"),
    events.Muted(13, True),
    events.DeviceLost(14, "input", "usb", "gone"),
    events.DeviceBack(15, "input", "usb"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_survive_json(event):
    import json

    assert events.from_json(json.loads(json.dumps(events.to_json(event)))) == event


def test_every_kind_of_event_is_known():
    assert {type(event).__name__ for event in EVENTS} == set(events.KINDS)


@pytest.mark.parametrize(
    "record", [{}, {"event": "Nothing", "at": 1}, {"event": "Paused"}, {"event": "Paused", "x": 1}]
)
def test_what_is_no_event_is_refused(record):
    with pytest.raises(UserError):
        events.from_json(record)
