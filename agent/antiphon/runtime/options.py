"""What a user may choose about a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from antiphon.errors import UserError
from antiphon.runtime.frames import played
from antiphon.settings import Conversation

Mode = Literal["full", "half", "ptt"]
"""Full duplex: can be interrupted by speech. Half duplex: deaf while it speaks. Push-to-talk."""


@dataclass(frozen=True)
class Options:
    """How a conversation behaves.

    Raises:
        UserError: A value makes no sense.
    """

    mode: Mode = "full"
    """Who may speak when."""
    patience: float = Conversation.patience
    """How long a pause is waited for: 0.5 answers hastily, 2 lets a slow speaker think."""
    preroll_ms: int = Conversation.preroll_ms
    """How much of the sound before the speech is heard, too, so that no first syllable is lost."""
    stop_word: bool = Conversation.stop_word
    """Whether the word "stop" stops the agent whatever else is going on."""
    memory_tokens: int = Conversation.memory_tokens
    """How much of the conversation the language model is shown; bounds its memory and delay."""
    longest_turn: float = Conversation.longest_turn
    """Seconds after which a turn is taken for ended; bounds what constant noise can do."""
    sample_rate: int = 22_050
    """Samples a second of what is played: the codec's."""
    answer: bool = True
    """Whether a turn is answered when it is over; otherwise `respond` asks for the answer."""
    judge: bool = True
    """Whether models judge how complete a turn is; otherwise silence alone ends it."""
    speed: float = 1.0
    """How fast the agent speaks."""

    def __post_init__(self) -> None:
        """Check every value."""
        if self.mode not in get_args(Mode):
            raise UserError(
                f"There is no mode '{self.mode}': choose {', '.join(get_args(Mode))} or auto."
            )
        if not 0.1 <= self.patience <= 10:
            raise UserError(f"Patience is {self.patience:g}: choose a value from 0.1 to 10.")
        if not 300 <= self.preroll_ms <= 1000:
            raise UserError(f"The pre-roll is {self.preroll_ms} ms: choose 300 to 1000.")
        if self.memory_tokens < 100:
            raise UserError(f"A memory of {self.memory_tokens} tokens is too small: give 100.")
        if not 5 <= self.longest_turn <= 600:
            raise UserError(f"A turn of {self.longest_turn:g} s: choose 5 to 600.")
        if not 0.25 <= self.speed <= 4:
            raise UserError(f"A speed of {self.speed:g}: choose 0.25 to 4.")
        try:
            played(self.sample_rate)
        except ValueError as error:
            raise UserError(
                f"A voice at {self.sample_rate} Hz cannot be played: {error}."
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Options by name, unknown names left out: a recording may be older or newer.

        Args:
            values: what `as_dict` gave.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    @classmethod
    def chosen(cls, settings: Conversation) -> Options:
        """Options of the settings; "auto" is half duplex until the echo has been measured."""
        mode: Mode = "half" if settings.mode == "auto" else settings.mode
        return cls.of({**asdict(settings), "mode": mode})
