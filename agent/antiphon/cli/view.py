"""What is seen of a conversation: live in a terminal, or line by line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from antiphon.messages import Doubt
from antiphon.runtime import events
from antiphon.runtime.events import Event, Latency

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from antiphon.runtime.session.conversation import Conversation

KEYS = "m mute   space talk   s stop   q quit"
LINES = 12
"""Lines of the transcript that are shown."""
FRAMES_PER_PICTURE = 5
"""Frames between two pictures: ten a second."""
FLOOR_DB = -60.0
METER = 24
"""Characters of the level meter."""
COLOURS = {"idle": "dim", "listening": "green", "thinking": "yellow", "speaking": "cyan"}


DOUBTS: dict[Doubt, str] = {
    "no speech": "(nothing: nobody speaks)",
    "loop": "(not understood: the same words over and over)",
    "language": "(not understood: a language other than English)",
    "unclear": "(not understood: unclear, or a language other than English)",
}
"""What stands in the place of the user's words."""


def sentence(event: Event) -> str:
    """What an event says to a user; empty if nothing."""
    match event:
        case events.Transcript(text=text, doubt=doubt, rate=rate):
            heard = f" (heard at rate {rate})" if rate else ""
            return f"You: {DOUBTS[doubt] if doubt else text or '(nothing to be understood)'}{heard}"
        case events.ToolCalled(text=text):
            return f"Understood: {text}."
        case events.Interrupted(heard_text=text):
            return f"Antiphon: {text} —"
        case events.ReplyFinished(text=text):
            return f"Antiphon: {text}" if text else ""
        case events.Failed(stage=stage, error=error):
            return f"The {stage} failed ({error}); the conversation goes on."
        case events.DeviceLost(device=side, name=name, reason=reason):
            what = "microphone" if side == "input" else "speaker"
            return f"The {what} {name} is gone ({reason.rstrip('.')}); waiting for it."
        case events.DeviceBack(device=side, name=name):
            return f"The {'microphone' if side == 'input' else 'speaker'} is {name} now."
        case events.Muted(muted=muted):
            return "The microphone is muted." if muted else "The microphone is open."
        case Latency():
            return latency(event)
    return ""


def latency(event: Latency) -> str:
    """Where the time of a turn went."""
    parts = [f"Answered after {event.voice_to_voice_ms} ms"]
    marks = (
        ("turn end", event.turn_end),
        ("understood", event.understood),
        ("first speech made", event.first_piece),
    )
    told = [f"{name} {(at - event.speech_end) // 16}" for name, at in marks if at is not None]
    return f"{parts[0]} ({', '.join(told)})."


class Lines:
    """Prints events as lines."""

    def __enter__(self) -> Lines:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def event(self, event: Event) -> None:
        """Print it with its time."""
        if text := sentence(event):
            seconds = event.at / 16_000
            print(f"{int(seconds // 60):3d}:{seconds % 60:04.1f}  {text}", flush=True)

    def frame(self) -> None:
        """A frame has passed."""


class Screen(Lines):
    """A live view: who speaks, how loud it is, what was said.

    Args:
        conversation: whose.
        title: what is to be known from the beginning.
    """

    def __init__(self, conversation: Conversation, title: str) -> None:
        self._conversation, self._title = conversation, title
        self._said: deque[str] = deque(maxlen=LINES)
        self._now = self._last = ""
        self._frames = 0
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        """Take the lower lines of the terminal."""
        from rich.live import Live

        self._live = Live(self.picture(), auto_refresh=False, transient=False)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture."""
        if self._live is not None:
            self._live.stop()

    def event(self, event: Event) -> None:
        """Remember what is to be shown."""
        if isinstance(event, events.ReplyText):
            self._now = f"{self._now} {event.text}".strip()
        elif isinstance(event, (events.ReplyFinished, events.Interrupted, events.ReplyStarted)):
            self._now = ""
        if isinstance(event, Latency):
            self._last = latency(event)
        elif text := sentence(event):
            self._said.append(text)

    def frame(self) -> None:
        """Draw, now and then."""
        self._frames += 1
        if self._live is not None and self._frames % FRAMES_PER_PICTURE == 0:
            self._live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        """What is shown now."""
        from rich.console import Group
        from rich.text import Text

        state = self._conversation.state
        bars = meter(self._conversation.level_db)
        muted = "  MUTED" if self._conversation.muted else ""
        head = Text(f"● {state:<10}", style=COLOURS[state])
        head.append(f"{bars}{muted}", style="default")
        lines = [Text(line) for line in self._said]
        if self._now:
            lines.append(Text(f"Antiphon: {self._now} …", style="cyan"))
        foot = [Text(line, style="dim") for line in (self._last, f"{KEYS}   {self._title}") if line]
        return Group(*lines, head, *foot)


def meter(level_db: float) -> str:
    """A level in dB of full scale as a bar."""
    share = min(max((level_db - FLOOR_DB) / -FLOOR_DB, 0.0), 1.0)
    full = round(share * METER)
    return "█" * full + "·" * (METER - full)
