import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from antiphon.errors import UserError
from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.adapter import Adapter, AdapterConfig
from antiphon.training.corpora import heard_speech, spoken_replies, synthetic_voices
from antiphon.training.corpora.augmentation import Augment
from antiphon.training.jobs import language_model, s2t_adapter


@pytest.mark.parametrize(
    ("heard", "known", "text"),
    [
        ("We call it bear.", "WE CALL IT BEAR", "We call it bear."),
        ("We call it beer.", "WE CALL IT BEAR", "We call it bear"),
        ("I'm in Paris.", "I'M IN PARIS", "I'm in Paris."),
        ("Who is he?", "who is she", "Who is she"),
        (" Hello there. ", "", "Hello there."),
        ("", "I GO", "I go"),
    ],
)
def test_a_prompt_is_written_as_it_was_heard_where_the_words_agree(heard, known, text):
    assert heard_speech.written(heard, known) == text


@pytest.mark.parametrize(
    ("question", "answers", "reply"),
    [
        ("What is the capital of France?", ["Paris"], "The capital of France is Paris."),
        ("Who painted the ceiling?", ["Michelangelo"], "Michelangelo painted the ceiling."),
        ("Where is Vernon?", ["Virginia"], "Vernon is in Virginia."),
    ],
)
def test_an_answer_becomes_a_sentence(question, answers, reply):
    assert spoken_replies.sentence(question, answers) == reply


def test_any_other_answer_is_led_in():
    reply = spoken_replies.sentence("what languages do they speak?", ["Dutch", "French", "German"])
    assert reply.endswith("Dutch, French and German.")


def test_hand_written_replies_can_be_spoken():
    pairs = spoken_replies.written()
    assert len(pairs) > 500
    for _, reply in pairs:
        assert len(reply.split()) <= 60
        assert not any(mark in reply for mark in ("*", "\n", "#", "`"))


@pytest.mark.parametrize("name", ["espeak:en-us", "flite:slt"])
def test_a_missing_program_is_named_by_its_package(name, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=name.split(":")[0]):
        synthetic_voices.voice(name)


def test_an_unknown_voice_is_refused():
    with pytest.raises(UserError, match="espeak"):
        synthetic_voices.voice("radio:one")


def test_no_training_voice_is_held_out(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: program)
    assert not {voice.name for voice in synthetic_voices.training_voices(None)} & set(
        synthetic_voices.HELD_OUT
    )


def test_augmentation_is_seeded_and_finite(tmp_path):
    for folder in ("noise", "rir"):
        (tmp_path / folder).mkdir()
        sound = np.random.default_rng(1).standard_normal(900).astype(np.float32) * 0.1
        soundfile.write(tmp_path / folder / "a.wav", sound, 16_000)
        (tmp_path / folder / "manifest.jsonl").write_text(json.dumps({"audio": "a.wav"}))
    augment = Augment(tmp_path)
    pcm = np.sin(np.arange(4000) / 9).astype(np.float32)
    for seed in range(12):
        one, other = (augment(pcm, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()
        assert np.abs(one).max() <= 1.001


def test_a_room_keeps_the_direct_sound_in_place():
    pcm = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    response = np.zeros(50, np.float32)
    response[7] = 0.5
    np.testing.assert_allclose(Augment.room(pcm, response), pcm, atol=1e-5)


@pytest.fixture(scope="module")
def tokenizer():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    found = PreTrainedTokenizerFast(tokenizer_object=bytes_only)
    found.add_special_tokens(
        {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]}
    )
    return found


@pytest.fixture
def llm():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return LlamaForCausalLM(config).requires_grad_(False)


def shard(path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    rows = []
    for text in ("who am i", "so", "what now", "no"):
        frames = torch.randn(60, 4, generator=generator)
        words = torch.randn(3, 4, generator=generator)
        rows.append((Transcription(frames, words, torch.arange(30) // 10, text), text))
    heard_speech.save(path, rows)
    return path


def spelled(tokenizer):
    return lambda text: [i + 1 for i in tokenizer(text)["input_ids"]]


@pytest.fixture
def clips(tmp_path, tokenizer):
    return s2t_adapter.Clips([shard(tmp_path / "00000.pt")], spelled(tokenizer))


@pytest.fixture
def adapter():
    torch.manual_seed(0)
    return Adapter(AdapterConfig(16, 16, 2, 257, 1, dropout=0.0), torch.arange(-1, 256))


def test_the_ctc_stage_learns(adapter, clips, tmp_path):
    s2t_adapter.align(adapter, clips, clips, tmp_path / "run", steps=40, batch=2, lr=1e-2)
    rows = [json.loads(row) for row in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]


@pytest.mark.parametrize("whole", [False, True])
def test_the_reply_stage_reaches_the_adapter_through_the_language_model(
    adapter, clips, llm, tokenizer, tmp_path, whole
):
    before = {name: value.clone() for name, value in adapter.named_parameters()}
    s2t_adapter.answer(
        adapter,
        llm,
        tokenizer,
        clips,
        clips,
        {"who am i": "you", "so": "so"}.get,
        tmp_path / "run",
        whole=whole,
        steps=3,
        batch=2,
    )
    learned = {name for name, value in adapter.named_parameters() if not value.equal(before[name])}
    assert "gate" in learned
    assert ("audio_feature_head.weight" in learned) is whole
    assert len(clips.clips) == 2


def test_hearing_comes_nearer_to_reading(adapter, clips, llm, tokenizer, tmp_path):
    told = {"who am i": "you", "so": "so", "no": "why"}.get
    s2t_adapter.answer(
        adapter, llm, tokenizer, clips, clips, told, tmp_path, steps=60, batch=4, lr=5e-3
    )
    rows = [json.loads(row) for row in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["held_out.kl"] < 0.8 * rows[0]["kl"]


def test_the_loss_of_a_reply_does_not_depend_on_its_neighbours(llm, tokenizer):
    texts = language_model.Texts([([("a", "b")], 1.0)], tokenizer)
    table = llm.get_input_embeddings()
    pairs = [texts.exchange("why", "so"), texts.exchange("tell me more", "no")]
    asked = [table(torch.tensor(pair.question)) for pair in pairs]
    told = [pair.reply for pair in pairs]
    both = language_model.reply_loss(llm, texts.before, texts.after, asked, told)
    alone = [
        language_model.reply_loss(llm, texts.before, texts.after, [q], [r])
        for q, r in zip(asked, told, strict=True)
    ]
    torch.testing.assert_close(both, torch.stack(alone).mean())


def test_an_empty_corpus_is_refused(tokenizer):
    with pytest.raises(UserError, match="train corpus"):
        s2t_adapter.Clips([], spelled(tokenizer))
