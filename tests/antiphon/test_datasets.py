"""Reading the folder of open collections."""

import gzip
import json

import pytest

from antiphon import datasets
from antiphon.errors import UserError


def test_texts_and_clips(tmp_path):
    (tmp_path / "text" / "qa").mkdir(parents=True)
    with gzip.open(tmp_path / "text" / "qa" / "few.jsonl.gz", "wt") as file:
        file.write('{"question": "Why?"}\n{"question": "Où?"}\n')
    assert [row["question"] for row in datasets.texts(tmp_path, "qa/few")] == ["Why?", "Où?"]
    row = {"audio": "a.flac", "text": "Hi."}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    assert datasets.clips(tmp_path) == [{"audio": tmp_path / "a.flac", "text": "Hi."}]


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match="none.jsonl.gz.*docs/data.md"):
        list(datasets.texts(tmp_path, "none"))
    with pytest.raises(UserError, match=r"manifest.jsonl.*docs/data.md"):
        datasets.clips(tmp_path)
