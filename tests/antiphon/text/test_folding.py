import string
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.text import spoken

CASES = {
    "Привет, мир": "Privet, mir",
    "Γειά σου": "Geia soy",
    "the α particle": "the alpha particle",
    "東京 and 서울": "Dong Jing and seoul",
    "ありがとう": "arigatou",
    "日本語です": "Japanese text",
    "Say مرحبا بالعالم.": "Say Arabic text.",
    "नमस्ते": "Devanagari text",
    "Łódź, Tiếng Việt, ŋ": "Lodz, Tieng Viet, ng",
    "Тhis": "This",
    "٣ and ५": "three and five",
    "I ❤️ you 😀": "I love you",
    "№ 5": "Number five",
}


@pytest.mark.parametrize(("written", "heard"), CASES.items())
def test_other_scripts_are_romanized_or_named(written: str, heard: str) -> None:
    assert spoken(written).text == heard


LETTERS = st.characters(categories=["Lu", "Ll", "Lo"], max_codepoint=0xFFFF).filter(
    lambda c: bool(unicodedata.name(c, ""))
)


@settings(max_examples=300)
@given(LETTERS)
def test_no_letter_is_dropped_in_silence(letter: str) -> None:
    assert set(spoken(f"{letter}{letter}").text) & set(string.ascii_letters)
