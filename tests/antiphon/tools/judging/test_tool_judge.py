"""What a language model is asked, on a tiny random one."""

from threading import Event

import pytest
import torch
from tiny_llm import byte_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from antiphon.llm.transformers_model import TransformersLanguageModel
from antiphon.tools import Tool
from antiphon.tools.judging.tool_judge import ToolJudge

LAMP, DOOR = Tool("lamp_on", "Switch the lamp on."), Tool("openDoor", "Open the door.")


class Counting(TransformersLanguageModel):
    """Remembers what it was given to read."""

    def start(self, tokens):
        self.before = list(tokens)
        return super().start(tokens)

    def read(self, embeddings, cache):
        self.after = len(embeddings)
        return super().read(embeddings, cache)


@pytest.fixture
def llm():
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer(), eos_token="!")
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"
    )
    config = LlamaConfig(
        vocab_size=256, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    return Counting(model, tokenizer)


def test_the_odds_are_those_of_yes_over_no_after_the_whole_prompt(llm):
    odds = ToolJudge(llm).odds("lamp on please", LAMP)
    prompt = llm.tokenizer.decode(llm.before) + "lamp on please\n<assistant>"
    assert prompt.endswith("Tool: lamp on: Switch the lamp on.\nUser: lamp on please\n<assistant>")
    ids = torch.tensor([llm.tokenizer(prompt, add_special_tokens=False)["input_ids"]])
    logits = llm.llm(ids).logits[0, -1]
    yes, no = (llm.tokenizer(word)["input_ids"][0] for word in ("Yes", "No"))
    assert odds == pytest.approx(float(logits[yes] - logits[no]), abs=1e-3)


def test_only_the_utterance_is_read_anew(llm):
    judge = ToolJudge(llm)
    judge.odds("hello", DOOR)
    first = llm.before
    judge.odds("open it", DOOR)
    assert llm.before == first
    assert llm.after == len("open it\n<assistant>")


def test_what_all_questions_begin_with_is_read_ahead(llm):
    read = Event()

    def start(tokens):
        llm.before = tokens
        read.set()

    llm.start = start
    ToolJudge(llm).expect()
    assert read.wait(10)
    assert llm.tokenizer.decode(llm.before).endswith("<assistant>Yes\n<user>")


def test_tools_are_told_apart(llm):
    judge = ToolJudge(llm)
    assert judge.odds("open the door", LAMP) != judge.odds("open the door", DOOR)


def test_answers_of_another_prompt_are_told_from_its_own(llm, monkeypatch):
    own = ToolJudge(llm).prompt
    assert ToolJudge(llm).prompt == own
    monkeypatch.setattr("antiphon.tools.judging.tool_judge.EXAMPLES", ())
    assert ToolJudge(llm).prompt != own
