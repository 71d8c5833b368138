"""The session object: what a client may choose, and what the conversation makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from antiphon.errors import UserError
from antiphon.runtime.options import Mode, Options
from antiphon.tools import Tool
from antiphon.transports.realtime.protocol.errors import ApiError
from antiphon.transports.realtime.protocol.formats import Format
from antiphon.transports.realtime.protocol.validation import Strict, check

OPENAI_VOICES = frozenset(
    {
        "alloy",
        "ash",
        "ballad",
        "cedar",
        "coral",
        "echo",
        "fable",
        "marin",
        "nova",
        "onyx",
        "sage",
        "shimmer",
        "verse",
    }
)
"""Voices that clients ask for by habit; ours speaks for all of them."""
EAGERNESS = {"low": 2.5, "medium": 1.0, "auto": 1.0, "high": 0.7}
"""Patience of the conversation, times the server's own."""
PATIENCE_SECONDS = 1.1
"""Seconds of silence that a patience of 1 waits for."""
MAX_INSTRUCTIONS = 20_000
"""Characters of instructions; a small language model follows a few sentences."""
MAX_TOOLS = 128
TAGS = frozenset(["server_vad", "semantic_vad", "audio/pcm", "audio/pcmu", "audio/pcma", "str"])
IGNORED = frozenset(
    {
        "client_secret",
        "expires_at",
        "id",
        "include",
        "model",
        "object",
        "parallel_tool_calls",
        "prompt",
        "reasoning",
        "temperature",
        "tracing",
        "truncation",
    }
)
"""Fields of a session that are accepted and change nothing (docs/realtime-api.md)."""

Modality = Literal["audio", "text"]


class AudioFormat(Strict):
    """A format of sound."""

    type: Format = "audio/pcm"
    rate: Literal[24000] | None = None


class Transcription(Strict):
    """That transcripts are wanted; the recognizer is the server's own."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: str | None = None


class NoiseReduction(Strict):
    """How far the microphone is."""

    type: Literal["near_field", "far_field"]
    strength: float | None = None


class ServerVad(Strict):
    """A turn ends after a fixed silence."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0, le=10_000)] = 300
    silence_duration_ms: Annotated[int, Field(ge=110, le=10_000)] = 500
    create_response: bool = True
    interrupt_response: bool = True
    idle_timeout_ms: Annotated[int, Field(ge=5_000, le=30_000)] | None = None


class SemanticVad(Strict):
    """A turn ends when it sounds complete."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class AudioInput(Strict):
    """What is heard, and how."""

    format: AudioFormat = AudioFormat()
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = SemanticVad(type="semantic_vad")


class VoiceId(Strict):
    """A voice by its id."""

    id: str


class AudioOutput(Strict):
    """What is spoken, and how."""

    format: AudioFormat = AudioFormat()
    voice: str | VoiceId = "default"
    speed: Annotated[float, Field(ge=0.25, le=1.5)] = 1.0


class Audio(Strict):
    """Both directions."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class FunctionTool(Strict):
    """What the client can do."""

    type: Literal["function"]
    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    strict: bool | None = None


def tool_choice(given: Any) -> Any:
    """Which functions are called: `auto`, `none`, `required`, or one by its name.

    Raises:
        ValueError: It is none of these.
    """
    named = isinstance(given, dict) and given.keys() == {"type", "name"}
    if given in ("auto", "none", "required"):
        return given
    if named and given["type"] == "function" and isinstance(given["name"], str):
        return given
    raise ValueError("give auto, none, required, or a function by its name")


ToolChoice = Annotated[Any, AfterValidator(tool_choice)]


def max_tokens(given: Any) -> Any:
    """How long a response may be.

    Raises:
        ValueError: It is neither a number nor `inf`.
    """
    if given == "inf" or (type(given) is int and 1 <= given <= 4096):
        return given
    raise ValueError('give an integer from 1 to 4096, or "inf"')


MaxTokens = Annotated[Any, AfterValidator(max_tokens)]


class Insights(Strict):
    """Whether events beside OpenAI's are wanted, and which models answer."""

    events: bool = False
    language_model: str = ""
    hearing: str = ""
    recognizer: str = ""
    voices: list[str] = Field(default_factory=list)
    language_models: list[str] = Field(default_factory=list)
    hearings: list[str] = Field(default_factory=list)


OFFERS = {"voices": "voice", "language_models": "language model", "hearings": "way of hearing"}
"""What the server says that can be chosen, and a client cannot change."""


def spoken() -> list[Modality]:
    """Replies are spoken, unless a client wants them written."""
    return ["audio"]


class SessionConfig(Strict):
    """The session object."""

    type: Literal["realtime", "transcription"] = "realtime"
    model: str | None = None
    output_modalities: Annotated[list[Modality], Field(min_length=1, max_length=1)] = Field(
        default_factory=spoken
    )
    instructions: Annotated[str, Field(max_length=MAX_INSTRUCTIONS)] = ""
    audio: Audio = Audio()
    tools: list[FunctionTool] = Field(default_factory=list, max_length=MAX_TOOLS)
    tool_choice: ToolChoice = "auto"
    max_output_tokens: MaxTokens = "inf"
    antiphon: Insights = Insights()

    @property
    def text_only(self) -> bool:
        """Whether replies are written."""
        return self.output_modalities == ["text"]

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return self.model_dump()


