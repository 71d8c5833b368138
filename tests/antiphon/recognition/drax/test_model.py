"""The decoder against the public checkpoint's facts, and against its formulae."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from antiphon.recognition.drax.model import DecoderConfig, DraxDecoder

TINY = DecoderConfig(
    vocab_size=11, hidden_size=16, cond_dim=8, whisper_dim=6, n_heads=2, n_blocks=2, length=12
)


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    model = DraxDecoder(TINY).eval()
    for parameter in model.parameters():  # what starts at zero hides mistakes
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_the_public_sizes_have_exactly_the_published_parameters():
    with torch.device("meta"):
        full = DraxDecoder(DecoderConfig()).state_dict()
        flash = DraxDecoder(DecoderConfig(n_blocks=4)).state_dict()
    assert len(full) == 303
    assert sum(value.numel() for value in full.values()) == 579_883_674
    assert sum(value.numel() for value in flash.values()) == pytest.approx(247.3e6, rel=1e-3)


def test_logits_equal_a_derivation_from_the_formulae(decoder):
    w = decoder.state_dict()
    tokens, time = torch.randint(11, (1, 5)), torch.tensor([0.3])
    audio = torch.randn(1, 7, 6)
    preserve = torch.tensor([[True, False, False, False, True]])

    def norm(x, weight):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    def rope(x):  # [heads, L, 8]
        out = torch.empty_like(x)
        for place in range(x.shape[1]):
            for i in range(4):
                angle = place * 10_000 ** (-2 * i / 8)
                a, b = x[:, place, i], x[:, place, i + 4]
                out[:, place, i] = a * math.cos(angle) - b * math.sin(angle)
                out[:, place, i + 4] = b * math.cos(angle) + a * math.sin(angle)
        return out

    def heads(x):
        return x[0].view(-1, 2, 8).transpose(0, 1)

    def attend(q, k, v):
        mixed = (q @ k.transpose(1, 2) / math.sqrt(8)).softmax(-1) @ v
        return mixed.transpose(0, 1).reshape(1, -1, 16)

    rates = torch.exp(-math.log(10_000) * torch.arange(128) / 128)
    features = torch.cat([(0.3 * rates).cos(), (0.3 * rates).sin()])[None]
    hidden = F.silu(
        F.linear(features, *[w[f"time_embedding.mlp.0.{p}"] for p in ("weight", "bias")])
    )
    c = F.silu(F.linear(hidden, *[w[f"time_embedding.mlp.2.{p}"] for p in ("weight", "bias")]))
    a = F.gelu(F.linear(audio, w["audio_proj.0.weight"], w["audio_proj.0.bias"]))
    a = F.linear(a, w["audio_proj.2.weight"], w["audio_proj.2.bias"])
    x = w["vocab_embed.weight"][tokens] + w["preserve_embeddings.weight"][preserve.long()]
    for n in range(2):
        p = {
            k.removeprefix(f"blocks.{n}."): v for k, v in w.items() if k.startswith(f"blocks.{n}.")
        }
        nine = F.linear(c, p["adaLN_modulation.weight"], p["adaLN_modulation.bias"])
        m = nine.view(1, 9, 1, 16).unbind(1)
        y = norm(x, p["norm1.weight"]) * (1 + m[1]) + m[0]
        q, k, v = (heads(y @ p[f"{name}.weight"].T) for name in ("qw", "kw", "vw"))
        x = x + m[2] * (attend(rope(q), rope(k), v) @ p["attn_out.weight"].T)
        y = norm(x, p["norm_cross.weight"]) * (1 + m[4]) + m[3]
        source = norm(a, p["norm_audio.weight"])
        q = heads(y @ p["q_cross.weight"].T)
        k, v = (heads(source @ p[f"{name}.weight"].T) for name in ("k_cross", "v_cross"))
        x = x + m[5] * (attend(q, k, v) @ p["cross_out.weight"].T)
        y = norm(x, p["norm2.weight"]) * (1 + m[7]) + m[6]
        y = F.gelu(F.linear(y, p["mlp.0.weight"], p["mlp.0.bias"]), approximate="tanh")
        x = x + m[8] * F.linear(y, p["mlp.2.weight"], p["mlp.2.bias"])
    out = {k.removeprefix("output_layer."): v for k, v in w.items() if "output_layer" in k}
    shift, scale = F.linear(c, out["adaLN_modulation.weight"], out["adaLN_modulation.bias"]).chunk(
        2, -1
    )
    x = norm(x, out["norm_final.weight"]) * (1 + scale) + shift
    expected = F.linear(x, out["linear.weight"], out["linear.bias"])

    with torch.no_grad():
        found = decoder(tokens, time, decoder.listen(audio), None, preserve)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_soft_tokens_are_mixtures_of_hard_ones(decoder):
    tokens = torch.randint(11, (2, 5))
    memory = decoder.listen(torch.randn(2, 7, 6))
    time = torch.tensor([0.1, 0.8])
    soft = decoder(F.one_hot(tokens, 11).float(), time, memory)
    torch.testing.assert_close(soft, decoder(tokens, time, memory), atol=1e-5, rtol=1e-5)


def test_one_clip_serves_many_candidates_and_padding_is_not_seen(decoder):
    tokens = torch.randint(11, (3, 5))
    audio = torch.randn(1, 7, 6)
    time = torch.full((3,), 0.4)
    shared = decoder(tokens, time, decoder.listen(audio))
    padded = torch.cat([audio, torch.randn(1, 4, 6)], 1).expand(3, -1, -1)
    heard = (torch.arange(11) < 7).expand(3, -1)
    masked = decoder(tokens, time, decoder.listen(padded), heard)
    torch.testing.assert_close(masked, shared, atol=1e-5, rtol=1e-5)


def test_a_fresh_decoder_says_nothing():
    model = DraxDecoder(TINY)
    logits = model(
        torch.randint(11, (1, 4)), torch.tensor([0.5]), model.listen(torch.randn(1, 3, 6))
    )
    assert (logits == 0).all()  # modulation and head start at zero
