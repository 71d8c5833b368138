"""The recognizer writes what transformers' own generation writes, and streams at a flat cost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from fake_recognizer import LoudSilero
from transformers.models.qwen3_asr import Qwen3ASRFeatureExtractor

from antiphon import weights
from antiphon.errors import UserError
from antiphon.recognition.long_audio import LongAudio
from antiphon.recognition.qwen3_asr import recognizer as module
from antiphon.recognition.qwen3_asr.checkpoint import load
from antiphon.recognition.qwen3_asr.prompt import parsed
from antiphon.recognition.qwen3_asr.recognizer import Qwen3AsrRecognizer
from antiphon.recognition.qwen3_asr.writing.joint import BEAM, GROWING_BEAM
from antiphon.recognition.qwen3_asr.writing.reader import Reader, Written
from antiphon.recognition.recognizer import ARCHITECTURES, BatchRecognizer, from_pretrained
from antiphon.recognition.segmentation import Segmenter
from antiphon.recognition.transcript import Options

RATE = 16_000
SOUND = np.random.default_rng(1).normal(0, 0.1, 20 * RATE).astype(np.float32)
SOUND[:4000] *= 3


@pytest.fixture
def recognizer(native):
    return Qwen3AsrRecognizer(load(native), "tiny")


def reading(recognizer, pcm, chunk, **options):
    state = recognizer.start(Options(**options))
    for at in range(0, len(pcm), chunk):
        state = recognizer.feed(pcm[at : at + chunk], state)
    return state


@pytest.mark.parametrize("language", [None, "de"])
def test_it_writes_what_transformers_writes(recognizer, hub_model, tiny_tokenizer, language):
    pcm = SOUND[: 3 * RATE + 1234]
    context = "Ada, Zuse"
    heard = Qwen3ASRFeatureExtractor(feature_size=80)(
        pcm, sampling_rate=RATE, padding=True, return_attention_mask=True
    )
    count = recognizer.encode(torch.cat(recognizer.features.finish(
        reading(recognizer, pcm, len(pcm)).features))).sounds.shape[0]  # fmt: skip
    prompt = (
        f"<|im_start|>system\n{context}<|im_end|>\n<|im_start|>user\n<|audio_start|>"
        + "<|audio_pad|>" * count
        + "<|audio_end|><|im_end|>\n<|im_start|>assistant\n"
        + ("language German<asr_text>" if language else "")
    )
    ids = tiny_tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
    limit = 3 * 10 + 16
    with torch.no_grad():
        theirs = hub_model.generate(
            input_ids=ids,
            input_features=heard["input_features"],
            input_features_mask=heard["attention_mask"].long(),
            do_sample=False,
            max_new_tokens=limit,
        )[0, ids.shape[1] :].tolist()
    state = reading(recognizer, pcm, len(pcm), language=language, context=("Ada", "Zuse"))
    mine = recognizer._write(state, BEAM).tokens
    assert mine == tuple(theirs[: len(mine)]) and mine


def test_finished_windows_are_encoded_once_and_equal_the_whole(recognizer, monkeypatch):
    encoded = []
    encode = recognizer.encode
    monkeypatch.setattr(
        recognizer, "encode", lambda window: encoded.append(len(window)) or encode(window)
    )
    streamed = reading(recognizer, SOUND, 7001)
    assert encoded.count(800) == 2  # two windows of 8 s, however often it was read
    assert max(encoded) <= 800 and len(streamed.windows) == 2
    whole = reading(recognizer, SOUND, len(SOUND))
    for one, other in zip(streamed.windows, whole.windows, strict=True):
        torch.testing.assert_close(one.sounds, other.sounds, atol=1e-4, rtol=1e-4)


def test_windows_apart_are_what_the_encoder_makes_of_all_of_them(recognizer, hub_model):
    state = reading(recognizer, SOUND, len(SOUND))
    parts = [*state.windows, *map(recognizer.encode, recognizer.features.finish(state.features))]
    heard = Qwen3ASRFeatureExtractor(feature_size=80)(
        SOUND, sampling_rate=RATE, padding=True, return_attention_mask=True
    )
    with torch.no_grad():
        theirs = hub_model.model.get_audio_features(
            heard["input_features"], heard["attention_mask"].long(), return_dict=True
        ).pooler_output
    torch.testing.assert_close(
        torch.cat([part.sounds for part in parts]), theirs, atol=1e-3, rtol=1e-3
    )


def test_a_reading_goes_on_from_the_last_but_for_its_end(recognizer, monkeypatch):
    begun = []
    go_on = recognizer._writing
    monkeypatch.setattr(
        recognizer, "_writing", lambda scores, prefix, *more: begun.append(tuple(prefix))
        or go_on(scores, prefix, *more),
    )  # fmt: skip
    state = reading(recognizer, SOUND[: 9 * RATE], RATE)
    assert state.readings >= 3
    assert begun[:2] == [(), ()] and all(len(p) >= 0 for p in begun)
    tokens = state.written.tokens
    kept = recognizer._kept(tokens)
    assert kept == list(tokens[: len(kept)])
    assert len(kept) <= max(0, len(tokens) - module.UNFIXED)


def test_two_sessions_do_not_mix_and_a_state_goes_on_twice(recognizer):
    one = reading(recognizer, SOUND[: 3 * RATE], 8000)
    other = reading(recognizer, SOUND[RATE : 4 * RATE], 8000)
    again = recognizer.feed(SOUND[:RATE], one)
    assert recognizer.finish(one) == recognizer.finish(one)
    assert recognizer.finish(recognizer.feed(SOUND[:RATE], one)) == recognizer.finish(again)
    assert recognizer.finish(other) == recognizer.finish(
        reading(recognizer, SOUND[RATE : 4 * RATE], 8000)
    )


def answering(recognizer, monkeypatch, *texts):
    """Makes the model write these texts, one an utterance."""
    said, asked = iter(texts), []

    def write(state, beam):
        asked.append(state.options)
        tokens = recognizer.tokenizer.encode(next(said), add_special_tokens=False)
        return Written(tuple(tokens), (-0.1,) * len(tokens))

    monkeypatch.setattr(recognizer, "_write", write)
    return asked


def test_reading_out_the_context_is_refused_and_heard_again_without(recognizer, monkeypatch):
    asked = answering(
        recognizer,
        monkeypatch,
        "language English<asr_text>Ada, Zuse, Turing, Hopper.",
        "language English<asr_text>Hello there.",
    )
    names = ("Ada", "Zuse", "Turing", "Hopper")
    found = recognizer.finish(reading(recognizer, SOUND[:RATE], RATE, context=names))
    assert found.text == "Hello there." and found.language == "en"
    assert [options.context for options in asked] == [names, ()]


def test_no_speech_is_said_by_the_model(recognizer, monkeypatch):
    answering(recognizer, monkeypatch, "language None<asr_text>")
    found = recognizer.finish(reading(recognizer, SOUND[:RATE], RATE, words=True))
    assert (found.text, found.doubt, found.segments, found.notes) == ("", "no speech", (), ())


def test_offered_languages_are_the_only_ones(recognizer):
    found = recognizer.finish(reading(recognizer, SOUND[:RATE], RATE, languages=("fr", "de")))
    assert found.language in ("fr", "de", None)
    with pytest.raises(UserError, match="does not know latin"):
        recognizer.start(Options(language="la"))


@pytest.mark.parametrize(
    ("answer", "named", "text", "language"),
    [
        ("language German<asr_text>Guten Tag.<|im_end|>", None, "Guten Tag.", "de"),
        ("Guten Tag.", "de", "Guten Tag.", "de"),
        ("language None<asr_text>", None, "", None),
        ("language Filipino<asr_text>Oo.", None, "Oo.", "tl"),
        ("language Engl", None, "", None),
        ("language English<asr_text>" + "ha " * 50, None, "ha", "en"),
        ("just words", None, "just words", None),
    ],
)
def test_answers(answer, named, text, language):
    found = parsed(answer, named)
    assert (found.text, found.language) == (text, language)


def test_an_aligner_is_no_recognizer(original_aligner):
    with pytest.raises(UserError, match="forced aligner"):
        Qwen3AsrRecognizer(load(original_aligner[0]), "aligner")


def test_a_folder_of_it_is_a_recognizer(native, original):
    for folder in (native, original):
        found = ARCHITECTURES.get("qwen3_asr")(str(folder))
        assert isinstance(found, Qwen3AsrRecognizer)


def test_a_chunk_costs_the_same_after_minutes(recognizer, monkeypatch):
    """What is encoded and read for each second of an endless talker does not grow."""
    work = []
    encode = recognizer.encode

    def counted(window):
        work[-1] += len(window)
        return encode(window)

    def go_on(scores, prefix, *more):
        yield from ()
        return Written((*prefix, *[65] * 8), (-0.1,) * 8)

    def read(reader, embedded, reading=Reader.read):
        work[-1] += embedded.shape[1]
        return reading(reader, embedded)

    monkeypatch.setattr(recognizer, "encode", counted)
    monkeypatch.setattr(recognizer, "_writing", go_on)
    monkeypatch.setattr(Reader, "read", read)
    segmenter = Segmenter(recognizer.longest, cast(Any, LoudSilero()))
    listener = LongAudio(recognizer, segmenter)
    state = listener.start(Options(partials=True, language="en"))
    for _ in range(150):
        work.append(0)
        state = listener.feed(SOUND[4000:20_000], state)
    early, late = work[24:60], work[-36:]
    assert max(late) <= 1.1 * max(early)
    assert len(state.heard) >= 5


def test_a_growing_recording_is_written_with_few_texts_and_a_whole_one_with_all(
    recognizer, monkeypatch
):
    followed = []

    def go_on(scores, prefix, limit, heard, options, beam):
        followed.append(beam)
        yield from ()
        return Written((*prefix, 65), (-0.1,))

    monkeypatch.setattr(recognizer, "_writing", go_on)
    shown = reading(recognizer, SOUND[: 5 * RATE], RATE, partials=True)
    recognizer.finish(shown)
    assert followed == [GROWING_BEAM] * len(followed) and shown.fresh and len(followed) > 2
    followed.clear()
    for seconds in (4, 5):  # just after a reading and long after it
        recognizer.finish(reading(recognizer, SOUND[: seconds * RATE], RATE))
        assert followed[-1] == BEAM > GROWING_BEAM


@pytest.mark.parametrize("options", [{}, {"language": "de"}, {"context": ("Ada", "Zuse")}])
def test_clips_at_once_are_heard_as_each_alone(recognizer, options):
    lengths = (0, RATE // 20, 3 * RATE, 12 * RATE, RATE + 77)
    clips = [SOUND[i * 100 : i * 100 + length] for i, length in enumerate(lengths)]
    begun = recognizer.start(Options(**options))
    alone = [recognizer.finish(recognizer.feed(clip, begun)) for clip in clips]
    for one, other in zip(
        recognizer.transcribe_batch(clips, Options(**options)), alone, strict=True
    ):
        assert one.text == other.text and one.duration == other.duration
        assert one.language == other.language and one.doubt == other.doubt
    assert isinstance(recognizer, BatchRecognizer)
    assert recognizer.transcribe_batch(clips[:1], Options()) == alone[:1]


def test_what_was_read_once_writes_what_reading_all_of_it_writes(recognizer):
    state = reading(recognizer, SOUND, len(SOUND), context=("Ada",))
    kept = [(keys.clone(), values.clone()) for keys, values in state.read]
    cached = recognizer._write(state, BEAM)
    whole = recognizer._write(replace(state, read=()), BEAM)
    assert cached.tokens == whole.tokens and len(state.windows) == 2
    torch.testing.assert_close(
        torch.tensor(cached.log_probs), torch.tensor(whole.log_probs), atol=1e-3, rtol=1e-3
    )
    for (keys, values), old in zip(state.read, kept, strict=True):
        assert torch.equal(keys, old[0]) and torch.equal(values, old[1])


def test_the_name_stands_for_the_public_one_until_one_is_trained(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(f"{module.__name__}.checkpoints.load", asked.append)
    monkeypatch.setattr(module, "Qwen3AsrRecognizer", lambda loaded, name, known: known)
    monkeypatch.setattr("antiphon.weights.path", lambda name: tmp_path / name)
    (tmp_path / "Qwen" / "Qwen3-ASR-0.6B").mkdir(parents=True)
    (tmp_path / "Qwen" / "Qwen3-ASR-0.6B" / "config.json").write_text("{}")
    trained = weights.trained
    monkeypatch.setattr("antiphon.weights.trained", lambda kind: {})
    public: Any = from_pretrained("qwen3-asr")
    assert {"de", "zh"} < {*public}
    (tmp_path / "own" / "qwen3-asr").mkdir(parents=True)
    said: dict[str, Any] = {"kind": "recognizer", "model_type": "qwen3_asr"}
    said |= {"support_languages": ["French", "Filipino", "?"]}
    (tmp_path / "own" / "qwen3-asr" / "config.json").write_text(json.dumps(said))
    monkeypatch.setattr("antiphon.weights.trained", trained)
    monkeypatch.setenv("ANTIPHON_ASSETS", str(tmp_path / "own"))
    own: Any = from_pretrained("qwen3-asr")
    assert own == ["fr", "tl"]
    assert asked == [tmp_path / "Qwen" / "Qwen3-ASR-0.6B", tmp_path / "own" / "qwen3-asr"]
