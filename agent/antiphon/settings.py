"""What a user may choose, in one typed place.

A section is a frozen dataclass whose fields are made by `setting`. A value is the default unless
one of these gives another, the later ones first: the environment (`ANTIPHON_VOICE`),
`antiphon.toml` (`voice` below `[models]`), an option of the command line (`--voice`).
`antiphon config` prints all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_type_hints

from antiphon.errors import UserError
from antiphon.registry import Registry

T = TypeVar("T")

Source = Literal["hidden", "text"]
"""What drives a voice: the language model's hidden states (stage III), or the text (stage II)."""


def setting(default: T, about: str, *, flags: tuple[str, ...] = (), metavar: str = "") -> T:
    """A field of a section.

    Args:
        default: its value if nothing else is said.
        about: one sentence for `--help` and `antiphon config`.
        flags: of the command line, if other than `--name`.
        metavar: stands for the value in `--help`.
    """
    facts = {"about": about, "flags": flags, "metavar": metavar}
    made: T = field(default=default, metadata=facts)
    return made


@dataclass(frozen=True)
class Models:
    """The parts of an agent."""

    voice: str = setting("voice-joe", "A voice: its name or folder.")
    llm: str = setting(
        "qwen2.5-1.5b",
        "A language model: its name, folder, hub id, or a server's address#name.",
    )
    persona: str = setting(
        "", "Who the agent is: a text, or a file that holds one.", metavar="TEXT|FILE"
    )
    ears: str = setting(
        "auto",
        "How questions are heard: s2t directly, cascade transcribed first, or a recognizer's name; "
        "auto: directly if the language model has an adapter.",
    )
    recognizer: str = setting(
        "whisper-tiny.en", "The recognizer that hears the questions: its name or folder."
    )
    rescorer: str = setting(
        "smollm2-135m-instruct",
        "The small language model that weighs what may have been said where hearing is in doubt; "
        "empty: none does.",
    )
    source: Source = setting("hidden", "Speak from hidden states (Echo), or from the text.")
    lexicon: Path | None = setting(
        None, "Your own words: a file with a word and how it is said on each line."
    )
    speed: float = setting(1.0, "How fast the voice speaks: 2 is twice as fast.")
    pitch: float = setting(0.0, "How many semitones higher it speaks; negative is lower.")
    tool_chooser: str = setting("sentence-encoder", "What chooses among a robot's tools.")
    offer: str = setting(
        "ready",
        "Models that clients may choose beside these: ready takes all on this machine, none only "
        "these, or names with commas between.",
        metavar="ready|none|NAME,NAME",
    )
    device: str = setting(
        "auto",
        "Where the language model and Qwen3-ASR compute; auto takes a GPU if there is one.",
        metavar="auto|cuda|cuda:1|mps|cpu",
    )
    rate: str = setting(
        "auto",
        "How coarsely a recognizer with several rates hears questions; auto: coarser while many "
        "wait.",
        metavar="auto|1|2|4|8|16",
    )
    threads: int = setting(
        0, "CPU threads of the models; 0 follows the load: as many as other programs leave cores."
    )


@dataclass(frozen=True)
class LanguageModelServer:
    """What is asked of the server of a language model (docs/language-models.md)."""

    TABLE = "llm_server"

    llm_connect: float = setting(5.0, "Seconds in which it must take a connection.")
    llm_first: float = setting(
        15.0, "Seconds in which its answer must begin; in a conversation less than 20."
    )
    llm_idle: float = setting(10.0, "Seconds in which the answer must go on.")
    llm_request: str = setting(
        "", "What else it is sent with every request, as an object in JSON; null takes away."
    )


@dataclass(frozen=True)
class Conversation:
    """How a conversation behaves."""

    mode: Literal["auto", "full", "half", "ptt"] = setting(
        "auto",
        "full: can be interrupted. half: deaf while it speaks. ptt: press space to talk. "
        "auto: the best of these for the echo measured at the start.",
    )
    patience: float = setting(
        1.0, "How long it waits for an unfinished sentence to go on; 1 is 1.1 s."
    )
    preroll_ms: int = setting(500, "Milliseconds heard from before speech was detected.")
    stop_word: bool = setting(True, 'The word "stop" stops the agent, whatever else is going on.')
    memory_tokens: int = setting(400, "Tokens of the conversation the language model is shown.")
    longest_turn: float = setting(60.0, "Seconds after which a turn is cut.")


@dataclass(frozen=True)
class Devices:
    """Where a conversation's sound comes from and goes to."""

    sound_device: str = setting("sound-card", "The kind of device; files with --file.")
    input: str | None = setting(None, "The microphone: a part of its name, or number.")
    output: str | None = setting(None, "The speaker: a part of its name, or number.")
    file: tuple[Path, Path] | None = setting(
        None,
        "Hear one sound file and write another on the same clock, instead of devices.",
        metavar="IN.wav OUT.wav",
    )


