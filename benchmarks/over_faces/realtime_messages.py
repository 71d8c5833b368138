"""One of every event that a client of the Realtime API may send."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "input_text", "text": "Hello."}
ITEM = {"id": "item_1", "type": "message", "role": "user", "content": [TEXT]}
TOOL = {
    "type": "function",
    "name": "set_lamp",
    "description": "Turn the lamp on.",
    "parameters": {
        "type": "object",
        "properties": {"on": {"type": "boolean"}},
        "required": ["on"],
    },
}
SESSION = {
    "type": "realtime",
    "instructions": "Be brief.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "whisper-1", "language": "en"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": "alloy", "speed": 1.0},
    },
    "tools": [TOOL],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
}
MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
RESPONSE = {
    "conversation": "none",
    "output_modalities": ["text"],
    "instructions": "Be brief.",
    "metadata": {"topic": "a"},
    "input": [ITEM],
    "tools": [TOOL],
    "tool_choice": "auto",
}
CALL = {"type": "function_call", "call_id": "call_1", "name": "set_lamp", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
MESSAGES: list[dict[str, Any]] = [
    {"type": "session.update", "event_id": "a", "session": SESSION},
    {"type": "session.update", "session": MANUAL},
    {"type": "input_audio_buffer.append", "audio": "AAAAAAAAAAAAAAAA" * 100},
    {"type": "input_audio_buffer.append", "audio": "/38BgP9/AYD/fwGA" * 500},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "output_audio_buffer.clear"},
    {"type": "conversation.item.create", "previous_item_id": "root", "item": ITEM},
    {"type": "conversation.item.create", "item": {**ITEM, "id": "item_2", "role": "system"}},
    {"type": "conversation.item.create", "item": CALL},
    {"type": "conversation.item.create", "item": OUTPUT},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {
        "type": "conversation.item.truncate",
        "item_id": "item_1",
        "content_index": 0,
        "audio_end_ms": 100,
    },
    {"type": "response.create", "response": RESPONSE},
    {"type": "response.create"},
    {"type": "response.cancel", "response_id": "resp_1"},
]
