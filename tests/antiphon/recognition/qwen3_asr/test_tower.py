"""Tokens are counted as transformers counts them, and of chunks that it cannot count, too."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers.models.qwen3_asr import modeling_qwen3_asr as theirs

from antiphon.recognition.qwen3_asr.tower import bounds, heard, tokens
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.recognition.whisper.layers import WhisperConfig
from antiphon.training.jobs.qwen3_asr.model import Size, make_model, make_tokenizer


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4))
def test_public_chunks_are_counted_as_the_published_code_counts_them(lengths):
    frames = torch.tensor(lengths)
    chunks = torch.tensor([100])
    assert tokens(lengths[0], 100) == theirs._get_feat_extract_output_lengths(frames)[0]
    expected = theirs.get_audio_cu_seqlens(chunks, frames, 800, 50)
    assert bounds(lengths, 100, 800).tolist() == expected.tolist()


@given(st.integers(0, 9000), st.integers(1, 400).map(lambda n: 8 * n))
def test_a_token_is_eight_frames_where_chunks_are_whole_tokens(frames, chunk):
    assert tokens(frames, chunk) == -(-frames // 8)


def test_a_tower_with_whispers_layers_says_what_whisper_says():
    """Positions run through a window, so layers that were learnt elsewhere need no other ones."""
    torch.manual_seed(0)
    size = Size(32, 2, 2, 128, 4, 16, 1, 2, 1, 16, 300, 80, 40, 800)
    whisper = AudioEncoder(WhisperConfig(300, 32, 2, 2, 2)).eval().requires_grad_(False)
    nn.init.normal_(whisper.embed_positions.weight)
    model = make_model(size, make_tokenizer(["a b"] * 9, 300), whisper).eval()
    tower = model.model.audio_tower
    whisper.embed_positions.weight[:100] = tower.positional_embedding.positional_embedding
    states = torch.randn(1, 100, 32)  # what Whisper's convolutions would say

    class Said(nn.Module):
        def forward(self, x):
            return states.clone()

    tower.conv_out = Said()
    tower_states = []
    tower.register_forward_hook(lambda _, __, out: tower_states.append(out.last_hidden_state))
    with torch.no_grad():
        heard(model, torch.zeros(1, 80, 800), torch.ones(1, 800, dtype=torch.long))
        x = states + whisper.embed_positions.weight[:100]
        for layer in whisper.encoder_layers:
            x = layer(x, None)
    torch.testing.assert_close(tower_states[0], whisper.layer_norm(x)[0], atol=1e-5, rtol=1e-4)
