"""How a language model writes its answer: by itself, or with what is heard of each token.

By itself it writes the likeliest token, as the public checkpoints do. A small one, trained on few
hours, loses its place and makes up words; so beside it counts how likely the sound begins with the
text (`heard_tokens`), and several texts are followed at a time: joint CTC and attention decoding
(Watanabe et al. 2017, "Hybrid CTC/Attention Architecture for End-to-End Speech Recognition").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from antiphon.recognition.drax.vocabulary import plain
from antiphon.recognition.qwen3_asr.context_words import ContextWords
from antiphon.recognition.qwen3_asr.heard_tokens import Beginnings, HeardTokens
from antiphon.recognition.qwen3_asr.known_words import KnownWords
from antiphon.recognition.qwen3_asr.prompt import Marks
from antiphon.recognition.whisper.text_decoder import loops
from antiphon_codecs.interruption import checkpoint

BEAM = 12
"""Texts that are followed at a time."""
OFFERED = 16
"""Tokens that the language model offers to each, and the sound."""
LONGER = 2.5
"""What a label more is worth: a longer text is less likely by all that counts. At 1 a quarter of
long ones was left out."""
PUNCTUATION = re.compile(r"\s*[.,!?;:\"'’()-]+")


@dataclass(frozen=True)
class Written:
    """Tokens of an answer."""

    tokens: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()


NOTHING = Written()

KeyValues = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Keys and values [1, heads, N, d] of a text, a pair a layer; empty before the first token."""


