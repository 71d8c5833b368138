"""A language model behind a server, which is a real one on a real socket."""

from __future__ import annotations

import threading
import time

import pytest
from fake_chat_server import MESSAGES, delta, refusing, saying

from antiphon.errors import UserError
from antiphon.llm.language_model import from_pretrained
from antiphon.llm.vocabulary import load_vocabulary

HTML = b"<!doctype html><html><body>Welcome!</body></html>"


def test_a_reply_is_asked_for_as_the_protocol_says(server, ask):
    assert ask("#qwen3:4b", temperature=0.5, max_tokens=7) == "Hello there."
    assert server.requests[-1] == {
        "model": "qwen3:4b",
        "messages": MESSAGES,
        "stream": True,
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
    }
    assert "authorization" not in server.headers[-1]


def test_text_comes_while_the_model_still_writes(server, reply):
    said = threading.Event()

    def answer(wire):
        wire.head().event(delta("Hello"))
        assert said.wait(10)
        wire.event(delta(" there.", finish="stop")).end()

    server.answer = answer
    pieces = reply()
    assert next(pieces) == "Hello"
    said.set()
    assert "".join(pieces) == " there."


def test_a_reply_can_come_as_a_whole(server, ask):
    server.answer = lambda wire: wire.whole(
        b'{"choices": [{"message": {"content": "<think>Hm.</think> Hello."}}]}'
    )
    assert ask().strip() == "Hello."


def test_many_ask_at_once(server, reply):
    model, found = from_pretrained(server.address), []
    server.answer = lambda wire: (time.sleep(0.1), saying("Hello.")(wire))

    def ask_once():
        pieces = reply(model=model)
        found.append("".join(pieces))

    threads = [threading.Thread(target=ask_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == ["Hello."] * 8


def test_the_only_model_is_taken(server, ask):
    ask()
    assert server.requests[-1]["model"] == "tiny"


def test_of_several_models_one_has_to_be_named(server, ask):
    server.models = [f"m{i}" for i in range(9)]
    with pytest.raises(UserError, match=r"has m0, .* m5 and 3 more: name one, as in --llm http"):
        from_pretrained(server.address)
    assert ask("#m3") == "Hello there."


@pytest.mark.parametrize("answer", [refusing(404), refusing(200, HTML, "text/html"), saying("no")])
def test_a_server_that_does_not_say_which_models_it_has(server, answer, ask):
    server.models_answer = answer
    with pytest.raises(UserError, match="does not say which models it has: name one"):
        from_pretrained(server.address)
    assert ask("#any") == "Hello there."


def test_a_name_that_the_server_does_not_list_is_warned_of(server, caplog):
    server.models = ["qwen3:latest", "llama"]
    from_pretrained(f"{server.address}#qwen3")
    assert not caplog.records
    from_pretrained(f"{server.address}#qwen4")
    assert "does not list qwen4, but qwen3:latest, llama" in caplog.text


@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
def test_the_end_of_the_address_does_not_matter(end, ask):
    assert ask(f"{end}#tiny") == "Hello there."


def test_more_is_sent_if_it_is_wanted(server, monkeypatch, ask):
    more = '{"reasoning_effort": "none", "max_tokens": null, "temperature": 1}'
    monkeypatch.setenv("ANTIPHON_LLM_REQUEST", more)
    ask()
    sent = server.requests[-1]
    assert sent["reasoning_effort"] == "none" and sent["temperature"] == 1
    assert "max_tokens" not in sent and "top_p" not in sent


@pytest.mark.parametrize("more", ["{", "[]", "none"])
def test_what_cannot_be_sent(server, monkeypatch, more):
    monkeypatch.setenv("ANTIPHON_LLM_REQUEST", more)
    with pytest.raises(UserError, match="llm_request is .*: give an object in JSON"):
        from_pretrained(server.address)


def test_a_vocabulary_needs_no_server():
    vocabulary = load_vocabulary("http://localhost:1/v1#none")
    assert vocabulary.name == "http://localhost:1/v1#none"
    assert vocabulary.tokenizer("Hello there.")["input_ids"] == [0, 0]
