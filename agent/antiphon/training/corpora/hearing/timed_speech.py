"""Synthetic speech with exact times of its words, as the synthesizers themselves tell them."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.recognizer import SAMPLE_RATE
from antiphon.recognition.transcript import Word
from antiphon.training.corpora.hearing.synthetic_voices import resampled, run, wav

Sound = NDArray[np.float32]

PAUSE = "pau"
"""What flite calls silence."""
HOP = 256
"""Samples of a frame of Piper's durations."""
PLAIN = re.compile(r"[A-Za-z']+[.,!?]?")
"""Words that every synthesizer says as they are written."""


@dataclass(frozen=True)
class TimedSpeech:
    """Speech and when its words are said."""

    pcm: Sound
    """[N] at 16 kHz."""
    words: tuple[Word, ...]


Speak = Callable[[str], TimedSpeech | None]
"""Says a text; None: it says the words otherwise than they are written, so their times are lost."""


def plain(text: str) -> bool:
    """Whether a text has words and no numbers, abbreviations or signs."""
    return all(PLAIN.fullmatch(word) for word in text.split())


def flite(voice: str) -> Speak:
    """A voice of flite: the ends of its phones, shared among the words by the phones of each."""

    def speak(text: str) -> TimedSpeech | None:
        words = text.split()
        pcm, phones = spoken_phones(voice, text)
        spoken = [phone for phone in phones if phone[0] != PAUSE]
        alone = [_phones(word.strip(".,!?")) for word in words]
        bounds = shares([name for name, _, _ in spoken], alone)
        if bounds is None:
            return None
        found = tuple(
            Word(word, round(spoken[a][1] * SAMPLE_RATE), round(spoken[b - 1][2] * SAMPLE_RATE))
            for word, (a, b) in zip(words, pairwise(bounds), strict=True)
        )
        return TimedSpeech(pcm, found)

    return speak