def remembered(known: KeyValues) -> Any:
    """A cache of transformers that goes on from keys and values, which stay as they are."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(known):
        cache.update(keys, values, layer)
    return cache


@dataclass(frozen=True)
class Hypothesis:
    """An answer that may be the one."""

    written: Written
    score: float = 0.0
    """How good the language model finds what was added, with what its length is worth."""
    text: str = ""
    """All of it."""


class Reader:
    """A language model that has read so much.

    Args:
        model: transformers' Qwen3ASRForConditionalGeneration.
        known: what it remembers already.
    """

    def __init__(self, model: Any, known: KeyValues) -> None:
        self.model, self.cache = model, remembered(known)

    def read(self, embedded: torch.Tensor) -> NDArray[np.float32]:
        """Log probabilities [B, vocabulary] of what comes after more of each text [B, N, width]."""
        out = self.model.model.language_model(
            inputs_embeds=embedded, cache=self.cache, use_cache=True
        )
        self.cache = out.cache
        scores = self.model.lm_head(out.last_hidden_state[:, -1]).float().log_softmax(-1)
        found: NDArray[np.float32] = scores.cpu().numpy()
        return found

    def say(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The same after a token of each text."""
        ids = torch.tensor(tokens, device=self.model.device)[:, None]
        return self.read(self.model.get_input_embeddings()(ids))

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with some of the texts, any of them several times."""
        at = torch.tensor(rows)
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[at], layer.values[at]


def alone(
    reader: Reader,
    scores: NDArray[np.float32],
    written: Written,
    limit: int,
    ends: Collection[int],
    until: int | None = None,
) -> tuple[Written, NDArray[np.float32]]:
    """Goes on with the likeliest tokens.

    Args:
        reader: of all before.
        scores: [1, vocabulary] log probabilities of the next token.
        written: the answer so far.
        limit: tokens of an answer at most.
        ends: tokens that end it.
        until: the token after which to stop.

    Returns:
        The answer, and the scores of what would follow.
    """
    tokens, log_probs = list(written.tokens), list(written.log_probs)
    while not tokens or tokens[-1] != until:
        checkpoint()
        token = int(scores[0].argmax())
        if token in ends or len(tokens) >= limit or loops(tokens):
            break
        tokens.append(token)
        log_probs.append(float(scores[0, token]))
        scores = reader.say([token])
    return Written(tuple(tokens), tuple(log_probs)), scores


class Spelling:
    """How each token of a language model is heard.

    Args:
        tokenizer: of the model.
        marks: its special tokens.
    """

    def __init__(self, tokenizer: Any, marks: Marks) -> None:
        self.marks, self._tokenizer = marks, tokenizer
        tokens = range(len(tokenizer))
        self.texts = [str(tokenizer.decode([token])) for token in tokens]
        self.labels = [self._labels(token, "") for token in tokens]
        """Of each token: none for punctuation, None for what is no text."""
        self.first = [self._labels(token, " ") for token in tokens]
        """The same at the beginning of a text, where a word has no space in front of it."""
        self.written = {token for token in tokens if self.labels[token] is not None}
        """Those of which texts are made."""

    def _labels(self, token: int, before: str) -> tuple[int, ...] | None:
        text = self.texts[token]
        if token in self._tokenizer.all_special_ids or "\N{REPLACEMENT CHARACTER}" in text:
            return None
        if PUNCTUATION.fullmatch(text):
            return ()
        if not plain(text):
            return (token,) if text == " " else None
        space = " " if text.startswith(" ") else before
        return tuple(self._tokenizer.encode(space + plain(text), add_special_tokens=False))

    def heard(
        self, texts: Beginnings, more: Sequence[tuple[int, int]], heard: HeardTokens
    ) -> Beginnings:
        """Texts by their rows, each with a token more."""
        spelled = [self.of(texts, row, token) for row, token in more]
        found = texts.taken([row for row, _ in more])
        for at in range(max(map(len, spelled), default=0)):
            rows = [row for row, labels in enumerate(spelled) if at < len(labels)]
            last = heard.extended(found.taken(rows), [spelled[row][at] for row in rows])
            found = found.with_(rows, last)
        return found

    def of(self, texts: Beginnings, row: int, token: int) -> tuple[int, ...]:
        """Labels of a token behind one of some texts."""
        begins = texts.last[row] == -1
        return (self.first if begins else self.labels)[token] or ()

    def length(self, token: int) -> int:
        """Labels by which a token is heard."""
        return len(self.labels[token] or ())


@dataclass(frozen=True)
class Joint:
    """Writes the text on which language model and sound agree best.

    Attributes:
        heard: what is heard.
        spelling: of tokens.
        weight: of the sound; that of the language model is what it lacks to one.
        context: names and terms that may be said.
        words: of the language.
    """

    heard: HeardTokens
    spelling: Spelling
    weight: float
    context: ContextWords
    words: KnownWords

    def write(
        self, reader: Reader, scores: NDArray[np.float32], written: Written, limit: int
    ) -> Written:
        """Goes on with an answer whose text has begun.

        Args:
            reader: of all before.
            scores: [1, vocabulary] log probabilities of the next token.
            written: the answer so far.
            limit: tokens of an answer at most.
        """
        first, texts = self._begun(written)
        answers, best, done = [first], -np.inf, written
        while len(answers[0].written.tokens) < limit:
            checkpoint()
            for row, total in enumerate(self._ended(answers, scores, texts)):
                if total > best:
                    best, done = total, answers[row].written
            following = self.heard.next(texts)
            offers = [
                (row, token)
                for row in range(len(answers))
                for token in self._of(scores[row], following[row])
            ]
            said = [self._more(answers, offer, scores) for offer in offers]
            heard = self._heard(texts, offers, following)
            worth = [each.score + self._worth(each.text) for each in said]
            totals = np.asarray(worth) + self.weight * heard
            kept = [int(i) for i in np.argsort(-totals)[:BEAM] if totals[i] > best]
            if not kept:
                break
            chosen = [offers[i] for i in kept]
            answers, texts = [said[i] for i in kept], self.spelling.heard(texts, chosen, self.heard)
            reader.keep([row for row, _ in chosen])
            scores = reader.say([token for _, token in chosen])
        return done if np.isfinite(best) else answers[0].written

    def _worth(self, text: str, *, ended: bool = False) -> float:
        """Of the words of a text."""
        usual = self.words.worth(text, ended=ended, besides=self.context.parts)
        return self.context.worth(text, ended=ended) + usual

    def _begun(self, written: Written) -> tuple[Hypothesis, Beginnings]:
        """What has been written of the text."""
        mark, texts = self.spelling.marks.text, self.heard.start()
        first = written.tokens.index(mark) + 1 if mark in written.tokens else 0
        for token in written.tokens[first:]:
            texts = self.spelling.heard(texts, [(0, token)], self.heard)
        text = "".join(self.spelling.texts[token] for token in written.tokens[first:])
        return Hypothesis(written, 0.0, text), texts

    def _of(self, scores: NDArray[np.float32], heard: NDArray[np.float64]) -> list[int]:
        """Tokens that may come next: likely or heard [vocabulary], and of the context."""
        best = (np.argpartition(-each, OFFERED)[:OFFERED].tolist() for each in (scores, heard))
        return sorted(self.context.tokens.union(*best) & self.spelling.written)

    def _heard(
        self, texts: Beginnings, offers: Sequence[tuple[int, int]], following: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Log probability by the sound of texts with a token more, by what follows [B, labels]."""
        spelled = [self.spelling.of(texts, row, token) for row, token in offers]
        found = np.array([
            following[row, labels[0]] if labels else texts.scores[row]
            for (row, _), labels in zip(offers, spelled, strict=True)
        ])  # fmt: skip
        long = [i for i, labels in enumerate(spelled) if len(labels) > 1]
        if long:
            more = self.spelling.heard(texts, [offers[i] for i in long], self.heard)
            found[long] = more.scores
        return found

    def _share(self, token: int) -> float:
        """What counts of a token's log probability: all where no sound speaks for it or against."""
        return 1 - self.weight if self.spelling.labels[token] else 1.0

    def _more(
        self, answers: Sequence[Hypothesis], offer: tuple[int, int], scores: NDArray[np.float32]
    ) -> Hypothesis:
        """One of the answers with a token more."""
        row, token = offer
        old, log_prob = answers[row], float(scores[row, token])
        tokens, log_probs = old.written.tokens, old.written.log_probs
        return Hypothesis(
            Written((*tokens, token), (*log_probs, log_prob)),
            old.score + self._share(token) * log_prob + LONGER * self.spelling.length(token),
            old.text + self.spelling.texts[token],
        )

    def _ended(
        self, answers: Sequence[Hypothesis], scores: NDArray[np.float32], texts: Beginnings
    ) -> NDArray[np.float64]:
        """How good answers are that end here."""
        end = scores[:, sorted(self.spelling.marks.ends)].max(1)
        worth = [each.score + self._worth(each.text, ended=True) for each in answers]
        return np.asarray(worth + (1 - self.weight) * end + self.weight * texts.ended())
