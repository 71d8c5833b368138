"""Drax's speed beside autoregressive Whispers': decoding alone, the whole way, and as a draft.

All of them hear the same recordings in the same run, in turns, on the same un-padded encoder states
of Whisper tiny.en: Antiphon's own decoder (float32, as Drax), and CTranslate2's (int8). Recordings
are people's, of the dev splits, longest first so that short ones do not decide.

    python benchmarks/recognition.py --data DIR [--limit N] [--json]
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from report import script, show
from tqdm import tqdm

from antiphon import audio_file, weights
from antiphon.cli.output import Json, chatter_to_stderr
from antiphon.evaluation.material import clips
from antiphon.recognition.drax import drafting
from antiphon.recognition.recognizer import from_pretrained
from antiphon.recognition.transcript import Options

if TYPE_CHECKING:
    import torch

    from antiphon.recognition.drax.recognizer import DraxRecognizer
    from antiphon.recognition.whisper.transcriber import Transcriber

STEPS = (1, 2, 4, 8, 16)
DRAFT = 2
"""Evaluations for a draft."""
BUCKETS = (5, 10, 20, 30, 60)
"""Most words of the texts in each row of the table of latencies."""
RATE = 16_000


@dataclass
class Times:
    """Seconds of work for each clip, by what was done."""

    lengths: list[float] = field(default_factory=list)
    """Of the sound."""
    words: list[int] = field(default_factory=list)
    work: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def of(self, name: str, work: Callable[[], Any]) -> Any:
        """Do something and note how long it took."""
        begun = time.perf_counter()
        found = work()
        self.work[name].append(time.perf_counter() - begun)
        return found

    def rtfx(self, *names: str) -> float:
        """Seconds of sound for a second of this work."""
        return round(sum(self.lengths) / sum(sum(self.work[name]) for name in names), 2)

    def ratio(self, slow: Sequence[str], fast: Sequence[str]) -> float:
        """How many times as fast."""
        return round(self.rtfx(*fast) / self.rtfx(*slow), 3)

    def by_words(self, name: str) -> dict[str, float]:
        """Median milliseconds by the length of the text."""
        rows = defaultdict[str, list[float]](list)
        for words, seconds in zip(self.words, self.work[name], strict=True):
            rows[next((f"<={most}" for most in BUCKETS if words <= most), "more")].append(seconds)
        return {most: round(1000 * statistics.median(row), 1) for most, row in rows.items()}


class Int8:
    """Whisper tiny.en's decoder in CTranslate2.

    Args:
        folder: of its weights.
        threads: that it works with.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        from ctranslate2.models import Whisper

        self.model = Whisper(
            str(folder / "ctranslate2"), compute_type="int8", intra_threads=threads
        )

    def write(self, frames: torch.Tensor, prompt: list[int], most: int) -> list[int]:
        """Greedy tokens of encoder states [T, width]."""
        from ctranslate2 import StorageView

        states = StorageView.from_array(frames[None].contiguous().numpy())
        found = self.model.generate(
            states, [prompt], beam_size=1, max_length=2 * (most + len(prompt))
        )
        return list(found[0].sequences_ids[0])


def measure(data: Path, limit: int, name: str, target: str, threads: int) -> dict[str, Any]:
    """All figures.

    Args:
        data: folder of the open collections.
        limit: at most so many recordings of each.
        name: of the Drax.
        target: Whisper that is given drafts.
        threads: of all models.
    """
    import torch

    from antiphon.recognition.whisper.recognizer import load

    torch.set_num_threads(threads)
    drax: Any = from_pretrained(name)
    small: Transcriber = drax.transcriber
    large: Transcriber = load(target).transcriber
    int8 = Int8(weights.path("whisper-tiny.en"), threads)
    times, alike, tokens, passes = Times(), list[bool](), 0, 0
    for clip in tqdm(clips(data, limit), desc="recognition", unit="clip"):
        pcm = audio_file.read(clip.path, RATE)
        if len(pcm) > drax.longest:
            continue
        times.lengths.append(len(pcm) / RATE)
        times.words.append(len(clip.text.split()))
        frames = times.of("encoder", partial(small.encoder.whole, pcm))
        most = small.decoder.limit(len(frames))
        times.of("whisper", partial(small.decoder.transcribe, frames, behind=small.behind))
        times.of("whisper_int8", partial(int8.write, frames, small.decoder.prompt, most))
        for steps in STEPS:
            times.of(f"drax_{steps}", partial(drax.transcribe, frames, Options(steps=steps)))
        larger = times.of("target_encoder", partial(large.encoder.whole, pcm))
        alone = times.of("target", partial(large.decoder.transcribe, larger, behind=large.behind))
        drafted = times.of("drafted", partial(draft_for, drax, large, pcm, larger))
        alike.append(drafted.tokens == alone.tokens)
        tokens, passes = tokens + len(drafted.tokens), passes + drafted.passes
    whole = {name: ("encoder", name) for name in times.work}
    return {
        "rtfx": times.rtfx("drax_4"),
        "rtfx_whisper": times.rtfx("whisper"),
        "rtfx_whisper_int8": times.rtfx("whisper_int8"),
        "ratio": times.ratio(["whisper"], ["drax_4"]),
        "ratio_int8": times.ratio(["whisper_int8"], ["drax_4"]),
        "ratio_whole": times.ratio(whole["whisper"], whole["drax_4"]),
        "ratio_whole_int8": times.ratio(whole["whisper_int8"], whole["drax_4"]),
        "rtfx_by_steps": {str(n): times.rtfx(f"drax_{n}") for n in STEPS},
        "rtfx_encoder": times.rtfx("encoder"),
        "speculative_ratio": times.ratio(
            ["target_encoder", "target"], ["target_encoder", "drafted"]
        ),
        "accepted": round(tokens / passes, 3),
        "identical": sum(alike) / len(alike),
        "ms_by_words": {
            name: times.by_words(name) for name in ("drax_4", "whisper", "whisper_int8")
        },
        "clips": len(times.lengths),
        "seconds": round(sum(times.lengths), 1),
        "threads": threads,
    }


def draft_for(drax: DraxRecognizer, large: Transcriber, pcm: Any, frames: torch.Tensor) -> Any:
    """What a larger Whisper writes with Drax's text as a draft; the draft's own work included."""
    heard = drax.transcribe(drax.transcriber.encoder.whole(pcm), replace(Options(), steps=DRAFT))
    text = drafting.written(heard.text)
    draft = large.tokenizer.encode(f" {text}", add_special_tokens=False).ids
    return drafting.transcribe(large.decoder, frames, draft, large.behind)


def main(
    data: Annotated[Path, typer.Option(help="Folder of the open collections, see docs/data.md.")],
    limit: Annotated[int, typer.Option(min=1, help="Recordings of each collection.")] = 25,
    drax: Annotated[str, typer.Option(help="Drax: a name or folder.")] = "drax",
    target: Annotated[str, typer.Option(help="Whisper that is given drafts.")] = "whisper-base",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    json: Json = False,
) -> None:
    """Measure how fast Drax is beside Whisper."""
    with chatter_to_stderr() if json else nullcontext():
        found = measure(data, limit, drax, target, threads)
    show(found, json)


if __name__ == "__main__":
    script(main)