@dataclass(frozen=True)
class Paths:
    """Folders."""

    cache: Path | None = setting(None, "Fetched weights; else antiphon in the user's cache.")
    assets: Path | None = setting(None, "Your own trained weights, looked for first.")
    data: Path = setting(Path("data"), "The folder of open collections (docs/data.md).")
    work: Path = setting(Path("work"), "Folder of corpora and checkpoints.")


@dataclass(frozen=True)
class Training:
    """What every training job takes."""

    minutes: float | None = setting(None, "Stop, and save, after this long.")
    training_threads: int = setting(0, "CPU threads; 0 leaves it to PyTorch.", flags=("--threads",))
    teacher: str = setting("piper-joe", "The Piper voice that the agent's own learns from.")
    labeler: str = setting("whisper-base", "The recognizer that transcribes human recordings.")


@dataclass(frozen=True)
class Evaluation:
    """What `antiphon eval` measures with."""

    judge: str = setting("whisper-base", "The recognizer that transcribes spoken replies.")


SECTIONS: Registry[type[Any]] = Registry(
    "section of settings",
    "antiphon.settings",
    {
        "models": "antiphon.settings:Models",
        "llm_server": "antiphon.settings:LanguageModelServer",
        "conversation": "antiphon.settings:Conversation",
        "devices": "antiphon.settings:Devices",
        "paths": "antiphon.settings:Paths",
        "training": "antiphon.settings:Training",
        "evaluation": "antiphon.settings:Evaluation",
    },
)
"""Sections by their table in `antiphon.toml`; transports bring their own."""


@dataclass(frozen=True)
class Value:
    """One setting as it stands."""

    name: str
    value: Any
    origin: str
    """Where the value comes from: default, a variable's name, or a file."""
    about: str


def load(section: type[T], **given: Any) -> T:
    """A section with all its values.

    Args:
        section: the dataclass.
        given: values that win over all others, such as options.

    Raises:
        UserError: A value in the environment or in the file makes no sense.
    """
    return section(**{v.name: v.value for v in values(section) if v.name not in given}, **given)


def values(section: type[Any]) -> Iterator[Value]:
    """The settings of a section, each with where it comes from.

    Raises:
        UserError: A value makes no sense, or the file has an unknown name.
    """
    path = config_file()
    table = _table(path, section) if path else {}
    types = get_type_hints(section)
    for each in settings_of(section):
        variable = variable_of(each.name)
        about = each.metadata["about"]
        if each.name in table:
            value = _converted(table[each.name], types[each.name], f"{each.name} in {path}")
            yield Value(each.name, value, str(path), about)
        elif variable in os.environ:
            value = _converted(os.environ[variable], types[each.name], variable)
            yield Value(each.name, value, variable, about)
        else:
            yield Value(each.name, each.default, "default", about)


def value(section: type[Any], name: str) -> Any:
    """One setting of a section."""
    return next(each.value for each in values(section) if each.name == name)


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"ANTIPHON_{name.upper()}"


def config_file() -> Path | None:
    """The file of settings: `$ANTIPHON_CONFIG`, `./antiphon.toml`, or the user's own, if any.

    Raises:
        UserError: The variable names no file.
    """
    if named := os.environ.get("ANTIPHON_CONFIG"):
        if not Path(named).is_file():
            raise UserError(f"ANTIPHON_CONFIG names {named}, which is no file: fix or unset it.")
        return Path(named)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    places = (Path("antiphon.toml"), home / "antiphon" / "antiphon.toml")
    return next((place for place in places if place.is_file()), None)


def settings_of(section: type[Any]) -> list[Field[Any]]:
    """The fields of a section that are settings."""
    return [each for each in fields(section) if "about" in each.metadata]


def _table(path: Path, section: type[Any]) -> Mapping[str, Any]:
    """What a file says of a section."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no TOML ({error}): fix it or remove it.") from error
    name = table_of(section)
    table = tables.get(name, {})
    known = [each.name for each in settings_of(section)]
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose {', '.join(known)}."
            raise UserError(f"{path} has '{key}' below [{name}], which is no setting: {hint}")
    return cast("Mapping[str, Any]", table)


def table_of(section: type[Any]) -> str:
    """The table of a section in `antiphon.toml`: its class's name, or what `TABLE` says."""
    return str(getattr(section, "TABLE", section.__name__.lower()))


def _converted(given: Any, wanted: Any, where: str) -> Any:
    """A value of the wanted type."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(wanted).validate_python(given)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UserError(f"{where} is {given!r}: {reason[0].lower()}{reason[1:]}.") from error
