"""Transcripts as text, JSON and subtitles."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from antiphon.recognition.captions import captions
from antiphon.recognition.languages import name
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Segment, Transcript, Word
from antiphon.registry import Registry

Format = Callable[[Transcript], str]
"""Writes a transcript; ends in a new line unless it is empty."""

FORMATS: Registry[Format] = Registry(
    "format of transcripts",
    "antiphon.transcript_formats",
    {
        "text": "antiphon.recognition.formats:text",
        "json": "antiphon.recognition.formats:plain_json",
        "verbose_json": "antiphon.recognition.formats:verbose_json",
        "srt": "antiphon.recognition.formats:srt",
        "vtt": "antiphon.recognition.formats:vtt",
        "textgrid": "antiphon.recognition.formats:textgrid",
    },
)
SUFFIXES = {"text": "txt", "json": "json", "verbose_json": "json", "textgrid": "TextGrid"}
"""Of files, where they are not the format's name."""
TIMED = frozenset({"srt", "vtt", "textgrid"})
"""Formats that need the times of words."""


def text(transcript: Transcript) -> str:
    """The words alone, a line."""
    return f"{transcript.text}\n" if transcript.text else ""


def plain_json(transcript: Transcript) -> str:
    """The object `{"text": …}`."""
    return json.dumps({"text": transcript.text}, ensure_ascii=False) + "\n"


def verbose_json(transcript: Transcript) -> str:
    """The object that OpenAI's clients read; what is not known is null.

    Our own facts are below `antiphon`, and each word has a `confidence`.
    """
    return json.dumps(verbose(transcript), ensure_ascii=False) + "\n"


def verbose(transcript: Transcript) -> dict[str, Any]:
    """`verbose_json` as an object."""
    return {
        "task": "transcribe",
        "language": name(transcript.language) if transcript.language else None,
        "duration": seconds(transcript.duration),
        "text": transcript.text,
        "words": [_word(word) for word in transcript.words],
        "segments": [_segment(i, each) for i, each in enumerate(transcript.segments)],
        "antiphon": {
            "recognizer": transcript.recognizer,
            "language": transcript.language,
            "language_confidence": transcript.language_confidence,
            "notes": list(transcript.notes),
        },
    }


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "start": seconds(word.start),
        "end": seconds(word.end),
        "confidence": word.confidence,
    }


def _segment(index: int, segment: Segment) -> dict[str, Any]:
    sure = segment.confidence
    return {
        "id": index,
        "seek": segment.start * 100 // SAMPLE_RATE,
        "start": seconds(segment.start),
        "end": seconds(segment.end),
        "text": segment.text,
        "tokens": None,
        "temperature": None,
        "avg_logprob": math.log(sure) if sure else None,
        "compression_ratio": None,
        "no_speech_prob": segment.no_speech,
    }


def srt(transcript: Transcript) -> str:
    """SubRip subtitles."""
    blocks = [
        f"{number}\n{clock(each.start, ',')} --> {clock(each.end, ',')}\n{each.text}\n"
        for number, each in enumerate(captions(transcript), 1)
    ]
    return "\n".join(blocks)


def vtt(transcript: Transcript) -> str:
    """WebVTT subtitles (W3C, WebVTT: The Web Video Text Tracks Format)."""
    blocks = ["WEBVTT\n"]
    for each in captions(transcript):
        shown = each.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{clock(each.start, '.')} --> {clock(each.end, '.')}\n{shown}\n")
    return "\n".join(blocks)


def textgrid(transcript: Transcript) -> str:
    """A Praat TextGrid with a tier of words and one of segments; between them is silence."""
    end = max([transcript.duration, *(s.end for s in transcript.segments)])
    tiers = {
        "words": [(w.start, w.end, w.text) for w in transcript.words],
        "segments": [(s.start, s.end, s.text) for s in transcript.segments],
    }
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {seconds(end)}", "tiers? <exists>", f"size = {len(tiers)}"]
    lines.append("item []:")
    for number, (title, marks) in enumerate(tiers.items(), 1):
        filled = _filled(marks, end)
        lines += [f"    item [{number}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{title}"', "        xmin = 0", f"        xmax = {seconds(end)}"]
        lines.append(f"        intervals: size = {len(filled)}")
        for i, (first, last, said) in enumerate(filled, 1):
            quoted = said.replace('"', '""')
            lines += [f"        intervals [{i}]:", f"            xmin = {seconds(first)}"]
            lines += [f"            xmax = {seconds(last)}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def _filled(marks: list[tuple[int, int, str]], end: int) -> list[tuple[int, int, str]]:
    """Intervals without gaps or overlaps."""
    found, at = list[tuple[int, int, str]](), 0
    for first, last, said in marks:
        first = max(first, at)
        if last <= first:
            continue
        if first > at:
            found.append((at, first, ""))
        found.append((first, last, said))
        at = last
    return [*found, (at, end, "")] if at < end or not found else found


def seconds(samples: int) -> float:
    """Samples at 16 kHz in seconds, to the millisecond."""
    return round(samples / SAMPLE_RATE, 3)


def clock(samples: int, comma: str) -> str:
    """A time as subtitles write it: 00:01:02,345."""
    total = round(samples * 1000 / SAMPLE_RATE)
    minutes, thousandths = divmod(total, 60_000)
    return (
        f"{minutes // 60:02}:{minutes % 60:02}:{thousandths // 1000:02}"
        f"{comma}{thousandths % 1000:03}"
    )
