"""An adapter that already hears what Whisper hears, before any training.

Whisper's decoder state is carried through the adapter untouched (every new layer adds zero at
first), and a CTC label's row is Whisper's own embedding of the token spelled the same. Nearly all
of the running text of the language model's tokens is spelled by tokens Whisper has too. What is
left to learn is where the two cut words differently, numbers, and what Whisper gets wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from antiphon.s2t.adapter import BLANK, Adapter, AdapterConfig
from antiphon.s2t.listener import PLACE, Listener
from antiphon.s2t.prompt import encode


def vocabulary(
    sentences: Iterable[str], tokenizer: Any, spellings: Mapping[str, int], size: int
) -> torch.Tensor:
    """CTC labels, [size]: the blank (-1), then tokens.

    Args:
        sentences: whose tokens are taken, the most frequent first.
        tokenizer: of the language model.
        spellings: Whisper's vocabulary. Its first tokens are the most frequent pieces of English;
            half of its vocabulary is taken too, so that words nobody has foreseen can be spelled.
        size: how many labels.
    """
    counts: Counter[int] = Counter()
    for text in sentences:
        counts.update(encode(tokenizer, text))
    special = set(tokenizer.all_special_ids)
    shared = [
        (spellings[piece], token)
        for piece, token in tokenizer.get_vocab().items()
        if spellings.get(piece, len(spellings)) < len(spellings) // 2 and token not in special
    ]
    found = {token for _, token in sorted(shared)[: size - 1]}
    for token in sorted(counts, key=lambda token: (-counts[token], token)):
        if len(found) < size - 1:
            found.add(token)
    return torch.tensor([-1, *sorted(found)])


@torch.no_grad()
def warm_start(
    listener: Listener, tokenizer: Any, tokens: torch.Tensor, width: int, heads: int, layers: int
) -> Adapter:
    """A new adapter that passes Whisper's transcript on.

    Args:
        listener: Whisper.
        tokenizer: of the language model.
        tokens: CTC labels, see `vocabulary`.
        width: of the language model; must exceed Whisper's.
        heads: attention heads of the adapter.
        layers: its depth.
    """
    decoder = listener.decoder
    small = decoder.config.d_model
    adapter = Adapter(AdapterConfig(3 * small + PLACE, width, heads, len(tokens), layers), tokens)
    for layer in adapter.asr_transformer_encoder.layers:
        assert isinstance(layer, nn.TransformerEncoderLayer)
        for last in (layer.self_attn.out_proj, layer.linear2):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
    project = adapter.mm_projector1
    nn.init.zeros_(project.bias)
    nn.init.zeros_(project.weight)
    words = slice(2 * small, 3 * small)
    project.weight[:small, words] = torch.eye(small)
    project.weight[small, words] = -1.0  # keeps the mean zero, so out_norm only scales
    nn.init.normal_(project.weight[small + 1 :, : 2 * small], std=0.02)
    gain, shift = decoder.layer_norm.weight, decoder.layer_norm.bias
    power = gain.square().sum() + shift.square().sum()
    spread = ((power + gain.square().sum() + shift.sum().square()) / width).sqrt()
    adapter.out_norm.weight[:small] = spread

    table = decoder.embed_tokens.weight
    mean = table[: decoder.end].mean(0)
    spellings = listener.tokenizer.get_vocab()
    head = adapter.audio_feature_head.weight
    nn.init.zeros_(head)
    for label, token in enumerate(tokenizer.convert_ids_to_tokens(tokens.clamp(min=0).tolist())):
        if label != BLANK and token in spellings:
            head[label, :small] = table[spellings[token]] - mean
    head[BLANK, :small] = table[decoder.end] - mean
    return adapter
