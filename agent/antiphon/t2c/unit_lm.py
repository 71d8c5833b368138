"""The unit-language LM: unit words, one after another, each aligned to the sound being spoken.

At every step it sees the word before and the condition at the unit it has reached (and a little
ahead, since a word may span several units). A word of n units moves it on by n, so it ends exactly
where the sounds end: it cannot skip, repeat or run away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from antiphon.llm.llama import Llama, LlamaConfig
from antiphon.t2c.unit_lm_session import UnitLMCache, UnitLMSession

CONDITION_OFFSETS = (0, 2, 5)
"""Units ahead at which the condition is read."""


@dataclass(frozen=True)
class UnitLMState:
    """Where a stream of unit words stands."""

    previous: int
    cache: UnitLMCache


class UnitLM(nn.Module):
    """Autoregressive LM over unit words with an aligned condition.

    Args:
        words: size of the unit language.
        condition: width of the condition.
        config: of the decoder stack.
        window: steps of the past kept while speaking.
    """

    def __init__(self, words: int, condition: int, config: LlamaConfig, window: int = 192) -> None:
        super().__init__()
        self.words, self.window = words, window
        self.start_id, self.masked_id = words, words + 1
        self.embed_tokens = nn.Embedding(words + 2, config.width)
        self.condition = nn.Linear(len(CONDITION_OFFSETS) * condition, config.width)
        self.model = Llama(config)
        self.lm_head = nn.Linear(config.width, words, bias=False)
        self.light = False
        """Speak with int8 weights."""
        self._session: UnitLMSession | None = None

    @property
    def session(self) -> UnitLMSession:
        """Stack and head for single steps, rebuilt when the weights may have changed."""
        if self._session is None:
            head = self.lm_head.weight
            self._session = UnitLMSession(self.model, head, self.window, light=self.light)
        return self._session

    def train(self, mode: bool = True) -> UnitLM:
        """Switch between training and use; afterwards single steps use the weights of now."""
        self._session = None
        super().train(mode)
        return self

    def forward(self, previous: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Logits [B, K, words] of whole sequences.

        Args:
            previous: [B, K] the word before each step (start or masked ids allowed).
            conditions: [B, K, len(AHEAD) * condition] of `look`.
        """
        x = self.embed_tokens(previous) + self.condition(conditions)
        logits: torch.Tensor = self.lm_head(self.model(x)[0])
        return logits

    def start(self) -> UnitLMState:
        """A stream that has said nothing."""
        return UnitLMState(self.start_id, self.session.start())

    @torch.inference_mode()
    def speak(
        self,
        conditions: torch.Tensor,
        lengths: torch.Tensor,
        state: UnitLMState,
        *,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Iterator[tuple[int, UnitLMState]]:
        """Say one clause word by word, to its last unit and no further.

        Args:
            conditions: [T, condition] condition of every unit.
            lengths: [words] units of every word.
            state: from `start` or the last word before.
            temperature: 0 takes the likeliest word.
            generator: for temperatures above 0.

        Yields:
            Each word, T units in all, and the state to go on from.
        """
        total = len(conditions)
        seen = self.see(conditions)
        longest = int(lengths.max())
        session = self.session
        at = 0
        while at < total:
            x = self.embed_tokens.weight[state.previous] + seen[at]
            scores, cache = session.step(x.numpy(), state.cache)
            logits = torch.from_numpy(scores)
            if total - at < longest:
                logits = logits.masked_fill(lengths > total - at, -torch.inf)
            if temperature > 0:
                chances = (logits / temperature).softmax(-1)
                word = int(torch.multinomial(chances, 1, generator=generator))
            else:
                word = int(logits.argmax())
            at += int(lengths[word])
            state = UnitLMState(word, cache)
            yield word, state

    def see(self, conditions: torch.Tensor) -> torch.Tensor:
        """What a clause's conditions [T, condition] add to the input at each unit, [T, width]."""
        every = torch.arange(len(conditions))[None]
        last = torch.full_like(every, len(conditions) - 1)
        seen: torch.Tensor = self.condition(look(conditions[None], every, last))[0]
        return seen


def look(conditions: torch.Tensor, at: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """Conditions at the units reached and a little ahead.

    Args:
        conditions: [B, T, C].
        at: [B, K] units reached.
        last: [B, K] last unit whose condition is known by then; beyond it that one repeats.

    Returns:
        [B, K, len(AHEAD) * C].
    """
    pieces = [
        conditions.gather(
            1, torch.minimum(at + ahead, last)[..., None].expand(-1, -1, conditions.shape[-1])
        )
        for ahead in CONDITION_OFFSETS
    ]
    return torch.cat(pieces, -1)
