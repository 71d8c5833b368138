"""Letters are heard by a head of their own, kept beside the weights of transformers' classes."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from antiphon.errors import UserError
from antiphon.recognition.qwen3_asr import checkpoint
from antiphon.recognition.qwen3_asr.letters import Letters
from antiphon.recognition.qwen3_asr.prompt import Marks
from antiphon.recognition.qwen3_asr.recognizer import load
from antiphon.recognition.qwen3_asr.writing.spelling import Spelling

HELLO = "ehlo "


@pytest.fixture
def hearing(native, tmp_path):
    """A checkpoint's folder with letters, and these."""
    folder = shutil.copytree(native, tmp_path / "letters")
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**facts, "letters": HELLO}))
    torch.manual_seed(0)
    letters = Letters(HELLO, facts["audio_config"]["d_model"])
    state = load_file(folder / "model.safetensors")
    save_file({**state, **letters.weights()}, folder / "model.safetensors")
    return folder, letters


def test_labels_are_letters_without_case_and_punctuation():
    letters = Letters(HELLO, 4)
    assert letters.decode(letters.encode("Hello, hell!")) == "hello hell"
    assert letters.decode(letters.encode("héllω")) == "hll"
    assert letters.encode("") == [] and letters.blank not in letters.encode("hello")


def test_a_checkpoint_keeps_them(hearing):
    folder, letters = hearing
    found = checkpoint.load(folder)
    assert found.letters and found.letters.letters == HELLO
    states = torch.randn(3, letters.scores.in_features)
    torch.testing.assert_close(found.letters(states), letters(states))
    assert found.letters(states).exp().sum(-1).tolist() == pytest.approx([1, 1, 1])
    window = torch.randn(80, found.features().log_mel.bands)
    heard = load(str(folder)).encode(window)
    assert heard.letters is not None and len(heard.letters) == len(heard.sounds)


def test_letters_that_do_not_fit_are_refused(hearing):
    folder, _ = hearing
    facts = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**facts, "letters": "abc"}))
    with pytest.raises(UserError, match=r"letters of .* do not fit"):
        checkpoint.load(folder)
    del facts["letters"]
    (folder / "config.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="left over"):
        checkpoint.load(folder)


def test_a_token_is_spelled_with_the_space_before_it_but_at_the_beginning(tiny_tokenizer):
    letters = Letters(HELLO, 4)
    spelling = Spelling.of_letters(tiny_tokenizer, Marks.of(tiny_tokenizer), letters)
    tokens = tiny_tokenizer.encode("H. ", add_special_tokens=False)
    labels = [spelling.labels[token] for token in tokens]
    assert labels == [tuple(letters.spell("h")), (), tuple(letters.spell(" "))]
    assert spelling.first[tokens[0]] == tuple(letters.spell("h"))
