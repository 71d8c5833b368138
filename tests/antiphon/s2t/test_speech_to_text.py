from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from antiphon.errors import UserError
from antiphon.llm import chat_template
from antiphon.llm.chat_template import encode, split_at_question
from antiphon.messages import Turn
from antiphon.recognition.recognizer import SAMPLE_RATE as RATE
from antiphon.recognition.recognizer import Transcript
from antiphon.recognition.speech_detector import SpeechDetector
from antiphon.s2t.cascade import CascadeEncoder
from antiphon.s2t.identity import NATURE
from antiphon.s2t.question_encoder import Question
from antiphon.s2t.recall import Recall, shared_words
from antiphon.s2t.reminder import Reminder
from antiphon.s2t.speech_to_text import SpeechToText, text_or_file

HISTORY = (Turn("user", "hi"), Turn("assistant", "hello"))


def ids(tokens):
    return [token.id for token in tokens]


def test_the_state_of_a_token_is_the_one_that_chose_it(model):
    for token in islice(model.reply("what is this", repetition=1.0), 8):
        assert token.hidden.shape == (model.llm.embeddings.shape[1],)
        assert int(model.llm.llm.lm_head(token.hidden).argmax()) == token.id


def test_a_reply_equals_transformers_own_generation(model, tokenizer, llm):
    before, after = split_at_question(tokenizer, HISTORY)
    prompt = torch.tensor([[*before, *encode(tokenizer, "why"), *after]])
    theirs = llm.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=12,
        do_sample=False,
        eos_token_id=sorted(model.llm.stop_tokens),
        pad_token_id=0,
    )[0, prompt.shape[1] :].tolist()
    theirs = theirs[: next((i for i, t in enumerate(theirs) if t in model.llm.stop_tokens), 12)]
    assert ids(model.reply("why", HISTORY, max_tokens=12, repetition=1.0)) == theirs


@pytest.fixture
def reminded(model):
    reminder = Reminder(recall=Recall(shared_words))
    return SpeechToText(model.llm, model.question_encoder, reminder=reminder)


TOLD = (Turn("user", "My canary is called Pip."), Turn("assistant", "ok"))


def test_what_was_told_stands_behind_the_question(model, reminded):
    question = "What is my canary called?"
    asked = question + chat_template.TOLD.format("My canary is called Pip.")
    assert ids(reminded.reply(question, TOLD, 8)) == ids(model.reply(asked, TOLD, 8))
    assert ids(reminded.reply("why", TOLD, 8)) == ids(model.reply("why", TOLD, 8))


def test_a_turn_that_is_not_shown_is_only_found_again(model, reminded):
    history = (Turn("user", "My canary is called Pip.", shown=False), *HISTORY)
    assert reminded.prompt(history) == model.prompt(HISTORY)
    question = "What is my canary called?"
    asked = question + chat_template.TOLD.format("My canary is called Pip.")
    assert ids(reminded.reply(question, history, 8)) == ids(model.reply(asked, HISTORY, 8))


def test_an_answer_begins_as_it_is_told(reminded):
    tokens = list(reminded.reply("Who are you?", max_tokens=40))
    assert "".join(token.text for token in tokens).startswith(NATURE)
    assert all(token.hidden.shape == tokens[0].hidden.shape for token in tokens)
    assert len(list(reminded.reply("Who are you?", max_tokens=2))) == 2


def test_texts_join_to_the_decoded_reply(model, tokenizer):
    tokens = list(model.reply("tell me", max_tokens=30))
    joined = "".join(token.text for token in tokens)
    assert tokenizer.decode(ids(tokens)).startswith(joined)


def test_audio_in_pieces_gives_the_reply_of_the_whole(model, speech):
    hearing = model.start(HISTORY)
    for piece in np.array_split(speech, 7):
        hearing.feed(piece)
    whole = model.reply(speech, HISTORY, max_tokens=10)
    assert ids(model.reply(hearing, max_tokens=10)) == ids(whole)


def test_sessions_share_one_model(model, speech):
    alone = ids(model.reply(speech, max_tokens=6)), ids(model.reply("you", HISTORY, max_tokens=6))
    one, other = model.reply(speech, max_tokens=6), model.reply("you", HISTORY, max_tokens=6)
    mixed = ([], [])
    for _ in range(6):
        for out, tokens in zip(mixed, (one, other), strict=True):
            out += ids(islice(tokens, 1))
    assert mixed == alone


def test_the_adapters_embeddings_stand_for_the_question(model, speech):
    question = model.question_encoder.finish(
        model.question_encoder.feed(speech, model.question_encoder.start())
    )
    assert question.embeddings is not None
    assert question.embeddings.shape[1] == model.llm.embeddings.shape[1]
    assert model.transcribe(speech) == question.text


class Recognizer:
    """Hears how many samples there were."""

    def __init__(self, doubt=None):
        self.doubt = doubt

    def start(self, options=None):
        return 0

    def feed(self, pcm, state):
        return state + len(pcm)

    def finish(self, state):
        return Transcript(f"{state} samples", None, self.doubt)


