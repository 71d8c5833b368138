"""An adapter that already hears what Whisper hears, before any training.

Whisper's decoder state is carried through the adapter untouched (every new layer adds zero at
first), and a CTC label's row is Whisper's own embedding of the piece it stands for. What is left to
learn is what Whisper gets wrong, and what the language model can do with the sound itself.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from antiphon.recognition.whisper.transcriber import POSITION_FEATURES, Transcriber
from antiphon.s2t.adapter import BLANK, Adapter, AdapterConfig
from antiphon.s2t.ctc_labels import pieces


@torch.no_grad()
def warm_start(
    listener: Transcriber, tokenizer: Any, tokens: torch.Tensor, width: int, heads: int, layers: int
) -> Adapter:
    """A new adapter that passes Whisper's transcript on.

    Args:
        listener: Whisper.
        tokenizer: of the language model.
        tokens: CTC labels, see `labels.vocabulary`.
        width: of the language model; must exceed Whisper's.
        heads: attention heads of the adapter.
        layers: its depth.
    """
    decoder = listener.decoder
    small = decoder.config.d_model
    adapter = Adapter(
        AdapterConfig(3 * small + POSITION_FEATURES, width, heads, len(tokens), layers), tokens
    )
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
    for label, piece in enumerate(pieces(tokens, tokenizer)):
        if piece in spellings and decoder.allowed[spellings[piece]] == 0:
            head[label, :small] = table[spellings[piece]] - mean
    head[BLANK, :small] = table[decoder.end] - mean
    return adapter
