"""How a voice joins a language model that it was not trained with.

A voice keeps the vocabulary it was trained with. What another language model writes is cut into
tokens of that vocabulary, so that any text can be spoken (stage II). A denoising adapter, trained
by Echo training for this language model, turns hidden states into what they add to the embeddings
of those tokens (stage III).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.language_model import Vocabulary
from antiphon.messages import Segment, Token
from antiphon.t2c.denoising_adapter import DenoisingAdapter
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.spelling import pieces_of

KIND = "voice join"
"""What the `config.json` beside a join says it is."""
FILE = "adapter.safetensors"


@dataclass(frozen=True)
class JoinConfig:
    """What the `config.json` beside a join says."""

    voice: str
    """The voice."""
    language_model: str
    """The language model it joins."""


class VoiceJoin:
    """Segments of any language model as segments of the voice.

    Args:
        vocabulary: of the voice.
        adapter: [N, H of the language model] to [N, H of the voice]; None: text only.
    """

    def __init__(self, vocabulary: Vocabulary, adapter: DenoisingAdapter | None = None) -> None:
        self.vocabulary, self.adapter = vocabulary, adapter

    def __call__(self, segment: Segment) -> Segment:
        """The segment in tokens of the voice, whose hidden states are vectors of its own space."""
        tokens = self.respelled(segment)
        if not tokens:
            nothing = torch.zeros(self.vocabulary.embeddings.shape[1])
            return Segment((Token(0, "", nothing),), segment.final)
        vectors = self.vocabulary.embeddings[[token.id for token in tokens]].float()
        if self.adapter is not None:
            states = torch.stack([token.hidden for token in tokens])
            vectors = joined_vectors(self.adapter, states, vectors)
        placed = (replace(t, hidden=v) for t, v in zip(tokens, vectors, strict=True))
        return Segment(tuple(placed), segment.final)

    def respelled(self, segment: Segment) -> list[Token]:
        """The tokens of the voice that spell a segment.

        The hidden state of each is the mean of those that wrote its characters, at unit scale.
        """
        text = segment.text
        coded = self.vocabulary.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True
        )
        pieces = pieces_of(text, coded["offset_mapping"])
        shares = overlap(pieces, [token.text for token in segment.tokens])
        states = shares @ unit_scale(segment.hidden.float())
        return list(map(Token, coded["input_ids"], pieces, states))


def joined_vectors(
    adapter: DenoisingAdapter, states: torch.Tensor, embeddings: torch.Tensor
) -> torch.Tensor:
    """[..., H] vectors of the voice's tokens: their embeddings, and what hidden states add.

    Args:
        adapter: of the join.
        states: [..., H of the language model] of the tokens, at unit scale.
        embeddings: [..., H] of the tokens.
    """
    return unit_scale(embeddings) + adapter.added(states)


def overlap(ours: list[str], theirs: list[str]) -> torch.Tensor:
    """[N, M] share of the characters of each of our N pieces that each of their M pieces wrote.

    Both spell the same text. A piece without characters has no share.
    """
    owner = torch.tensor([i for i, piece in enumerate(theirs) for _ in piece], dtype=torch.long)
    shares = torch.zeros(len(ours), len(theirs))
    for i, (start, end) in enumerate(pairwise(accumulate(map(len, ours), initial=0))):
        for at in owner[start:end].tolist():
            shares[i, at] += 1 / (end - start)
    return shares


def load_join(voice: str, vocabulary: Vocabulary, language_model: Vocabulary) -> VoiceJoin:
    """The join of a voice and a language model; without a trained one, text alone is spoken.

    Raises:
        UserError: The trained one does not fit.
    """
    for folder in weights.trained(KIND).values():
        config = weights.read_config(folder, JoinConfig)
        if (config.voice, config.language_model) == (voice, language_model.name):
            adapter = load_adapter(folder / FILE, vocabulary, language_model)
            return VoiceJoin(vocabulary, adapter)
    return VoiceJoin(vocabulary)


def load_adapter(
    file: Path, vocabulary: Vocabulary, language_model: Vocabulary
) -> DenoisingAdapter:
    """What `save_adapter` wrote.

    Raises:
        UserError: It is missing or damaged, or for embeddings of other widths.
    """
    again = f"train it again (antiphon train echo --llm {language_model.name})."
    ours, theirs = vocabulary.embeddings.shape[1], language_model.embeddings.shape[1]
    try:
        state = {name: tensor.float() for name, tensor in load_file(file).items()}
        inner, hidden = state["0.weight"].shape
        (out,) = state["3.bias"].shape
        adapter = DenoisingAdapter(hidden, inner, out=out)
        adapter.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{file} is no join: two layers from {theirs} features to {ours} are expected; {again}"
        ) from error
    if (out, hidden) != (ours, theirs):
        raise UserError(
            f"{file} turns {hidden} features into {out}, but {language_model.name} has {theirs} "
            f"and the voice {ours}: {again}"
        )
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise UserError(f"{file} holds numbers that are not finite: {again}")
    return adapter.eval().requires_grad_(False)


def save_adapter(adapter: DenoisingAdapter, file: Path) -> None:
    """Write an adapter in half precision, atomically."""
    part = file.with_suffix(".part")
    save_file({name: t.half().contiguous() for name, t in adapter.state_dict().items()}, part)
    part.replace(file)


def save_join(adapter: DenoisingAdapter, config: JoinConfig, folder: Path) -> None:
    """Write the folder of a join, which `load_join` finds among one's own weights."""
    folder.mkdir(parents=True, exist_ok=True)
    save_adapter(adapter, folder / FILE)
    facts = {"kind": KIND, **asdict(config)}
    (folder / "config.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
