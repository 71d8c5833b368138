import json

import pytest
import torch

from antiphon.llm import lora
from antiphon.recognition.conversation import decoder_tuning
from antiphon.recognition.whisper.text_decoder import TextDecoder
from antiphon.recognition.whisper.transcriber import Transcriber

STATES = torch.randn(1, 40, 16, generator=torch.Generator().manual_seed(3))
TOKENS = torch.tensor([[50_257, 50_362, 65, 66]])


@pytest.fixture
def corrected(whisper):
    """A decoder with a correction that says something, and what it says it is."""
    decoder = TextDecoder.load(whisper)
    corrections = decoder_tuning.attach(decoder, rank=2)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for correction in corrections.values():
            correction.up.normal_(generator=generator)
    return decoder, corrections


def read(decoder):
    with torch.no_grad():
        return decoder.step(TOKENS, decoder.start(STATES))[0]


def test_a_correction_that_learnt_nothing_changes_nothing(whisper):
    decoder = TextDecoder.load(whisper)
    before = read(decoder)
    decoder_tuning.attach(decoder, rank=2)
    torch.testing.assert_close(read(decoder), before)


def test_merged_it_reads_as_it_did_beside_the_weights(corrected, whisper, tmp_path, monkeypatch):
    decoder, corrections = corrected
    folder = tmp_path / "assets" / "questions-of-a-friend"
    folder.mkdir(parents=True)
    lora.save(corrections, folder / decoder_tuning.FILE)
    facts = {"kind": decoder_tuning.KIND, "recognizer": "friend", "unclear": -0.5}
    (folder / "config.json").write_text(json.dumps(facts))
    monkeypatch.setenv("ANTIPHON_ASSETS", str(folder.parent))
    plain, merged = Transcriber.load(whisper), Transcriber.load(whisper)

    decoder_tuning.tune(merged, "friend")
    assert not torch.allclose(read(merged.decoder), read(plain.decoder), atol=0.1)
    torch.testing.assert_close(read(merged.decoder), read(decoder), atol=0.02, rtol=0.02)
    assert merged.unclear == -0.5

    decoder_tuning.tune(plain, "a stranger")
    torch.testing.assert_close(read(plain.decoder), read(TextDecoder.load(whisper)))
    assert plain.unclear == Transcriber.unclear


def test_what_was_computed_of_silence_before_holds_afterwards(whisper):
    decoder = TextDecoder.load(whisper)
    before = decoder.start(STATES).audio
    with torch.no_grad():
        for correction in decoder_tuning.attach(decoder, rank=2).values():
            correction.up.fill_(1.0)
    for old, new in zip(before, decoder.start(STATES).audio, strict=True):
        assert torch.equal(old[0], new[0])
        assert torch.equal(old[1], new[1])
