import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from antiphon.s2t.ctc_labels import MAX_LABEL_TOKENS, Speller, pieces, unspaced, vocabulary


def bpe(*merges):
    """A byte-level tokenizer with these merges, which are lists of letters."""
    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    rules = []
    for merge in merges:
        whole = merge[0]
        for letter in merge[1:]:
            rules.append((whole, letter))
            whole += letter
            words.append(whole)
    found = Tokenizer(models.BPE({word: i for i, word in enumerate(dict.fromkeys(words))}, rules))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    return found


@pytest.fixture
def whisper():
    return bpe("Ġin", "Ġ19")


@pytest.fixture
def tokenizer():
    return PreTrainedTokenizerFast(tokenizer_object=bpe("Ġin"))


@pytest.fixture
def labels(tokenizer, whisper):
    return vocabulary(["in 19", "in it"], tokenizer, whisper, 200)


def test_a_piece_the_language_model_lacks_is_spelled_by_several_of_its_tokens(labels, tokenizer):
    assert labels.shape[1] == MAX_LABEL_TOKENS and 100 < len(labels) <= 200
    spelled = dict(zip(pieces(labels, tokenizer), labels.tolist(), strict=True))
    assert spelled["Ġin"] == [*tokenizer.convert_tokens_to_ids(["Ġin"]), *[-1] * 5]
    assert spelled["Ġ19"] == [*tokenizer.convert_tokens_to_ids(["Ġ", "1", "9"]), *[-1] * 3]


def test_the_blank_is_first_and_spells_nothing(labels, tokenizer):
    assert labels[0].tolist() == [-1] * MAX_LABEL_TOKENS
    assert pieces(labels, tokenizer)[0] == ""


def test_a_text_is_cut_as_whisper_cuts_it(labels, tokenizer, whisper):
    found = Speller(labels, tokenizer, whisper)("in 19")
    assert found is not None
    assert [pieces(labels, tokenizer)[i] for i in found] == ["Ġin", "Ġ19"]


def test_a_text_with_a_piece_that_is_no_label_is_told(tokenizer, whisper):
    few = vocabulary(["in in in"], tokenizer, whisper, 3)
    assert Speller(few, tokenizer, whisper)("x") is None


def test_a_space_is_taken_off_where_the_labels_allow():
    class Tokens:
        def convert_ids_to_tokens(self, ids):
            return [{0: "!", 3: "Ġwhat", 5: "what", 7: "Ġis"}[i] for i in ids]

    assert unspaced(torch.tensor([-1, 3, 5, 7]), Tokens()).tolist() == [0, 2, 2, 3]
