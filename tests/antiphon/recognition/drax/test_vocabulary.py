from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from antiphon.errors import UserError
from antiphon.recognition.drax.vocabulary import SubVocabulary, common, plain

TEXTS = ["the cat sat on the mat", "the cat ran", "a dog sat", "the dog ran on and on"] * 5


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A byte-pair tokenizer whose first ids are all bytes, as Whisper's are."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    path = tmp_path_factory.mktemp("bpe") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def test_what_is_common_is_kept_with_what_it_is_merged_of(whole):
    kept = common(whole, TEXTS, 10)
    assert kept == sorted(set(kept)) and set(range(256)) <= set(kept)
    assert 256 < len(kept) < len(common(whole, TEXTS, 1))
    part, full = SubVocabulary(whole, kept), Tokenizer.from_file(str(whole))
    ids = part.encode("the cat")
    assert all(part.begins[i] for i in ids) and not part.begins[0]
    assert part.whole(ids) == full.encode(" the cat").ids  # common words are single tokens


def test_every_text_can_be_written(whole):
    part = SubVocabulary(whole, common(whole, TEXTS, 10))
    for text in ("the cat sat", "élan vital", "你好", "zyx'wv 7"):
        assert part.decode([*part.encode(text), part.size]) == plain(text)


def test_what_is_no_tokenizer_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {}}))
    with pytest.raises(UserError, match="no byte-pair tokenizer"):
        SubVocabulary(tmp_path / "tokenizer.json", [1])
