"""`antiphon eval recognition` and `antiphon eval alignment`."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from antiphon.cli.measures.measure import Job
from antiphon.cli.options import given_or
from antiphon.cli.output import Json, chatter_to_stderr, show
from antiphon.settings import Paths

if TYPE_CHECKING:
    from antiphon.recognition.alignment.aligner import Aligner
    from antiphon.recognition.long_audio import LongAudio
    from antiphon.training.corpora.hearing.timed_speech import TimedSpeech

Sound = NDArray[np.float32]

RECORDINGS = 100
"""Recordings of each collection that are heard at most."""
SENTENCES = 100
"""Sentences that are said."""
NOISES = {"noise10": 10.0, "noise0": 0.0}
"""Decibels of speech above noise."""
MINUTES = {"60s": 1.0, "300s": 5.0}
"""Lengths of long recordings."""
RIVAL = "pocketsphinx"
PEOPLE, CHECKED = "people", "checked"
"""Voices of `antiphon eval alignment` that are no synthesizer's."""
UNHEARD = ("+m2", "+m4", "+f2", "+f5")
"""Timbres of espeak that nothing is trained on."""
CARRIERS = ("Have you ever heard of {}?", "I was reading about {} last night.", "Call {}, please.")
RARE = re.compile(r"[A-Z][a-z]{5,11}")
"""An answer to a question that is one rare name, more often than not."""
ECHOES = 5
"""Sounds heard with a context, for each sentence of the other measures."""


