"""A conversation over a microphone and a speaker, until the microphone ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from antiphon.runtime.audio.devices import Duplex
from antiphon.runtime.events import Event, Paused
from antiphon.runtime.session.conversation import Conversation


def converse(
    conversation: Conversation,
    duplex: Duplex,
    *,
    device_events: deque[Event] | None = None,
    watch: Callable[[Event], None] = lambda event: None,
    each: Callable[[], None] = lambda: None,
    before: int = 0,
) -> None:
    """Let a conversation take place.

    Args:
        conversation: who talks.
        duplex: an open microphone and speaker.
        device_events: where the devices put their events, from whichever thread.
        watch: takes every event.
        each: called after every frame.
        before: samples that were played on this speaker before the conversation.
    """
    for mic in duplex:
        conversation.heard(duplex.heard - before)
        duplex.play(conversation.step(mic))
        while device_events:
            conversation.notice(device_events.popleft())
        while conversation.events:
            event = conversation.events.popleft()
            if isinstance(event, Paused):  # silence now, not when the queue has been played
                conversation.dropped(duplex.clear() - before)
            watch(event)
        each()
