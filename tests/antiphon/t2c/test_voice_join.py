"""A voice speaks for a language model whose tokens are not its own."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UserError
from antiphon.messages import Segment, Token
from antiphon.t2c.denoising_adapter import DenoisingAdapter
from antiphon.t2c.pronouncer import unit_scale
from antiphon.t2c.voice_join import VoiceJoin, load_adapter, overlap, save_adapter

OURS, THEIRS = 6, 10
"""Widths of the voice and of the language model."""


class Letters:
    """A tokenizer that cuts a text into pairs of characters."""

    def __call__(self, text: str, **_: object) -> dict[str, list[object]]:
        starts = range(0, len(text), 2)
        return {
            "input_ids": [ord(text[at]) % 50 for at in starts],
            "offset_mapping": [(at, min(at + 2, len(text))) for at in starts],
        }


@pytest.fixture
def vocabulary() -> SimpleNamespace:
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(50, OURS, generator=generator)
    return SimpleNamespace(name="voice", tokenizer=Letters(), embeddings=table)


def segment(*pieces: str) -> Segment:
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(len(pieces), THEIRS, generator=generator)
    return Segment(tuple(map(Token, range(len(pieces)), pieces, hidden)), final=True)


pieces = st.lists(st.text("abc é,", max_size=7), min_size=1, max_size=6)


@given(pieces)
def test_the_text_stays_the_same_whatever_tokens_spell_it(theirs: list[str]) -> None:
    table = torch.zeros(50, OURS)
    join = VoiceJoin(SimpleNamespace(name="", tokenizer=Letters(), embeddings=table))
    joined = join(segment(*theirs))
    assert joined.text == "".join(theirs) and joined.final
    assert joined.hidden.shape == (len(joined.tokens), OURS)


@given(pieces, pieces)
def test_shares_of_tokens_add_up(ours: list[str], theirs: list[str]) -> None:
    text = "".join(theirs)
    cuts = sorted({0, len(text), *(len(p) % (len(text) + 1) for p in ours)})
    mine = [text[a:b] for a, b in pairwise(cuts)]
    shares = overlap(mine, theirs)
    assert shares.shape == (len(mine), len(theirs)) and (shares >= 0).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(len(mine)))


def test_an_untrained_adapter_adds_nothing_and_a_trained_one_its_own(vocabulary) -> None:
    adapter = DenoisingAdapter(THEIRS, 8, out=OURS).eval()
    for parameter in adapter[3].parameters():
        torch.nn.init.zeros_(parameter)
    plain = VoiceJoin(vocabulary)(segment("The c", "at"))
    same = VoiceJoin(vocabulary, adapter)(segment("The c", "at"))
    torch.testing.assert_close(
        torch.nn.functional.normalize(same.hidden), torch.nn.functional.normalize(plain.hidden)
    )
    for parameter in adapter[3].parameters():
        torch.nn.init.normal_(parameter)
    other = VoiceJoin(vocabulary, adapter)(segment("The c", "at"))
    # "Th", "e " are of one token, "ca" of both, "t" of the second.
    added = other.hidden - same.hidden
    torch.testing.assert_close(added[0], added[1])
    states = unit_scale(segment("The c", "at").hidden)
    expected = adapter.added((states[0] + states[1]) / 2)
    torch.testing.assert_close(added[2], expected)


def test_an_adapter_comes_back_from_its_file(vocabulary, tmp_path) -> None:
    adapter = DenoisingAdapter(THEIRS, 8, out=OURS).eval()
    save_adapter(adapter, tmp_path / "adapter.safetensors")
    model = SimpleNamespace(name="model", embeddings=torch.zeros(3, THEIRS))
    again = load_adapter(tmp_path / "adapter.safetensors", vocabulary, model)
    x = torch.randn(2, THEIRS)
    torch.testing.assert_close(again.added(x), adapter.added(x), atol=1e-3, rtol=1e-2)
    model = SimpleNamespace(name="other", embeddings=torch.zeros(3, THEIRS + 1))
    with pytest.raises(UserError, match="other has 11 and the voice 6: train it again"):
        load_adapter(tmp_path / "adapter.safetensors", vocabulary, model)
