"""How a language model writes its answer: by itself, or with what is heard of each token.

By itself it writes the likeliest token, as the public checkpoints do. A small one, trained on few
hours, loses its place and makes up words; so beside it counts how likely the sound begins with the
text (`heard_tokens`), and several texts are followed at a time: joint CTC and attention decoding
(Watanabe et al. 2017, "Hybrid CTC/Attention Architecture for End-to-End Speech Recognition").
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.recognition.qwen3_asr.writing.context_words import ContextWords
from antiphon.recognition.qwen3_asr.writing.heard_tokens import Beginnings, HeardTokens
from antiphon.recognition.qwen3_asr.writing.known_words import KnownWords
from antiphon.recognition.qwen3_asr.writing.reader import Scores, Step, Writing, Written
from antiphon.recognition.qwen3_asr.writing.spelling import Spelling
from antiphon.recognition.whisper.text_decoder import loops

BEAM = 32
"""Texts that are followed at a time."""
GROWING_BEAM = 16
"""The same where the recording goes on: what is written then will be written again."""
OFFERED = 20
"""Tokens that the language model offers to each, and the sound."""
WEIGHED = 3
"""Times as many offers are weighed by what else is heard."""


@dataclass(frozen=True)
class Hypothesis:
    """An answer that may be the one."""

    written: Written
    score: float = 0.0
    """How good the language model finds what was added, with what its length is worth."""
    text: str = ""
    """All of it."""


def alone(
    scores: Scores, written: Written, limit: int, ends: Collection[int], until: int | None = None
) -> Generator[Step, Scores, tuple[Written, Scores]]:
    """Goes on with the likeliest tokens.

    Args:
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
        token = int(scores[0].argmax())
        if token in ends or len(tokens) >= limit or loops(tokens):
            break
        tokens.append(token)
        log_probs.append(float(scores[0, token]))
        scores = yield Step((0,), (token,))
    return Written(tuple(tokens), tuple(log_probs)), scores


@dataclass(frozen=True)
class Evidence:
    """What is heard in one alphabet."""

    heard: HeardTokens
    spelling: Spelling
    weight: float
    """Beside the language model and other evidence."""
    longer: float
    """What a label more is worth: a longer text is less likely by all that counts."""


