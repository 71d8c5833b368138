"""The generator's parts: sounds, pronouncer, voice, unit LM, decoder, denoising adapter."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.llm.llama import Llama, LlamaConfig
from antiphon.t2c.denoising_adapter import DenoisingAdapter, capped, cosine_loss
from antiphon.t2c.duration_model import DurationConfig, DurationModel, places
from antiphon.t2c.phonemes import SPACE, PhonemeInventory, group
from antiphon.t2c.pronouncer import SLOTS, Pronouncer, PronouncerConfig, character_ids, unit_scale
from antiphon.t2c.spelling import pieces_of, spell
from antiphon.t2c.unit_lm import CONDITION_OFFSETS, UnitLM, look


def test_marks_join_the_sound_they_belong_to():
    assert group(list("^ˈuːtˌaɪ n̩$")) == ["^", "ˈuː", "t", "ˌa", "ɪ", " ", "n̩", "$"]


@given(st.lists(st.sampled_from(list("^$ ˈˌːʲabuɪ̩,.")), max_size=30))
def test_grouping_loses_no_symbol(symbols):
    assert "".join(group(symbols)) == "".join(symbols)


def test_a_strange_sound_loses_its_marks_before_it_is_given_up():
    inventory = PhonemeInventory.of([["u", "a"]] * 3)
    assert inventory.id("ˈuː") == inventory.id("u")
    assert inventory.id("ʘ") == inventory.id(SPACE)


def test_reading_slots_collapses_repeats_but_not_across_silence():
    pronouncer = Pronouncer(PronouncerConfig(sounds=3, hidden=4, width=8, inner=8, blocks=1))
    best = [0, 0, 3, 0, 1, 3]
    scores = torch.nn.functional.one_hot(torch.tensor(best), 4).float()
    assert pronouncer.read(scores) == ([0, 0, 1], [0, 1, 1])


def test_padding_does_not_change_what_is_pronounced():
    pronouncer = Pronouncer(PronouncerConfig(sounds=5, hidden=4, width=8, inner=8, blocks=2))
    ids = torch.tensor([character_ids("hello")])
    vectors = torch.randn(1, 5, 4)
    alone = pronouncer(ids, vectors, torch.ones(1, 5, dtype=torch.bool))
    padded = pronouncer(
        torch.cat([ids, torch.ones(1, 4, dtype=torch.long)], 1),
        torch.cat([vectors, torch.randn(1, 4, 4)], 1),
        torch.arange(9)[None] < 5,
    )
    torch.testing.assert_close(padded[:, : 5 * SLOTS], alone, atol=1e-5, rtol=1e-5)


def test_unit_scale_keeps_silence_silent():
    scaled = unit_scale(torch.stack([torch.full((4,), 3.0), torch.zeros(4)]))
    assert scaled.tolist() == [[1.0] * 4, [0.0] * 4]


def test_every_character_knows_its_token():
    form = spell(["I", " paid", " $", "5", "."])
    assert form.text == "I paid five dollars."
    assert form.text[form.tokens.index(1)] in " p"
    assert {form.tokens[i] for i in range(7, 11)} <= {2, 3}


def test_pieces_follow_offsets_and_share_no_character():
    assert pieces_of("a🙂b", [(0, 1), (1, 2), (1, 2), (2, 3)]) == ["a", "🙂", "", "b"]


def test_places_count_through_every_sound():
    owner, place = places(torch.tensor([2, 1, 3]))
    assert owner.tolist() == [0, 0, 1, 2, 2, 2]
    assert place.shape == (6, 4)
    wanted = torch.tensor([0.25, 0.75, 0.5, 0.5 / 3, 1.5 / 3, 2.5 / 3])
    torch.testing.assert_close(place[:, 0], wanted)


def test_voice_reaches_no_further_than_it_says():
    voice = DurationModel(
        DurationConfig(sounds=9, hidden=4, width=8, inner=8, sound_blocks=2)
    ).eval()
    sounds = torch.randint(9, (1, 40))
    vectors, mask = torch.zeros(1, 40, 4), torch.ones(1, 40, dtype=torch.bool)
    other = sounds.clone()
    other[0, 20] = (other[0, 20] + 1) % 9
    with torch.inference_mode():
        change = voice.encode(sounds, vectors, mask) - voice.encode(other, vectors, mask)
    touched = change.abs().amax(-1)[0].nonzero().flatten()
    assert touched.min() >= 20 - voice.sound_reach
    assert touched.max() <= 20 + voice.sound_reach


def test_decoder_streams_what_it_computes_whole():
    llama = Llama(LlamaConfig(16, 2, 2, 24)).eval()
    x = torch.randn(1, 12, 16)
    with torch.inference_mode():
        whole, _ = llama(x)
        cache, steps = (), []
        for t in range(12):
            y, cache = llama(x[:, t : t + 1], cache, t)
            steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole, atol=1e-5, rtol=1e-5)


def test_unit_lm_speaks_what_teacher_forcing_scores_best():
    lm = UnitLM(6, 8, LlamaConfig(16, 2, 2, 24)).eval().requires_grad_(False)
    lengths = torch.tensor([1, 1, 1, 1, 2, 3])
    condition = torch.randn(17, 8)
    words = [word for word, _ in lm.speak(condition, lengths, lm.start())]
    spans = lengths[torch.tensor(words)]
    assert int(spans.sum()) == 17
    starts = (spans.cumsum(0) - spans)[None]
    previous = torch.tensor([[lm.start_id, *words[:-1]]])
    logits = lm(previous, look(condition[None], starts, torch.full_like(starts, 16)))[0]
    room = 17 - starts[0]
    allowed = logits.masked_fill(lengths[None] > room[:, None], -torch.inf)
    assert allowed.argmax(-1).tolist() == words


def test_look_never_sees_past_what_is_known():
    conditions = torch.arange(10.0)[None, :, None]
    seen = look(conditions, torch.tensor([[3]]), torch.tensor([[4]]))[0, 0].tolist()
    assert seen == [float(min(3 + ahead, 4)) for ahead in CONDITION_OFFSETS]


def test_recall_knows_tokens_it_never_learnt():
    table = torch.nn.functional.normalize(torch.randn(40, 16), dim=-1)
    adapter = DenoisingAdapter(16, 24, recall=4, table=table).eval()
    states = 20 * table[[3, 17]] + 0.1 * torch.randn(2, 16)  # states that are for tokens 3 and 17
    found = adapter(states)
    assert (found @ table.T).argmax(-1).tolist() == [3, 17]
    assert cosine_loss(found, table[[3, 17]]) < 0.01
    torch.testing.assert_close(found[:1], adapter(states[:1]))
    assert set(adapter.state_dict()) == set(DenoisingAdapter(16, 24).state_dict())


def test_adapter_has_the_public_layout():
    names = set(DenoisingAdapter(8, 12).state_dict())
    assert names == {"0.weight", "0.bias", "3.weight", "3.bias"}


def test_cosine_term_never_exceeds_a_fifth_of_the_unit_loss():
    adapted, wanted = torch.randn(5, 8), torch.randn(5, 8)
    cosine = cosine_loss(adapted, wanted)
    assert float(capped(cosine, torch.tensor(1.0))) <= 0.2 + 1e-6
    assert float(capped(cosine, torch.tensor(100.0))) == float(cosine)
    assert float(cosine_loss(wanted, wanted * 3)) < 1e-6