def spoken_phones(voice: str, text: str) -> tuple[Sound, list[tuple[str, float, float]]]:
    """What a voice of flite says: sound [N], and each phone with its start and end in seconds."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        command = ["flite", "-voice", voice, "-psdur", "-t", text, "-o", out.name]
        told = run(command, "").decode()
        pcm = wav(Path(out.name).read_bytes())
    phones = [(name, float(end)) for name, end in (p.split(":") for p in told.split())]
    starts = [0.0, *(end for _, end in phones)]
    return pcm, [(name, starts[i], end) for i, (name, end) in enumerate(phones)]


def shares(spoken: Sequence[str], words: Sequence[Sequence[str]]) -> list[int] | None:
    """Where each word's phones begin among those of a sentence; the last number is their end.

    Args:
        spoken: phones of the sentence.
        words: phones of each word said alone; in a sentence a few of them change.

    Returns:
        Bounds by the least edit distance; None if a word would have no phone, or many changed.
    """
    wanted = [phone for word in words for phone in word]
    cost = np.zeros((len(wanted) + 1, len(spoken) + 1))
    cost[:, 0], cost[0] = np.arange(len(wanted) + 1), np.arange(len(spoken) + 1)
    for i, phone in enumerate(wanted, 1):
        for j, heard in enumerate(spoken, 1):
            other = cost[i - 1, j - 1] + (phone != heard)
            cost[i, j] = min(other, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    if not wanted or cost[-1, -1] > 0.2 * len(wanted):
        return None
    i, j, where = len(wanted), len(spoken), [0] * len(wanted)
    while i:
        if j and cost[i, j] == cost[i - 1, j - 1] + (wanted[i - 1] != spoken[j - 1]):
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
            continue
        where[i] = j
    firsts = np.cumsum([0, *(len(word) for word in words)])[:-1]
    bounds = [*(where[first] if first < len(where) else len(spoken) for first in firsts)]
    bounds = [0, *bounds[1:], len(spoken)]
    return bounds if all(a < b for a, b in pairwise(bounds)) else None


def festival(voice: str) -> Speak:
    """A voice of festival: the times of its words."""

    def speak(text: str) -> TimedSpeech | None:
        with tempfile.TemporaryDirectory() as folder:
            out, script = Path(folder) / "said.wav", Path(folder) / "say.scm"
            script.write_text(
                f"({voice})\n(set! said (utt.synth (Utterance Text {json.dumps(text)})))\n"
                f'(utt.save.wave said "{out}")\n'
                "(mapcar (lambda (w) (format t \"%s\\t%f\\t%f\\n\" (item.name w)"
                ' (item.feat w "word_start") (item.feat w "word_end")))'
                " (utt.relation.items said 'Word))\n"
            )  # fmt: skip
            told = run(["festival", "-b", str(script)], "").decode()
            pcm = wav(out.read_bytes()) if out.exists() else np.zeros(0, np.float32)
        rows = [row.split("\t") for row in told.splitlines() if row.count("\t") == 2]
        written = text.split()
        said = [name.lower() for name, _, _ in rows]
        if said != [word.strip(".,!?").lower() for word in written]:
            return None
        found = tuple(
            Word(word, *(round(float(time) * SAMPLE_RATE) for time in times))
            for word, (_, *times) in zip(written, rows, strict=True)
        )
        return TimedSpeech(pcm, found)

    return speak


def piper(folder: Path) -> Speak:
    """The Piper voice of a folder: the durations of its phonemes, cut at the spaces."""
    import onnxruntime

    from antiphon.training.corpora.voice.teacher import DURATIONS, NOISE_W, PAD, Teacher, cut

    path, cache = next(folder.glob("*.onnx")), weights.cache() / "evaluation"
    cache.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(path, cache)
    whole = cut(path, cache / f"{path.stem}-timed.onnx", ("output", DURATIONS))
    session = onnxruntime.InferenceSession(str(whole), providers=["CPUExecutionProvider"])
    rate = json.loads(path.with_name(path.name + ".json").read_text())["audio"]["sample_rate"]

    def speak(text: str) -> TimedSpeech | None:
        words, sentences = text.split(), teacher.symbols(text)
        if len(sentences) != 1:
            return None
        groups = "".join(sentences[0]).split(" ")
        if len(groups) != len(words) or not all(map(bare, groups)):
            return None
        ids = teacher.phonemes(text)[0]
        spaced = np.full(2 * len(ids) - 1, PAD, np.int64)
        spaced[::2] = ids
        sound, durations = session.run(
            None,
            {
                "input": spaced[None],
                "input_lengths": np.array([len(spaced)], np.int64),
                "scales": np.array([0.667, 1.0, NOISE_W], np.float32),
            },
        )
        frames = np.append(durations.reshape(-1), 0).reshape(-1, 2).sum(1)
        ends = np.cumsum(frames) * HOP * SAMPLE_RATE / rate
        found, at = list[Word](), 0  # the mark of the beginning comes first
        for word, group in zip(words, groups, strict=True):
            start, end = ends[at], ends[at + len(bare(group))]
            if found and bare(groups[len(found) - 1]) == groups[len(found) - 1]:
                # Without punctuation the space is sounded, by both its neighbours.
                start = (start + found[-1].end) / 2
                found[-1] = replace(found[-1], end=round(float(start)))
            found.append(Word(word, round(float(start)), round(float(end))))
            at += len(group) + 1
        return TimedSpeech(resampled(sound.reshape(-1), rate), tuple(found))

    return speak


def bare(group: str) -> str:
    """The phonemes of a word, without the punctuation that follows."""
    return group.rstrip(".,!?;:")


def timed_voice(name: str) -> Speak:
    """The voice of a name: flite:NAME, festival:NAME or piper:FOLDER.

    Raises:
        UserError: The program is unknown.
    """
    program, _, kind = name.partition(":")
    if program == "flite":
        return flite(kind)
    if program == "festival":
        return festival(kind)
    if program == "piper":
        return piper(Path(kind))
    raise UserError(f"No times of words from {name!r}: use flite:…, festival:… or piper:….")


@lru_cache(maxsize=20_000)
def _phones(word: str) -> tuple[str, ...]:
    """A word's phones: all English voices have the same lexicon, and kal speaks fastest."""
    told = run(["flite", "-voice", "kal", "-ps", "-t", word, "none"], "").decode()
    return tuple(phone for phone in told.split() if phone != PAUSE)