@dataclass(frozen=True)
class Joint:
    """Writes the text on which language model and sound agree best.

    Attributes:
        tokens: of the language model that are heard; they offer what may come next.
        others: what else is heard, which decides among the best offers.
        context: names and terms that may be said.
        words: of the language.
        beam: texts that are followed at a time.
    """

    tokens: Evidence
    others: Sequence[Evidence]
    context: ContextWords
    words: KnownWords
    beam: int = BEAM

    @property
    def evidence(self) -> list[Evidence]:
        """All that is heard."""
        return [self.tokens, *self.others]

    def write(self, scores: Scores, written: Written, limit: int) -> Writing:
        """Goes on with an answer whose text has begun.

        Args:
            scores: [1, vocabulary] log probabilities of the next token.
            written: the answer so far.
            limit: tokens of an answer at most.
        """
        first, texts = self._begun(written)
        answers, best, done = [first], -np.inf, written
        while len(answers[0].written.tokens) < limit:
            for row, total in enumerate(self._ended(answers, scores, texts)):
                if total > best:
                    best, done = total, answers[row].written
            offers, said, totals, others = self._offers(answers, scores, texts)
            kept = [int(i) for i in np.argsort(-totals)[: self.beam] if totals[i] > best]
            if not kept:
                break
            chosen, answers = [offers[i] for i in kept], [said[i] for i in kept]
            heard = self.tokens.spelling.heard(texts[0], chosen, self.tokens.heard)
            texts = [heard, *(each.taken(kept) for each in others)]
            rows, tokens = zip(*chosen, strict=True)
            scores = yield Step(rows, tokens)
        return done if np.isfinite(best) else answers[0].written

    def _offers(
        self,
        answers: Sequence[Hypothesis],
        scores: Scores,
        texts: Sequence[Beginnings],
    ) -> tuple[list[tuple[int, int]], list[Hypothesis], NDArray[np.float64], list[Beginnings]]:
        """The best answers with a token more.

        Returns:
            Rows of answers, each with its token; what it makes of the answer; how good that is; and
            how it is heard by the others.
        """
        following = self.tokens.heard.next(texts[0])
        more = [
            (row, token)
            for row, answer in enumerate(answers)
            for token in self._of(answer, scores[row], following[row])
        ]
        said = [self._more(answers[row], token, scores[row, token]) for row, token in more]
        worth = np.array([each.score + self._worth(each.text) for each in said])
        totals = worth + self.tokens.weight * self._heard(texts[0], more, following)
        rows = [row for row, _ in more]
        for each, begun in zip(self.others, texts[1:], strict=True):
            totals += each.weight * begun.scores[rows]
        few = np.argsort(-totals)[: self.beam * (WEIGHED if self.others else 1)]
        more, said, totals = [more[i] for i in few], [said[i] for i in few], totals[few]
        rows = [row for row, _ in more]
        found = [
            each.spelling.heard(begun, more, each.heard)
            for each, begun in zip(self.others, texts[1:], strict=True)
        ]
        for each, before, after in zip(self.others, texts[1:], found, strict=True):
            totals += each.weight * (after.scores - before.scores[rows])
        return more, said, totals, found

    def _worth(self, text: str, *, ended: bool = False) -> float:
        """Of the words of a text."""
        usual = self.words.worth(text, ended=ended, besides=self.context.parts)
        return self.context.worth(text, ended=ended) + usual

    def _begun(self, written: Written) -> tuple[Hypothesis, list[Beginnings]]:
        """What has been written of the text, and how it is heard."""
        spelling = self.tokens.spelling
        mark, texts = spelling.marks.text, [each.heard.start() for each in self.evidence]
        first = written.tokens.index(mark) + 1 if mark in written.tokens else 0
        for token in written.tokens[first:]:
            texts = [
                each.spelling.heard(begun, [(0, token)], each.heard)
                for each, begun in zip(self.evidence, texts, strict=True)
            ]
        text = "".join(spelling.texts[token] for token in written.tokens[first:])
        return Hypothesis(written, 0.0, text), texts

    def _of(self, answer: Hypothesis, scores: Scores, heard: NDArray[np.float64]) -> list[int]:
        """Tokens that may come next: likely or heard [vocabulary], and of the context."""
        best = (np.argpartition(-each, OFFERED)[:OFFERED].tolist() for each in (scores, heard))
        found = self.context.tokens.union(*best) & self.tokens.spelling.written
        last = answer.written.tokens[-1:]
        if last and self._unheard(last[0]):
            # Marks cost no sound, so a row of them would stand where a word costs more.
            return sorted(token for token in found if not self._unheard(token))
        return sorted(found)

    def _unheard(self, token: int) -> bool:
        """Whether a token is punctuation."""
        return self.tokens.spelling.labels[token] == ()

    def _heard(
        self, texts: Beginnings, offers: Sequence[tuple[int, int]], following: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Log probability by tokens of texts with one more, by what follows [B, labels]."""
        spelling = self.tokens.spelling
        spelled = [spelling.of(texts, row, token) for row, token in offers]
        found = np.array([
            following[row, labels[0]] if labels else texts.scores[row]
            for (row, _), labels in zip(offers, spelled, strict=True)
        ])  # fmt: skip
        long = [i for i, labels in enumerate(spelled) if len(labels) > 1]
        if long:
            more = spelling.heard(texts, [offers[i] for i in long], self.tokens.heard)
            found[long] = more.scores
        return found

    @property
    def _share(self) -> float:
        """What counts of the language model where something is heard."""
        return 1 - sum(each.weight for each in self.evidence)

    def _more(self, old: Hypothesis, token: int, score: np.float32) -> Hypothesis:
        """An answer with a token more, of that log probability."""
        log_prob = float(score)
        tokens, log_probs = old.written.tokens, old.written.log_probs
        share = 1.0 if self._unheard(token) else self._share
        longer = sum(each.longer * each.spelling.length(token) for each in self.evidence)
        return Hypothesis(
            Written((*tokens, token), (*log_probs, log_prob)),
            old.score + share * log_prob + longer,
            old.text + self.tokens.spelling.texts[token],
        )

    def _ended(
        self,
        answers: Sequence[Hypothesis],
        scores: Scores,
        texts: Sequence[Beginnings],
    ) -> NDArray[np.float64]:
        """How good answers are that end here."""
        end = scores[:, sorted(self.tokens.spelling.marks.ends)].max(1)
        worth = [each.score + self._worth(each.text, ended=True) for each in answers]
        found = np.asarray(worth + self._share * end)
        for each, begun in zip(self.evidence, texts, strict=True):
            found += each.weight * begun.ended()
        return found
