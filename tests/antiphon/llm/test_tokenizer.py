"""The light tokenizer writes what transformers' does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from antiphon.llm import chat_template
from antiphon.llm.tokenizer import LightTokenizer, load_tokenizer


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(path)
    return path


@given(text=st.text())
def test_any_text(folder, text: str) -> None:
    light, heavy = LightTokenizer(folder), AutoTokenizer.from_pretrained(folder)
    ids = light(text)["input_ids"]
    assert ids == heavy(text, add_special_tokens=False)["input_ids"]
    for skip in (False, True):
        assert light.decode(ids, skip) == heavy.decode(ids, skip_special_tokens=skip)
    assert light.convert_ids_to_tokens(ids) == heavy.convert_ids_to_tokens(ids)


def test_marks_and_ends(folder) -> None:
    light, heavy = load_tokenizer(folder), AutoTokenizer.from_pretrained(folder)
    assert isinstance(light, LightTokenizer)
    assert light.eos_token_id == heavy.eos_token_id
    assert light.get_vocab() == heavy.get_vocab()
    assert chat_template.split_at_question(light) == chat_template.split_at_question(heavy)
    expected = {3, light.eos_token_id}
    assert chat_template.stop_tokens(light, 3) == expected
    assert chat_template.stop_tokens(heavy, [3]) == expected
    assert light("a b", return_offsets_mapping=True)["offset_mapping"][0] == (0, 1)


def test_without_chatml_transformers_fills_in_the_template(folder, tmp_path) -> None:
    text = (folder / "tokenizer.json").read_text().replace("im_start", "begin")
    (tmp_path / "tokenizer.json").write_text(text)
    config = (folder / "tokenizer_config.json").read_text().replace("im_start", "begin")
    (tmp_path / "tokenizer_config.json").write_text(config)
    assert not isinstance(load_tokenizer(tmp_path), LightTokenizer)
