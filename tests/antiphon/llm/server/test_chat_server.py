"""A server that is closed, fails, hangs, or is no server: a real one on a real socket."""

from __future__ import annotations

import socket
import threading
import time
from itertools import islice

import pytest
from fake_chat_server import delta, refusing, saying

from antiphon.errors import UserError
from antiphon.llm.language_model import from_pretrained
from antiphon.llm.server.chat_server import ChatServer
from antiphon.settings import LanguageModelServer
from antiphon_codecs.interruption import interruptible

LIMIT = 30
"""Seconds after which a test gives up what should come by itself."""
HTML = b"<!doctype html><html><body>Welcome!</body></html>"


# When nobody waits any more


class Slow:
    """Begins to answer, goes on for ever or falls silent, and notes when the client has left."""

    def __init__(self, silent, begun=True):
        self.silent, self.begun, self.left = silent, begun, threading.Event()

    def __call__(self, wire):
        if self.begun:
            wire.head().event(delta("Well,"))
        while not self.silent and wire.wait(0.02) is None:
            wire.event(delta(" and"))
        wire.wait()
        self.left.set()


class Impatient:
    """Wants no more once it was asked five times while it waits; who goes on then, asks again."""

    def __init__(self, waits=False):
        self.waits, self.patience, self.said = waits, 5, 0

    def __call__(self):
        self.patience -= self.waits
        self.said += self.patience < 0
        return self.patience < 0


@pytest.mark.parametrize("silent", [True, False])
def test_a_reply_that_is_closed_closes_the_connection(server, silent, reply):
    server.answer = slow = Slow(silent)
    pieces = reply()
    assert next(pieces) == "Well,"
    assert not slow.left.wait(0.1)
    pieces.close()
    assert slow.left.wait(LIMIT)


@pytest.mark.parametrize("begun", [True, False])
def test_a_reply_that_is_cancelled_while_it_is_waited_for_ends_at_once(server, begun, reply):
    server.answer = slow = Slow(silent=True, begun=begun)
    impatient = Impatient()
    pieces = interruptible(reply(), impatient)
    if begun:
        assert next(pieces) == "Well,"
    impatient.waits = True
    assert list(pieces) == []
    assert impatient.said == 1
    assert slow.left.wait(LIMIT)


def test_a_server_that_cannot_be_reached_is_not_waited_for_either():
    with socket.socket() as full:  # its queue is full, so nobody gets a connection
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queue = [socket.socket() for _ in range(8)]
        for each in queue:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        impatient = Impatient(waits=True)
        pieces = ChatServer(address, LanguageModelServer()).chat({"model": "tiny"})
        assert not list(interruptible(pieces, impatient))
        assert impatient.said == 1
        for each in queue:
            each.close()


# Faults


def hangs_up(wire):
    wire.handler.connection.shutdown(socket.SHUT_RDWR)


def pinging(wire):
    wire.head()
    while wire.wait(0.05) is None:
        wire.send(b": still there\n\n")


def breaks_off(wire):
    wire.head().event(delta("The capital is Par"))
    hangs_up(wire)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (breaks_off, "broke off .*: ask again"),
        (hangs_up, "broke off"),
        (saying("The capital is Par", finish=None, done=False), "broke off"),
        (refusing(200, HTML, "text/html"), "no answer of a language model: give the address"),
        (refusing(200, b'{"wrong": true}'), "no answer of a language model"),
        (refusing(401, b'{"error": {"message": "no key"}}'), r"wants a key \(401: no key\): put"),
        (refusing(403), r"wants a key \(403\)"),
        (refusing(404, b'{"error": "not found"}'), r"no model 'tiny' \(404: not found\): choose a"),
        (refusing(404, HTML, "text/html"), r"no model 'tiny' \(404\): choose a, b"),
        (refusing(429, b'{"error": {"message": "quota"}}'), r"no more requests now \(429: quota\)"),
        (refusing(400, b'{"error": {"message": "no max_tokens"}}'), "no max_tokens.*llm_request"),
        (refusing(422, b'{"detail": [{"msg": "no"}]}'), r"does not take the request \(422\)"),
        (refusing(500, b'{"error": {"message": "out of memory"}}'), r"failed \(500: out of memory"),
        (refusing(502, HTML, "text/html"), r"failed \(502\): ask again"),
        (
            refusing(503, b'{"error": {"message": "Loading model"}}'),
            "not ready .503: Loading model",
        ),
        (refusing(307), r"sends elsewhere \(307\)"),
        (saying(), "answered nothing"),
        (saying(None, "", finish=None), "answered nothing"),
        (saying("<think>Hm", " hm", finish="length"), "all its tokens on reasoning"),
    ],
)
def test_a_fault_is_one_clear_sentence(server, answer, said, reply):
    model = from_pretrained(server.address)
    server.answer, server.models = answer, ["a", "b"]
    with pytest.raises(UserError, match=said) as caught:
        list(reply(model=model))
    told = str(caught.value)
    assert told.startswith("The language model's server 127.0.0.1:")
    assert told.endswith(".") and "\n" not in told and len(told) < 300
    server.answer = saying("Hello.")  # the next answer is none the worse for it
    assert list(reply(model=model)) == ["Hello."]


