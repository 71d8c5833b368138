"""The public layout transcribes, in its own language and vocabulary."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperModel

from antiphon.errors import UserError
from antiphon.recognition.drax.model import DecoderConfig, DraxDecoder
from antiphon.recognition.drax.recognizer import load
from antiphon.recognition.transcript import Options

SIZES = DecoderConfig(
    vocab_size=51_866, hidden_size=16, cond_dim=8, whisper_dim=16, n_heads=2, n_blocks=16, length=24
)


def checkpoint(folder, whisper, sizes):
    torch.manual_seed(0)
    hub = WhisperModel(
        WhisperConfig(
            vocab_size=51, d_model=16, encoder_layers=1, decoder_layers=1, num_mel_bins=128,
            encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
            decoder_ffn_dim=64, pad_token_id=0, bos_token_id=0, eos_token_id=0,
            decoder_start_token_id=0,
        )
    )  # fmt: skip
    decoder = DraxDecoder(sizes)
    with torch.no_grad():  # it says "hi" and ends, whatever it hears
        bias = decoder.output_layer.linear.bias
        letters = (whisper / "ctranslate2" / "tokenizer.json").read_text()
        bias[json.loads(letters)["model"]["vocab"]["h"]] = 40.0
    save_file(decoder.state_dict(), folder / "decoder.safetensors")
    save_file(hub.encoder.state_dict(), folder / "encoder.safetensors")
    config = {
        "model_type": "drax",
        "decoder_config": {**asdict(sizes), "support_language_codes": ["en", "de"]},
        "whisper_config": hub.config.to_dict(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(letters)


@pytest.fixture
def public(tmp_path, whisper):
    checkpoint(tmp_path, whisper, SIZES)
    return tmp_path


def test_a_folder_of_the_public_layout_transcribes(public, speech):
    drax: Any = load(str(public))
    state = drax.feed(speech, drax.start(Options(steps=2, language="de")))
    found = drax.finish(state)
    assert found.text == "h" * 20 and found.language == "de"  # the canvas but for the prompt
    assert found.duration == pytest.approx(len(speech), abs=320)
    assert drax.finish(drax.start()).doubt == "no speech"


def test_the_prompt_is_that_of_whisper_large_v3(public):
    drax: Any = load(str(public))
    assert drax.prompt("en") == [50_258, 50_259, 50_360, 50_364]
    assert drax.prompt("de")[1] == 50_261 and drax.languages == ("en", "de")


def test_the_text_ends_at_the_end_mark(public):
    drax: Any = load(str(public))
    letters = drax.tokenizer.encode("hello", add_special_tokens=False).ids
    assert drax._text([*letters, 50_257, *letters]) == "hello"


def test_candidates_are_scored_without_a_whisper_only(public, speech):
    drax: Any = load(str(public))
    several = Options(steps=1, candidates=3)
    state = drax.feed(speech[:8000], drax.start(replace(several, scoring="mbr")))
    assert drax.finish(state).text == "h" * 20
    state = drax.feed(speech[:8000], drax.start(replace(several, scoring="whisper")))
    with pytest.raises(UserError, match="no Whisper decoder"):
        drax.finish(state)


def test_another_vocabulary_is_refused(tmp_path, whisper):
    checkpoint(tmp_path, whisper, replace(SIZES, vocab_size=400))
    with pytest.raises(UserError, match=r"400 tokens.*51,866"):
        load(str(tmp_path))


def test_silence_behind_the_audio_is_part_of_what_the_encoder_hears(public, monkeypatch):
    drax: Any = load(str(public))
    heard = []
    encode = drax.encoder.forward
    monkeypatch.setattr(drax.encoder, "forward", lambda mel: heard.append(mel.shape) or encode(mel))
    drax.finish(drax.feed(np.zeros(5000, np.float32), drax.start(Options(steps=1))))
    assert heard == [(1, 3000, 128)]
