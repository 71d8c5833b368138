"""Development sets are read as they lie, and drawn by the seed."""

from __future__ import annotations

import gzip
import json

import pytest

from antiphon.errors import UserError
from antiphon.evaluation import material


@pytest.fixture
def data(tmp_path):
    def put(name, objects):
        path = tmp_path / "text" / f"{name}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") as file:
            file.writelines(json.dumps(each) + "\n" for each in objects)

    for name in material.QUESTIONS:
        put(f"qa/{name}", [{"question": f"{name} {i}", "answers": [i]} for i in range(20)])
    for name in material.DIALOGUES:
        turns = [
            {"turns": [["U", f"Opening {i}."], ["S", f"I answer number {i}. What is it to you?"]]}
            for i in range(20)
        ]
        put(f"dialogue/{name}", turns)
    for part in material.RECORDINGS:
        folder = tmp_path / "speech" / part
        folder.mkdir(parents=True)
        rows = [
            {"audio": "audio/a.wav", "text": "hello", "split": "dev"},
            {"audio": "audio/b.wav", "text": "EXAMPLE OF TEXT", "split": "dev"},
            {"audio": "audio/c.wav", "split": "dev"},
            {"audio": "audio/d.wav", "text": "trained on", "split": "train"},
        ]
        (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_questions_come_from_all_sets_in_an_order_of_the_seed(data):
    every = material.questions(data)
    assert len(every) == 40 and every == material.questions(data)
    assert every[:5] == material.questions(data, 5) != material.questions(data, 5, seed=1)
    assert {each.text.split("_")[0] for each in every[:10]} == {"Webquestions", "Efficientqa"}
    assert all(isinstance(answer, str) for each in every for answer in each.answers)


@pytest.mark.parametrize(
    ("text", "tidy"),
    [("who  is it", "Who is it?"), ("Name it.", "Name it."), ("really?", "Really?"), ("", "?")],
)
def test_a_question_is_written_as_one(text, tidy):
    assert material.asked(text) == tidy


def test_prompts_are_half_questions_half_openings(data):
    prompts = material.prompts(data, 9)
    assert len(prompts) == len(set(prompts)) == 9
    assert sum(prompt.startswith("Opening") for prompt in prompts) == 4


def test_sentences(data):
    found = material.sentences(data, 5)
    assert len(found) == 5 and all(4 <= len(sentence.split()) <= 30 for sentence in found)


def test_clips_leave_out_what_has_no_transcript_or_was_trained_on(data):
    found = material.clips(data)
    assert [(clip.part, clip.path.name) for clip in found] == [
        (part, "a.wav") for part in material.RECORDINGS
    ]


def test_no_data_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="--data"):
        material.questions(tmp_path)
    with pytest.raises(UserError, match="--data"):
        material.clips(tmp_path)
