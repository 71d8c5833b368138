"""What the server can do, as it answers `describe`."""

from __future__ import annotations

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    TtsProgram,
    TtsVoice,
)

import antiphon
from antiphon.settings import Models

PROGRAM = "antiphon"
LANGUAGES = ("en",)
"""What is understood and spoken."""


def info(models: Models) -> Info:
    """The programs and their models.

    Args:
        models: as they were chosen.
    """

    def about(name: str, description: str) -> dict[str, object]:
        return {
            "name": name,
            "description": description,
            "attribution": Attribution("Antiphon", ""),
            "installed": True,
            "version": antiphon.__version__,
        }

    def model(name: str, description: str) -> dict[str, object]:
        return {**about(name, description), "languages": list(LANGUAGES)}

    ears = models.recognizer if models.ears in ("auto", "s2t", "cascade") else models.ears
    hears = AsrModel(**model(ears, f"Hears with {ears}"))  # type: ignore[arg-type]
    speaks = TtsVoice(**model(models.voice, f"Antiphon's {models.voice}"))  # type: ignore[arg-type]
    thinks = HandleModel(**model(models.llm, f"Answers with {models.llm}"))  # type: ignore[arg-type]
    return Info(
        asr=[
            AsrProgram(
                **about(PROGRAM, "Antiphon's hearing"),  # type: ignore[arg-type]
                models=[hears],
                supports_transcript_streaming=True,
            )
        ],
        tts=[
            TtsProgram(
                **about(PROGRAM, "Antiphon's voice"),  # type: ignore[arg-type]
                voices=[speaks],
                supports_synthesize_streaming=True,
            )
        ],
        handle=[
            HandleProgram(
                **about(PROGRAM, "Antiphon's conversation"),  # type: ignore[arg-type]
                models=[thinks],
                supports_handled_streaming=True,
                supports_home_control=False,
            )
        ],
    )


def speaks(language: str | None) -> bool:
    """Whether a language is one of ours: "en" or "en-GB"."""
    return language is None or language.replace("_", "-").lower().split("-")[0] in LANGUAGES
