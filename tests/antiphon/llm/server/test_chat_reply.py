"""The text of a reply, from whatever bytes a server sends."""

from __future__ import annotations

import json

import pytest
from fake_chat_server import delta
from hypothesis import given
from hypothesis import strategies as st

from antiphon.llm.server.chat_reply import MAX_BYTES, ChatReply
from antiphon.llm.server.faults import Fault


def text_of(pieces):
    reply = ChatReply()
    text = "".join(map(reply.feed, pieces)) + reply.finish()
    reply.require_answer()
    return text


def stream(*events, line="\n", done=True):
    data = "".join(f"data: {json.dumps(event)}{line}{line}" for event in events)
    return (data + (f"data: [DONE]{line}{line}" if done else "")).encode()


def whole(content, **more):
    message = {"role": "assistant", "content": content, **more}
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


def cut(data, lengths):
    pieces = []
    for length in lengths:
        pieces, data = [*pieces, data[:length]], data[length:]
    return [*pieces, data]


@given(
    st.lists(st.text(max_size=8)),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.integers(1, 40)),
)
def test_bytes_may_be_cut_anywhere(texts, line, lengths):
    said = "".join(texts).replace("<think>", "")
    if said.strip():
        assert text_of(cut(stream(*map(delta, texts), line=line), lengths)) == said
        assert text_of(cut(whole(said), lengths)) == said


def test_signs_that_only_look_like_ends_of_lines():
    raw = json.dumps(delta("a\u2028b\x85c"), ensure_ascii=False)
    assert text_of([f"data: {raw}\n\ndata: [DONE]\n".encode()]) == "a\u2028b\x85c"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf: ping\n\n" + stream(delta("Yes.")),
        b"event: message\nid: 7\nretry: 3\n" + stream(delta("Yes.")),
        b"data:\n\n" + stream(delta("Yes.")),
        stream({"choices": []}, delta(None, role="assistant"), delta("Yes."), {"choices": None}),
        stream(delta("Yes.", finish="stop"), done=False),
        stream(delta("Yes."), delta(finish="length"), done=False),
        stream(delta("Yes."))[:-2],
        stream(delta("Yes."), delta(finish="stop"), delta("And what comes after the end.")),
        stream(delta([{"type": "thinking", "thinking": "?"}, {"type": "text", "text": "Yes."}])),
        stream(delta(None, reasoning_content="Hm."), delta("Yes.", reasoning=None)),
        stream(delta(None, reasoning="Hm."), delta("<think>Hm"), delta(".</think>Yes.")),
        whole("Yes."),
        b"\n " + whole("<think>Hm.</think>Yes.", reasoning_content="Hm."),
        whole([{"type": "text", "text": "Yes."}]),
    ],
)
def test_what_servers_send(data):
    assert text_of([data]) == text_of(bytes([byte]) for byte in data) == "Yes."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!doctype html>\n<html>", "no answer of a language model"),
        (b"Internal Server Error", "no answer of a language model"),
        (b"[1, 2]", "no answer of a language model"),
        (b"data: 7\n\n", "no answer of a language model"),
        (b"data: {'choices': []}\n\n", "no answer of a language model"),
        (stream({"choices": [{"delta": {"content": 7}}]}), "no answer of a language model"),
        (stream({"choices": "none"}), "no answer of a language model"),
        (b'{"detail": "hello"}', "no answer of a language model"),
        (b"data: " + b"x" * MAX_BYTES, "no answer of a language model"),
        (b"{" + b" " * MAX_BYTES, "no answer of a language model"),
        (b"", "broke off"),
        (stream(delta("The capital is Par"), done=False), "broke off"),
        (stream(delta("The capital is Par"), done=False) + b'data: {"choi', "broke off"),
        (stream(delta("The capital is Par"), done=False) + b"da", "broke off"),
        (whole("The capital is Paris.")[:-9], "broke off"),
        (stream({"error": {"message": "out of memory", "code": 500}}), r"failed \(out of memory\)"),
        (stream(delta("One"), {"error": "out of memory"}), r"failed \(out of memory\)"),
        (stream({"error": {}}), "does not say why"),
        (stream(), "answered nothing"),
        (stream(delta(" \n"), delta(finish="content_filter")), r"nothing \(content_filter\)"),
        (whole(None), "answered nothing"),
        (stream(delta("<think>Hm"), delta(finish="length")), "all its tokens on reasoning"),
        (stream(delta(None, reasoning="Hm", finish="length")), "all its tokens on reasoning"),
    ],
)
def test_what_is_no_reply_is_one_clear_phrase(data, said):
    with pytest.raises(Fault, match=said) as caught:
        text_of([data])
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_what_was_said_before_a_fault_is_not_lost():
    reply = ChatReply()
    assert reply.feed(stream(delta("One "), delta("two."), done=False)) == "One two."
    with pytest.raises(Fault):
        reply.feed(b"<html>\n")
