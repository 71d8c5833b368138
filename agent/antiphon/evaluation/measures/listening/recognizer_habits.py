"""What a recognizer does beside transcribing: languages, streams, contexts, confidence."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from tqdm import tqdm

from antiphon.evaluation.scores import (
    Errors,
    mean_interval,
    normalized,
    ratio_interval,
    total,
    wilson_interval,
    word_errors,
)
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Options

Sound = NDArray[np.float32]

PIECE = SAMPLE_RATE // 2
"""Samples in which a recording comes in."""
MINUTE = 60 * SAMPLE_RATE
LATE, EARLY = 10, 5
"""Minutes of a long recording whose work is compared."""
CLASSES = 10
"""Of confidence, in which it is compared with what is right."""
LISTED = 20
"""Entries of a context."""


def languages(listener: LongAudio, spoken: Sequence[tuple[Sound, str]]) -> dict[str, Any]:
    """`lid`: the share of recordings whose language is found, with its 95 % interval.

    Args:
        listener: what is measured.
        spoken: recordings and the codes of their languages.
    """
    codes = tuple(dict.fromkeys(code for _, code in spoken))
    right = dict.fromkeys(codes, 0)
    for pcm, code in tqdm(spoken, desc="languages", unit="clip"):
        right[code] += listener.transcribe(pcm, Options(languages=codes)).language == code
    each = {code: sum(c == code for _, c in spoken) for code in codes}
    found = sum(right.values())
    return {
        "lid": round(found / len(spoken), 4),
        "lid_interval": [round(bound, 4) for bound in wilson_interval(found, len(spoken))],
        "lid_clips": len(spoken),
        "lid_of": {code: round(right[code] / each[code], 4) for code in codes},
    }


def streaming(listener: LongAudio, clips: Iterable[tuple[Sound, str]]) -> dict[str, Any]:
    """`stream_gap`: word errors of the text so far over those of the whole, in points.

    The text so far is only ever appended to, so what is given out too early stays wrong in it.

    Args:
        listener: what is measured.
        clips: recordings and what is said.
    """
    grown, whole = list[Errors](), list[Errors]()
    for pcm, text in tqdm(clips, desc="streaming", unit="clip"):
        state = listener.start(Options(language="en", partials=True))
        shown = ""
        for at in range(0, len(pcm), PIECE):
            state = listener.feed(pcm[at : at + PIECE], state)
            now = listener.partial(state).text
            if not now.startswith(shown):
                raise AssertionError("a recognizer took back what it had given out")
            shown = now
        state = listener.end(state)
        grown.append(word_errors(text, listener.partial(state).text))
        whole.append(word_errors(text, listener.finish(state).text))
    gaps = [a.wrong - b.wrong for a, b in zip(grown, whole, strict=True)]
    words = [each.words for each in whole]
    return {
        "wer_stream": round(total(grown).percent, 3),
        "stream_gap": round(100 * sum(gaps) / max(1, sum(words)), 3),
        "stream_gap_interval": [round(100 * b, 3) for b in ratio_interval(gaps, words)],
    }


def trust(listener: LongAudio, clips: Iterable[tuple[Sound, str]]) -> dict[str, Any]:
    """`confidence_error`: how far words' confidence is from the share of them that is right.

    The mean over words of that distance, in points, in ten classes of confidence (expected
    calibration error, arXiv 1706.04599). Nothing of a recognizer whose words have no confidence.

    Args:
        listener: what is measured.
        clips: recordings and what is said.
    """
    pairs = list[tuple[float, bool]]()
    for pcm, text in tqdm(clips, desc="confidence", unit="clip"):
        words = listener.transcribe(pcm, Options(language="en", words=True)).words
        written = [(w, each.confidence) for each in words for w in normalized(each.text).split()]
        same = Levenshtein.opcodes(normalized(text).split(), [word for word, _ in written])
        right = {
            i for c in same if c.tag == "equal" for i in range(c.dest_start, c.dest_end)
        }  # fmt: skip
        pairs += [(sure, i in right) for i, (_, sure) in enumerate(written) if sure is not None]
    if not pairs:
        return {}
    sure, right_too = np.array([sure for sure, _ in pairs]), np.array([hit for _, hit in pairs])
    classes = np.minimum((sure * CLASSES).astype(int), CLASSES - 1)
    gaps = [abs(float((sure - right_too)[classes == c].sum())) for c in range(CLASSES)]
    return {
        "confidence_error": round(100 * sum(gaps) / len(pairs), 2),
        "confidence": round(100 * float(sure.mean()), 2),
        "words_right": round(100 * float(right_too.mean()), 2),
        "confidence_words": len(pairs),
    }


def flatness(listener: LongAudio, pcm: Sound) -> dict[str, Any]:
    """`flat`: work of the tenth minute of a recording over that of the fifth.

    Args:
        listener: what is measured.
        pcm: [N] a minute of speech, which is said again and again.
    """
    minute = np.resize(pcm, MINUTE)
    state = listener.start(Options(language="en", partials=True))
    spent = list[float]()
    for _ in tqdm(range(LATE), desc="long", unit="min"):
        begun = time.process_time()
        for at in range(0, MINUTE, PIECE):
            state = listener.feed(minute[at : at + PIECE], state)
        spent.append(time.process_time() - begun)
    return {"flat": round(spent[LATE - 1] / spent[EARLY - 1], 3)}


def context(
    listener: LongAudio, named: Sequence[tuple[Sound, str]], seed: int = 0
) -> dict[str, Any]:
    """`context_gain`: rare names found with a context that holds them, less those found without.

    Args:
        listener: what is measured.
        named: recordings, and the name that each of them holds.
        seed: of the other names in the contexts.
    """
    rng, plain = np.random.default_rng(seed), Options(language="en")
    names = sorted({name for _, name in named})
    helped, alone = list[bool](), list[bool]()
    for pcm, name in tqdm(named, desc="names", unit="clip"):
        entries = listed(names, rng, name)
        found = listener.transcribe(pcm, replace(plain, context=entries)).text
        helped.append(holds(found, name))
        alone.append(holds(listener.transcribe(pcm, plain).text, name))
    gains = np.array(helped, int) - np.array(alone, int)
    interval = mean_interval((100 * gains).tolist(), seed)
    return {
        "names_with_context": round(100 * float(np.mean(helped)), 2),
        "names_without": round(100 * float(np.mean(alone)), 2),
        "context_gain": round(100 * float(gains.mean()), 2),
        "context_gain_interval": [round(float(bound), 2) for bound in interval],
        "names": len(named),
    }


def echoing(
    listener: LongAudio,
    sounds: Iterable[tuple[Sound, str]],
    names: Sequence[str],
    seed: int = 0,
) -> dict[str, Any]:
    """`context_echo`: how often names of a context are written that nobody said, two or more.

    Args:
        listener: what is measured.
        sounds: speech and noise, and what is said in them.
        names: of the contexts.
        seed: of the contexts.
    """
    rng = np.random.default_rng(seed)
    echoed, count = 0, 0
    for pcm, text in tqdm(sounds, desc="echo", unit="sound"):
        entries = listed(names, rng)
        found = listener.transcribe(pcm, Options(language="en", context=entries)).text
        written = [name for name in entries if holds(found, name) and not holds(text, name)]
        echoed, count = echoed + (len(written) > 1), count + 1
    return {"context_echo": echoed, "context_echo_of": count}


def listed(names: Sequence[str], rng: np.random.Generator, wanted: str = "") -> tuple[str, ...]:
    """A context of names in an order of chance, with the wanted one among them."""
    others = [name for name in names if name != wanted]
    drawn = rng.permutation(len(others))[: LISTED - bool(wanted)]
    entries = [others[int(i)] for i in drawn] + ([wanted] if wanted else [])
    return tuple(entries[int(i)] for i in rng.permutation(len(entries)))


def holds(text: str, name: str) -> bool:
    """Whether a name is in a text."""
    return f" {normalized(name)} " in f" {normalized(text)} "
