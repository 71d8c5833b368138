"""A Drax that already knows what a Whisper decoder knows, before any training.

Its blocks are Whisper's decoder layers. A position reads the tokens before it, as there: those of
the canvas as far as they are clean, else what the middle heard. Modulation adds nothing, and its
gates are open. The middle writes by the same embeddings.
"""

from __future__ import annotations

import torch
from torch import nn

from antiphon.recognition.drax.checkpoint import DraxModel, small
from antiphon.recognition.drax.model import Block
from antiphon.recognition.drax.vocabulary import SubVocabulary
from antiphon.recognition.whisper.layers import DecoderLayer
from antiphon.recognition.whisper.text_decoder import TextDecoder

SILENT = -1.5
"""Logit of a label at a frame, to begin with."""


@torch.no_grad()
def warm_start(decoder: TextDecoder, vocabulary: SubVocabulary) -> DraxModel:
    """A new model.

    Args:
        decoder: of Whisper.
        vocabulary: what the model writes in.
    """
    kept = list(vocabulary.kept)
    sizes = decoder.config
    width, heads = sizes.d_model, sizes.encoder_attention_heads
    model = small(width, len(decoder.stack), len(kept), 2 * width, heads)
    model.kept = torch.tensor(kept)
    model.middle.begins = torch.tensor(vocabulary.begins)
    ours = model.decoder
    model.share(decoder.embed_tokens.weight, decoder.end)
    ours.prompt_embed.copy_(decoder.embed_tokens.weight[decoder.prompt])
    ours.positions.copy_(decoder.embed_positions.weight[: len(ours.positions)])
    for block, layer in zip(ours.layers, decoder.stack, strict=True):
        _copy(block, layer)
    for norm in (ours.output_layer.norm_final, model.middle.norm):
        norm.load_state_dict(decoder.layer_norm.state_dict())
    nn.init.zeros_(model.middle.head.bias)
    nn.init.constant_(model.middle.spoken.bias, SILENT)
    return model


def _copy(block: Block, layer: DecoderLayer) -> None:
    pairs = {
        block.norm1: layer.self_attn_layer_norm,
        block.qw: layer.self_attn.q_proj,
        block.kw: layer.self_attn.k_proj,
        block.vw: layer.self_attn.v_proj,
        block.attn_out: layer.self_attn.out_proj,
        block.norm_cross: layer.encoder_attn_layer_norm,
        block.q_cross: layer.encoder_attn.q_proj,
        block.k_cross: layer.encoder_attn.k_proj,
        block.v_cross: layer.encoder_attn.v_proj,
        block.cross_out: layer.encoder_attn.out_proj,
        block.norm2: layer.final_layer_norm,
        block.mlp[0]: layer.fc1,
        block.mlp[2]: layer.fc2,
    }
    for mine, theirs in pairs.items():
        mine.load_state_dict(theirs.state_dict())
    for known in (block.k_cross, block.v_cross):  # of states that do not change, either
        known.requires_grad_(False)
    gates = block.adaLN_modulation.bias.view(3, 3, -1)
    gates[:, 2] = 1.0
