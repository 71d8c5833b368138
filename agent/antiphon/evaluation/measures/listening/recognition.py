"""Recognition: word errors of any recognizer beside Whisper's, and what Drax's steps are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from tqdm import tqdm

from antiphon import audio_file
from antiphon.evaluation.judges import RATE, Pcm
from antiphon.evaluation.material import Clip
from antiphon.evaluation.scores import Errors, ratio_interval, total, word_errors
from antiphon.recognition.drax import drafting
from antiphon.recognition.drax.candidates import choose
from antiphon.recognition.drax.recognizer import DraxRecognizer, paired
from antiphon.recognition.transcript import Options

STEPS = (0, 1, 2, 4, 8, 16, 32)
"""Evaluations of the decoder that are compared; 0 is the middle alone."""
TEMPERATURES = (0.1, 0.5, 1.0)
"""Of the draws that are compared, in `Options.steps` evaluations; the other rows have 0.01."""
CANDIDATES = 8


@dataclass(frozen=True)
class Draft:
    """Whisper's decoder with a draft."""

    tokens: int
    """That it wrote."""
    passes: int
    """In which it did."""
    identical: bool
    """Whether they are what it writes alone."""


@dataclass(frozen=True)
class Heard:
    """A clip as a recognizer and Whisper heard it."""

    part: str
    errors: Mapping[str, Errors]
    """By way of hearing."""
    seconds: Mapping[str, float]
    """Work, by way."""
    length: float
    """Seconds of sound."""
    draft: Draft | None = None
    """What Whisper made of the text as a draft."""


def evaluate(
    clips: Sequence[Clip],
    recognize: Callable[[Pcm], str],
    whisper: Callable[[Pcm], str],
) -> dict[str, Any]:
    """Word error rates of a recognizer and of Whisper on the same recordings.

    Args:
        clips: recordings with transcripts.
        recognize: what is measured.
        whisper: what it is compared to.
    """
    found = []
    for clip in tqdm(clips, desc="recognition", unit="clip"):
        pcm = audio_file.read(clip.path, RATE)
        errors, seconds = dict[str, Errors](), dict[str, float]()
        for way, hear in (("wer", recognize), ("wer_whisper", whisper)):
            begun = time.perf_counter()
            text = hear(pcm)
            seconds[way] = time.perf_counter() - begun
            errors[way] = word_errors(clip.text, text)
        found.append(Heard(clip.part, errors, seconds, len(pcm) / RATE))
    return table(found)


def evaluate_drax(clips: Sequence[Clip], drax: DraxRecognizer, seed: int = 0) -> dict[str, Any]:
    """The same for Drax, on the encoder states that both share; its steps and candidates.

    Clips longer than an utterance are left out and counted. Times are of decoding alone.

    Args:
        clips: recordings with transcripts.
        drax: the recognizer.
        seed: of its draws.
    """
    found, left = [], 0
    for clip in tqdm(clips, desc="drax", unit="clip"):
        pcm = audio_file.read(clip.path, RATE)
        if len(pcm) > drax.longest:
            left += 1
            continue
        found.append(heard_by_drax(clip, pcm, drax, seed))
    return {**table(found), "clips_left_out": left}


@torch.no_grad()
def heard_by_drax(clip: Clip, pcm: Pcm, drax: DraxRecognizer, seed: int) -> Heard:
    """A clip by Drax in several numbers of steps, by candidates, and by Whisper's decoder."""
    frames = drax.transcriber.encoder.whole(pcm)
    errors, seconds = dict[str, Errors](), dict[str, float]()

    def measure(way: str, hear: Callable[[], str]) -> None:
        begun = time.perf_counter()
        text = hear()
        seconds[way] = time.perf_counter() - begun
        errors[way] = word_errors(clip.text, text)

    transcriber = drax.transcriber
    alone = list[int]()

    def whisper() -> str:
        alone.extend(transcriber.decoder.transcribe(frames, behind=transcriber.behind).tokens)
        return transcriber.tokenizer.decode(alone)

    measure("wer_whisper", whisper)
    options = Options(seed=seed)
    for steps in STEPS:
        measure(f"wer_{steps}", partial(drawn_in, drax, frames, replace(options, steps=steps)))
    for warm in TEMPERATURES:
        other = replace(options, temperature=warm)
        measure(f"wer_{options.steps}_at_{warm}", partial(drawn_in, drax, frames, other))
    guess = drax.model.middle(paired(frames)[None])
    drawn = drax.draw(frames, guess, replace(options, candidates=CANDIDATES))
    texts = [drax.vocabulary.decode(drax.until_end(row)) for row in drawn.tokens.tolist()]
    sure = drawn.log_probs.mean(-1).tolist()
    measure("wer_mbr", lambda: texts[choose(texts, sure, "mbr")])
    measure(
        "wer_scored",
        lambda: texts[choose(texts, sure, "whisper", lambda text: drax.score(frames, text))],
    )
    each = [word_errors(clip.text, text) for text in texts]
    errors["wer_oracle"] = min(each, key=lambda e: e.wrong)
    errors["wer_one_of_8"] = Errors(each[0].wrong, each[0].words)
    errors["wer"] = errors["wer_16"]
    text = drafting.written(drax.transcribe(frames, replace(options, steps=2)).text)
    guess_ids = transcriber.tokenizer.encode(f" {text}", add_special_tokens=False).ids
    drafted = drafting.transcribe(transcriber.decoder, frames, guess_ids, transcriber.behind)
    draft = Draft(len(alone), drafted.passes, list(drafted.tokens) == alone)
    return Heard(clip.part, errors, seconds, len(pcm) / RATE, draft)


def drawn_in(drax: DraxRecognizer, frames: torch.Tensor, options: Options) -> str:
    """The text of encoder states by the options' steps."""
    return drax.transcribe(frames, options).text


def table(found: Sequence[Heard]) -> dict[str, Any]:
    """Rates in percent with 95 % intervals over clips; work as a share of the sound's length."""
    ways = list(found[0].errors) if found else []
    length = sum(heard.length for heard in found)
    parts = dict.fromkeys(heard.part for heard in found)
    above = rate(found, "wer") - rate(found, "wer_whisper") if found else float("nan")
    return {
        **{way: rate(found, way) for way in ways},
        **{f"{way}_interval": interval(found, way) for way in ways},
        "above_whisper": round(above, 3),
        "work": {
            way: round(sum(h.seconds[way] for h in found) / length, 4)
            for way in (found[0].seconds if found else ())
        },
        **drafts([heard.draft for heard in found if heard.draft]),
        "clips": len(found),
        "sets": {
            part: {
                way: rate([h for h in found if h.part == part], way)
                for way in ("wer", "wer_whisper")
            }
            for part in parts
        },
    }


def drafts(found: Sequence[Draft]) -> dict[str, Any]:
    """How many tokens Whisper writes in a pass with drafts, and how often they change nothing."""
    if not found:
        return {}
    return {
        "tokens_a_pass": round(sum(d.tokens for d in found) / sum(d.passes for d in found), 3),
        "identical": sum(d.identical for d in found) / len(found),
    }


def rate(found: Sequence[Heard], way: str) -> float:
    """Word error rate in percent."""
    return round(total(heard.errors[way] for heard in found).percent, 3)


def interval(found: Sequence[Heard], way: str, seed: int = 0) -> list[float]:
    """95 % interval of a rate, drawn over clips."""
    errors = [heard.errors[way] for heard in found]
    bounds = ratio_interval([e.wrong for e in errors], [e.words for e in errors], seed)
    return [round(100 * bound, 3) for bound in bounds]