def test_the_cascade_reads_the_transcript(model, speech):
    cascade = SpeechToText(model.llm, CascadeEncoder(Recognizer()))
    text = cascade.transcribe(speech)
    assert text == f"{len(speech)} samples"
    assert ids(cascade.reply(speech, max_tokens=8)) == ids(model.reply(text, max_tokens=8))


class Silero:
    """Takes what is loud for speech."""

    def start(self):
        return None

    def step(self, pcm, state):
        return float(np.abs(pcm).max() > 0.1), state


def loud(seconds):
    return np.full(round(seconds * RATE), 0.5, np.float32)


def quiet(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def listening(model, doubt=None):
    silero: Any = Silero()
    return SpeechToText(model.llm, CascadeEncoder(Recognizer(doubt)), SpeechDetector(silero))


def test_where_nobody_speaks_nothing_is_heard_and_nothing_answered(model):
    s2t = listening(model)
    for sound in (quiet(3), quiet(0), quiet(0.01)):
        question = s2t.hear(sound).finish()
        assert (question.text, question.doubt) == ("", "no speech")
        assert not list(s2t.reply(sound, max_tokens=3))


def test_what_is_heard_does_not_depend_on_how_the_sound_came(model):
    s2t = listening(model)
    sound = np.concatenate([quiet(3.3), loud(1.01), quiet(4), loud(0.7), quiet(0.2)])
    whole = s2t.transcribe(sound)
    assert 0 < int(whole.split()[0]) < len(sound)
    for size in (160, 777, 5000):
        stream = s2t.start()
        for first in range(0, len(sound), size):
            stream.feed(sound[first : first + size])
            stream.finish()  # feeding goes on afterwards
        assert stream.finish().text == whole


@pytest.mark.parametrize("doubt", ["loop", "language", "unclear"])
def test_words_in_doubt_are_speech_only_if_there_is_enough_of_it(model, doubt):
    s2t = listening(model, doubt)
    assert s2t.hear(np.concatenate([loud(0.3), quiet(1)])).finish().doubt == "no speech"
    assert s2t.hear(np.concatenate([loud(2), quiet(1)])).finish().doubt == doubt


@pytest.mark.parametrize("length", [0, 100, 800, 5000])
def test_short_audio_is_answered_too(model, length):
    assert len(list(model.reply(np.zeros(length, np.float32), max_tokens=3))) <= 3


def test_a_reply_can_be_cancelled_between_tokens(model):
    heard = []
    heard.extend(model.reply("why", max_tokens=50, cancelled=lambda: len(heard) >= 2))
    assert len(heard) <= 2


def test_the_next_prompt_goes_on_from_what_was_written(model, monkeypatch):
    """Question and answer are part of it; they were read and written already."""
    kept = []
    monkeypatch.setattr(model.llm, "keep", lambda *what: kept.append(what))
    question = "Where do sea turtles lay their eggs?"
    answer = model.reply(question, max_tokens=9)
    written = [next(answer).id for _ in range(5)]
    answer.close()  # as when the user interrupts
    ((tokens, cache),) = kept
    before, after = model.prompt()
    asked = encode(model.llm.tokenizer, question)
    assert tokens == [*before, *asked, *after, *written[:4]]  # the fifth was chosen, not yet read
    table = model.llm.embeddings
    _, expected, _ = model.llm.read(table[written[4:]], model.llm.start(tokens))
    _, logits, _ = model.llm.read(table[written[4:]], cache)
    torch.testing.assert_close(logits, expected, atol=1e-3, rtol=1e-3)


def test_what_was_heard_as_no_text_is_not_kept(model, monkeypatch):
    """Of embeddings nobody can say which tokens they are."""
    kept = []
    monkeypatch.setattr(model.llm, "keep", lambda *what: kept.append(what))
    assert list(model.reply(Question("", model.llm.embeddings[[4, 5]]), max_tokens=3))
    assert not kept


def test_what_was_said_lately_becomes_less_likely(model):
    circling = ids(model.reply("what", max_tokens=40, repetition=1.0))
    fresh = ids(model.reply("what", max_tokens=40, repetition=5.0))
    assert len(set(fresh)) / len(fresh) > len(set(circling)) / len(circling)


def test_a_persona_is_read_before_every_question(model, tokenizer, monkeypatch):
    persona = "You are Ada."
    told = SpeechToText(model.llm, model.question_encoder, system=persona)
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    monkeypatch.setattr(tokenizer, "chat_template", template)
    before, _ = told.prompt(HISTORY)
    assert tokenizer.decode(before).startswith(f"<|im_start|>system\n{persona}<|im_end|>\n")
    assert ids(told.reply("why", HISTORY)) != ids(model.reply("why", HISTORY))


def test_a_text_or_the_file_that_holds_it(tmp_path):
    (tmp_path / "ada.txt").write_text("You are Ada.")
    assert text_or_file(str(tmp_path / "ada.txt")) == "You are Ada."
    for text in ("", "You are Ada.", "long " * 2_000):
        assert text_or_file(text) == text
    (tmp_path / "sound.wav").write_bytes(b"RIFF\xff\xfe\x80")
    with pytest.raises(UserError, match="sound.wav holds no text"):
        text_or_file(str(tmp_path / "sound.wav"))
