"""What was read of prompts is found again, takes the place of its beginnings, and is bounded."""

import pytest
import torch

from antiphon.llm import prefix_cache
from antiphon.llm.cpu.decoder import Buffer, Cache
from antiphon.llm.prefix_cache import PrefixCache


def read(tokens):
    """A cache whose keys say what was read."""
    keys = torch.tensor(tokens, dtype=torch.float32)[None, None, :, None]
    return Cache(Buffer(keys, keys.clone(), len(tokens)), len(tokens))


def known(cache, tokens):
    length, found = cache.longest(tokens)
    assert found is None or found.buffer.keys[0, 0, :length, 0].tolist() == tokens[:length]
    return length


def test_a_prompt_goes_on_from_the_longest_beginning():
    cache = PrefixCache()
    cache.keep([1, 2, 3, 4], read([1, 2, 3, 4]))
    cache.keep([1, 2, 9], read([1, 2, 9]))
    assert known(cache, [1, 2, 3, 4, 5]) == 4
    assert known(cache, [1, 2, 9, 9]) == 3
    assert known(cache, [1, 2, 7]) == 2
    assert known(cache, [7]) == 0


def test_a_conversation_that_grows_is_kept_once(monkeypatch):
    cache, said = PrefixCache(), [1, 2, 3]
    monkeypatch.setattr(prefix_cache, "ROOM", 3 * read(list(range(20))).nbytes)
    cache.keep([5, 6], read([5, 6]))
    for token in range(10, 27):
        said.append(token)
        cache.keep(said, read(said))
    assert known(cache, said) == len(said)
    assert known(cache, [1, 2, 3, 99]) == 3  # another conversation that begins alike
    assert known(cache, [5, 6]) == 2  # nobody had to make room


def test_what_was_not_asked_for_longest_makes_room(monkeypatch):
    monkeypatch.setattr(prefix_cache, "ROOM", 3 * read([0, 1]).nbytes)
    cache = PrefixCache()
    for begin in (10, 20, 30):
        cache.keep([begin, 1], read([begin, 1]))
    assert known(cache, [10, 1]) == 2
    cache.keep([40, 1], read([40, 1]))
    assert [known(cache, [begin, 1]) for begin in (10, 20, 30, 40)] == [2, 0, 2, 2]


@pytest.mark.parametrize("count", [1, 30])
def test_the_newest_prompt_is_always_kept(monkeypatch, count):
    monkeypatch.setattr(prefix_cache, "ROOM", 1)
    cache = PrefixCache()
    for begin in range(count):
        cache.keep([begin, 7], read([begin, 7]))
    assert known(cache, [count - 1, 7]) == 2
