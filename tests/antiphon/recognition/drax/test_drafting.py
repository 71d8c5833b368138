from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.recognition.drax.drafting import transcribe, written


def test_any_draft_gives_what_greedy_decoding_writes(listener, speech):
    decoder = listener.decoder
    window = listener.encoder.encode(speech)[0]
    plain = decoder.transcribe(window, behind=listener.behind).tokens

    @settings(max_examples=25)
    @given(st.lists(st.sampled_from([*plain, 5, 77]), max_size=20))
    def check(draft):
        assert transcribe(decoder, window, draft, listener.behind).tokens == plain

    check()


def test_a_good_draft_saves_passes_even_after_a_mistake(listener, speech):
    decoder = listener.decoder
    window = listener.encoder.encode(speech)[0]
    plain = list(decoder.transcribe(window, behind=listener.behind).tokens)
    if len(plain) < 4:
        pytest.skip("the tiny model wrote too little")
    alone = transcribe(decoder, window, [], listener.behind)
    assert alone.passes >= len(plain)
    assert transcribe(decoder, window, plain, listener.behind).passes == 1
    wrong = [*plain]
    wrong[1] = 77 if plain[1] != 77 else 78
    assert transcribe(decoder, window, wrong, listener.behind).passes < alone.passes
    missing = [plain[0], *plain[2:]]
    assert transcribe(decoder, window, missing, listener.behind).passes <= alone.passes


def test_a_draft_is_written_as_a_sentence():
    assert written("i think i'm lost said he") == "I think I'm lost said he."
    assert written("") == ""
