"""Sentences for the teacher."""

from __future__ import annotations

import pytest

from antiphon.errors import UserError
from antiphon.training.corpora.voice import texts


def test_a_word_list_that_is_not_installed_is_told_with_its_package(tmp_path):
    with pytest.raises(UserError, match="install Debian's package wamerican"):
        texts.sentences(tmp_path, 10, 0, tmp_path / "words")
