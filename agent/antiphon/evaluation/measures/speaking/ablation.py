"""What each part of the echo is worth: the voice with parts taken away, streaming and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from antiphon.agent import Agent
from antiphon.compute.packed_weights import unpacked
from antiphon.errors import UserError
from antiphon.evaluation.judges import Judges
from antiphon.evaluation.measures.speaking.replies import Score, measure
from antiphon.evaluation.spoken_replies import Reply, System, speaking
from antiphon.settings import Source
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.trigger import WholeTrigger
from antiphon.t2c.voice import EchoVoice

Change = Callable[[TextToCodec], Any]
"""Makes a context in which the voice is a variant of itself."""


def variants(voice: Path) -> dict[str, tuple[Source, Change]]:
    """The variants of a voice, by name: where its vectors come from, and what is changed.

    Besides the three that need no file there is one for every `echo-NAME.safetensors` in the
    voice's folder: weights that were trained in another way.

    Args:
        voice: folder of the voice.
    """
    found: dict[str, tuple[Source, Change]] = {
        "text path": ("text", nullcontext),
        "hidden states, no echo training": ("hidden", untrained),
    }
    for path in sorted(voice.glob("echo-*.safetensors")):
        name = path.stem.removeprefix("echo-").replace("-", " ").replace("_", " ")
        found[f"echo, {name}"] = ("hidden", partial(weights_of, path=path))
    return {**found, "echo, full": ("hidden", nullcontext)}


@contextmanager
def untrained(t2c: TextToCodec) -> Iterator[None]:
    """Hidden states go where token embeddings are expected, with no adapter between."""
    adapter = t2c.denoiser
    t2c.denoiser = nn.Identity()  # type: ignore[assignment]
    try:
        yield
    finally:
        t2c.denoiser = adapter


@contextmanager
def weights_of(t2c: TextToCodec, path: Path) -> Iterator[None]:
    """Other weights take the place of some of the voice's.

    Args:
        t2c: the voice.
        path: weights by their names in the voice, or in its denoising adapter.

    Raises:
        UserError: the file holds weights the voice does not have.
    """
    from safetensors.torch import load_file

    own = t2c.state_dict()
    other = {
        name if name in own else f"denoiser.{name}": weight.float()
        for name, weight in unpacked(load_file(path)).items()
    }
    if strange := [n for n, w in other.items() if n not in own or own[n].shape != w.shape]:
        raise UserError(f"'{path}' does not fit the voice: it has no such {strange[0]}.")
    kept = {name: own[name].clone() for name in other}
    t2c.load_state_dict(other, strict=False)
    try:
        yield
    finally:
        t2c.load_state_dict(kept, strict=False)


def evaluate(
    agent: Agent,
    kinds: Mapping[str, tuple[Source, Change]],
    replies: Sequence[Reply],
    judges: Judges,
) -> dict[str, Any]:
    """Judge every variant, streaming and on whole replies, and compare it with the text path.

    Args:
        agent: whose voice speaks.
        kinds: the variants, of `variants`.
        replies: what is spoken.
        judges: who listens.
    """
    if not isinstance(agent.voice, EchoVoice):
        raise UserError("Only an EchoX voice has the parts that are taken away: choose one.")
    rows, text = list[dict[str, Any]](), dict[str, Score]()
    for name, (source, change) in kinds.items():
        systems: dict[str, System] = {
            "streaming": speaking(agent, source),
            "whole": speaking(agent, source, WholeTrigger()),
        }
        with change(agent.voice.t2c):
            scores = measure(systems, replies, judges)
        text = text or scores
        rows.append({"variant": name, **{way: row(scores[way], text[way]) for way in systems}})
    return {"replies": len(replies), "rows": rows}


def row(score: Score, text: Score) -> dict[str, Any]:
    """A score for the table, and how far it is above that of the text path on the same replies."""
    return {
        "wer": round(score.wer, 3),
        "wer_over_text": round(score.wer - text.wer, 3),
        "wer_over_text_interval": score.over(text),
        "mos": round(score.mos, 3),
        "mos_over_text": round(score.mos - text.mos, 3),
        "mos_over_text_interval": score.nicer(text),
    }
