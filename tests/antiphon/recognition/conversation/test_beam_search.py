"""Beam search against all texts there are, of a decoder small enough to list them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.conversation.beam_search import likeliest
from antiphon.recognition.whisper.decoding import DecoderState

TOKENS, END, LONGEST = 4, 4, 3
START = 5


class Chain:
    """A decoder that looks at the last token only."""

    end, allowed = END, torch.zeros(TOKENS + 1)

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = 2 * torch.randn(START + 1, TOKENS + 1, generator=generator)

    def limit(self, frames: int) -> int:
        return LONGEST + 1

    def start(self, audio: torch.Tensor, behind: Any = None) -> DecoderState:
        return DecoderState((), ())

    def ask(self, state: DecoderState, request: Any, guess: Any = ()) -> tuple[Any, ...]:
        return *self.step(torch.tensor([[START, *guess]]), state), None

    def step(self, tokens: torch.Tensor, state: DecoderState) -> tuple[Any, ...]:
        text = tokens.float()[..., None]
        if state.text:
            text = torch.cat([state.text[0][0], text], 1)
        return tokens.float()[..., None], None, DecoderState((), ((text, text),))

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return self.table[states[..., 0].long()]

    def score(self, text: tuple[int, ...], sure: int = 0) -> float:
        log_probs = self.table.log_softmax(-1)
        places = list(zip((START, *text), (*text, END), strict=True))
        return sum(float(log_probs[a, b]) for a, b in places[sure:])


def search(chain: Chain, width: int, **more: Any) -> list[tuple[tuple[int, ...], float]]:
    decoder: Any = chain
    return likeliest(decoder, torch.zeros(9, 1), width, str, **more)


@given(st.integers(0, 200))
def test_a_search_as_wide_as_all_texts_finds_the_likeliest(seed: int) -> None:
    chain = Chain(seed)
    texts = [t for n in range(LONGEST + 1) for t in product(range(TOKENS), repeat=n)]
    wanted = sorted(((text, chain.score(text)) for text in texts), key=lambda t: -t[1])[:85]

    found = search(chain, 85)

    assert [score for _, score in found[:5]] == pytest.approx([s for _, s in wanted[:5]], abs=1e-4)
    for text, score in found:
        assert score == pytest.approx(chain.score(text), abs=1e-4)


@given(st.integers(0, 200), st.lists(st.integers(0, TOKENS - 1), max_size=2))
def test_what_is_sure_begins_every_text_and_is_not_counted(seed: int, sure: list[int]) -> None:
    chain = Chain(seed)
    for text, score in search(chain, 8, sure=tuple(sure)):
        assert text[: len(sure)] == tuple(sure)
        assert score == pytest.approx(chain.score(text, len(sure)), abs=1e-4)


def test_of_the_same_letters_the_likeliest_is_kept() -> None:
    chain: Any = Chain(1)
    texts = likeliest(chain, torch.zeros(9, 1), 8, lambda token: "ab"[token % 2])
    spelled = ["".join("ab"[t % 2] for t in tokens) for tokens, _ in texts]
    assert len(spelled) == len(set(spelled)) > 1


def test_one_window_is_seen_by_several_texts_as_its_copies_are(listener, speech) -> None:
    decoder, window = listener.decoder, listener.encoder.encode(speech)[0]
    tokens = torch.tensor([[50_257, 50_362, 40], [50_257, 50_362, 77]])
    with torch.no_grad():
        together, looks, _ = decoder.step(tokens, decoder.start(window[None]))
        apart, own, _ = decoder.step(tokens, decoder.start(window[None].repeat(2, 1, 1)))
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(looks, own, atol=1e-5, rtol=1e-5)
