"""Models that clients can choose; every one answers with what it is."""

from __future__ import annotations

import threading

from fake_conversation import FakeResponder

from antiphon.errors import UserError
from antiphon.runtime.responders.model_choices import Choice, ModelChoices, Offer

OWN = Choice("joe", "small", "s2t")
OFFER = Offer(("joe", "amy"), ("small", "large", "broken"), ("s2t", "cascade"))


class Named(FakeResponder):
    """Says which models it is."""

    def __init__(self, choice) -> None:
        super().__init__()
        self.text = f"{choice.voice} {choice.llm} {choice.ears}"

    def respond(self, stream, history, *, cancelled, seed):
        self.answered.append((stream.finish().text, tuple(history)))
        yield from self.hum(0, cancelled, self.text)


class FakeChoices(ModelChoices):
    """Keeps what was loaded, and on what it was built."""

    def __init__(self) -> None:
        self.loaded: list[tuple[Choice, Choice | None]] = []
        self.go = threading.Event()
        """Loading waits for this."""
        self.go.set()
        super().__init__(OWN, Named(OWN), OFFER, self._make)

    def _make(self, choice, base):
        self.loaded.append((choice, base[0] if base else None))
        self.go.wait(10)
        if choice.llm == "broken":
            raise UserError("The weights of broken are damaged: fetch them again.")
        return Named(choice)
