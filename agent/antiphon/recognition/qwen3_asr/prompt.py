"""What Qwen3-ASR is asked in tokens, and what its answer says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.errors import UserError
from antiphon.recognition.languages import names

TEXT = "<asr_text>"
NONE = "none"
SPECIALS = {
    "turn": "<|im_start|>",
    "turn_end": "<|im_end|>",
    "document_end": "<|endoftext|>",
    "audio_start": "<|audio_start|>",
    "audio_end": "<|audio_end|>",
    "text": TEXT,
}
REPEATS = 20
"""Repetitions of a pattern from which all but one are taken away (Qwen's own rule)."""
PATTERN = re.compile(rf"(.{{1,20}}?)\1{{{REPEATS},}}", re.DOTALL)


@dataclass(frozen=True)
class Marks:
    """Special tokens."""

    turn: int
    turn_end: int
    audio_start: int
    audio_end: int
    text: int
    ends: frozenset[int]
    """Those that end an answer."""

    @classmethod
    def of(cls, tokenizer: Any) -> Marks:
        """The marks of a tokenizer.

        Raises:
            UserError: It lacks one.
        """
        found = {}
        for name, token in SPECIALS.items():
            ids = tokenizer.encode(token, add_special_tokens=False)
            if len(ids) != 1:
                raise UserError(f"The tokenizer has no {token}: it is not Qwen3-ASR's.")
            found[name] = ids[0]
        ends = frozenset({found.pop("document_end"), found["turn_end"]})
        return cls(**found, ends=ends)


@dataclass(frozen=True)
class Answer:
    """What an answer says."""

    text: str
    language: str | None
    """ISO 639-1 code; None: nobody speaks, or the answer does not say."""
    speech: bool
    """Whether it takes the sound for speech."""


def before_audio(tokenizer: Any, marks: Marks, context: Sequence[str]) -> list[int]:
    """Tokens in front of the audio: the context in a system turn, which is there in any case."""
    system = tokenizer.encode("system\n" + ", ".join(context), add_special_tokens=False)
    new_line = tokenizer.encode("\n", add_special_tokens=False)
    user = tokenizer.encode("user\n", add_special_tokens=False)
    return [
        marks.turn, *system, marks.turn_end, *new_line, marks.turn, *user, marks.audio_start
    ]  # fmt: skip


def after_audio(tokenizer: Any, marks: Marks, language: str | None) -> list[int]:
    """Tokens behind the audio, up to where the answer begins; a named language is said already."""
    new_line = tokenizer.encode("\n", add_special_tokens=False)
    assistant = tokenizer.encode("assistant\n", add_special_tokens=False)
    start = [marks.audio_end, marks.turn_end, *new_line, marks.turn, *assistant]
    return start + (spoken_in(tokenizer, marks, language) if language else [])


def spoken_in(tokenizer: Any, marks: Marks, language: str) -> list[int]:
    """Tokens that say which language follows."""
    said = f"language {english_name(language)}"
    return [*tokenizer.encode(said, add_special_tokens=False), marks.text]


def english_name(code: str) -> str:
    """The name by which the model knows a language."""
    return "Filipino" if code == "tl" else names().get(code, code).capitalize()


def parsed(answer: str, language: str | None = None) -> Answer:
    """What an answer says.

    Args:
        answer: as written, special tokens included.
        language: the code that was named in the prompt; None: the answer says it.
    """
    head, mark, text = answer.partition(TEXT)
    if not mark:
        head, text = ("", answer) if language else ("", "" if _header(answer) else answer)
    if spoken := named(head):
        if spoken.lower() == NONE:
            return Answer("", None, speech=False)
        language = next((code for code in names() if english_name(code) == spoken), language)
    text = PATTERN.sub(r"\1", re.sub(r"<\|[a-z_]+\|>", "", text)).strip()
    return Answer(text, language if text else None, speech=bool(text))


def named(answer: str) -> str:
    """English name of the language that an answer begins with; empty: of none."""
    said = re.match(r"\s*language\s+(\w+)", answer, re.IGNORECASE)
    return said[1].capitalize() if said else ""


def _header(answer: str) -> bool:
    """Whether an answer was cut while it still said the language."""
    return answer.lstrip().lower().startswith("language")
