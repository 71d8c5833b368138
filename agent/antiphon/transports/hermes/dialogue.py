"""The sessions of a satellite, as Hermes' dialogue manager holds them: one at a time.

A session begins with the wake word or with `startSession`, and ends with `endSession`, with the
wake word, or after a while of quiet.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from antiphon.transports.hermes.announcer import Announcer
from antiphon.transports.mqtt.wire.malformed import MalformedError

SESSION_TIMEOUT = 8.0
"""Seconds of quiet after which a session ends and the wake word is needed again."""
MAX_QUEUED = 16
"""Sessions of a satellite that may wait."""
Reason = Literal["nominal", "abortedByUser", "timeout"]
"""Why a session has ended; an agent that answers everything has no `intentNotRecognized`."""

log = logging.getLogger(__name__)


@dataclass
class Session:
    """A session of a satellite."""

    id: str
    custom_data: Any = None
    """Whatever its sender wants to have repeated."""
    lang: Any = None
    text: str = ""
    """What is said at its beginning."""
    notification: bool = False
    """Whether it is over when the text was said."""
    answered: bool = False
    """Whether the agent has said something in it."""
    quiet_since: float = 0.0


class Dialogue:
    """Holds the sessions of one satellite.

    Args:
        publish: sends a message of the satellite: its topic below `hermes/`, and its fields.
        announcer: says the texts.
        stop: silences the agent.
        now: seconds on the clock.
    """

    def __init__(
        self,
        publish: Callable[..., object],
        announcer: Announcer,
        stop: Callable[[], object],
        now: Callable[[], float],
    ) -> None:
        self._publish, self._announcer, self._stop, self._now = publish, announcer, stop, now
        self.session: Session | None = None
        """The one that runs; None: the satellite waits for its wake word."""
        self._queue: deque[Session] = deque()
        self._busy = False
        self._hotword = True
        """Whether the wake word is being listened for."""

    @property
    def busy(self) -> bool:
        """Whether a session runs or waits."""
        return self.session is not None or bool(self._queue)

    def ids(self) -> list[str]:
        """Names of the sessions that run or wait."""
        return [each.id for each in (self.session, *self._queue) if each is not None]

    def wake(self, fields: dict[str, Any]) -> None:
        """The wake word was heard: whatever is going on is aborted."""
        named, word = fields.get("sessionId"), fields.get("modelId")
        name = named if isinstance(named, str) and named else secrets.token_hex(8)
        if self._busy or self._announcer.saying is not None:
            self._stop()
        self._end("abortedByUser", following=False)
        self._begin(Session(name, custom_data=word, lang=fields.get("lang")))

    def start(self, fields: dict[str, Any]) -> None:
        """Somebody wants a session (`startSession`).

        Raises:
            MalformedError: It does not say of which kind.
        """
        init = fields.get("init")
        kind = init.get("type") if isinstance(init, dict) else None
        if not isinstance(init, dict) or kind not in ("action", "notification"):
            raise MalformedError("startSession needs an 'init' of type 'action' or 'notification'")
        notification = kind == "notification"
        told = fields.get("customData"), fields.get("lang"), _text(init), notification
        session = Session(secrets.token_hex(8), *told)
        if self.session is None:
            self._begin(session)
        elif not notification and init.get("canBeEnqueued") is False:
            log.warning("A session is dropped: another one runs, and it cannot be enqueued.")
        elif len(self._queue) >= MAX_QUEUED:
            log.warning("A session is dropped: %d wait already.", MAX_QUEUED)
        else:
            self._queue.append(session)
            self._tell("sessionQueued", session)

    def go_on(self, fields: dict[str, Any]) -> None:
        """A session shall go on with a text (`continueSession`)."""
        session = self.session
        if session is None or session.id != fields.get("sessionId"):
            return
        _update(session, fields)
        session.notification = False
        self._announce(session, _text(fields), self._listen)

    def end(self, fields: dict[str, Any]) -> None:
        """A session shall end, maybe with a text (`endSession`)."""
        for queued in [each for each in self._queue if each.id == fields.get("sessionId")]:
            self._queue.remove(queued)
            self._tell("sessionEnded", queued, termination={"reason": "nominal"})
        session = self.session
        if session is not None and session.id == fields.get("sessionId"):
            _update(session, fields)
            self._announce(session, _text(fields), self._finish)

    def tick(self, *, busy: bool, sounding: bool) -> None:
        """Time passes.

        Args:
            busy: whether the agent or the speaker does something.
            sounding: whether the satellite plays something, which the wake word may interrupt.
        """
        self._busy, now, session = busy, self._now(), self.session
        if session is not None:
            if busy or self._announcer.busy:
                session.quiet_since = now
                session.answered = session.answered or sounding
            elif now - session.quiet_since > SESSION_TIMEOUT:
                self._end("nominal" if session.answered else "timeout")
        self._toggle(self.session is None or sounding)

    def _begin(self, session: Session) -> None:
        self.session, session.quiet_since = session, self._now()
        self._tell("sessionStarted", session, lang=session.lang)
        self._toggle(False)
        over = self._finish if session.notification else self._listen
        self._announce(session, session.text, over)

    def _announce(self, session: Session, text: str, over: Callable[[Session], None]) -> None:
        self._announcer.add(text, lambda: over(session), owner=session)

    def _listen(self, session: Session) -> None:
        """A text was said, and the user may answer."""
        session.quiet_since = self._now()

    def _finish(self, session: Session) -> None:
        if session is self.session:
            self._end("nominal")

    def _end(self, reason: Reason, *, following: bool = True) -> None:
        session, self.session = self.session, None
        if session is not None:
            self._announcer.drop(session)
            self._tell("sessionEnded", session, termination={"reason": reason})
        if following and self._queue:
            self._begin(self._queue.popleft())
        elif following:
            self._toggle(True)

    def _toggle(self, hotword: bool) -> None:
        """Whether the satellite shall listen for its wake word."""
        if hotword != self._hotword:
            self._hotword = hotword
            self._publish(f"hotword/toggle{'On' if hotword else 'Off'}", reason="dialogueSession")

    def _tell(self, what: str, session: Session, **fields: Any) -> None:
        told = {"sessionId": session.id, "customData": session.custom_data, **fields}
        self._publish(f"dialogueManager/{what}", **told)


def _text(fields: dict[str, Any]) -> str:
    text = fields.get("text")
    return text if isinstance(text, str) else ""


def _update(session: Session, fields: dict[str, Any]) -> None:
    """What a later message says of the session's own data; nothing leaves it as it is."""
    if fields.get("customData") is not None:
        session.custom_data = fields["customData"]
