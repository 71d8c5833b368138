"""Both layouts give the same model, and nothing is ever random."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from antiphon.errors import UserError
from antiphon.recognition.qwen3_asr.checkpoint import load


def logits(model):
    torch.manual_seed(0)
    mel = torch.randn(1, 80, 200)
    mask = torch.ones(1, 200, dtype=torch.long)
    ids = torch.tensor([[257, 5, 259, *[261] * 26, 260, 9]])
    with torch.no_grad():
        return model(input_ids=ids, input_features=mel, input_features_mask=mask).logits


def test_both_layouts_give_the_logits_of_the_published_model(native, original, hub_model):
    expected = logits(hub_model)
    for folder in (native, original):
        found = load(folder)
        torch.testing.assert_close(logits(found.model), expected)
        assert not found.aligner and found.marks.text == 262
        assert found.marks.ends == {256, 258}


def test_an_aligner_is_one(original_aligner):
    folder, model = original_aligner
    found = load(folder)
    assert found.aligner
    torch.testing.assert_close(logits(found.model), logits(model))


def test_shards_are_one_model(original, hub_model, tmp_path):
    folder = shutil.copytree(original, tmp_path / "shards")
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    for i in range(2):
        part = {name: state[name] for name in sorted(state)[i::2]}
        save_file(part, folder / f"model-0000{i}-of-00002.safetensors")
    torch.testing.assert_close(logits(load(folder).model), logits(hub_model))


@pytest.mark.parametrize("layout", ["native", "original"])
def test_a_weight_that_is_missing_or_left_over_is_named(layout, request, tmp_path):
    folder = shutil.copytree(request.getfixturevalue(layout), tmp_path / "broken")
    state = load_file(folder / "model.safetensors")
    name = next(n for n in state if n.endswith("layers.1.mlp.up_proj.weight"))
    value = state.pop(name)
    save_file({**state, "thinker.extra": value}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"1 weights are missing .*up_proj.*1 weights are left"):
        load(folder)


def test_another_shape_is_refused(original, tmp_path):
    folder = shutil.copytree(original, tmp_path / "wide")
    facts = json.loads((folder / "config.json").read_text())
    facts["thinker_config"]["text_config"]["intermediate_size"] = 40
    (folder / "config.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="differ"):
        load(folder)


def test_another_model_is_named_with_what_was_expected(whisper, tmp_path):
    with pytest.raises(UserError, match=r"d_model.*thinker_config .* or audio_config"):
        load(whisper)
    with pytest.raises(UserError, match="no readable config"):
        load(tmp_path)


def test_the_hop_is_what_the_feature_extractor_says(native, tmp_path):
    assert load(native).hop == 160
    folder = shutil.copytree(native, tmp_path / "dense")
    (folder / "preprocessor_config.json").write_text('{"hop_length": 40}')
    assert load(folder).features().hop == 40
    (folder / "preprocessor_config.json").write_text('{"hop_length": "fast"}')
    with pytest.raises(UserError, match="hop_length"):
        load(folder)


def test_damaged_weights_are_one_sentence(original, tmp_path):
    folder = shutil.copytree(original, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(UserError, match="damaged"):
        load(folder)
