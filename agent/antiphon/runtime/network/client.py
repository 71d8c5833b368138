"""What a driver tells the client at the other end of a network."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon.runtime.events import Event
from antiphon.runtime.network.sent_reply import SentReply
from antiphon.runtime.session.agent_turn import Reason


class Client(Protocol):
    """What a driver tells; called in the driver's thread, between two steps."""

    def on_event(self, event: Event) -> None:
        """Something happened in the conversation."""

    def on_sound(self, reply: SentReply, pcm: NDArray[np.float32]) -> None:
        """[N] more samples of a reply at the client's rate, to be played after those before."""

    def on_interrupted(self, reply: SentReply, reason: Reason) -> None:
        """A reply was stopped: what the client has not played of it is to be dropped.

        The event `Interrupted` follows when it is known how much was heard; see `truncate`.
        """
