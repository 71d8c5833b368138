import pytest
import torch

from antiphon.errors import UserError
from antiphon.s2t.adapter import Adapter, AdapterConfig, load_adapter, save_adapter

CONFIG = AdapterConfig(audio=12, width=16, heads=2, vocabulary=7, layers=2)
TOKENS = torch.tensor([-1, 3, 5, 7, 9, 11, 13])


def build(**changes):
    torch.manual_seed(0)
    config = AdapterConfig(**{**CONFIG.as_dict(), **changes})
    return Adapter(config, TOKENS).eval()


def posteriors(labels):
    return torch.nn.functional.one_hot(torch.tensor(labels), 7).mul(9.0).log_softmax(-1)


def test_names_are_those_of_the_public_checkpoints():
    names = {name for name, _ in build(layers=1).named_parameters()}
    assert {
        "mm_projector1.weight",
        "asr_transformer_encoder.layers.0.self_attn.in_proj_weight",
        "asr_transformer_encoder.layers.0.linear1.weight",
        "asr_transformer_encoder.layers.0.norm2.bias",
        "out_norm.weight",
        "lbm.encoder_attn.in_proj_weight",
        "lbm.atten_layer_norm.weight",
        "audio_feature_head.weight",
    } <= names


def test_padding_is_not_seen():
    adapter = build()
    frames = torch.randn(2, 9, 12)
    lengths = torch.tensor([9, 5])
    with torch.no_grad():
        batch = adapter.features(frames, lengths)
        alone = adapter.features(frames[1:, :5])
    torch.testing.assert_close(batch[1, :5], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("per_frame", [False, True])
def test_attention_reaches_over_time_unless_told_otherwise(per_frame):
    adapter = build(per_frame=per_frame)
    frames = torch.randn(1, 6, 12)
    changed = frames.clone()
    changed[0, 5] += 1.0
    with torch.no_grad():
        moved = (adapter.features(frames) - adapter.features(changed)).abs().amax(-1)[0]
    assert bool(moved[0] > 1e-6) is not per_frame


def test_shrinking_keeps_the_surest_frame_of_every_run_of_a_token():
    log_probs = posteriors([0, 2, 2, 2, 0, 0, 2, 3, 0])
    log_probs[2] = torch.log_softmax(torch.tensor([0.0, 0, 20, 0, 0, 0, 0]), 0)
    kept, labels = build().shrink(log_probs)
    assert kept.tolist() == [2, 6, 7]
    assert labels.tolist() == [2, 2, 3]


def test_one_state_a_piece_hears_twice_what_was_said_twice_and_no_stray_frame():
    adapter = build()
    features = torch.randn(1, 16).repeat(5, 1)
    features[2] += 0.01
    pooled = adapter.pool(features, torch.tensor([0, 0, 0, 1, 1]))
    assert pooled.shape == (2, 16)
    torch.testing.assert_close(pooled[0], features[:3].mean(0))
    kept, labels = adapter.said(posteriors([4, 4, 0]))
    assert kept.tolist() == [0, 1] and labels.tolist() == [4, 4]


def test_a_label_of_several_tokens_is_embedded_as_all_of_them():
    torch.manual_seed(0)
    tokens = torch.tensor([[-1, -1], [3, -1], [5, 6], [7, -1], [9, -1], [11, -1], [13, 3]])
    adapter, table = Adapter(CONFIG, tokens).eval(), torch.randn(20, 16)
    log_probs = posteriors([2, 0, 4, 0, 6])
    kept, _ = adapter.shrink(log_probs)
    embedded = adapter.embed(torch.randn(5, 16), log_probs, kept, table)
    torch.testing.assert_close(embedded, table[[5, 6, 9, 13, 3]], atol=0.02, rtol=0.02)


def test_before_training_the_language_model_sees_its_own_embeddings():
    adapter, table = build(), torch.randn(20, 16)
    log_probs = posteriors([0, 2, 2, 0, 4])
    kept, _ = adapter.shrink(log_probs)
    embedded = adapter.embed(torch.randn(5, 16), log_probs, kept, table)
    torch.testing.assert_close(embedded, table[[5, 9]], atol=0.02, rtol=0.02)


def test_the_first_word_can_be_put_as_a_sentence_begins():
    adapter, table, log_probs = build(), torch.randn(20, 16), posteriors([2, 0, 2])
    kept, _ = adapter.shrink(log_probs)
    opening = torch.arange(7)
    opening[2] = 5
    embedded = adapter.embed(torch.randn(3, 16), log_probs, kept, table, opening)
    torch.testing.assert_close(embedded, table[[11, 5]], atol=0.02, rtol=0.02)


def test_silence_is_no_embeddings():
    adapter, log_probs = build(), posteriors([0, 0, 0])
    kept, labels = adapter.shrink(log_probs)
    assert not len(labels)
    embedded = adapter.embed(torch.randn(3, 16), log_probs, kept, torch.randn(20, 16))
    assert embedded.shape == (0, 16)


def test_the_loss_prefers_the_right_labels():
    adapter = build()
    log_probs = torch.stack([posteriors([1, 1, 0, 3]), posteriors([2, 0, 0, 0])])
    right = [torch.tensor([1, 3]), torch.tensor([2])]
    wrong = [torch.tensor([3, 1]), torch.tensor([4])]
    lengths = torch.tensor([4, 4])
    assert adapter.loss(log_probs, lengths, right) < adapter.loss(log_probs, lengths, wrong)


def test_a_file_gives_the_same_adapter(tmp_path):
    adapter, silence = build(), torch.randn(30, 4)
    save_adapter(adapter, silence, tmp_path / "adapter.safetensors")
    again, heard = load_adapter(tmp_path / "adapter.safetensors")
    frames = torch.randn(1, 6, 12)
    with torch.no_grad():
        torch.testing.assert_close(
            again.features(frames), adapter.features(frames), atol=0.02, rtol=0.02
        )
    torch.testing.assert_close(heard, silence, atol=1e-2, rtol=1e-2)
    assert again.config == adapter.config
    assert again.tokens.tolist() == TOKENS[:, None].tolist()


def test_a_damaged_adapter_is_named(tmp_path):
    path = tmp_path / "adapter.safetensors"
    save_adapter(build(), torch.zeros(3, 4), path)
    path.write_bytes(path.read_bytes()[:-100])
    for damaged in (path, tmp_path / "missing.safetensors"):
        with pytest.raises(UserError, match=f"{damaged.name} holds no adapter.*train it again"):
            load_adapter(damaged)
