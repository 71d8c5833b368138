"""What is answered to what is heard."""

import numpy as np
import pytest

from antiphon.agent import NOT_UNDERSTOOD, Agent
from antiphon.cli.timed_reply import answer
from antiphon.errors import UserError
from antiphon.s2t.question_encoder import Question

SOUND = np.zeros(1600, np.float32)


def hearing(agent, question):
    agent.s2t.finish = lambda: question
    agent.s2t.llm = Vocabulary()
    return agent


class Vocabulary:
    """A token a letter."""

    import torch

    embeddings = torch.zeros(256, 8)

    @staticmethod
    def tokenizer(text, **rest):
        return {
            "input_ids": [ord(letter) for letter in text],
            "offset_mapping": [(i, i + 1) for i in range(len(text))],
        }


def said(agent):
    return "".join(piece.text for piece in agent.respond(SOUND) if piece.words)


def test_a_question_is_answered(tiny_agent):
    assert "I am a voice." in said(tiny_agent)


def test_where_nobody_speaks_nothing_is_said(tiny_agent):
    agent = hearing(tiny_agent, Question("", None, doubt="no speech"))
    assert not list(agent.respond(SOUND))
    assert not answer(agent, SOUND).pieces


@pytest.mark.parametrize("doubt", ["loop", "language", "unclear"])
def test_words_in_doubt_are_not_answered_but_that_is_said(tiny_agent, doubt):
    agent = hearing(tiny_agent, Question("gibberish", None, doubt=doubt))
    assert answer(agent, SOUND).text == NOT_UNDERSTOOD
    tokens, source = agent.reply(SOUND)
    assert "".join(token.text for token in tokens) == NOT_UNDERSTOOD and source == "text"


def seconds(agent):
    pieces = list(agent.say("I am a voice."))
    return sum(len(piece.pcm) for piece in pieces) / pieces[0].sample_rate


def test_speed_is_a_choice(tiny_agent):
    agent = hearing(tiny_agent, None)
    fast = Agent(agent.s2t, agent.voice, speed=2.0, pitch=3.0)
    assert seconds(fast) == pytest.approx(seconds(agent) / 2, rel=0.15)


@pytest.mark.parametrize("wrong", [{"speed": 0}, {"speed": 5}, {"pitch": 40}])
def test_a_speed_that_is_none_is_named(tiny_agent, wrong):
    with pytest.raises(UserError, match=r"choose"):
        Agent(tiny_agent.s2t, tiny_agent.voice, **wrong)
