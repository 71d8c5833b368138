import json

import pytest
import torch

from antiphon.errors import UserError
from antiphon.llm import lora
from antiphon.recognition.conversation import decoder_tuning
from antiphon.recognition.whisper.transcriber import Transcriber, Transcription
from antiphon.training.corpora.hearing import heard_speech
from antiphon.training.jobs.question_decoder import Clip, Writing, train

SAID = ("Who is it?", "Where?", "Why me?")


def frames(count, seed):
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed))


def shard(folder, count):
    folder.mkdir(exist_ok=True)
    rows = [
        (
            Transcription(frames(20 + i % 5, i % 3), torch.zeros(1, 16), torch.zeros(12), ""),
            SAID[i % 3],
        )
        for i in range(count)
    ]
    heard_speech.save(folder / "00000.pt", rows)
    return folder


def test_the_loss_is_how_unlikely_the_decoder_finds_what_was_said(listener):
    batch = [Clip(frames(30, 1).half(), [72, 105]), Clip(frames(44, 2).half(), [65, 66, 67, 68])]
    alone = torch.cat(
        [
            listener.decoder.read(c.frames.float(), c.tokens, listener.behind).log_probs
            for c in batch
        ]
    )
    with torch.autocast("cpu", enabled=False):
        found = Writing(listener)(batch)
    assert float(found) == pytest.approx(-float(alone.mean()), rel=0.02)


def test_it_learns_what_is_said_and_goes_on_where_it_was_cut(whisper, tmp_path):
    corpus = shard(tmp_path / "corpus", 75)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(str(whisper), corpus, tmp_path / "w", whole, steps=12)
    assert not train(str(whisper), corpus, tmp_path / "c", cut, steps=12, minutes=0)
    assert train(str(whisper), corpus, tmp_path / "c", cut, steps=12)

    log = [json.loads(line) for line in (tmp_path / "w" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < log[0]["loss"]
    assert json.loads((whole / "config.json").read_text())["recognizer"] == str(whisper)
    decoders = []
    for folder in (whole, cut):
        decoder = Transcriber.load(whisper).decoder
        lora.merge(decoder, folder / decoder_tuning.FILE)
        decoders.append(decoder)
    for one, other in zip(*(d.parameters() for d in decoders), strict=True):
        assert torch.equal(one, other)


def test_a_corpus_that_is_too_small_is_named(whisper, tmp_path):
    with pytest.raises(UserError, match="3 clips"):
        train(str(whisper), shard(tmp_path / "corpus", 3), tmp_path, tmp_path / "out", steps=1)