def alignment(
    data: Annotated[Path, given_or(Paths, "data")],
    aligner: Annotated[
        list[str] | None,
        typer.Option(help="attention, ctc, slots or pocketsphinx, and =RECOGNIZER; several."),
    ] = None,
    voice: Annotated[
        str, typer.Option(help="Who speaks: flite:…, festival:…, piper:FOLDER, people or checked.")
    ] = "flite:rms",
    kind: Annotated[
        list[str] | None,
        typer.Option(help="clean, noise10, noise0, 60s or 300s; several. All if not said."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Sentences; 100 if not said.")] = None,
    seed: Annotated[int, typer.Option(help="Which ones, and everything else left to chance.")] = 0,
    json: Json = False,
) -> None:
    """How far words are from where an unheard voice says them: clean, in noise, and long.

    Of `people` the times are pocketsphinx's, of recordings where it agrees with itself; so it is
    not judged there. Of `checked`, 16 recordings of people, they were placed by eye.
    """
    from antiphon.errors import UserError
    from antiphon.evaluation import material
    from antiphon.evaluation.measures.listening.alignment import evaluate, scenes

    kinds = kind or ["clean", *NOISES, *MINUTES]
    if unknown := [each for each in kinds if each not in {"clean", *NOISES, *MINUTES}]:
        raise UserError(
            f"There is no kind of recording '{unknown[0]}': "
            f"choose {', '.join(['clean', *NOISES, *MINUTES])}."
        )
    with chatter_to_stderr():
        rivals = [] if voice == PEOPLE else [RIVAL]
        names = aligner or ["slots", "attention", "ctc=drax", *rivals]
        aligners = dict(map(loaded, names))
        count = limit or SENTENCES
        spoken = said(data, voice, count, seed)
        noisy = {
            kind: material.changed(data, decibels, None, seed) for kind, decibels in NOISES.items()
        }
        made = scenes(spoken, noisy, MINUTES, seed)
        result = evaluate(aligners, {each: made[each] for each in kinds})
    show(json, "Alignment", result if json else table(result))


def said(data: Path, voice: str, count: int, seed: int) -> Sequence[TimedSpeech]:
    """Sentences of a voice with the times of their words."""
    from antiphon.evaluation import people_words

    if voice == PEOPLE:
        return people_words.steadily_timed(data, count)
    if voice == CHECKED:
        return list(islice(people_words.checked(data), count))
    return sentences(data, voice, count, seed)


def sentences(data: Path, voice: str, count: int, seed: int) -> Sequence[TimedSpeech]:
    """Sentences that a voice says, whose words pocketsphinx knows as well."""
    from antiphon.evaluation import material
    from antiphon.evaluation.people_words import ENOUGH
    from antiphon.evaluation.pocketsphinx_aligner import PocketsphinxAligner
    from antiphon.training.corpora.hearing.timed_speech import plain, timed_voice

    speak, knows = timed_voice(voice), PocketsphinxAligner().knows
    texts = material.sentences(data, 20 * count, seed)
    fit = (t for t in texts if len(t.split()) >= ENOUGH and plain(t) and knows(t))
    said = (speak(text) for text in fit)
    return list(islice((each for each in said if each), count))


def loaded(name: str) -> tuple[str, Aligner]:
    """A name, and the aligner it stands for."""
    from antiphon.evaluation.pocketsphinx_aligner import PocketsphinxAligner
    from antiphon.recognition.alignment.aligner import ALIGNERS

    kind, _, recognizer = name.partition("=")
    if kind == RIVAL:
        return name, PocketsphinxAligner()
    return name, ALIGNERS.get(kind)(recognizer or "whisper-base")


def table(result: dict[str, Any]) -> dict[str, Any]:
    """A line for each aligner and kind of recording."""
    return {
        f"{name}, {kind}": (
            f"{row['aas_ms']} ms ({row['interval'][0]} to {row['interval'][1]}), "
            f"far {row['far']:.1%}, RTF {row['rtf']}"
            + (f", other texts found {row['found']:.0%}" if "found" in row else "")
        )
        for name, rows in result.items()
        for kind, row in rows.items()
    }


def recognition(
    job: Job,
    recognizer: Annotated[str, typer.Option(help="What is measured: a name or folder.")],
    reference: Annotated[
        str, typer.Option(help="The Whisper beside it; Drax is measured beside its own.")
    ] = "whisper-tiny.en",
    ablation: Annotated[
        bool, typer.Option(help="Compare Drax's paths instead, by short trainings.")
    ] = False,
    minutes: Annotated[float, typer.Option(help="For these; they go on next time.")] = 60,
    steps: Annotated[int, typer.Option(min=1, help="Of each of them.")] = 300,
    seeds: Annotated[int, typer.Option(min=1, help="Of each path.")] = 3,
    work: Annotated[Path, typer.Option(help="Of `antiphon train drax`.")] = Path("work"),
    device: Annotated[str, typer.Option(help="Where they learn: auto, cuda, mps or cpu.")] = "cpu",
    plot: Annotated[Path | None, typer.Option(help="Draw Drax's curves into this picture.")] = None,
) -> Mapping[str, Any]:
    """Word errors of a recognizer beside Whisper's. --limit counts in each collection."""
    if ablation:
        from antiphon.training.jobs.drax.ablation import run as compare_paths

        compared = compare_paths(
            work / "drax", steps=steps, seeds=seeds, minutes=minutes, device=device
        )
        return drawn({"ablation": compared}, plot)
    from antiphon.errors import UserError
    from antiphon.evaluation import material
    from antiphon.evaluation.measures.listening.recognition import evaluate, evaluate_drax
    from antiphon.recognition import long_audio
    from antiphon.recognition.drax.recognizer import DraxRecognizer
    from antiphon.recognition.transcript import Options

    clips = material.clips(job.data, job.limit or RECORDINGS)
    listener = long_audio.from_pretrained(recognizer)
    if isinstance(listener.recognizer, DraxRecognizer):
        return drawn(evaluate_drax(clips, listener.recognizer, job.seed), plot)
    if plot is not None:
        raise UserError(f"--plot draws the curves of a Drax, and {recognizer} is none.")
    other = long_audio.from_pretrained(reference)
    english = Options(language="en")
    found = evaluate(
        clips,
        lambda pcm: listener.transcribe(pcm, english).text,
        lambda pcm: other.transcribe(pcm, english).text,
    )
    return found | habits(listener, job.data, job.limit, job.seed)


def drawn(result: Mapping[str, Any], path: Path | None) -> Mapping[str, Any]:
    """A result, which is drawn if there is to be a picture."""
    if path is not None:
        from antiphon.evaluation.measures.listening import drax_plot

        drax_plot.draw(result, path)
    return result


def habits(listener: LongAudio, data: Path, limit: int | None, seed: int) -> dict[str, Any]:
    """Languages, streaming, contexts and confidence; what a recognizer lacks is left out."""
    from antiphon import audio_file
    from antiphon.evaluation import material, speechless
    from antiphon.evaluation.measures.listening import recognizer_habits as measures
    from antiphon.recognition.recognizer import SAMPLE_RATE

    count = limit or SENTENCES
    clips = material.clips(data, max(1, count // len(material.RECORDINGS)))
    people = [(audio_file.read(clip.path, SAMPLE_RATE), clip.text) for clip in clips]
    found = measures.streaming(listener, people) | measures.trust(listener, people)
    found |= measures.flatness(listener, np.concatenate([pcm for pcm, _ in people]))
    if len(listener.languages) > 1:
        found |= measures.languages(listener, foreign(data, count, seed))
    named = names_said(data, count, seed)
    found |= measures.context(listener, named, seed)
    quiet = ((pcm, "") for _, pcm in speechless.sounds(data, seed))
    sounds = islice(chain.from_iterable(zip(people * ECHOES, quiet, strict=False)), ECHOES * count)
    names = sorted({name for _, name in named})
    return found | measures.echoing(listener, sounds, names, seed)


def foreign(data: Path, count: int, seed: int) -> list[tuple[Sound, str]]:
    """Sentences of four languages by the same timbres, which no recognizer here was trained on."""
    from antiphon.evaluation import material
    from antiphon.training.corpora.hearing.spoken_languages import LOCALES, sentences
    from antiphon.training.corpora.hearing.synthetic_voices import voice

    rng = random.Random(seed)
    texts = {code: rng.sample(sentences(code), count // 4 + 1) for code in LOCALES}
    texts["en"] = material.sentences(data, count // 4 + 1, seed)
    voices = {"en": "en-us", "fr": "fr-fr"}
    return [
        (voice(f"espeak:{voices.get(code, code)}{UNHEARD[i % len(UNHEARD)]}").speak(text), code)
        for code, said in texts.items()
        for i, text in enumerate(said)
    ]


def names_said(data: Path, count: int, seed: int) -> list[tuple[Sound, str]]:
    """Rare names, each in a sentence, by an unheard voice."""
    from antiphon.evaluation import material
    from antiphon.training.corpora.hearing.synthetic_voices import voice

    rng, speak = random.Random(seed), voice("flite:rms").speak
    answers = {a for question in material.questions(data) for a in question.answers}
    names = sorted(a for a in answers if RARE.fullmatch(a))
    return [
        (speak(rng.choice(CARRIERS).format(name)), name)
        for name in rng.sample(names, min(count, len(names)))
    ]
