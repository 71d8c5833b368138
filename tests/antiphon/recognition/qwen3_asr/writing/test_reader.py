"""Several texts, of one answer or of many, are read and written as each would be alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from antiphon.recognition.qwen3_asr.checkpoint import load
from antiphon.recognition.qwen3_asr.writing.joint import alone
from antiphon.recognition.qwen3_asr.writing.reader import Reader, Step, Written, together


@pytest.fixture
def model(native):
    return load(native).model


def begun(model, *tokens):
    """A reader of a text, and the scores of what follows."""
    reader = Reader(model)
    with torch.no_grad():
        return reader, reader.read(model.get_input_embeddings()(torch.tensor([tokens])))


@torch.no_grad()
def test_several_texts_are_read_as_each_alone(model):
    several, _ = begun(model, 70, 71)
    several.keep([0, 0])
    both = several.say([72, 73])
    for row, token in enumerate([72, 73]):
        np.testing.assert_allclose(begun(model, 70, 71, token)[1][0], both[row], atol=1e-4)


@torch.no_grad()
def test_texts_of_any_length_are_read_beside_each_other(model):
    texts = [(70,), (80, 81, 82, 83), (90, 91)]
    several = Reader.of_all([begun(model, *text)[0] for text in texts])
    several.say([60, 61, 62])
    several.keep([2, 0, 1, 2])
    found = several.say([40, 41, 42, 43])
    for row, (text, *more) in enumerate([(2, 62, 40), (0, 60, 41), (1, 61, 42), (2, 62, 43)]):
        expected = begun(model, *texts[text], *more)[1]
        np.testing.assert_allclose(expected[0], found[row], atol=1e-4)


@torch.no_grad()
def test_answers_that_end_at_different_times_are_those_of_each_alone(model):
    texts, limits = [(70,), (80, 81, 82, 83), (90, 91), (60, 61)], [3, 9, 0, 6]

    def writing(scores, limit):
        return (yield from alone(scores, Written(), limit, ()))[0]

    def forked(scores, limit):
        """Follows two texts and takes the second."""
        if not limit:
            return Written()
        first, second = np.argsort(-scores[0])[:2].tolist()
        tokens = [second]
        scores = yield Step((0, 0), (first, second))
        while len(tokens) < limit:
            tokens.append(int(scores[1].argmax()))
            scores = yield Step((0, 1), (int(scores[0].argmax()), tokens[-1]))
        return Written(tuple(tokens))

    for way in (writing, forked):
        single = []
        for text, limit in zip(texts, limits, strict=True):
            reader, scores = begun(model, *text)
            single += together(reader, [way(scores, limit)])
        all_begun = [begun(model, *text) for text in texts]
        found = together(
            Reader.of_all([reader for reader, _ in all_begun]),
            [way(scores, limit) for (_, scores), limit in zip(all_begun, limits, strict=True)],
        )
        assert [each.tokens for each in found] == [each.tokens for each in single]
        assert [len(each.tokens) for each in found] == limits
