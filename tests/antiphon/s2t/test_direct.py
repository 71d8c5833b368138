import pytest
import torch

from antiphon.recognition.whisper.transcriber import Transcription
from antiphon.s2t.ctc_labels import SPACE
from antiphon.s2t.direct import SURE, spans

PIECES = (f"{SPACE}Pl", "ease", f"{SPACE}close", f"{SPACE}the", f"{SPACE}cur", "tain", ".", "")


def heard(probabilities, pieces=PIECES):
    """Decoder states at random, and pieces that were heard with these probabilities."""
    count = len(pieces)
    return Transcription(
        torch.randn(4 * count, 16),
        torch.randn(count, 16),
        torch.arange(count).repeat_interleave(2),
        "".join(pieces).replace(SPACE, " ").strip(),
        pieces,
        torch.tensor(probabilities).log(),
    )


def read(model, text):
    ids = model.llm.tokenizer(text, add_special_tokens=False)["input_ids"]
    return model.question_encoder.embeddings[ids].float()


def test_what_was_heard_surely_enters_as_if_it_were_read(model):
    found = model.question_encoder.embed(heard([0.9] * len(PIECES)))
    assert torch.equal(found, read(model, "Please close the curtain."))


def test_nothing_heard_is_no_embeddings(model):
    nothing = Transcription(torch.empty(0, 16), torch.empty(0, 16), torch.empty(0).long(), "")
    assert model.question_encoder.embed(nothing).shape == (0, 32)


@pytest.mark.parametrize("row", [0, 3])
def test_a_piece_in_doubt_is_a_mixture_and_the_others_are_not(model, row):
    pieces = tuple(f"{SPACE}abcde"[: 2 * (i == 0)] or "abcdefgh"[i] for i in range(6))
    unsure = [0.9] * 6
    unsure[row] = SURE / 2
    found = model.question_encoder.embed(heard(unsure, pieces))
    text = "".join(pieces).replace(SPACE, " ").strip()
    changed = (found - read(model, text)).abs().sum(1) > 1e-5
    assert changed.tolist() == [i == row for i in range(6)]


def test_a_piece_in_doubt_that_is_no_token_is_left_as_it_was_written(model):
    found = model.question_encoder.embed(heard([0.01] * 2 + [0.9] * 6))
    assert torch.equal(found, read(model, "Please close the curtain."))


def test_spans_do_not_count_the_space_in_front():
    assert spans((f"{SPACE}Hi", f"{SPACE}you", "")) == [(0, 2), (2, 6), (6, 6)]
    assert spans(("Hi", f"{SPACE}you")) == [(0, 2), (2, 6)]
