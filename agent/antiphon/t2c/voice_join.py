"""How a voice joins a language model that it was not trained with.

A voice keeps the vocabulary it was trained with. What another language model writes is cut into
tokens of that vocabulary, so that any text can be spoken (stage II). A denoising adapter, trained
by Echo training for this language model, turns hidden states into what they add to the embeddings
of those tokens (stage III).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.language_model import Vocabulary
from antiphon.messages import Segment, Token
from antiphon.t2c.denoising_adapter import DenoisingAdapter
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.spelling import pieces_of


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
        text = segment.text
        coded = self.vocabulary.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True
        )
        ids, pieces = coded["input_ids"], pieces_of(text, coded["offset_mapping"])
        if not ids:
            nothing = torch.zeros(self.vocabulary.embeddings.shape[1])
            return Segment((Token(0, "", nothing),), segment.final)
        vectors = self.vocabulary.embeddings[ids].float()
        if self.adapter is not None:
            vectors = self.vectors(vectors, segment, pieces)
        tokens = map(Token, ids, pieces, vectors)
        return Segment(tuple(tokens), segment.final)

    def vectors(
        self, embeddings: torch.Tensor, segment: Segment, pieces: list[str]
    ) -> torch.Tensor:
        """[N, H] vectors of the voice's tokens: their embeddings and what hidden states add.

        Args:
            embeddings: [N, H] of the voice's tokens.
            segment: of the language model.
            pieces: the characters of each of the voice's tokens.
        """
        assert self.adapter is not None
        shares = overlap(pieces, [token.text for token in segment.tokens])
        added = self.adapter.added(unit_scale(segment.hidden.float()))
        return unit_scale(embeddings) + shares @ added


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
    for folder in weights.trained("voice join").values():
        config = weights.read_config(folder, JoinConfig)
        if (config.voice, config.language_model) == (voice, language_model.name):
            file = folder / "adapter.safetensors"
            return VoiceJoin(vocabulary, load_adapter(file, vocabulary, language_model))
    return VoiceJoin(vocabulary)


def load_adapter(
    file: Path, vocabulary: Vocabulary, language_model: Vocabulary
) -> DenoisingAdapter:
    """What `save_adapter` wrote.

    Raises:
        UserError: It is for embeddings of other widths.
    """
    state = {name: tensor.float() for name, tensor in load_file(file).items()}
    inner, hidden = state["0.weight"].shape
    out = len(state["3.bias"])
    ours, theirs = vocabulary.embeddings.shape[1], language_model.embeddings.shape[1]
    if (out, hidden) != (ours, theirs):
        raise UserError(
            f"{file} turns {hidden} features into {out}, but {language_model.name} has {theirs} "
            f"and the voice {ours}: train it again (antiphon train echo --llm)."
        )
    adapter = DenoisingAdapter(hidden, inner, out=out)
    adapter.load_state_dict(state)
    return adapter.eval().requires_grad_(False)


def save_adapter(adapter: DenoisingAdapter, file: Path) -> None:
    """Write an adapter in half precision."""
    save_file({name: t.half().contiguous() for name, t in adapter.state_dict().items()}, file)
