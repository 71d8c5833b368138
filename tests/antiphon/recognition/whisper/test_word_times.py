from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.recognition.whisper.decoding import Transcript
from antiphon.recognition.whisper.word_times import AHEAD, FRAME, grouped, words


class Pieces:
    """A tokenizer whose tokens are indices into a list of bytes."""

    def __init__(self, *parts):
        self.parts = parts

    def decode(self, ids):
        return b"".join(self.parts[i] for i in ids).decode("utf-8", "replace")


def window(looks):
    count = len(looks) - 1
    nothing = torch.empty(0, 0)
    log_probs = torch.arange(1.0, count + 2).reciprocal().log()
    return Transcript(tuple(range(count)), nothing, torch.tensor(looks), log_probs, 0.0)


def steps(*frames):
    """Attention in which row after row has so many frames to itself."""
    total = sum(frames)
    rows, at = [], 0
    for count in frames:
        row = [0.001] * total
        row[at : at + count] = [1.0] * count
        rows.append(row)
        at += count
    return rows


def test_words_sound_where_their_tokens_looked():
    said = Pieces(b" Hel", b"lo", b",", b" world", b"!")
    found = words(window(steps(5, 5, 2, 8, 1, 3)), said, spaced=True)
    assert [w.text for w in found] == ["Hello,", "world!"]
    begins, ends = 12 + AHEAD, 21 + AHEAD
    assert [(w.start // FRAME, w.end // FRAME) for w in found] == [(0, begins), (begins, ends)]
    assert found[0].confidence == pytest.approx((1 * 1 / 2 * 1 / 3) ** (1 / 3))


def test_a_character_of_several_tokens_is_one_word():
    said = Pieces(b" caf", b"\xc3", b"\xa9", b" \xe2\x82", b"\xac")
    assert [w.text for w in words(window(steps(3, 3, 3, 3, 3, 1)), said, spaced=True)] == [
        "café",
        "€",
    ]


def test_quotes_go_with_the_words_they_touch():
    parts = [" He", " said", ":", ' "', "Go", "!", '"', " –", " and", " 1", ",", "000"]
    assert [run.text for run in grouped(parts, spaced=True)] == [
        "He",
        "said:",
        '"Go!"–',
        "and",
        "1,000",
    ]


def test_without_spaces_every_sign_is_a_word():
    found = grouped(["你", "好", "，", "世", "界"], spaced=False)
    assert [run.text for run in found] == ["你", "好，", "世", "界"]


@given(st.lists(st.text(alphabet=" ab,.\"'é", max_size=4), max_size=12))
def test_no_letter_is_lost(parts):
    found = grouped(parts, spaced=True)
    assert "".join(r.text for r in found) == "".join("".join(parts).split()) or any(
        " " in part.strip() for part in parts
    )
    assert all(a.last <= b.first for a, b in pairwise(found))


@given(st.integers(1, 10), st.integers(1, 30), st.integers(0, 50))
def test_no_word_has_no_length_and_none_overlap(count, frames, seed):
    torch.manual_seed(seed)
    looks = torch.rand(count + 1, frames).tolist()
    found = words(window(looks), Pieces(*[b" w"] * count), spaced=True)
    assert all(w.start < w.end for w in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
