import json

import pytest
import torch

from antiphon import weights
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


@pytest.fixture
def taught(corrected, whisper, tmp_path, monkeypatch):
    """A Whisper whose correction is found among one's own weights."""
    folder = tmp_path / "assets" / "questions-of-a-friend"
    folder.mkdir(parents=True)
    lora.save(corrected[1], folder / decoder_tuning.FILE)
    facts = {"recognizer": str(whisper), "unclear": -0.5, "longest": 30}
    (folder / "config.json").write_text(json.dumps({"kind": decoder_tuning.KIND, **facts}))
    monkeypatch.setenv("ANTIPHON_ASSETS", str(folder.parent))
    found = Transcriber.load(whisper)
    decoder_tuning.tune(found, str(whisper))
    return found


def test_merged_it_reads_as_it_did_beside_the_weights(corrected, taught):
    assert not torch.allclose(read(taught.taught), read(taught.decoder), atol=0.1)
    torch.testing.assert_close(read(taught.taught), read(corrected[0]), atol=0.02, rtol=0.02)
    assert taught.unclear == -0.5


def test_it_hears_windows_as_long_as_those_it_was_taught(taught, whisper, speech):
    plain = Transcriber.load(whisper)
    for pcm, decoder in ((speech[:9600], taught.taught), (speech, plain.decoder)):
        state = taught.encoder.feed(pcm, taught.encoder.start())
        (window,) = taught.encoder.states(state)
        assert (len(window) <= 30) == (decoder is taught.taught)
        wanted = decoder.transcribe(window, behind=taught.behind)
        torch.testing.assert_close(taught.hear(state).transcripts[0].states, wanted.states)


def test_clips_heard_together_are_heard_by_the_same_decoders(taught, speech):
    clips = [speech[:9600], speech]
    for clip, heard in zip(clips, taught.hear_batch(clips), strict=True):
        state = taught.encoder.feed(clip, taught.encoder.start())
        alone = taught.transcription(taught.hear(state))
        torch.testing.assert_close(heard.words[0], alone.words[0], atol=0.1, rtol=0.1)


def test_a_recognizer_without_a_correction_stays_as_it_is(taught, whisper):
    plain = Transcriber.load(whisper)
    decoder_tuning.tune(plain, "a stranger")
    assert plain.taught is None
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


def test_the_committed_correction_is_whisper_tiny_s():
    (folder,) = weights.trained(decoder_tuning.KIND).values()
    config = weights.read_config(folder, decoder_tuning.TuningConfig)
    assert config.recognizer == "whisper-tiny.en"
    assert config.unclear > Transcriber.unclear
    assert config.longest < Transcriber.longest
