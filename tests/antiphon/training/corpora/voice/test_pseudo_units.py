"""Pseudo units of many sentences at once."""

from __future__ import annotations

import torch

from antiphon.messages import Segment, Token
from antiphon.training.corpora.voice import pseudo_units


def test_many_sentences_at_once_are_what_each_is_alone(model):
    model.eval()
    model.lm.window = 10_000  # an untrained voice draws its sounds out for longer than real ones
    pieces = [["Ab", " bab", " aa", " b", " abb", " ab", "."], ["Baa", "."], ["A", " b", "!"]]
    plans = []
    for reply in pieces:
        tokens = tuple(Token(i, p, torch.zeros(12)) for i, p in enumerate(reply))
        first, second = Segment(tokens[:2], False), Segment(tokens[2:] or tokens[-1:], True)
        draw = torch.Generator().manual_seed(0)
        plan, state = model.plan(first, model.start(), source="text", generator=draw)
        rest, _ = model.plan(second, state, source="text", generator=draw)
        plans.append([plan.clauses[0], *(c for c in rest.clauses if not c.fresh)])
    alone = []
    for clauses in plans:
        words, lm = [], model.lm.start()
        for clause in clauses:
            for word, reached in model.lm.speak(clause.condition, model.word_lengths, lm):
                words.append(word)
                lm = reached
        alone.append(words)
    with torch.inference_mode():
        assert pseudo_units.speak_many(model.lm, plans, model.word_lengths) == alone
