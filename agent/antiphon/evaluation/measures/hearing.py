"""Hearing: word errors of the CTC head on human speech, compared with Whisper itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from antiphon import audio_file
from antiphon.evaluation.judges import RATE, Pcm
from antiphon.evaluation.material import Clip
from antiphon.evaluation.scores import Errors, total, word_errors

WAYS = ("ctc", "whisper")


def evaluate(clips: Sequence[Clip], ways: Mapping[str, Callable[[Pcm], str]]) -> dict[str, Any]:
    """Word error rates on human recordings, overall and by collection.

    Args:
        clips: recordings with transcripts.
        ways: the listeners "ctc" and "whisper".
    """
    errors: dict[str, dict[str, list[Errors]]] = {}
    for clip in tqdm(clips, desc="ears", unit="clip"):
        pcm = audio_file.read(clip.path, RATE)
        of_part = errors.setdefault(clip.part, {way: [] for way in WAYS})
        for way in WAYS:
            of_part[way].append(word_errors(clip.text, ways[way](pcm)))
    return compared(errors)


def compared(errors: Mapping[str, Mapping[str, Sequence[Errors]]]) -> dict[str, Any]:
    """The table.

    Args:
        errors: by collection and listener, one a clip.
    """

    def row(of_part: Mapping[str, Sequence[Errors]]) -> dict[str, Any]:
        wer = {way: total(of_part[way]).percent for way in WAYS}
        return {
            "ctc_wer": round(wer["ctc"], 3),
            "whisper_wer": round(wer["whisper"], 3),
            "above": round(wer["ctc"] - wer["whisper"], 3),
            "clips": len(of_part["ctc"]),
        }

    every = {way: [e for of_part in errors.values() for e in of_part[way]] for way in WAYS}
    return {**row(every), "sets": {part: row(of_part) for part, of_part in errors.items()}}
