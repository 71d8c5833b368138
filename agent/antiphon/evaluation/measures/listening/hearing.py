"""Hearing: word errors on speech, beside those of the Whisper decoder inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from antiphon import audio_file
from antiphon.evaluation.judges import RATE, Pcm
from antiphon.evaluation.material import Clip
from antiphon.evaluation.scores import Errors, normalized, ratio_interval, total, word_errors

WAYS = ("ctc", "decoder", "whisper")


@dataclass(frozen=True)
class Heard:
    """What the listeners heard of a clip."""

    errors: Mapping[str, Errors]
    """By listener."""
    doubled: int = 0
    """Words said twice that the decoder has once."""
    cut: int = 0
    """Words of the decoder of which only the beginning is left."""


@dataclass(frozen=True)
class Utterance:
    """What is said to the listeners."""

    part: str
    """The collection it belongs to, or the voice."""
    text: str
    sound: Callable[[], Pcm]
    """How it sounds."""


def recorded(
    clips: Sequence[Clip], change: Callable[[Pcm], Pcm] = lambda pcm: pcm
) -> list[Utterance]:
    """People's recordings, with a change made to the sound, such as noise."""

    def sound(path: Path) -> Pcm:
        return change(audio_file.read(path, RATE))

    return [Utterance(clip.part, clip.text, partial(sound, clip.path)) for clip in clips]


def spoken(
    texts: Sequence[str],
    voices: Mapping[str, Callable[[str], Pcm]],
    change: Callable[[Pcm], Pcm] = lambda pcm: pcm,
) -> list[Utterance]:
    """Texts that synthetic voices say in turn."""

    def sound(voice: str, text: str) -> Pcm:
        return change(voices[voice](text))

    turns = zip(texts, cycle(voices), strict=False)
    return [Utterance(voice, text, partial(sound, voice, text)) for text, voice in turns]


def evaluate(
    utterances: Sequence[Utterance], ways: Mapping[str, Callable[[Pcm], str]]
) -> dict[str, Any]:
    """Word error rates, overall and by collection or voice.

    Args:
        utterances: what is said.
        ways: the listeners: "ctc" as the agent hears, "decoder" the one inside it, "whisper".
    """
    found: dict[str, list[Heard]] = {}
    for said in tqdm(utterances, desc="ears", unit="clip"):
        pcm = said.sound()
        texts = {way: ways[way](pcm) for way in WAYS}
        errors = {way: word_errors(said.text, text) for way, text in texts.items()}
        words, decoded = normalized(texts["ctc"]).split(), normalized(texts["decoder"]).split()
        heard = Heard(errors, doubled(words, decoded), cut(words, decoded))
        found.setdefault(said.part, []).append(heard)
    return compared(found)


def compared(found: Mapping[str, Sequence[Heard]]) -> dict[str, Any]:
    """The table.

    Args:
        found: by collection, one a clip.
    """

    def row(heard: Sequence[Heard]) -> dict[str, Any]:
        wer = {way: total(h.errors[way] for h in heard).percent for way in WAYS}
        return {
            **{f"{way}_wer": round(wer[way], 3) for way in WAYS},
            "above_decoder": round(wer["ctc"] - wer["decoder"], 3),
            "above_decoder_interval": interval(heard),
            "above": round(wer["ctc"] - wer["whisper"], 3),
            "doubled": sum(h.doubled for h in heard),
            "cut": sum(h.cut for h in heard),
            "clips": len(heard),
        }

    every = [heard for of_part in found.values() for heard in of_part]
    return {**row(every), "sets": {part: row(of_part) for part, of_part in found.items()}}


def interval(heard: Sequence[Heard], seed: int = 0) -> list[float]:
    """95 % interval of what "ctc" is above "decoder", in points, drawn over clips."""
    more = [h.errors["ctc"].wrong - h.errors["decoder"].wrong for h in heard]
    bounds = ratio_interval(more, [h.errors["decoder"].words for h in heard], seed)
    return [round(100 * bound, 3) for bound in bounds]


def doubled(words: Sequence[str], decoded: Sequence[str]) -> int:
    """How many words follow themselves more often than the decoder has it."""

    def twice(said: Sequence[str]) -> int:
        return sum(one == other for one, other in pairwise(said))

    return max(0, twice(words) - twice(decoded))


def cut(words: Sequence[str], decoded: Sequence[str]) -> int:
    """Of how many words of the decoder only the beginning is left."""
    import jiwer

    if not words or not decoded:
        return 0
    aligned = jiwer.process_words(" ".join(decoded), " ".join(words)).alignments[0]
    return sum(
        whole != part and whole.startswith(part)
        for chunk in aligned
        if chunk.type == "substitute"
        for whole, part in zip(
            decoded[chunk.ref_start_idx : chunk.ref_end_idx],
            words[chunk.hyp_start_idx : chunk.hyp_end_idx],
            strict=True,
        )
    )
