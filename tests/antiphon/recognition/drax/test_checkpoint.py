"""Both layouts are loaded by the same classes, or refused with what was found."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import WhisperConfig, WhisperModel

from antiphon.errors import UserError
from antiphon.recognition.drax.checkpoint import (
    PACKED,
    SHARED,
    is_public,
    load_public,
    load_small,
    save,
    small,
)
from antiphon.recognition.drax.model import DecoderConfig, DraxDecoder

SIZES = DecoderConfig(
    vocab_size=51, hidden_size=32, cond_dim=16, whisper_dim=16, n_heads=2, n_blocks=16, length=20
)


@pytest.fixture
def public(tmp_path):
    """A tiny checkpoint with the names, files and configuration of aiola/drax-v1."""
    torch.manual_seed(0)
    hub = WhisperModel(
        WhisperConfig(
            vocab_size=51, d_model=16, encoder_layers=1, decoder_layers=1,
            encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
            decoder_ffn_dim=64, pad_token_id=0, bos_token_id=0, eos_token_id=0,
            decoder_start_token_id=0,
        )
    ).eval()  # fmt: skip
    decoder = DraxDecoder(SIZES)
    state = {name: value.clone() for name, value in decoder.state_dict().items()}
    assert len(state) == 303
    state["rotary_emb.inv_freq"] = torch.ones(8)
    save_file(state, tmp_path / "decoder.safetensors")
    save_file(hub.encoder.state_dict(), tmp_path / "encoder.safetensors")
    config = {
        "model_type": "drax",
        "decoder_config": {**asdict(SIZES), "support_language_codes": ["en", "de"]},
        "whisper_config": hub.config.to_dict(),
    }
    del config["decoder_config"]["cut_positions"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path, decoder, hub


def test_the_public_layout_is_loaded_whole(public):
    folder, decoder, hub = public
    assert is_public(folder)
    found, encoder = load_public(folder)
    for name, value in decoder.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)
    mel = torch.randn(1, 3000, 80)
    with torch.no_grad():
        theirs = hub.encoder(mel.transpose(1, 2)).last_hidden_state
        torch.testing.assert_close(encoder(mel), theirs, atol=1e-4, rtol=1e-4)


def test_the_older_files_are_read_too(public):
    folder, decoder, _ = public
    for part in ("decoder", "encoder"):
        torch.save(load_file(folder / f"{part}.safetensors"), folder / f"{part}.bin")
        (folder / f"{part}.safetensors").unlink()
    found, _ = load_public(folder)
    assert torch.equal(found.vocab_embed.weight, decoder.vocab_embed.weight)


def test_what_is_missing_is_named(public):
    folder, _, _ = public
    state = load_file(folder / "decoder.safetensors")
    del state["blocks.3.qw.weight"]
    save_file(state, folder / "decoder.safetensors")
    with pytest.raises(UserError, match=r"blocks\.3\.qw\.weight"):
        load_public(folder)
    (folder / "config.json").write_text('{"model_type": "drax", "text_config": {}}')
    with pytest.raises(UserError, match=r"text_config.*decoder_config and whisper_config"):
        load_public(folder)


def test_a_masked_source_is_refused(public):
    folder, _, _ = public
    config = json.loads((folder / "config.json").read_text())
    config["decoder_config"]["masked"] = True
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="masked"):
        load_public(folder)


@pytest.mark.parametrize("from_whisper", [False, True])
def test_ours_comes_back_as_it_was_saved(tmp_path, from_whisper):
    model = small(64, 2, 30, 16, 2, from_whisper=from_whisper)
    model.kept = torch.arange(30) + 5
    table = torch.randn(50, 64).half().float()
    if from_whisper:
        model.share(table, 49)
    save(model, "whisper-tiny.en", tmp_path / "ours")
    found, whisper = load_small(tmp_path / "ours")
    if from_whisper:
        found.share(table, 49)
    assert whisper == "whisper-tiny.en" and not is_public(tmp_path / "ours")
    for name, value in model.state_dict().items():
        expected = value.half().float() if value.is_floating_point() else value
        packed = value.ndim == 2 and any(part in name for part in PACKED)
        step = float(value.abs().max()) / 127 if packed else 1e-6
        torch.testing.assert_close(found.state_dict()[name], expected, atol=step, rtol=1e-3)
    with pytest.raises(UserError, match="no readable"):
        load_small(tmp_path / "none")


def test_whispers_embeddings_are_not_stored_again(tmp_path):
    model = small(64, 2, 30, 16, 2)
    model.share(torch.randn(50, 64), 49)
    save(model, "whisper-tiny.en", tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert not SHARED & stored.keys() and model.state_dict().keys() > SHARED
    assert model.decoder.vocab_embed.weight is model.decoder.output_layer.linear.weight
