"""The names of the beta version of the API, for clients that still use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
OLD_FORMATS = {new: old for old, new in FORMATS.items()}
EVENTS = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
"""Server events that had another name."""
CONTENTS = {"output_text": "text", "output_audio": "audio"}


def from_beta(message: Mapping[str, Any]) -> dict[str, Any]:
    """A client's event with today's names; what cannot be one is left as it is, to be refused."""
    made = dict(message)
    session = made.get("session")
    if made.get("type") == "session.update" and isinstance(session, Mapping):
        made["session"] = session_from_beta(session)
    response = made.get("response")
    if made.get("type") == "response.create" and isinstance(response, Mapping):
        made["response"] = response_from_beta(response)
    return made


def session_from_beta(old: Mapping[str, Any]) -> dict[str, Any]:
    """The session object with today's names."""
    new, heard, spoken = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    for name, value in old.items():
        if name == "modalities":
            audio = isinstance(value, list) and "audio" in value
            new["output_modalities"] = ["audio"] if audio else value
        elif name == "input_audio_format":
            heard["format"] = {"type": FORMATS.get(str(value), value)}
        elif name == "output_audio_format":
            spoken["format"] = {"type": FORMATS.get(str(value), value)}
        elif name == "input_audio_transcription":
            heard["transcription"] = value
        elif name == "input_audio_noise_reduction":
            heard["noise_reduction"] = value
        elif name == "turn_detection":
            heard["turn_detection"] = value
        elif name in ("voice", "speed"):
            spoken[name] = value
        elif name == "max_response_output_tokens":
            new["max_output_tokens"] = value
        else:
            new[name] = value
    if heard or spoken:
        new["audio"] = {
            **({"input": heard} if heard else {}),
            **({"output": spoken} if spoken else {}),
        }
    return new


def response_from_beta(old: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a response with today's names."""
    made = session_from_beta(old)
    made.pop("temperature", None)
    made.get("audio", {}).pop("input", None)
    made.get("audio", {}).get("output", {}).pop("format", None)
    return made


def session_to_beta(new: Mapping[str, Any]) -> dict[str, Any]:
    """The session object with the names of the beta version."""
    heard, spoken = new["audio"]["input"], new["audio"]["output"]
    own = ("id", "model", "instructions", "tools", "tool_choice", "antiphon")
    audio = new["output_modalities"] == ["audio"]
    return {
        **{name: new[name] for name in own if name in new},
        "object": "realtime.session",
        "modalities": ["text", "audio"] if audio else ["text"],
        "voice": spoken["voice"],
        "speed": spoken["speed"],
        "input_audio_format": OLD_FORMATS[heard["format"]["type"]],
        "output_audio_format": OLD_FORMATS[spoken["format"]["type"]],
        "input_audio_transcription": heard["transcription"],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "turn_detection": heard["turn_detection"],
        "temperature": 0.8,
        "max_response_output_tokens": new["max_output_tokens"],
    }


def to_beta(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """A server event with the names of the beta version; None: it had no such event."""
    kind = event["type"]
    if kind == "conversation.item.done":
        return None
    made = {**event, "type": EVENTS.get(kind, kind)}
    if "session" in made:
        made["session"] = session_to_beta(made["session"])
    if "item" in made:
        made["item"] = item_to_beta(made["item"])
    if "response" in made:
        response = dict(made["response"])
        audio = response.pop("output_modalities") == ["audio"]
        response["modalities"] = ["text", "audio"] if audio else ["text"]
        response["output"] = [item_to_beta(item) for item in response["output"]]
        made["response"] = response
    return made


def item_to_beta(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with the names of the beta version."""
    content = [
        {**part, "type": CONTENTS.get(part["type"], part["type"])}
        for part in item.get("content", ())
    ]
    return {**item, **({"content": content} if "content" in item else {})}