def test_what_came_before_a_fault_is_handed_out(server, reply):
    server.answer = breaks_off
    found = []
    with pytest.raises(UserError):
        found.extend(reply())
    assert found == ["The capital is Par"]


def test_two_thousand_tokens_without_a_full_stop(server, ask):
    server.answer = saying(*[" and"] * 2000)
    assert ask() == " and" * 2000


def test_a_server_that_is_not_there(server, reply):
    model = from_pretrained(server.address)
    server.__exit__()
    with pytest.raises(UserError, match="cannot be reached: start it, or choose another"):
        list(reply(model=model))
    with pytest.raises(UserError, match="cannot be reached"):
        from_pretrained(server.address)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Slow(silent=True, begun=False), "has not begun to answer within 1 s: ask again if it is"),
        (Slow(silent=True), "has sent nothing for 0.3 s within its answer"),
        (
            lambda wire: wire.head().event(delta("<think>Hm")) and wire.wait(),
            "was still reasoning after 1 s: turn that off",
        ),
        (
            lambda wire: wire.head().event(delta(reasoning="Hm")) and wire.wait(),
            "was still reasoning after 1 s",
        ),
        (pinging, "has not begun to answer within 1 s"),
    ],
)
def test_a_server_that_hangs(server, monkeypatch, answer, said, ask):
    monkeypatch.setenv("ANTIPHON_LLM_FIRST", "1")
    monkeypatch.setenv("ANTIPHON_LLM_IDLE", "0.3")
    server.answer = answer
    with pytest.raises(UserError, match=said):
        ask()


def test_a_slow_answer_that_goes_on_is_no_fault(server, monkeypatch, ask):
    monkeypatch.setenv("ANTIPHON_LLM_FIRST", "1")
    monkeypatch.setenv("ANTIPHON_LLM_IDLE", "1")

    def answer(wire):
        wire.head()
        for word in ["one", "two", "three", "four", "five", "six"]:
            time.sleep(0.2)
            wire.event(delta(f" {word}"))
        wire.event(delta(finish="stop")).end()

    server.answer = answer
    assert ask() == " one two three four five six"


def test_pieces_are_handed_out_one_by_one(server, reply):
    server.answer = Slow(silent=False)
    assert list(islice(reply(), 3)) == ["Well,", " and", " and"]


# The address and the key


def test_an_address_without_an_api(server, reply):
    model = from_pretrained(server.address.removesuffix("/v1") + "#tiny")
    with pytest.raises(UserError, match=r"no language model there .404: not found.: .* /v1"):
        list(reply(model=model))


@pytest.mark.parametrize(
    "name", ["http://", "http://#x", "http://localhost:999999/v1", "http://localhost:port/v1"]
)
def test_what_is_no_address(name):
    with pytest.raises(UserError, match="such as http://localhost:11434/v1"):
        from_pretrained(name)


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({"OPENAI_API_KEY": "sk-1"}, "Bearer sk-1"),
        ({"OPENAI_API_KEY": "sk-1", "ANTIPHON_LLM_KEY": " sk-2\n"}, "Bearer sk-2"),
        ({"OPENAI_API_KEY": "sk-1", "ANTIPHON_LLM_KEY": ""}, None),
    ],
)
def test_the_key_comes_from_the_environment(server, monkeypatch, environment, sent, ask):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ask()
    assert [headers.get("authorization") for headers in server.headers] == [sent, sent]


def test_a_key_that_is_not_accepted_is_named_and_not_shown(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server.models_answer = refusing(401)
    with pytest.raises(UserError, match="does not accept the key .401.: mend OPENAI_API_KEY") as it:
        from_pretrained(server.address)
    assert "secret" not in str(it.value)


def test_a_key_that_cannot_be_one(server, monkeypatch):
    monkeypatch.setenv("ANTIPHON_LLM_KEY", "a\nb")
    with pytest.raises(UserError, match="ANTIPHON_LLM_KEY holds no key"):
        from_pretrained(server.address)


def test_a_password_in_the_address_is_sent_and_not_shown(server, reply):
    address = server.address.replace("http://", "http://ann:secret@")
    server.answer = refusing(500)
    with pytest.raises(UserError, match="failed") as caught:
        list(reply(model=from_pretrained(address)))
    assert server.headers[-1]["authorization"].startswith("Basic ")
    assert "secret" not in str(caught.value)