def updated(config: SessionConfig, given: Mapping[str, Any], prefix: str = "session") -> Any:
    """A session with some of its fields changed.

    Args:
        config: as it was.
        given: what the client sent.
        prefix: names the field that holds it.

    Raises:
        ApiError: A field is unknown, or its value is none it can have.
    """
    kept = {name: value for name, value in given.items() if name not in IGNORED or name == "model"}
    merged = merge(config.model_dump(), kept)
    if isinstance(merged["antiphon"], dict):
        merged["antiphon"].update({n: getattr(config.antiphon, n) for n in (*OFFERS, "recognizer")})
    made = check(SessionConfig, merged, prefix, TAGS)
    for chosen, offer in (("language_model", "language_models"), ("hearing", "hearings")):
        name, names = getattr(made.antiphon, chosen), getattr(made.antiphon, offer)
        if name != getattr(config.antiphon, chosen) and name not in names:
            raise ApiError(
                f"There is no {OFFERS[offer]} {name[:80]!r} here: choose {', '.join(names)}.",
                "invalid_value",
                f"{prefix}.antiphon.{chosen}",
            )
    offered(made.tools, made.tool_choice, prefix)
    voice = made.audio.output.voice
    name = voice.id if isinstance(voice, VoiceId) else voice
    known = made.antiphon.voices or ["default"]
    if name not in known and name not in OPENAI_VOICES and name != "default":
        raise ApiError(
            f"There is no voice {name[:80]!r}: choose {', '.join(known)}.",
            "invalid_value",
            f"{prefix}.audio.output.voice",
        )
    spoken = name if name in known else known[0]
    output = made.audio.output.model_copy(update={"voice": spoken})
    return made.model_copy(update={"audio": made.audio.model_copy(update={"output": output})})


def merge(old: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Objects merged field by field; one of another type takes the place of the old."""
    merged = dict(old)
    for name, value in new.items():
        before: Any = merged.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        if both and value.get("type", before.get("type")) == before.get("type"):
            merged[name] = merge(before, value)
        else:
            merged[name] = value
    return merged


def tools_of(tools: list[FunctionTool], param: str) -> dict[str, Tool]:
    """Tools by name, as the runtime knows them.

    Raises:
        ApiError: One of them cannot be used, or two have one name.
    """
    found: dict[str, Tool] = {}
    for index, each in enumerate(tools):
        told = {"name": each.name, "description": each.description or each.name}
        try:
            tool = Tool.parse({**told, "parameters": each.parameters or {"type": "object"}})
        except (UserError, TypeError, AttributeError) as error:
            raise ApiError(str(error), "invalid_value", f"{param}[{index}]") from error
        if tool.name in found:
            raise ApiError(f"Two tools are called '{tool.name}'.", "invalid_value", param)
        found[tool.name] = tool
    return found


def offered(
    tools: list[FunctionTool], choice: Any, prefix: str = "session"
) -> tuple[dict[str, Tool], bool]:
    """The tools that can be called, and whether one of them must be.

    Args:
        tools: of the session or of the response.
        choice: a `tool_choice`.
        prefix: names the field that holds both.

    Raises:
        ApiError: One of them cannot be used, or the one that is chosen is not there.
    """
    found = tools_of(tools, f"{prefix}.tools")
    if choice in ("auto", "none"):
        return (found if choice == "auto" else {}), False
    if choice == "required":
        wanted = found
    else:
        wanted = {name: tool for name, tool in found.items() if name == choice["name"]}
    if not wanted:
        name = "tool" if choice == "required" else f"function {choice['name'][:64]!r}"
        raise ApiError(
            f"There is no {name} to be called: give it in 'tools'.",
            "invalid_value",
            f"{prefix}.tool_choice",
        )
    return wanted, True


def options_of(config: SessionConfig, own: Options) -> Options:
    """How the conversation behaves.

    Args:
        config: what the client chose.
        own: the server's options.
    """
    vad, speed = config.audio.input.turn_detection, config.audio.output.speed
    if vad is None:  # turns are what is committed
        return replace(own, mode="ptt", answer=False, speed=speed, longest_turn=600.0)
    answered = vad.create_response and not config.text_only and config.type == "realtime"
    mode: Mode = "full" if vad.interrupt_response else "half"
    options = replace(own, mode=mode, answer=answered, speed=speed)
    if isinstance(vad, ServerVad):
        patience = vad.silence_duration_ms / 1000 / PATIENCE_SECONDS
        preroll = min(max(vad.prefix_padding_ms, 300), 1000)
        return replace(options, patience=patience, judge=False, preroll_ms=preroll)
    return replace(options, patience=min(own.patience * EAGERNESS[vad.eagerness], 10.0))
