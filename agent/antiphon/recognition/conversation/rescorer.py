"""Rescoring: of all that Whisper may have heard, what somebody would say.

Its decoder is a weak language model, and takes a name it does not know for words it does ("He
played Aaron Silver" for "Who played Erin Silver"). Where it is in doubt, its likeliest readings are
weighed by a language model as well: shallow fusion over an n-best list (Kannan et al. 2018,
arXiv 1712.01996), with a bonus for every word, since language models like short texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from tokenizers import Tokenizer

from antiphon.recognition.conversation.beam_search import likeliest
from antiphon.recognition.whisper.decoding import DecoderState, Request, Transcript
from antiphon.recognition.whisper.text_decoder import TextDecoder

SURE = 0.6
"""Probability of a token's letters below which it is in doubt."""
SPELLINGS = 16
"""Likeliest tokens among which those of the same letters are found."""
WIDTH = 4
"""Readings that are compared."""
WEIGHT, WORD = 0.3, 1.5
"""Of the language model's log-likelihood, and what each word of a reading adds."""
CHANGE = 1
"""Words more or less that a reading may have: one that leaves half of them out is none."""
NEAR = 3.0
"""How much less likely than the likeliest, by Whisper, a reading may be."""
LONGEST = 40
"""Tokens of the longest text that is thought over: each of them takes time."""


class Rescorer:
    """Reads a window once more where its transcript is in doubt.

    Args:
        decoder: Whisper's.
        tokenizer: of its tokens.
        likelihoods: how likely somebody says each of several texts.
    """

    def __init__(
        self,
        decoder: TextDecoder,
        tokenizer: Tokenizer,
        likelihoods: Callable[[Sequence[str]], list[float]],
    ) -> None:
        self.decoder, self.tokenizer, self.likelihoods = decoder, tokenizer, likelihoods
        self.letters = lru_cache(None)(self._letters)

    @torch.no_grad()
    def revise(
        self,
        audio: torch.Tensor,
        heard: Transcript,
        behind: DecoderState | None = None,
        request: Request | None = None,
    ) -> Transcript:
        """What was said in a window's encoder states [S, width], after a second thought.

        Args:
            audio: the window.
            heard: its greedy transcript.
            behind: see `TextDecoder.start`.
            request: language and context.
        """
        first = self.doubtful(heard)
        if first is None or len(heard.tokens) > LONGEST or not self._english(heard):
            return heard
        sure = heard.tokens[:first]
        found = likeliest(
            self.decoder, audio, WIDTH, self.letters, sure=sure, behind=behind, request=request
        )
        words = len(self._text(heard.tokens).split())
        near = {
            text: (tokens, score)
            for tokens, score in found
            if score > found[0][1] - NEAR
            and abs(len((text := self._text(tokens)).split()) - words) <= CHANGE
        }
        if len(near) < 2:
            return heard
        expected = self.likelihoods(list(near))
        sums = {
            text: score + WEIGHT * likely + WORD * len(text.split())
            for (text, (_, score)), likely in zip(near.items(), expected, strict=True)
        }
        tokens, _ = near[max(sums, key=sums.__getitem__)]
        if self._spelled(tokens) == self._spelled(heard.tokens):
            return heard
        return self.decoder.read(audio, tokens, behind, request)

    def doubtful(self, heard: Transcript) -> int | None:
        """The first token that may have been one of other letters; None: none may.

        Whether it begins with a capital, or a mark stands at the end, is no doubt.
        """
        logits = self.decoder.logits(heard.states) + self.decoder.allowed
        likely = logits.softmax(-1).topk(SPELLINGS)
        for at, token in enumerate((*heard.tokens, self.decoder.end)):
            pairs = zip(likely.values[at].tolist(), likely.indices[at].tolist(), strict=True)
            wanted = self.letters(token)
            if sum(share for share, other in pairs if self.letters(other) == wanted) < SURE:
                return at
        return None

    def _english(self, heard: Transcript) -> bool:
        return heard.mark is None or heard.mark == self.decoder.prompt[1]

    def _letters(self, token: int) -> str:
        """Letters and digits of a token."""
        if token >= self.decoder.end:
            return ""
        return "".join(c for c in self.tokenizer.decode([token]).casefold() if c.isalnum())

    def _spelled(self, tokens: Sequence[int]) -> str:
        return "".join(map(self.letters, tokens))

    def _text(self, tokens: Sequence[int]) -> str:
        return self.tokenizer.decode(list(tokens)).strip()
